"""The performance page: its states, and its callbacks as plain functions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import plotly
import pytest
from dash import no_update
from dash._callback_context import context_value
from dash._utils import AttributeDict
from dash.exceptions import PreventUpdate
from fake_evaluation import make_evaluation, write_models
from fake_server import add_row, make_settings
from flask import Flask

from dashboard import services
from dashboard.components import performance_view as view
from dashboard.components.performance_evidence import EVALUATE_COMMAND, training_id
from dashboard.evaluation import CELLS, count_confusion, parse_evaluation
from dashboard.figures.roc import OPERATING_POINT
from dashboard.pages import performance
from dashboard.performance_inputs import parse_selection, parse_threshold
from dashboard.services import Services, build_services
from pipeline import read_model_info
from pipeline.evaluation.evaluate import build_evaluation
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow

FIRST = "FAKE_HT_0000"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_evaluation(patients=6, slices=12)


@pytest.fixture
def served(tmp_path: Path, document: dict[str, Any]) -> Iterator[Services]:
    write_models(tmp_path / "models", evaluation=document)
    parts = build_services(make_settings(tmp_path / "home"))
    server = Flask("test")
    services.attach(server, parts)
    with server.app_context():
        yield parts


def text(component: object) -> str:
    return json.dumps(component, cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False)


def triggered(component_id: Any, function: Callable[..., Any], *values: Any) -> Any:
    """Call a callback as if this component had set it off."""
    name = component_id if isinstance(component_id, str) else json.dumps(component_id)

    def run() -> Any:
        context_value.set(AttributeDict(triggered_inputs=[{"prop_id": f"{name}.n_clicks"}]))
        return function(*values)

    return copy_context().run(run)


def evaluation_file(parts: Services) -> Path:
    return parts.settings.models / "brain-tumor" / "evaluation.json"


def test_page_shows_the_files_figures(served, document):
    page = text(performance.layout())
    for name in ("patient_dice_mean", "tumor_slice_dice"):
        figure = document["figures"][name]
        assert f"95% interval {figure['low']:.2f} to {figure['high']:.2f}" in page
    assert f"{document['figures']['slice_auc']['value']:.3f}" in page
    nothing = document["figures"]["predict_nothing_dice"]["value"]
    assert f"where “predict nothing” scores {nothing:.2f}" in page
    assert "6 patients, 72 slices" in page
    assert "Dice of each patient; click a dot for its case" in page
    assert "Invented CPU" in page
    assert document["environment"]["command"] in page


def test_headline_counts_at_the_operating_point(served, document):
    page = text(performance.layout())
    counts = count_confusion(parse_evaluation(document).slices, 0.5)
    missed = round(100 * (1 - counts.sensitivity))
    assert f'"Of 100 slices with tumor it misses ", {{"props": {{"children": "{missed}"}}' in page


def test_no_word_of_truth_or_health(served):
    page = text(performance.layout()).lower()
    assert not any(word in page for word in ("truth", "healthy", "diagnos", "accuracy"))


def test_models_without_evaluation_say_how_to_measure(served):
    evaluation_file(served).unlink()
    page = text(performance.layout())
    assert "These models have not been evaluated yet" in page
    assert EVALUATE_COMMAND in page
    assert "Training of the segmenter: Dice per patient" in page


@pytest.mark.parametrize("content", ['{"patients": []}', "[]", "{", "null"])
def test_damaged_evaluation_has_a_way_out(served, content):
    evaluation_file(served).write_text(content)
    page = text(performance.layout())
    assert "Back to the worklist" in page
    with pytest.raises(PreventUpdate):
        performance.show_operating_point(0.5, "dark")


def test_missing_models_have_a_way_out(served):
    shutil.rmtree(served.settings.models)
    page = text(performance.layout())
    assert "The models cannot be read" in page
    assert "OVERREAD_MODELS" in page
    with pytest.raises(PreventUpdate):
        performance.draw_institutions("dark")


def test_moving_the_operating_point_recounts_the_tiles(served, document):
    slices = parse_evaluation(document).slices
    figure, words, rates, counts = performance.show_operating_point("0.2", "light")
    expected = count_confusion(slices, 0.2)
    assert words == "0.20"
    assert counts == [f"{getattr(expected, cell):,}" for cell in CELLS]
    point = next(trace for trace in figure.data if trace.name == OPERATING_POINT)
    assert point.y[0] == pytest.approx(expected.sensitivity)
    assert f"{expected.sensitivity:.2f}" in text(rates)


def test_shipped_operating_point_has_the_files_intervals(served, document):
    _, _, rates, _ = performance.show_operating_point(0.5, "dark")
    figure = document["figures"]["sensitivity"]
    assert f"{figure['low']:.2f} to {figure['high']:.2f}" in text(rates)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.304, 0.3),
        ("0.9", 0.9),
        (7, 0.99),
        (-1, 0.01),
        (0.503, 0.5),
        ("high", 0.5),
        (float("nan"), 0.5),
        (None, 0.5),
        (True, 0.5),
        ([0.3], 0.5),
    ],
)
def test_threshold_from_the_browser_is_checked(value, expected):
    assert parse_threshold(value, default=0.5) == expected


def test_click_on_the_curve_and_reset_move_the_slider(served):
    click = {"points": [{"customdata": 0.27}]}
    assert triggered(view.ROC, performance.move_point, click, None) == 0.27
    assert triggered(view.RESET, performance.move_point, click, 1) == 0.5
    assert triggered(view.ROC, performance.move_point, {"points": "x"}, None) == 0.5


@pytest.mark.parametrize("theme", ["dark", "light", None, 7])
def test_charts_are_drawn_in_every_theme(served, document, theme):
    assert performance.draw_dice(None, theme).data
    assert performance.draw_institutions(theme).data
    charts = [training_id("classifier", 0), training_id("segmenter", 1)]
    assert len(performance.draw_training(theme, charts)) == 2


@pytest.mark.parametrize("charts", [[{"stage": "other", "place": 0}], [{"stage": []}]])
def test_unknown_training_charts_are_ignored(served, charts):
    with pytest.raises(PreventUpdate):
        performance.draw_training("dark", charts)


def test_tile_lists_its_slices(served, document):
    chosen, *_ = triggered(
        view.cell_id("missed"), performance.choose, [None, 1, None, None], None, [], None
    )
    assert chosen == {"cell": "missed"}
    by_cell, by_case = performance.list_cases(chosen, 0.5)
    missed = count_confusion(parse_evaluation(document).slices, 0.5).missed
    assert f"Tumor, missed: {missed} slices at operating point 0.50" in text(by_cell)
    assert by_case is None


def test_dot_lists_a_case_that_is_not_here(served):
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    chosen, _, cleared = triggered(view.DICE, performance.choose, [], dot, [], {"cell": "found"})
    assert chosen == {"cell": "found", "case": FIRST}
    assert cleared is None
    _, by_case = performance.list_cases(chosen, 0.5)
    assert f"{FIRST}: slice by slice" in text(by_case)
    assert "not in this workspace" in text(by_case)


def test_tiles_show_pictures_of_cases_that_are_here(served):
    assert performance.show_pictures(0.5) == [[], [], [], []]
    study_id = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    shown = performance.show_pictures("0.5")
    assert len(shown[CELLS.index("unmarked")]) == 4
    assert f"/data/{study_id}/" in text(shown)


def test_figures_of_other_models_say_so(served, document):
    words = "measured with other models than those installed"
    assert words not in text(performance.layout())
    other = {**document, "models": {"classifier": "f" * 64, "segmenter": "0" * 64}}
    evaluation_file(served).write_text(json.dumps(other))
    assert words in text(performance.layout())


def test_dot_opens_a_case_that_is_here(served):
    study_id = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    assert f'"href": "/review?study={study_id}"' in text(performance.layout())
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    _, href, _ = triggered(view.DICE, performance.choose, [], dot, [], None)
    assert href == f"/review?study={study_id}"
    by_cell, _ = performance.list_cases({"cell": "unmarked"}, 0.5)
    assert f"/review?study={study_id}&slice=1" in text(by_cell)
    assert "thumbnail/0.png?slice=0" in text(by_cell)


def test_only_a_study_with_the_evaluated_slices_opens(served):
    whole = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    single = add_row(served.store, 8, case_id=FIRST, indices=(3,))
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    _, href, _ = triggered(view.DICE, performance.choose, [], dot, [], None)
    assert href == f"/review?study={whole}"
    by_cell, _ = performance.list_cases({"cell": "unmarked"}, 0.5)
    assert f"/review?study={whole}&slice=1" in text(by_cell)
    assert single not in text(by_cell)
    assert "not in this workspace with all slices" in text(by_cell)  # of the other cases
    served.store.delete_study(whole)
    chosen, href, _ = triggered(view.DICE, performance.choose, [], dot, [], None)
    assert (chosen, href) == ({"case": FIRST}, no_update)
    _, by_case = performance.list_cases(chosen, 0.5)
    assert "not in this workspace with all 12 slices" in text(by_case)
    assert "/review" not in text(by_case) + text(performance.layout())


def test_closing_forgets_the_choice(served):
    both = {"cell": "found", "case": FIRST}
    chosen, *_ = triggered(view.close_id("cell"), performance.choose, [], None, [1], both)
    assert chosen == {"case": FIRST}


@pytest.mark.parametrize(
    "dot",
    [None, {}, {"points": []}, {"points": [{"customdata": ["NOBODY"]}]}, {"points": [{}]}, "x"],
)
def test_click_on_nothing_changes_nothing(served, dot):
    with pytest.raises(PreventUpdate):
        triggered(view.DICE, performance.choose, [], dot, [], None)


def test_a_new_list_s_button_is_no_click(served):
    with pytest.raises(PreventUpdate):
        triggered(view.close_id("cell"), performance.choose, [], None, [None], {"cell": "found"})


@pytest.mark.parametrize(
    "value", [None, 5, [], {"cell": "all"}, {"case": ["x"]}, {"case": "NOBODY"}, {"cell": []}]
)
def test_selection_from_the_browser_is_checked(document, value):
    assert parse_selection(value, parse_evaluation(document)) == {}


def test_rows_are_downloaded_as_csv(served, document):
    patients = triggered(view.PATIENTS_CSV, performance.download, 1, None)
    slices = triggered(view.SLICES_CSV, performance.download, None, 1)
    assert patients["filename"] == "patients.csv"
    assert patients["content"].count("\n") == 7
    assert slices["content"].startswith("case_id,index,reference_tumor,score")
    with pytest.raises(PreventUpdate):
        triggered("other", performance.download, 1, 1)


def test_document_of_the_evaluation_program_is_shown(served):
    rows = EvaluationRows(
        patients=(
            PatientRow("TCGA_CS_1", "CS", 0.8, 0.7, 90, 100, 2),
            PatientRow("TCGA_DU_2", "DU", None, None, 0, 0, 1),
        ),
        slices=(
            SliceRow("TCGA_CS_1", 1, True, 0.9, True, 0.8, 90, 100),
            SliceRow("TCGA_CS_1", 2, False, 0.1, False, None, 0, 0),
            SliceRow("TCGA_DU_2", 1, False, 0.3, False, None, 0, 0),
        ),
    )
    info = read_model_info(served.settings.models)
    made = build_evaluation(
        rows, info, split="held-out", engine="openvino f32", command="again", draws=20
    )
    evaluation_file(served).write_text(json.dumps(made))
    page = text(performance.layout())
    assert "Patients held out from training: 2 patients, 3 slices" in page
    assert "20 draws of patients" in page
    assert performance.draw_dice(None, "dark").data[0].x.size == 1
