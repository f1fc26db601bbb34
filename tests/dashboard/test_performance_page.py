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
from fake_evaluation import make_evaluation, make_experiment, write_models
from fake_server import add_row, make_settings
from flask import Flask

from dashboard import performance_figures as figures
from dashboard import services
from dashboard.components.performance import ids
from dashboard.components.performance.evidence import EVALUATE_COMMAND
from dashboard.components.performance.frame import VIEWS
from dashboard.components.performance.slice_score import DECIDED
from dashboard.evaluation import CELLS, count_confusion, parse_evaluation
from dashboard.figures.roc import OPERATING_POINT
from dashboard.pages import performance
from dashboard.performance_inputs import bin_rows, parse_point, parse_selection, parse_threshold
from dashboard.services import Services, build_services
from pipeline.evaluation.evaluate import MeasuredNetwork, build_evaluation
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow

FIRST = "FAKE_HT_0000"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_evaluation(patients=6, slices=12)


@pytest.fixture
def served(tmp_path: Path, document: dict[str, Any]) -> Iterator[Services]:
    write_models(
        tmp_path / "models", evaluation=document, experiments={"invented": make_experiment()}
    )
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
    figure = document["figures"]["patient_dice_mean"]
    assert f"95% interval {figure['low']:.2f} to {figure['high']:.2f}" in page
    assert f"{document['figures']['slice_auc']['value']:.3f}" in page
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
    page = "".join(text(performance.layout(view=name)) for name in VIEWS).lower()
    page = page.replace('"accuracy"', "").replace("accuracy 8", "").replace("accuracy 9", "")
    assert not any(word in page for word in ("truth", "healthy", "diagnos", "accuracy"))


def test_models_without_evaluation_say_how_to_measure(served):
    evaluation_file(served).unlink()
    page = text(performance.layout())
    assert "These models have not been evaluated yet" in page
    assert EVALUATE_COMMAND in page
    assert "Training of the installed network: Dice per patient" in page


@pytest.mark.parametrize("content", ['{"patients": []}', "[]", "{", "null"])
def test_damaged_evaluation_has_a_way_out(served, content):
    evaluation_file(served).write_text(content)
    page = text(performance.layout())
    assert "Back to the worklist" in page
    with pytest.raises(PreventUpdate):
        figures.show_operating_point(0.5, "dark")


def test_missing_models_have_a_way_out(served):
    shutil.rmtree(served.settings.models)
    page = text(performance.layout())
    assert "The models cannot be read" in page
    assert "OVERREAD_MODELS" in page
    with pytest.raises(PreventUpdate):
        figures.draw_folds("dark")


def test_moving_the_operating_point_recounts_the_tiles(served, document):
    slices = parse_evaluation(document).slices
    figure, words, rates, counts, kept = figures.show_operating_point("0.2", "light")
    assert kept == 0.2
    expected = count_confusion(slices, 0.2)
    assert words == "0.20"
    assert counts == [f"{getattr(expected, cell):,}" for cell in CELLS]
    point = next(trace for trace in figure.data if trace.name == OPERATING_POINT)
    assert point.y[0] == pytest.approx(expected.sensitivity)
    assert f"{expected.sensitivity:.2f}" in text(rates)


def test_shipped_operating_point_has_the_files_intervals(served, document):
    _, _, rates, _, kept = figures.show_operating_point(0.5, "dark")
    assert kept is None
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
    assert triggered(ids.ROC, figures.move_point, click, None) == 0.27
    assert triggered(ids.RESET, figures.move_point, click, 1) == 0.5
    assert triggered(ids.ROC, figures.move_point, {"points": "x"}, None) == 0.5


@pytest.mark.parametrize("theme", ["dark", "light", None, 7])
def test_charts_are_drawn_in_every_theme(served, document, theme):
    names = (ids.DICE, ids.INSTITUTIONS, ids.RELIABILITY, "other")
    drawn = figures.draw_pickable(theme, None, [ids.graph_id(name) for name in names])
    assert [bool(figure.data) for figure in drawn[:3]] == [True] * 3
    assert drawn[3] is no_update
    for draw in (figures.draw_recall, figures.draw_folds, figures.draw_leakage):
        assert draw(theme).data
    assert len(figures.draw_training(theme, [ids.training_id(0), ids.training_id(1)])) == 2


@pytest.mark.parametrize("charts", [[{"which": "other"}], [{"which": []}], [{"which": 9}]])
def test_unknown_training_charts_are_ignored(served, charts):
    with pytest.raises(PreventUpdate):
        figures.draw_training("dark", charts)


def listed(kind: str, which: str, *, point: Any = None) -> str:
    """What the first list of a view shows after a choice."""
    chosen = {"kind": kind, "which": which}
    return text(performance.list_cases(chosen, [point], [ids.rows_id("group")])[0])


def test_tile_lists_its_slices(served, document):
    chosen, *_ = triggered(
        ids.cell_id("missed"), performance.choose, [None, 1, None, None], [None], [], None
    )
    assert chosen == {"kind": "cell", "which": "missed"}
    slices = parse_evaluation(document).slices
    missed = count_confusion(slices, None).missed
    assert f"Tumor, missed: {missed} slices as measured" in listed("cell", "missed")
    at = count_confusion(slices, 0.9).missed
    assert f"{at} slices at operating point 0.90" in listed("cell", "missed", point=0.9)
    assert performance.list_cases(chosen, None, [ids.rows_id("case"), ids.rows_id("x")]) == [
        None,
        None,
    ]


def test_every_figure_lists_its_cases(served, document):
    evaluation = parse_evaluation(document)
    for decided in DECIDED:
        count = int((evaluation.slices["decided_by"] == decided).sum())
        assert f"{count} slices, wrong ones first" in listed("decided", decided) or not count
    assert "Fold 1: 2 patients, lowest Dice first" in listed("fold", "fold 1")
    assert "Institution HT: 2 patients" in listed("institution", "HT")
    for name, part in (("before", "before"), ("after", "after")):
        for place, one in enumerate(document["calibration"][part]["bins"]):
            rows = bin_rows(f"{name} {place}", evaluation)
            assert len(rows) == one["slices"]
            assert f"{one['slices']} slices of one point" in listed("bin", f"{name} {place}")


def test_click_on_a_point_of_the_reliability_diagram_lists_its_slices(served):
    click = {"points": [{"customdata": ["after", 0, 40]}]}
    chosen, *_ = triggered(
        ids.graph_id(ids.RELIABILITY), performance.choose, [], [click], [], {"case": FIRST}
    )
    assert chosen == {"case": FIRST, "kind": "bin", "which": "after 0"}


def test_dot_lists_a_case_that_is_not_here(served):
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    chosen, _, cleared = triggered(
        ids.graph_id(ids.DICE),
        performance.choose,
        [],
        [dot],
        [],
        {"kind": "cell", "which": "found"},
    )
    assert chosen == {"kind": "cell", "which": "found", "case": FIRST}
    assert cleared == [None]
    (by_case,) = performance.list_cases(chosen, None, [ids.rows_id("case")])
    assert f"{FIRST}: slice by slice" in text(by_case)
    assert "not in this workspace" in text(by_case)


def test_tiles_show_pictures_of_cases_that_are_here(served):
    places = [ids.pictures_id(cell) for cell in CELLS]
    assert performance.show_pictures([None], places) == [[], [], [], []]
    assert performance.show_pictures([], []) == []
    study_id = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    shown = performance.show_pictures([0.5], places)
    assert len(shown[CELLS.index("unmarked")]) == 4
    assert f"/data/{study_id}/" in text(shown)


def test_figures_of_other_models_say_so(served, document):
    words = "measured with another network than the one installed"
    assert words not in text(performance.layout())
    other = {**document, "network": {"name": "other", "version": "1", "digest": "f" * 64}}
    evaluation_file(served).write_text(json.dumps(other))
    assert words in text(performance.layout())


def test_dot_opens_a_case_that_is_here(served):
    study_id = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    assert f'"href": "/review?study={study_id}"' in text(performance.layout())
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    _, href, _ = triggered(ids.graph_id(ids.DICE), performance.choose, [], [dot], [], None)
    assert href == f"/review?study={study_id}"
    by_cell = listed("cell", "unmarked")
    assert f"/review?study={study_id}&slice=1" in by_cell
    assert "thumbnail/0.png?slice=0" in by_cell


def test_only_a_study_with_the_evaluated_slices_opens(served):
    whole = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    single = add_row(served.store, 8, case_id=FIRST, indices=(3,))
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    _, href, _ = triggered(ids.graph_id(ids.DICE), performance.choose, [], [dot], [], None)
    assert href == f"/review?study={whole}"
    by_cell = listed("cell", "unmarked")
    assert f"/review?study={whole}&slice=1" in by_cell
    assert single not in by_cell
    assert "not in this workspace with all slices" in by_cell  # of the other cases
    served.store.delete_study(whole)
    chosen, href, _ = triggered(ids.graph_id(ids.DICE), performance.choose, [], [dot], [], None)
    assert (chosen, href) == ({"case": FIRST}, no_update)
    (by_case,) = performance.list_cases(chosen, None, [ids.rows_id("case")])
    assert "not in this workspace with all 12 slices" in text(by_case)
    assert "/review" not in text(by_case) + text(performance.layout())


def test_closing_forgets_the_choice(served):
    both = {"kind": "cell", "which": "found", "case": FIRST}
    chosen, *_ = triggered(ids.close_id("group"), performance.choose, [], [None], [1], both)
    assert chosen == {"case": FIRST}
    chosen, *_ = triggered(ids.close_id("case"), performance.choose, [], [None], [1], both)
    assert chosen == {"kind": "cell", "which": "found"}


@pytest.mark.parametrize(
    "dot",
    [None, {}, {"points": []}, {"points": [{"customdata": ["NOBODY"]}]}, {"points": [{}]}, "x"],
)
def test_click_on_nothing_changes_nothing(served, dot):
    with pytest.raises(PreventUpdate):
        triggered(ids.graph_id(ids.DICE), performance.choose, [], [dot], [], None)


def test_a_new_list_s_button_is_no_click(served):
    with pytest.raises(PreventUpdate):
        triggered(ids.close_id("group"), performance.choose, [], [None], [None], {"kind": "cell"})


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        [],
        {"kind": "cell", "which": "all"},
        {"kind": "bin", "which": "after 99"},
        {"kind": "bin", "which": "other 0"},
        {"kind": "decided", "which": ""},
        {"kind": "fold", "which": "fold 9"},
        {"kind": "other", "which": "HT"},
        {"kind": ["cell"], "which": "found"},
        {"kind": "cell", "which": []},
        {"case": ["x"]},
        {"case": "NOBODY"},
    ],
)
def test_selection_from_the_browser_is_checked(document, value):
    assert parse_selection(value, parse_evaluation(document)) == {}


@pytest.mark.parametrize(
    ("values", "expected"), [([0.25], 0.25), ([None], None), ([], None), ("x", None), ([7], 0.99)]
)
def test_kept_operating_point_is_checked(values, expected):
    assert parse_point(values) == expected


def test_rows_are_downloaded_as_csv(served, document):
    patients = triggered(ids.PATIENTS_CSV, performance.download, 1, None)
    slices = triggered(ids.SLICES_CSV, performance.download, None, 1)
    assert patients["filename"] == "patients.csv"
    assert patients["content"].count("\n") == 7
    assert slices["content"].startswith("case_id,reference_tumor,called,decided_by,index,score")
    with pytest.raises(PreventUpdate):
        triggered("other", performance.download, 1, 1)


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("slices", "Conflict: the classifier decided"),
        ("outlines", "The 6 patients with the lowest Dice"),
        ("institutions", "Without DU (4 patients): not run."),
        ("institutions", "python -m pipeline train --data DIR --without DU"),
        ("folds", "installed"),
        ("leakage", "Both measured on the same slices. An invented explanation."),
        ("published", "The classes come from different sources."),
    ],
)
def test_view_says(served, view, words):
    assert words in text(performance.layout(view=view))


@pytest.mark.parametrize("view", ["", "nothing", None, ["folds"], "../leakage"])
def test_unknown_view_is_the_overview(served, view):
    assert "Of 100 slices with tumor it misses" in text(performance.layout(view=view))


def test_outline_figures_come_with_interval_and_meaning(served, document):
    page = text(performance.layout(view="outlines"))
    nothing = document["figures"]["predict_nothing_dice"]
    assert f'"{nothing["value"]:.2f}"' in page
    assert "6.2 px" in page and "4.5 to 8.8" in page
    assert "outlining nothing would score" in page


@pytest.mark.parametrize("view", ["leakage", "institutions", "folds"])
def test_parts_that_are_missing_name_their_command(served, document, view):
    names = {"leakage": "leakage", "institutions": "leave_institution_out", "folds": "folds"}
    left = {key: value for key, value in document.items() if key != names[view]}
    evaluation_file(served).write_text(json.dumps(left))
    page = text(performance.layout(view=view))
    assert ": not run." in page
    assert "python -m pipeline train --data DIR" in page


def test_leakage_that_was_not_run_says_how(served, document):
    told = {"status": "not run", "command": "run me", "estimate": "70 minutes"}
    evaluation_file(served).write_text(json.dumps({**document, "leakage": told}))
    page = text(performance.layout(view="leakage"))
    assert "run me" in page and "Estimate: 70 minutes." in page
    assert "not run" in text(performance.layout())
    with pytest.raises(PreventUpdate):
        figures.draw_leakage("dark")


def test_older_file_says_how_to_evaluate_again(served, document):
    evaluation_file(served).write_text(json.dumps({**document, "schema": 1}))
    page = text(performance.layout())
    assert "These figures are of an older version" in page
    assert EVALUATE_COMMAND in page


def test_published_figures_stand_beside_the_measured_ones(served):
    page = text(performance.layout(view="published"))
    assert "accuracy 86%" in page and "0.812" in page and "0.700 to 0.900" in page
    assert "accuracy 99%" in page  # the system that has no row of its own
    assert "1 of 2 systems were not run: its weights are not here." in page
    assert "Net B: not run." in page and "its weights are not here" in page
    assert "python -m pipeline experiment invented" in page and "40 minutes" in page
    assert "ImageNet, all layers" in page
    assert page.count("The classes come from different sources.") == 2  # table and matrices


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"schema": 2}', '{"schema": 1, "rows": [{"figures": 3}]}']
)
def test_damaged_experiment_is_told_in_a_sentence(served, content):
    (served.settings.models / "experiments" / "bad.json").write_text(content)
    page = text(performance.layout(view="published"))
    assert "bad" in page and "notice--error" in page
    assert "Two networks on invented pictures" in page


def test_without_experiments_the_command_is_named(served):
    shutil.rmtree(served.settings.models / "experiments")
    assert "python -m pipeline experiment NAME" in text(performance.layout(view="published"))


def test_document_of_the_evaluation_program_is_shown(served):
    rows = EvaluationRows(
        patients=(
            PatientRow("TCGA_CS_1", "CS", 0.8, 0.7, 90, 100, 2, fold="fold 1", hd95_px=3.5),
            PatientRow("TCGA_DU_2", "DU", None, None, 0, 0, 1, fold="fold 2"),
        ),
        slices=(
            SliceRow("TCGA_CS_1", 1, True, 0.9, True, 0.8, 90, 100, 0.8, 0.7, 0.95, "both"),
            SliceRow("TCGA_CS_1", 2, False, 0.1, False, None, 0, 0, 0.1, 0.2, None, "gate"),
            SliceRow("TCGA_DU_2", 1, False, 0.3, False, None, 0, 0, 0.7, 0.6, 0.1, "outline"),
        ),
    )
    network = MeasuredNetwork("brain-tumor", "resunet-resnet18", "2.0.0", "0" * 64)
    made = build_evaluation(
        rows, network, split="cross-validated", engine="openvino f32", command="again", draws=20
    )
    evaluation_file(served).write_text(json.dumps(made))
    assert "2 patients, 3 slices" in text(performance.layout())
    for view in VIEWS:
        assert "cannot be shown" not in text(performance.layout(view=view))
    assert "Conflict: the outline decided" in text(performance.layout(view="slices"))
    assert "3.5" in text(performance.layout(view="outlines"))
    drawn = figures.draw_pickable("dark", None, [ids.graph_id(ids.RELIABILITY)])
    assert {trace.name for trace in drawn[0].data} == {"as it should be", "before", "after"}
