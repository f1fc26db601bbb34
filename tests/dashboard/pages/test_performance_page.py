"""The performance page: its states, and what each of its views says."""

from __future__ import annotations

import json
import math
import shutil

import pytest
from dash.exceptions import PreventUpdate
from page_calls import evaluation_file, text, triggered

from dashboard.pages.performance import charts as figures
from dashboard.pages.performance import ids
from dashboard.pages.performance import page as performance
from dashboard.pages.performance.evidence import EVALUATE_COMMAND
from dashboard.pages.performance.frame import VIEWS
from dashboard.pages.performance.patients import HD95_NOTE, UNMATCHED
from pipeline.data.preprocessing import INPUT_SIZE
from pipeline.evaluation.computing import collect_evaluation, compute_evaluation
from pipeline.evaluation.document import MeasuredNetwork, dump_evaluation
from pipeline.evaluation.facade import STORED_NOTE, all_figures, find_figure
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow


def test_page_shows_the_files_figures(served, document):
    page = text(performance.layout())
    figure = document["figures"]["patient_dice_mean"]
    assert f"95% interval {figure['low']:.3f} to {figure['high']:.3f}" in page
    assert f"{document['figures']['slice_auc']['value']:.3f}" in page
    assert "6 patients, 72 slices" in page
    assert "Dice of each patient; click a dot for its case" in page
    assert "Invented CPU" in page
    assert document["environment"]["command"] in page


def test_headline_counts_at_the_operating_point(served, document):
    page = text(performance.layout())
    missed = round(100 * (1 - document["figures"]["sensitivity"]["value"]))
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


def test_figures_of_other_models_say_so(served, document):
    words = "measured with another network than the one installed"
    assert words not in text(performance.layout())
    other = {**document, "network": {"name": "other", "version": "1", "digest": "f" * 64}}
    evaluation_file(served).write_text(json.dumps(other))
    assert words in text(performance.layout())


def test_rows_are_downloaded_as_csv(served, document):
    patients = triggered(ids.PATIENTS_CSV, performance.download, None, 1, None)
    slices = triggered(ids.SLICES_CSV, performance.download, None, None, 1)
    assert patients["filename"] == "patients.csv"
    assert patients["content"].count("\n") == 7
    assert slices["content"].startswith("case_id,index,reference_tumor,score,called,dice")
    with pytest.raises(PreventUpdate):
        triggered("other", performance.download, 1, 1, 1)


def test_figures_are_downloaded_as_csv(served, document):
    sent = triggered(ids.FIGURES_CSV, performance.download, 1, None, None)
    value = document["figures"]["slice_auc"]["value"]
    assert sent["filename"] == "figures.csv"
    assert f"all patients,slice_auc,Slice AUC,,{value}," in sent["content"]


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
    nothing, distance = (document["figures"][name] for name in ("predict_nothing_dice", "hd95_px"))
    assert f'"{nothing["value"]:.3f}"' in page
    assert f'"{distance["value"]:.1f} px"' in page
    assert f'"{distance["low"]:.1f} to {distance["high"]:.1f}"' in page
    for name in ("predict_nothing_dice", "hd95_px"):
        assert find_figure(name).explanation in page
    assert find_figure("hd95_px").note in page


@pytest.mark.parametrize("view", ["overview", "outlines"])
def test_distance_that_is_none_is_told_in_words(served, document, view):
    first, second, *others = document["patients"]
    lone = {
        **first,
        "hd95_px": math.hypot(INPUT_SIZE, INPUT_SIZE),
    }  # border on slices that only one outlines
    near = {**second, "hd95_px": 221.16}
    changed = {**document, "patients": [lone, near, *others]}
    evaluation_file(served).write_text(json.dumps(changed))
    page = text(performance.layout(view=view))
    assert f'"{UNMATCHED}"' in page and "362.0" not in page
    assert '"221.2"' in page
    tables = page.count('"HD95, px"')
    assert tables and page.count(HD95_NOTE) == tables


@pytest.mark.parametrize(("view", "key"), [("institutions", "code"), ("folds", "name")])
def test_intervals_of_parts_have_their_figure_s_digits(served, document, view, key):
    auc = {"value": 0.998, "low": 0.9961, "high": 0.9989}
    several = {key: "AA", "patients": 8, "slices": 80, "figures": {"slice_auc": auc}}
    one = {key: "EZ", "patients": 1, "slices": 20, "figures": {"slice_auc": auc}}
    evaluation_file(served).write_text(json.dumps({**document, view: [several, one]}))
    page = text(performance.layout(view=view))
    assert page.count('"0.998"') == 2
    assert page.count('"0.996 to 0.999"') == 1
    assert (
        page.count('"one patient", "className": "meaning nowrap"') == 1
    )  # which is no sample to draw from


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
    assert "These figures are of another version" in page
    assert EVALUATE_COMMAND in page


@pytest.mark.parametrize("name", [figure.name for figure in all_figures()])
def test_every_view_survives_a_file_that_lacks_a_figure(served, document, name):
    evaluation_file(served).write_text(json.dumps(without_figure(document, name)))
    pages = {view: text(performance.layout(view=view)) for view in VIEWS}
    assert not [view for view, page in pages.items() if "cannot be shown" in page]
    shown = f'"{find_figure(name).label}"'
    assert '"missing"' in next(page for page in pages.values() if shown in page)
    for draw in (figures.draw_recall, figures.draw_folds, figures.draw_left_out):
        assert draw("dark") is not None
    assert figures.draw_leakage("dark").data
    figures.draw_pickable("dark", None, [ids.graph_id(ids.INSTITUTIONS)])
    for point in (0.5, 0.2):
        figures.show_operating_point(point, "dark")
    content = triggered(ids.FIGURES_CSV, performance.download, 1, None, None)["content"]
    assert f"all patients,{name}," in content and ",missing,," in content


def without_figure(part, name):
    """The document as if it had been written before this figure was registered."""
    if isinstance(part, list):
        return [without_figure(one, name) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {key: one for key, one in part.items() if not (key == name and isinstance(one, dict))}
    return {key: without_figure(one, name) for key, one in kept.items()}


def test_stored_figures_are_marked(served, document):
    leakage = {**document["leakage"], "rows": None, "stored": True}
    left_out, missing = document["leave_institution_out"]
    changed = {
        **document,
        "leakage": leakage,
        "leave_institution_out": [{**left_out, "rows": None, "stored": True}, missing],
    }
    assert STORED_NOTE not in text(performance.layout(view="leakage"))
    evaluation_file(served).write_text(json.dumps(changed))
    for view in ("leakage", "institutions"):
        assert STORED_NOTE in text(performance.layout(view=view))


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
    network = MeasuredNetwork("resunet-resnet18", "2.0.0", "0" * 64)
    given = {"task": "brain-tumor", "split": "cross-validated", "environment": {}}
    made = compute_evaluation(collect_evaluation(rows, network, **given), draws=20)
    evaluation_file(served).write_text(json.dumps(dump_evaluation(made)))
    assert "2 patients, 3 slices" in text(performance.layout())
    for view in VIEWS:
        assert "cannot be shown" not in text(performance.layout(view=view))
    assert "Conflict: the outline decided" in text(performance.layout(view="slices"))
    assert "3.5" in text(performance.layout(view="outlines"))
    drawn = figures.draw_pickable("dark", None, [ids.graph_id(ids.RELIABILITY)])
    assert {trace.name for trace in drawn[0].data} == {"as it should be", "before", "after"}
