"""A model's training history: its measures, and the epoch that is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline import ModelInfo

#: Measures that a history may have, in the order in which they are drawn, with their titles.
MEASURES: tuple[tuple[str, str], ...] = (
    ("patient_dice", "Dice per patient"),
    ("auc", "slice AUC"),
    ("accuracy", "accuracy"),
    ("loss", "loss"),
)


@dataclass(frozen=True)
class Measure:
    """A column of the history and its validation column; one of the two may be missing ("")."""

    training: str
    validation: str
    words: str


def parse_history(rows: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """The rows of a history.csv as a table whose epochs count from 1 (Keras counts from 0)."""
    history = pd.DataFrame([dict(row) for row in rows])
    if "epoch" not in history:
        return pd.DataFrame({"epoch": []})
    history = history.dropna(subset=["epoch"]).sort_values("epoch", ignore_index=True)
    if len(history) and history["epoch"].min() == 0:
        history["epoch"] += 1
    return history


def choose_measures(history: pd.DataFrame) -> list[Measure]:
    """The measures of `MEASURES` that the history has."""
    names = [pair for pair in MEASURES if _columns(history, pair[0])]
    return [
        Measure(
            training=name if name in history else "",
            validation=f"val_{name}" if f"val_{name}" in history else "",
            words=words,
        )
        for name, words in names
    ]


def shipped_epoch(network: ModelInfo) -> int | None:
    """Epoch, from 1, whose weights are installed; None where metadata.json does not say."""
    training = network.metadata.training
    return None if training is None else training.epochs


def _columns(history: pd.DataFrame, name: str) -> bool:
    return name in history or f"val_{name}" in history
