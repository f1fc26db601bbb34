"""What a machine brings to an experiment, and the training plan that a row makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.images import AUGMENTATIONS
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.weights import WeightsSource
from pipeline.errors import InputError
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.documents import DataFacts

if TYPE_CHECKING:
    from pipeline.classifiers.training import ClassifierPlan


@dataclass(frozen=True)
class RunContext:
    """What a machine brings to an experiment.

    Attributes:
        data: Folder of the data set; None where the experiment needs none.
        weights: Where initial weights come from.
        cache: Folder for features of frozen bases; None keeps them in memory alone.
    """

    data: Path | None
    weights: WeightsSource
    cache: Path | None = None


@dataclass(frozen=True)
class TimingExperiment:
    """An experiment that needs no data: times do not depend on what is in an image."""

    context: RunContext

    def facts(self) -> DataFacts:
        """What is timed."""
        return DataFacts(images="random pixels")


def make_plan(row: PlannedRow, context: RunContext) -> ClassifierPlan:
    """The training plan of a row.

    Options that the plan does not know (``repeats``, ``folds``, ``images``, ``rounds``) are the
    experiment's own. ``flips`` is short for the augmentation of that name. A precision that this
    machine does not compute becomes float32.

    Raises:
        InputError: The row trains nothing, or names both flips and another augmentation.
    """
    from pipeline.classifiers.network import Head
    from pipeline.classifiers.training import ClassifierPlan

    options = dict(row.options)
    if row.strategy is None or row.epochs < 1:
        raise InputError(row.architecture, "A row that trains needs a strategy and epochs.")
    flips, name = options.pop("flips", False), str(options.pop("augmentation", "none"))
    if flips and name != "none":
        raise InputError(name, "A row may name flips or an augmentation, not both.")
    for own in ("repeats", "folds", "images", "rounds"):
        options.pop(own, None)
    if "precision" in options:
        options["precision"] = _computed_precision(str(options["precision"]))
    head = Head(dropout=float(options.pop("dropout", 0.5)), hidden=int(options.pop("hidden", 0)))
    rest: dict[str, Any] = options
    return ClassifierPlan(
        architecture=find_architecture(row.architecture),
        strategy=Strategy(row.strategy),
        weights=context.weights,
        epochs=row.epochs,
        head=head,
        augmentation=AUGMENTATIONS["flips" if flips else name],
        cache=context.cache,
        **rest,
    )


def _computed_precision(named: str) -> str:
    """The precision that a row names; float32 where this machine would only imitate it."""
    from pipeline.training.run import fastest_policy

    return named if named == fastest_policy() else "float32"
