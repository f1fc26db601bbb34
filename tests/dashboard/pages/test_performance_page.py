"""The performance page: its states, and the contents of its views."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections import Counter
from typing import Any

import pytest
from dash import dcc, html
from dash.exceptions import PreventUpdate
from page_calls import (
    evaluation_file,
    find,
    of_type,
    rows_of,
    text,
    triggered,
    with_class,
    words_of,
)

from dashboard.components.panels import ONE_PATIENT
from dashboard.evaluation.installed import evaluated
from dashboard.figures.reliability import AFTER, BEFORE, PERFECT
from dashboard.figures.template import CI
from dashboard.pages.performance import charts as figures
from dashboard.pages.performance import ids
from dashboard.pages.performance import page as performance
from dashboard.pages.performance.evidence import EVALUATE_COMMAND
from dashboard.pages.performance.folds import FOLD_COMMAND
from dashboard.pages.performance.frame import VIEWS
from dashboard.pages.performance.institutions import WITHOUT_COMMAND
from dashboard.pages.performance.leakage import BY_SLICE_COMMAND, headline_figure
from dashboard.pages.performance.patients import HD95_NOTE, UNMATCHED
from dashboard.pages.performance.published import EXPERIMENT_COMMAND, duration_words
from dashboard.pages.performance.slice_score import DECISIONS
from pipeline.data.preprocessing import INPUT_SIZE
from pipeline.evaluation.computing import collect_evaluation, compute_evaluation
from pipeline.evaluation.document import MeasuredNetwork, dump_evaluation
from pipeline.evaluation.facade import (
    MISSING,
    STORED_NOTE,
    FigureGroup,
    all_figures,
    find_figure,
)
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow


def test_page_shows_the_files_figures(served, document):
    page = performance.layout()
    tiles = [words_of(tile) for tile in with_class(page, "performance-tile")]
    dice, auc = (document["figures"][name] for name in ("patient_dice_mean", "slice_auc"))
    assert f"{dice['value']:.3f}{CI} {dice['low']:.3f} to {dice['high']:.3f}" in tiles[1]
    assert f"{auc['value']:.3f}{CI} {auc['low']:.3f} to {auc['high']:.3f}" in tiles[2]
    (source,) = with_class(page, "performance-source")
    assert re.findall(r"\d+", words_of(source))[:2] == ["6", "72"]
    assert find(page, ids.graph_id(ids.DICE)) is not None
    (command,) = with_class(page, "command")
    assert words_of(command) == document["environment"]["command"]
    assert document["environment"]["cpu"] in [words_of(fact) for fact in of_type(page, html.Dd)]


def test_leakage_is_a_difference_between_values_of_the_same_slices(served, document):
    tile = words_of(with_class(performance.layout(), "performance-tile")[3])
    same = document["leakage"]["same_slices"]
    figure = headline_figure(evaluated().evaluation.leakage)
    for part in ("by_slice", "by_patient"):
        assert f"{same[part][figure.name]['value']:.3f}" in tile
    assert f"{abs(same['differences'][figure.name]['value']):.3f}" in tile
    assert f"{same['slices']:,} slices" in tile
    assert f"{document['figures'][figure.name]['value']:.3f}" not in tile  # of all slices


def test_predictive_values_name_their_population(served, document):
    (note,) = [
        words for one in of_type(performance.layout(), html.P) if "PPV" in (words := words_of(one))
    ]
    tumor = sum(patient["reference_px"] > 0 for patient in document["patients"])
    assert f"{tumor} of {len(document['patients'])}" in note


def test_headline_counts_at_the_operating_point(served, document):
    (headline,) = with_class(performance.layout(), "lead")
    figures = document["figures"]
    missed, marked = (
        round(100 * (1 - figures[name]["value"])) for name in ("sensitivity", "specificity")
    )
    dice = f"{figures['patient_dice_mean']['value']:.2f}"
    assert [words_of(bold) for bold in of_type(headline, html.B)] == [
        str(missed),
        str(marked),
        dice,
    ]


def test_no_word_of_truth_or_health(served):
    pages = {name: words_of(performance.layout(view=name)).lower() for name in VIEWS}
    assert not any(
        word in page for page in pages.values() for word in ("truth", "healthy", "diagnos")
    )
    assert [name for name, page in pages.items() if "accuracy" in page] == ["published"]


def commands_in(page: Any) -> list[str]:
    return [words_of(one) for one in of_type(page, html.Code)]


def test_models_without_evaluation_name_the_command_and_show_their_training(served):
    evaluation_file(served).unlink()
    page = performance.layout()
    assert with_class(page, "empty") and commands_in(page) == [EVALUATE_COMMAND]
    assert find(page, ids.training_id("network", "patient_dice")) is not None


@pytest.mark.parametrize("content", ['{"patients": []}', "[]", "{", "null"])
def test_damaged_evaluation_has_a_way_out(served, content):
    evaluation_file(served).write_text(content)
    page = performance.layout()
    assert with_class(page, "empty") and "/" in [link.href for link in of_type(page, dcc.Link)]
    with pytest.raises(PreventUpdate):
        figures.show_operating_point(0.5, "dark")


def test_missing_models_have_a_way_out(served):
    shutil.rmtree(served.settings.models)
    page = performance.layout()
    assert with_class(page, "empty") and "OVERREAD_MODELS" in words_of(page)
    with pytest.raises(PreventUpdate):
        figures.draw_folds("dark")


def test_figures_of_another_network_come_with_a_warning(served, document):
    assert not with_class(performance.layout(), "notice--warning")
    other = {**document, "network": {"name": "other", "version": "1", "digest": "f" * 64}}
    evaluation_file(served).write_text(json.dumps(other))
    assert len(with_class(performance.layout(), "notice--warning")) == 1


def test_another_version_of_the_same_weights_is_said_to_be_one(served, document):
    before = len(of_type(performance.layout(), html.P))
    other = {**document, "network": {**document["network"], "version": "0.9.0"}}
    evaluation_file(served).write_text(json.dumps(other))
    page = performance.layout()
    assert not with_class(page, "notice--warning")
    assert len(of_type(page, html.P)) == before + 1


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


def test_decisions_are_counted_by_their_basis(served, document):
    rows = rows_of(performance.layout(view="slices"))
    counts = Counter(row["decided_by"] for row in document["slices_rows"])
    for name, count in counts.items():
        assert ["".join(DECISIONS[name]), str(count)] in [row[:2] for row in rows]


def test_lowest_dice_comes_first(served, document):
    page = performance.layout(view="outlines")
    listed, _ = with_class(page, "patient-rows")
    dice = [row[3] for row in rows_of(listed)[1:]]
    assert dice == sorted(f"{patient['dice']:.2f}" for patient in document["patients"])


def test_parts_that_were_not_run_name_their_command(served, document):
    page = performance.layout(view="institutions")
    (missing,) = [part for part in document["leave_institution_out"] if "command" in part]
    (notice,) = with_class(page, "notice--info")
    assert commands_in(notice) == [missing["command"]]
    assert missing["code"] in words_of(notice)


def test_the_installed_network_s_fold_is_marked(served, document):
    chips = with_class(performance.layout(view="folds"), "chip")
    assert len(chips) == sum(bool(fold.get("shipped")) for fold in document["folds"]) == 1


@pytest.mark.parametrize("view", ["", "nothing", None, ["folds"], "../leakage"])
def test_unknown_view_is_the_overview(served, view):
    (chosen,) = with_class(performance.layout(view=view), "view--chosen")
    assert chosen.href == "/performance"


def test_outline_figures_come_with_interval_and_meaning(served, document):
    rows = rows_of(performance.layout(view="outlines"))
    for name, digits, unit in (("predict_nothing_dice", 3, ""), ("hd95_px", 1, " px")):
        figure, found = find_figure(name), document["figures"][name]
        meaning = " ".join(filter(None, (figure.explanation, figure.note)))
        value, low, high = (f"{found[key]:.{digits}f}" for key in ("value", "low", "high"))
        assert [figure.label + meaning, value + unit, f"{low} to {high}"] in rows


@pytest.mark.parametrize("view", ["overview", "outlines"])
def test_distance_without_a_counterpart_is_marked(served, document, view):
    first, second, *others = document["patients"]
    lone = {
        **first,
        "hd95_px": math.hypot(INPUT_SIZE, INPUT_SIZE),
    }  # border on slices that only one outlines
    near = {**second, "hd95_px": 221.16}
    changed = {**document, "patients": [lone, near, *others]}
    evaluation_file(served).write_text(json.dumps(changed))
    page = performance.layout(view=view)
    tables = with_class(page, "patient-rows")
    cells = {row[0]: row for row in rows_of(tables)}
    assert UNMATCHED in cells[first["case_id"]] and "221.2" in cells[second["case_id"]]
    assert [words_of(note) for note in with_class(page, "patient-note")] == [HD95_NOTE] * len(
        tables
    )


@pytest.mark.parametrize(("view", "key"), [("institutions", "code"), ("folds", "name")])
def test_intervals_of_parts_have_their_figure_s_digits(served, document, view, key):
    auc = {"value": 0.998, "low": 0.9961, "high": 0.9989}
    several = {key: "AA", "patients": 8, "slices": 80, "figures": {"slice_auc": auc}}
    one = {key: "EZ", "patients": 1, "slices": 20, "figures": {"slice_auc": auc}}
    evaluation_file(served).write_text(json.dumps({**document, view: [several, one]}))
    cells = [row for row in rows_of(performance.layout(view=view)) if row[0][:2] in ("AA", "EZ")]
    assert "0.9980.996 to 0.999" in cells[0]
    assert f"0.998{ONE_PATIENT}" in cells[1]  # which is no sample to draw from


@pytest.mark.parametrize("view", ["leakage", "institutions", "folds"])
def test_parts_that_are_missing_name_their_command(served, document, view):
    names = {"leakage": "leakage", "institutions": "leave_institution_out", "folds": "folds"}
    left = {key: value for key, value in document.items() if key != names[view]}
    evaluation_file(served).write_text(json.dumps(left))
    (notice,) = with_class(performance.layout(view=view), "notice--info")
    commands = {"leakage": BY_SLICE_COMMAND, "institutions": WITHOUT_COMMAND, "folds": FOLD_COMMAND}
    assert commands_in(notice) == [commands[view]]


def test_leakage_that_was_not_run_names_its_command(served, document):
    missing = {"status": "not run", "command": "run me", "estimate": "70 minutes"}
    evaluation_file(served).write_text(json.dumps({**document, "leakage": missing}))
    (notice,) = with_class(performance.layout(view="leakage"), "notice--info")
    assert commands_in(notice) == ["run me"] and "70 minutes" in words_of(notice)
    assert len(with_class(performance.layout(), "performance-tile")) == 4
    with pytest.raises(PreventUpdate):
        figures.draw_leakage("dark")


def test_older_file_names_the_command(served, document):
    evaluation_file(served).write_text(json.dumps({**document, "schema": 1}))
    page = performance.layout()
    assert with_class(page, "empty") and commands_in(page) == [EVALUATE_COMMAND]


@pytest.mark.parametrize("name", [figure.name for figure in all_figures()])
def test_every_view_survives_a_file_that_lacks_a_figure(served, document, name):
    evaluation_file(served).write_text(json.dumps(without_figure(document, name)))
    pages = {view: performance.layout(view=view) for view in VIEWS}
    assert not [view for view, page in pages.items() if with_class(page, "empty")]
    figure = find_figure(name)
    view = "outlines" if figure.group == FigureGroup.OUTLINE else "slices"
    rows = [row for row in rows_of(pages[view]) if row[0].startswith(figure.label)]
    assert rows and rows[0][1] == MISSING
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


def test_published_figures_are_shown_with_the_measured_ones(served):
    page = performance.layout(view="published")
    published, measured, missing = (rows_of(one) for one in with_class(page, "experiment-rows"))
    assert {row[1] for row in published[1:]} == {"accuracy 86%", "accuracy 99%"}
    (row,) = measured[1:]
    assert "accuracy 86%" in row and "0.8120.700 to 0.900" in row
    assert "ImageNet, all layers" in row[1]
    ((_, _, reason),) = missing[1:]
    assert "its weights are not here" in reason and "40 minutes" in reason
    assert "python -m pipeline experiment invented" in " ".join(commands_in(page))
    cautions = [words_of(one) for one in with_class(page, "notice--warning")]
    assert cautions == ["The classes come from different sources."]


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"schema": 2}', '{"schema": 1, "rows": [{"figures": 3}]}']
)
def test_damaged_experiment_is_an_error_beside_the_others(served, content):
    (served.settings.models / "experiments" / "bad.json").write_text(content)
    page = performance.layout(view="published")
    (error,) = with_class(page, "notice--error")
    assert "bad" in words_of(error)
    assert len(with_class(page, "experiment")) == 1


def test_without_experiments_the_command_is_named(served):
    shutil.rmtree(served.settings.models / "experiments")
    assert commands_in(performance.layout(view="published")) == [EXPERIMENT_COMMAND]


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
    for view in VIEWS:
        assert not with_class(performance.layout(view=view), "empty")
    rows = rows_of(performance.layout(view="slices"))
    assert ["".join(DECISIONS["outline"]), "1", "0 (0.0%)"] in [row[:3] for row in rows]
    listed, _ = with_class(performance.layout(view="outlines"), "patient-rows")
    assert "3.5" in {row[0]: row for row in rows_of(listed)}["TCGA_CS_1"]
    drawn = figures.draw_pickable("dark", None, [ids.graph_id(ids.RELIABILITY)])
    assert {trace.name for trace in drawn[0].data} == {PERFECT, BEFORE, AFTER}


def test_training_lists_every_run_and_names_one_that_cannot_be_read(served, document):
    rows = rows_of(performance.layout(view="training"))
    names = {row[0].split()[0] for row in rows}
    assert {"fold", "by", "without"} <= names
    runs = served.settings.models / "brain-tumor" / "runs" / "fold-2"
    runs.mkdir(parents=True)
    (runs / "metadata.json").write_text("{")
    page = performance.layout(view="training")
    (error,) = with_class(page, "notice--error")
    assert "fold-2" in words_of(error)
    assert rows_of(page) == rows


def test_what_took_time_is_never_0_seconds() -> None:
    assert duration_words(0.04) == "less than 0.1 s"
    assert duration_words(0.05) == "0.1 s"
    assert duration_words(1234.5) == "1,234.5 s"
