"""The measured cases as tables: what is listed behind the figures of the performance page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from pipeline import ModelInfo
from pipeline.evaluation.facade import (
    Confusion,
    Estimate,
    Evaluation,
    PatientRow,
    SliceRow,
    SliceTable,
    all_figures,
    confusion,
    estimate_figures,
)

#: Cells of the confusion matrix: true and false positives and negatives.
Cell = Literal["tp", "fn", "fp", "tn"]
CELLS: tuple[Cell, ...] = ("tp", "fn", "fp", "tn")

#: Institutions with fewer patients than this are marked: their interval says little.
FEW_PATIENTS = 10
#: Draws behind the intervals at an operating point that the reader moves: an answer at once.
_DRAWS = 2000
#: Columns that hold no numbers.
_OTHERS = {"case_id", "institution", "fold", "decided_by", "reference_tumor", "called", "detected"}
#: Order in which a cell's slices are worth a look: by which column, and whether ascending.
_ORDERS: dict[Cell, tuple[str, bool]] = {
    "tp": ("score", True),
    "fn": ("reference_px", False),
    "fp": ("score", False),
    "tn": ("score", False),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """The installed network and its evaluation, its cases as tables.

    Attributes:
        network: What is installed.
        evaluation: What was measured, perhaps with another network.
    """

    network: ModelInfo
    evaluation: Evaluation

    @property
    def threshold(self) -> float:
        """Operating point of the slice score as shipped."""
        return self.network.decision.threshold

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row per patient, a column per field of `PatientRow`; NaN where it is not defined."""
        return make_table(self.evaluation.patients, PatientRow)

    @cached_property
    def slices(self) -> pd.DataFrame:
        """A row per slice, a column per field of `SliceRow`; NaN where it is not defined."""
        return make_table(self.evaluation.slices_rows, SliceRow)

    def count(self, threshold: float | None) -> Confusion:
        """The four cells at an operating point, or as measured for None."""
        if threshold is None:
            return self.evaluation.confusion
        return confusion(self.slices["reference_tumor"], called_slices(self.slices, threshold))

    def rates(self, threshold: float | None) -> dict[str, Estimate]:
        """Figures that change with the operating point, there; for None as they were measured."""
        moving = [figure for figure in all_figures() if figure.at_operating_point]
        if threshold is None:
            found = self.evaluation.figures
            return {figure.name: found[figure.name] for figure in moving if figure.name in found}
        if not self.evaluation.patients:
            return {}
        table = SliceTable.from_rows(self.evaluation.rows).at(threshold)
        return estimate_figures(table, moving, draws=_DRAWS)


def make_table(
    rows: Sequence[PatientRow] | Sequence[SliceRow], kind: type[PatientRow] | type[SliceRow]
) -> pd.DataFrame:
    """Rows as a table with their fields as columns."""
    names = [field.name for field in fields(kind)]
    table = pd.DataFrame([vars(row) for row in rows], columns=names)
    empty = [name for name in names if name not in _OTHERS and table[name].dtype == object]
    return table.astype(dict.fromkeys(empty, float))


def called_slices(slices: pd.DataFrame, threshold: float | None) -> np.ndarray:
    """Which slices are called: from ``threshold`` (inclusive) on, or as they were for None.

    In a cross-validation each fold is measured at an operating point of its own, so that no single
    threshold gives back what was called.
    """
    if threshold is None:
        return slices["called"].to_numpy(bool)
    return np.asarray(slices["score"].to_numpy(float) >= threshold)


def operating_points(patients: pd.DataFrame, slices: pd.DataFrame) -> pd.Series:
    """From which score on each slice was called as measured, where folds differ in that.

    The file holds only what was called, so that a fold's point is the lowest score that it called:
    no slice of the fold lies between that and the operating point itself.

    Args:
        patients: case_id, fold.
        slices: case_id, score, called.

    Returns:
        One number per slice, by its index; NaN in a fold that called none. Empty where a single
        operating point gives back what was called.
    """
    called, score = slices["called"].astype(bool), slices["score"]
    if not called.any() or called.all() or score[called].min() > score[~called].max():
        return pd.Series(dtype=float)
    fold = slices["case_id"].map(patients.set_index("case_id")["fold"])
    lowest = score[called].groupby(fold[called]).min()
    return fold.map(lowest).astype(float)


def select_cell(slices: pd.DataFrame, threshold: float | None, cell: Cell) -> pd.DataFrame:
    """Rows of one cell of the confusion matrix, those worth a look first.

    True positives: lowest score first. False negatives: largest reference first. False positives
    and true negatives: highest score first.
    """
    tumor = slices["reference_tumor"].to_numpy(bool)
    called = called_slices(slices, threshold)
    chosen = (tumor == (cell in ("tp", "fn"))) & (called == (cell in ("tp", "fp")))
    by, ascending = _ORDERS[cell]
    return slices[chosen].sort_values(by, ascending=ascending, kind="stable", ignore_index=True)
