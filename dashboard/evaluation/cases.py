"""The measured cases as tables: the cases behind the figures of the performance page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

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

if TYPE_CHECKING:
    import pandas as pd

#: Cells of the confusion matrix: true and false positives and negatives.
Cell = Literal["tp", "fn", "fp", "tn"]
CELLS: tuple[Cell, ...] = ("tp", "fn", "fp", "tn")

#: Institutions with fewer patients are marked: their intervals are too wide to compare.
FEW_PATIENTS = 10
#: Bootstrap draws at an operating point that the reader moves: few, for an immediate answer.
_DRAWS = 2000
#: Columns without numbers.
_OTHERS = {"case_id", "institution", "fold", "decided_by", "reference_tumor", "called", "detected"}
#: Order of a cell's slices, those worth a look first: by which column, and whether ascending.
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
        network: The installed network.
        evaluation: The evaluation, possibly of another network.
    """

    network: ModelInfo
    evaluation: Evaluation

    @property
    def threshold(self) -> float:
        """Default operating point of the slice score."""
        return self.network.decision.threshold

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row per patient, a column per field of `PatientRow`; NaN where undefined."""
        return make_table(self.evaluation.patients, PatientRow)

    @cached_property
    def slices(self) -> pd.DataFrame:
        """A row per slice, a column per field of `SliceRow`; NaN where undefined."""
        return make_table(self.evaluation.slices_rows, SliceRow)

    def count(self, threshold: float | None) -> Confusion:
        """The confusion matrix at an operating point; as measured for None."""
        if threshold is None:
            return self.evaluation.confusion
        return confusion(self.slices["reference_tumor"], positive_slices(self.slices, threshold))

    def rates(self, threshold: float | None) -> dict[str, Estimate]:
        """Figures that depend on the operating point, at this one; as measured for None."""
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
    import pandas as pd

    names = [field.name for field in fields(kind)]
    table = pd.DataFrame([vars(row) for row in rows], columns=names)
    empty = [name for name in names if name not in _OTHERS and table[name].dtype == object]
    return table.astype(dict.fromkeys(empty, float))


def positive_slices(slices: pd.DataFrame, threshold: float | None) -> np.ndarray:
    """Which slices score at or above ``threshold``; as measured for None.

    In a cross-validation each fold has its own operating point, so that no single threshold gives
    the measured result.
    """
    if threshold is None:
        return slices["called"].to_numpy(bool)
    return np.asarray(slices["score"].to_numpy(float) >= threshold)


def operating_points(patients: pd.DataFrame, slices: pd.DataFrame) -> pd.Series:
    """Operating point of each slice as measured, where it differs between folds.

    The file states only which slices were positive, so a fold's point is its lowest positive score:
    no slice of the fold is between that and the operating point itself.

    Args:
        patients: case_id, fold.
        slices: case_id, score, called.

    Returns:
        One number per slice, by its index; NaN in a fold without positive slices. Empty where a
        single operating point gives the measured result.
    """
    import pandas as pd

    positive, score = slices["called"].astype(bool), slices["score"]
    if not positive.any() or positive.all() or score[positive].min() > score[~positive].max():
        return pd.Series(dtype=float)
    fold = slices["case_id"].map(patients.set_index("case_id")["fold"])
    lowest = score[positive].groupby(fold[positive]).min()
    return fold.map(lowest).astype(float)


def select_cell(slices: pd.DataFrame, threshold: float | None, cell: Cell) -> pd.DataFrame:
    """Rows of one cell of the confusion matrix, those worth a look first.

    True positives: lowest score first. False negatives: largest reference first. False positives
    and true negatives: highest score first.
    """
    tumor = slices["reference_tumor"].to_numpy(bool)
    positive = positive_slices(slices, threshold)
    chosen = (tumor == (cell in ("tp", "fn"))) & (positive == (cell in ("tp", "fp")))
    by, ascending = _ORDERS[cell]
    return slices[chosen].sort_values(by, ascending=ascending, kind="stable", ignore_index=True)
