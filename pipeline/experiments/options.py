"""Options of a row: what they may be, and the training plan that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.images import AUGMENTATIONS
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.weights import WeightsSource
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.classifiers.training import ClassifierPlan
    from pipeline.experiments.configuration import PlannedRow

Option = str | int | float | bool


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


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _among(*values: str) -> Callable[[Any], bool]:
    return lambda v: v in values


#: Every option of a row, with what it may be.
OPTIONS: dict[str, Callable[[Any], bool]] = {
    "side": _whole(32, 1024),
    "batch_size": _whole(1, 1024),
    "learning_rate": _number(1e-8, 10),
    "cosine": _switch,
    "optimizer": _among("sgd", "adam"),
    "momentum": _number(0, 1),
    "dropout": _number(0, 0.95),
    "hidden": _whole(0, 8192),
    "normalise": _switch,
    "flips": _switch,
    "augmentation": _among(*AUGMENTATIONS),
    "balanced": _switch,
    "freeze_normalisation": _switch,
    "patience": _whole(1, 1000),
    "precision": _among("float32", "mixed_bfloat16"),
    "seed": _whole(0, 2**31 - 1),
    "repeats": _whole(1, 100),
    "folds": _whole(2, 100),
    "images": _whole(1, 100_000),
    "rounds": _whole(1, 10_000),
}


def check_option(name: str, value: Any, source: str) -> Option:
    """An option of a row as it stands in a configuration.

    Raises:
        InputError: There is no such option, or it may not have this value.
    """
    if name not in OPTIONS or not OPTIONS[name](value):
        raise InputError(source, f"{source} does not fit: {name} may not be {value!r}.")
    checked: Option = value
    return checked


def option_words(options: Mapping[str, Option]) -> dict[str, str | int | float]:
    """Options as a table shows them: switches are on or off."""
    words: dict[str, str | int | float] = {}
    for name, value in options.items():
        words[name] = ("on" if value else "off") if isinstance(value, bool) else value
    return words


def make_plan(row: PlannedRow, context: RunContext) -> ClassifierPlan:
    """The training plan of a row.

    Options that the plan does not know (``repeats``, ``folds``, ``images``, ``rounds``) are the
    experiment's own. ``flips`` is short for the augmentation of that name.

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
