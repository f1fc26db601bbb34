"""Training runs: their histories, the measures in them, the epoch that is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline import ModelInfo
from pipeline.evaluation.facade import Evaluation, Fold, Leakage, LeftOut
from pipeline.image_tasks.facade import ImageModelInfo

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Measure:
    """What a history may hold, of training, of validation or of both.

    Attributes:
        name: Column of training; that of validation has ``val_`` before it.
        title: What it is, for readers.
        loss: Whether lower is better.
    """

    name: str
    title: str
    loss: bool = False


#: In the order in which they are drawn.
MEASURES = (
    Measure("loss", "Loss", loss=True),
    Measure("mask_loss", "Loss of the segmentation (cross-entropy and Dice)", loss=True),
    Measure("score_loss", "Loss of the classifier (cross-entropy)", loss=True),
    Measure("location_loss", "Loss of the coarse location (cross-entropy)", loss=True),
    Measure("patient_dice", "Mean Dice per patient"),
    Measure("auc", "Slice AUC"),
    Measure("accuracy", "Accuracy"),
)


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """One training run.

    Attributes:
        name: Such as ``fold 1``.
        digest: Of its network, "" where it is not known.
        trained_on: Patients or images for training and validation; None where that is not known.
        evaluated_on: Patients or images that it was evaluated on.
        epochs: How many it was trained for, whose last one is used; None where that is not known.
        installed: Whether its network is the installed one.
        history: One row per epoch; empty where it is not stored with the models.
    """

    name: str
    digest: str = ""
    trained_on: int | None = None
    evaluated_on: int | None = None
    epochs: int | None = None
    installed: bool = False
    history: pd.DataFrame = field(default_factory=lambda: parse_history([]))

    @property
    def has_history(self) -> bool:
        """Whether it can be drawn."""
        return len(self.history) > 0


def parse_history(rows: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """The rows of a history.csv as a table whose epochs count from 1 (Keras counts from 0)."""
    import pandas as pd

    history = pd.DataFrame([dict(row) for row in rows])
    if "epoch" not in history:
        return pd.DataFrame({"epoch": []})
    history = history.dropna(subset=["epoch"]).sort_values("epoch", ignore_index=True)
    if len(history) and history["epoch"].min() == 0:
        history["epoch"] += 1
    return history


def choose_measures(runs: Sequence[TrainingRun]) -> list[Measure]:
    """The measures of `MEASURES` that the history of any of the runs holds."""
    held = {str(column) for run in runs for column in run.history.columns}
    return [one for one in MEASURES if one.name in held or f"val_{one.name}" in held]


def network_runs(
    network: ModelInfo, others: Sequence[ModelInfo], evaluation: Evaluation | None
) -> list[TrainingRun]:
    """Every run of the two-stage network: those that were evaluated, and those that are stored.

    Args:
        network: The installed network.
        others: Networks of other runs whose histories are stored with it.
        evaluation: The evaluation, None where none can be read.
    """
    runs = _evaluated_runs(evaluation) if evaluation is not None else []
    for info in (network, *others):
        stored = _stored_run(info, installed=info is network)
        same = [k for k, run in enumerate(runs) if _is_same(run, stored)]
        if not same:
            runs.append(stored)
        for k in same:
            runs[k] = _joined(runs[k], stored)
    return runs


def image_run(info: ImageModelInfo) -> TrainingRun:
    """The run of an image task's model."""
    training, found = info.metadata.training, info.evaluation
    images = found.counts.images if found is not None else None
    return TrainingRun(
        name=info.task.title,
        digest=info.digest,
        trained_on=images,
        evaluated_on=images,
        epochs=training.epochs if training is not None else None,
        installed=True,
        history=parse_history(info.history),
    )


def _evaluated_runs(evaluation: Evaluation) -> list[TrainingRun]:
    """The runs that an evaluation names: folds, the split by slice, institutions left out.

    Patients that a run did not hold out were used for training and validation.
    """
    everyone = len(evaluation.patients)

    def of(name: str, patients: int, epochs: int | None, digest: str = "") -> TrainingRun:
        rest = everyone - patients if 0 < patients < everyone else None
        return TrainingRun(
            name, digest=digest, trained_on=rest, evaluated_on=patients or None, epochs=epochs
        )

    runs = [
        of(fold.name, fold.patients, fold.epochs, fold.digest)
        for fold in evaluation.folds
        if isinstance(fold, Fold)
    ]
    if isinstance(evaluation.leakage, Leakage):
        side = evaluation.leakage.by_slice  # slices of every patient are in both sets
        count = side.patients or None
        runs.append(
            TrainingRun(
                "by slice", trained_on=everyone or None, evaluated_on=count, epochs=side.epochs
            )
        )
    runs += [
        of(f"without {part.code}", part.patients, part.epochs, part.digest)
        for part in evaluation.leave_institution_out
        if isinstance(part, LeftOut)
    ]
    return runs


def _stored_run(info: ModelInfo, *, installed: bool) -> TrainingRun:
    split, training = info.metadata.split, info.metadata.training
    trained = None
    if split is not None and split.train is not None:
        trained = split.train + (split.validation or 0)
    return TrainingRun(
        name=split.name if split is not None and split.name else info.name,
        digest=info.digest,
        trained_on=trained,
        evaluated_on=split.held_out if split is not None else None,
        epochs=training.epochs if training is not None else None,
        installed=installed,
        history=parse_history(info.history),
    )


def _is_same(run: TrainingRun, stored: TrainingRun) -> bool:
    if run.digest and stored.digest:
        return run.digest == stored.digest
    return run.name == stored.name


def _joined(run: TrainingRun, stored: TrainingRun) -> TrainingRun:
    """An evaluated run with what is stored of it, which states more."""
    return TrainingRun(
        name=run.name,
        digest=stored.digest,
        trained_on=run.trained_on if stored.trained_on is None else stored.trained_on,
        evaluated_on=run.evaluated_on,
        epochs=run.epochs if stored.epochs is None else stored.epochs,
        installed=run.installed or stored.installed,
        history=stored.history if stored.has_history else run.history,
    )
