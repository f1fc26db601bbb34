"""Training runs: which there are, what is measured again, and what is refused."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from fake_models import fake_stages, make_case, write_metadata

from pipeline.analysis.analyser import Analyser
from pipeline.data.case import Case
from pipeline.datasets.splits import institution, load_folds
from pipeline.errors import InputError
from pipeline.evaluation.runs import (
    Measuring,
    Run,
    estimate_minutes,
    measure_run,
    plan_runs,
    store_training,
)
from pipeline.models.registry import ModelInfo, TaskInfo, read_run, stored_runs

PATIENTS = ("TCGA_CS_0001_20000101", "TCGA_DU_0002_20000101")


def write_run(folder: Path, name: str, *, weights: bytes = b"weights", **changes: Any) -> None:
    """A run's folder as training leaves it, with weights that nothing can load."""
    write_metadata(
        folder / "made",
        digest=hashlib.sha256(weights).hexdigest(),
        split={"name": name},
        calibration={"slope": 1.0, "intercept": 0.0},
        **changes,
    )
    made = folder / "made" / "brain-tumor" / "resunet-resnet18" / "metadata.json"
    folder.joinpath("metadata.json").write_text(made.read_text())
    folder.joinpath("model.keras").write_bytes(weights)


class Measurer:
    """Answers every patient by rule and notes who was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "pipeline.analysis.analyser.open_stages", lambda info, **_: fake_stages()
        )
        self.read: list[str] = []
        self.opened = 0

    def how(self, **changes: Any) -> Measuring:
        fields = {"read_case": self._read, "open_run": self._open, "engine": "openvino"}
        return Measuring(**(fields | changes))

    def _read(self, patient: str) -> Case:
        self.read.append(patient)
        return make_case(masks=True, case_id=patient)

    def _open(self, info: ModelInfo) -> Analyser:
        self.opened += 1
        return Analyser(TaskInfo(info.task, info), engine_dir=info.folder)


@pytest.fixture
def measurer(monkeypatch: pytest.MonkeyPatch) -> Measurer:
    return Measurer(monkeypatch)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    write_run(tmp_path / "runs" / "fold-1", "fold 1")
    return Run("fold 1", tmp_path / "runs" / "fold-1", PATIENTS, ("--fold", "1"))


def silent(done: int, total: int, message: str) -> None:
    assert 0 <= done <= total
    assert message


def test_all_runs_are_planned_whether_they_are_there_or_not(tmp_path: Path) -> None:
    plan = plan_runs(tmp_path / "runs", patients=("b", "a"))
    assert [run.name for run in plan.folds] == [f"fold {k}" for k in range(1, 6)]
    assert plan.folds[1].patients == load_folds()[1].held_out
    assert plan.by_slice.patients == ("a", "b")
    assert not any(run.is_there for run in plan.all)
    assert plan.folds[2].command == (
        "python -m pipeline train --data DIR --pretrained DIR --output runs/fold-3 --fold 3"
    )
    assert plan.by_slice.command.endswith("--output runs/by-slice --by-slice")


def test_the_largest_institutions_are_left_out_in_turn(tmp_path: Path) -> None:
    plan = plan_runs(tmp_path, patients=())
    assert list(plan.without) == ["DU", "HT", "CS", "FG"], "one patient is from EZ: too few"
    run = plan.without["CS"]
    assert {institution(patient) for patient in run.patients} == {"CS"}
    assert run.folder.name == "without-CS"
    assert run.command.endswith("--without CS")


def test_a_run_is_there_when_its_network_is(tmp_path: Path, run: Run) -> None:
    assert run.is_there
    (run.folder / "model.keras").unlink()
    assert not run.is_there, "training is still under way"


def test_rows_are_measured_once(run: Run, measurer: Measurer) -> None:
    first = measure_run(run, measurer.how(), progress=silent)
    assert measurer.read == list(PATIENTS)
    assert [row.fold for row in first.rows.patients] == ["fold 1", "fold 1"]
    assert first.rows.slices[1].uncalibrated_score == pytest.approx(0.9)
    again = measure_run(run, measurer.how(), progress=silent)
    assert again.rows == first.rows
    assert (len(measurer.read), measurer.opened) == (2, 1), "nothing was opened or read again"
    measure_run(run, measurer.how(again=True), progress=silent)
    assert len(measurer.read) == 4


def test_an_interrupted_evaluation_goes_on_where_it_stopped(run: Run, measurer: Measurer) -> None:
    def stop(done: int, total: int, message: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_run(run, measurer.how(), progress=stop)
    measured = measure_run(run, measurer.how(), progress=silent)
    assert measurer.read == list(PATIENTS)
    assert [row.case_id for row in measured.rows.patients] == list(PATIENTS)


def test_rows_of_other_weights_are_measured_again(run: Run, measurer: Measurer) -> None:
    measure_run(run, measurer.how(), progress=silent)
    write_run(run.folder, "fold 1", weights=b"trained again")
    measured = measure_run(run, measurer.how(), progress=silent)
    assert len(measurer.read) == 4
    assert measured.network.digest == hashlib.sha256(b"trained again").hexdigest()


def test_rows_of_another_operating_point_or_runtime_are_measured_again(
    run: Run, measurer: Measurer
) -> None:
    measure_run(run, measurer.how(), progress=silent)
    write_run(run.folder, "fold 1", decision={"threshold": 0.7})
    measure_run(run, measurer.how(), progress=silent)
    assert len(measurer.read) == 4
    measure_run(run, measurer.how(engine="keras"), progress=silent)
    assert len(measurer.read) == 6


def test_a_network_of_another_split_is_not_measured(run: Run, measurer: Measurer) -> None:
    write_run(run.folder, "fold 2")
    with pytest.raises(InputError, match=r"not trained on the split fold 1 .*names fold 2"):
        measure_run(run, measurer.how(), progress=silent)
    assert measurer.read == []


def test_weights_that_metadata_does_not_describe_are_refused(run: Run, measurer: Measurer) -> None:
    measure_run(run, measurer.how(), progress=silent)
    (run.folder / "model.keras").write_bytes(b"something else")
    with pytest.raises(InputError):
        measure_run(run, measurer.how(), progress=silent)


def test_training_that_ended_early_is_reported(run: Run, measurer: Measurer) -> None:
    assert not measure_run(run, measurer.how(), progress=silent).interrupted
    write_run(run.folder, "fold 1", training={"interrupted": True})
    assert measure_run(run, measurer.how(), progress=silent).interrupted


def test_estimates_come_from_runs_that_were_timed(tmp_path: Path, run: Run) -> None:
    plan = plan_runs(run.folder.parent, patients=())
    assert "minutes" not in estimate_minutes(plan)
    write_run(run.folder, "fold 1", training={"planned_epochs": 10})
    (run.folder / "history.csv").write_text("epoch,seconds\n0,120\n1,240\n")
    # Three minutes an epoch, ten of them.
    assert estimate_minutes(plan) == "about 30 minutes, as long as fold 1 took"


def test_histories_of_runs_are_stored_without_weights(tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert stored_runs(models) == []
    plan = plan_runs(tmp_path / "runs", patients=PATIENTS)
    for run in (plan.folds[1], plan.by_slice):
        write_run(run.folder, run.name)
    (plan.folds[1].folder / "history.csv").write_text("epoch,loss\n0,1.5\n1,0.5\n")
    for run in (plan.folds[1], plan.by_slice):
        store_training(run, models / "brain-tumor")
    by_slice, fold = stored_runs(models)
    assert [row["loss"] for row in read_run(fold).network.history] == [1.5, 0.5]
    assert read_run(by_slice).network.history == ()
    assert not list(models.rglob("*.keras"))
