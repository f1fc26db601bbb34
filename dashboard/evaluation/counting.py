"""Counts over slices and patients: the four cells, their rates, Dice by institution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from dashboard.evaluation.estimates import Estimate

#: Cells of the confusion matrix.
Cell = Literal["found", "missed", "marked", "unmarked"]
CELLS: tuple[Cell, ...] = ("found", "missed", "marked", "unmarked")

#: Institutions with fewer patients than this are marked: their interval says little.
FEW_PATIENTS = 10


@dataclass(frozen=True)
class Confusion:
    """Slices in the four cells of the confusion matrix."""

    found: int
    missed: int
    marked: int
    unmarked: int

    @property
    def sensitivity(self) -> float:
        """Share of the slices with tumor that are called; NaN without any."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def specificity(self) -> float:
        """Share of the slices without tumor that are not called; NaN without any."""
        return _ratio(self.unmarked, self.marked + self.unmarked)

    @property
    def precision(self) -> float:
        """Share of the called slices that hold tumor; NaN where none is called."""
        return _ratio(self.found, self.found + self.marked)

    @property
    def prevalence(self) -> float:
        """Share of the slices that hold tumor; NaN without slices."""
        tumor = self.found + self.missed
        return _ratio(tumor, tumor + self.marked + self.unmarked)


def called_slices(slices: pd.DataFrame, threshold: float | None) -> np.ndarray:
    """Which slices are called: from ``threshold`` (inclusive) on, or as they were for None.

    In a cross-validation each fold is measured at an operating point of its own, so that no single
    threshold gives back what was called.
    """
    if threshold is None:
        return slices["called"].to_numpy(bool)
    return np.asarray(slices["score"].to_numpy(float) >= threshold)


def count_confusion(slices: pd.DataFrame, threshold: float | None) -> Confusion:
    """Count the four cells at a threshold, or as measured for None."""
    tumor = slices["reference_tumor"].to_numpy(bool)
    called = called_slices(slices, threshold)
    return Confusion(
        found=int((tumor & called).sum()),
        missed=int((tumor & ~called).sum()),
        marked=int((~tumor & called).sum()),
        unmarked=int((~tumor & ~called).sum()),
    )


def estimate_rates(
    slices: pd.DataFrame, threshold: float | None, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Sensitivity and specificity at a threshold, with bootstrap intervals over patients.

    Whole patients are drawn, because slices of one patient look alike.
    """
    counts = count_confusion(slices, threshold)
    tumor = slices["reference_tumor"].to_numpy(bool)
    called = called_slices(slices, threshold)
    cells = pd.DataFrame(
        {"hit": tumor & called, "tumor": tumor, "spared": ~tumor & ~called, "clear": ~tumor}
    )
    per_patient = cells.groupby(slices["case_id"].to_numpy()).sum().to_numpy(float)
    if not len(per_patient):
        return {}
    draws = np.random.default_rng(seed).integers(
        len(per_patient), size=(resamples, len(per_patient))
    )
    sums = per_patient[draws].sum(axis=1)
    return {
        "sensitivity": _share(counts.sensitivity, sums[:, 0], sums[:, 1]),
        "specificity": _share(counts.specificity, sums[:, 2], sums[:, 3]),
    }


def operating_points(patients: pd.DataFrame, slices: pd.DataFrame) -> pd.Series:
    """From which score on each slice was called as measured, where folds differ in that.

    The file tells only what was called, so that a fold's point is the lowest score that it called:
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

    Found: least sure first. Missed: largest reference first. Marked: surest first. Unmarked: those
    with the highest score first.
    """
    tumor = slices["reference_tumor"].to_numpy(bool)
    called = called_slices(slices, threshold)
    chosen = {
        "found": tumor & called,
        "missed": tumor & ~called,
        "marked": ~tumor & called,
        "unmarked": ~tumor & ~called,
    }[cell]
    by, ascending = {
        "found": ("score", True),
        "missed": ("reference_px", False),
        "marked": ("score", False),
        "unmarked": ("score", False),
    }[cell]
    return slices[chosen].sort_values(by, ascending=ascending, kind="stable", ignore_index=True)


def institution_dice(
    patients: pd.DataFrame, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Mean Dice of each institution's patients with a bootstrap interval over patients.

    Returns:
        institution, patients, mean, low, high (NaN for a single patient), largest group first.
    """
    generator = np.random.default_rng(seed)
    rows = []
    scored = patients.dropna(subset=["dice"])
    for name, group in scored.groupby("institution", sort=True):
        dice = group["dice"].to_numpy(float)
        low = high = math.nan
        if len(dice) > 1:
            means = dice[generator.integers(len(dice), size=(resamples, len(dice)))].mean(axis=1)
            low, high = np.percentile(means, [2.5, 97.5])
        rows.append((str(name), len(dice), float(dice.mean()), float(low), float(high)))
    table = pd.DataFrame(rows, columns=["institution", "patients", "mean", "low", "high"])
    return table.sort_values("patients", ascending=False, kind="stable", ignore_index=True)


def _share(value: float, parts: np.ndarray, wholes: np.ndarray) -> Estimate:
    """A share with the percentiles of its resamples; those without a whole are left out."""
    known = wholes > 0
    if not known.any():
        return Estimate(value)
    low, high = np.percentile(parts[known] / wholes[known], [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
