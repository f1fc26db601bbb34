"""Training curves: what histories hold, which runs there are, and what is drawn of them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from fake_evaluation import evaluate, make_metadata, make_rows

from dashboard.evaluation.history import (
    Measure,
    TrainingRun,
    choose_measures,
    network_runs,
    parse_history,
)
from dashboard.figures.chart_data import data_of
from dashboard.figures.template import DARK
from dashboard.figures.training import (
    RUN_COLORS,
    USED_EPOCH,
    make_training_figure,
    run_styles,
)
from pipeline.models.registry import ModelInfo, read_run

AUC = Measure("auc", "Slice AUC")
LOSS = Measure("loss", "Loss", loss=True)


def run_of(name: str, epochs: int | None = None, **columns: list[float]) -> TrainingRun:
    rows = len(next(iter(columns.values()), []))
    history = pd.DataFrame({"epoch": range(1, rows + 1), **columns})
    return TrainingRun(name, epochs=epochs, history=history)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["loss", "auc", "val_auc"], ["loss", "auc"]),
        (["val_patient_dice"], ["patient_dice"]),
        (["mask_loss", "loss", "val_loss", "accuracy"], ["loss", "mask_loss", "accuracy"]),
        (["seconds", "learning_rate"], []),
    ],
)
def test_what_any_history_holds_is_drawn(columns, expected):
    runs = [run_of("none"), run_of("fold 1", **{name: [0.5] for name in columns})]
    assert [measure.name for measure in choose_measures(runs)] == expected


@pytest.mark.parametrize(
    ("rows", "epochs"),
    [
        ([{"epoch": 0.0, "loss": 1.0}, {"epoch": 1.0, "loss": 0.5}], [1, 2]),
        ([{"epoch": 2.0}, {"epoch": 1.0}, {"loss": 3.0}], [1, 2]),
        ([{"loss": 1.0}], []),
        ([], []),
    ],
)
def test_epochs_count_from_one(rows, epochs):
    assert parse_history(rows)["epoch"].tolist() == epochs


def test_runs_lie_over_each_other_with_their_used_epochs():
    runs = [
        run_of("fold 1", 2, auc=[0.5, 0.7, 0.8], val_auc=[0.4, 0.6, 0.5]),
        run_of("fold 2", 9, val_auc=[0.3, 0.9]),  # the epoch is not in the history
        run_of("fold 3", 1, loss=[2.0]),
    ]
    figure = make_training_figure(runs, AUC, styles=run_styles(runs), theme="dark")
    traces = {trace.name: trace for trace in figure.data}
    assert set(traces) == {
        "fold 1, training",
        "fold 1, validation",
        f"fold 1, {USED_EPOCH}",
        "fold 2, validation",
    }
    marked = traces[f"fold 1, {USED_EPOCH}"]
    assert (marked.x[0], marked.y[0]) == (2, 0.6)
    assert traces["fold 1, training"].line.dash != traces["fold 1, validation"].line.dash
    assert traces["fold 1, validation"].line.color == DARK.accent
    assert traces["fold 2, validation"].line.color == DARK.ai
    assert list(map(list, figure.layout.meta["rows"])) == [
        ["fold 1", 1, 0.5, 0.4, ""],
        ["fold 1", 2, 0.7, 0.6, "yes"],
        ["fold 1", 3, 0.8, 0.5, ""],
        ["fold 2", 1, None, 0.3, ""],
        ["fold 2", 2, None, 0.9, ""],
    ]


def test_without_runs_an_empty_chart_is_drawn():
    figure = make_training_figure([], LOSS, styles={}, theme="light")
    assert not figure.data and data_of(figure).empty


def test_more_runs_than_colours_differ_in_their_marks():
    runs = [run_of(f"run {k}", loss=[1.0]) for k in range(len(RUN_COLORS) + 1)]
    styles = run_styles(runs)
    assert len(set(styles.values())) == len(runs)


def info_of(folder: Path, name: str, digest: str, *, history: bool = True) -> ModelInfo:
    """A network that was trained on three patients, with one for validation, and its history."""
    folder.mkdir()
    split = {"name": name, "by": "patient", "train": 3, "validation": 1, "held_out": 2}
    (folder / "metadata.json").write_text(json.dumps(make_metadata(digest=digest, split=split)))
    if history:
        (folder / "history.csv").write_text("epoch,loss\n0,1.5\n1,0.5\n")
    return read_run(folder).network


def test_every_run_is_named_with_its_patients_and_what_is_stored_of_it(tmp_path):
    evaluation = evaluate(make_rows(patients=6, slices=12))
    installed = info_of(tmp_path / "installed", "fold 1", f"{1:064x}")
    other = info_of(tmp_path / "fold-2", "fold 2", f"{2:064x}")
    alone = info_of(tmp_path / "without-EZ", "without EZ", "e" * 64, history=False)
    runs = {run.name: run for run in network_runs(installed, [other, alone], evaluation)}
    assert list(runs) == ["fold 1", "fold 2", "fold 3", "by slice", "without HT", "without EZ"]
    assert [name for name, run in runs.items() if run.has_history] == ["fold 1", "fold 2"]
    assert [name for name, run in runs.items() if run.installed] == ["fold 1"]
    assert runs["fold 1"].epochs == 40
    assert (runs["fold 1"].trained_on, runs["fold 3"].trained_on) == (4, 4)
    assert (runs["fold 3"].evaluated_on, runs["without HT"].evaluated_on) == (2, 2)
    assert runs["by slice"].trained_on == 6  # every patient is in both sets
    (only,) = network_runs(installed, [], None)
    assert (only.name, only.trained_on, only.evaluated_on) == ("fold 1", 4, 2)
