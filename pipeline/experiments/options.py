"""Options of a row: what they may be, and how a table shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.classifiers.images import AUGMENTATIONS
from pipeline.errors import InputError

Option = str | int | float | bool


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
