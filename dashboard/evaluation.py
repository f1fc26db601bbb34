"""What the performance page says of the shipped models, computed from their evaluation file.

The file (`models/<task>/evaluation.json`) holds one row per patient and one per slice, so that
every figure on the page can be opened down to its cases and the operating point can be moved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

#: Cells of the confusion matrix.
Cell = Literal["found", "missed", "marked", "unmarked"]
CELLS: tuple[Cell, ...] = ("found", "missed", "marked", "unmarked")

#: Institutions with fewer patients than this are marked: their interval says little.
FEW_PATIENTS = 10

_PATIENT_COLUMNS = ("case_id", "institution", "dice", "volume_px", "reference_px", "slices")
_SLICE_COLUMNS = (
    "case_id",
    "index",
    "reference_tumor",
    "score",
    "called",
    "dice",
    "mask_px",
    "reference_px",
)
_ROC_COLUMNS = ("threshold", "sensitivity", "false_positive_rate")


class EvaluationError(Exception):
    """An evaluation file that cannot be shown; the message is a sentence for the reader."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval; the bounds are None where the file gives none."""

    value: float
    low: float | None = None
    high: float | None = None


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


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An evaluation file, checked.

    Attributes:
        split: Name of the split, for example "held-out".
        figures: Estimates by name ("slice_auc", "patient_dice_mean" ...).
        patients: One row per patient: case_id, institution, dice, volume_px, reference_px, slices.
        slices: One row per slice: case_id, index, reference_tumor, score, called, dice (NaN where
            both masks are empty), mask_px, reference_px.
        roc: threshold, sensitivity, false_positive_rate, by falling threshold.
        environment: Where and when it was measured (cpu, engine, date ...).
        models: Digest of the measured model of each stage.
    """

    split: str
    figures: Mapping[str, Estimate]
    patients: pd.DataFrame
    slices: pd.DataFrame
    roc: pd.DataFrame
    environment: Mapping[str, str]
    models: Mapping[str, str]

    def is_of(self, digests: Mapping[str, str]) -> bool:
        """Whether the models with these digests, by stage, are those that were measured."""
        return all(self.models.get(stage) == digest for stage, digest in digests.items())


def parse_evaluation(document: object) -> Evaluation:
    """Check the contents of an evaluation file.

    Raises:
        EvaluationError: A part is missing or is not of the expected kind.
    """
    if not isinstance(document, Mapping):
        raise EvaluationError("The evaluation file holds no table.")
    patients = _table(document, "patients", _PATIENT_COLUMNS)
    slices = _table(document, "slices_rows", _SLICE_COLUMNS)
    roc = _table(document, "roc", _ROC_COLUMNS)
    figures = document.get("figures")
    if not isinstance(figures, Mapping):
        raise EvaluationError("The evaluation file has no part named figures.")
    environment = document.get("environment")
    try:
        return Evaluation(
            split=str(document.get("split", "")),
            figures={
                str(key): parse_estimate(value)
                for key, value in figures.items()
                if _is_estimate(value)
            },
            patients=_as_numbers(patients, ("dice", "volume_px", "reference_px", "slices")),
            slices=_as_numbers(slices, ("index", "score", "dice", "mask_px", "reference_px")),
            roc=_as_numbers(roc, _ROC_COLUMNS).sort_values(
                ["false_positive_rate", "sensitivity"], ignore_index=True
            ),
            environment=_as_strings(environment),
            models=_as_strings(document.get("models")),
        )
    except (TypeError, ValueError) as error:
        raise EvaluationError("The evaluation file holds a word where a number belongs.") from error


def parse_estimate(value: object) -> Estimate:
    """Read ``{"value", "low", "high"}`` or a bare number."""
    if isinstance(value, Mapping):
        return Estimate(
            float(value["value"]), _optional(value.get("low")), _optional(value.get("high"))
        )
    return Estimate(float(value))  # type: ignore[arg-type]


def count_confusion(slices: pd.DataFrame, threshold: float) -> Confusion:
    """Count the four cells when a slice is called from ``threshold`` (inclusive) on."""
    tumor = slices["reference_tumor"].to_numpy(bool)
    called = slices["score"].to_numpy(float) >= threshold
    return Confusion(
        found=int((tumor & called).sum()),
        missed=int((tumor & ~called).sum()),
        marked=int((~tumor & called).sum()),
        unmarked=int((~tumor & ~called).sum()),
    )


def estimate_rates(
    slices: pd.DataFrame, threshold: float, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Sensitivity and specificity at a threshold, with bootstrap intervals over patients.

    Whole patients are drawn, because slices of one patient look alike.
    """
    counts = count_confusion(slices, threshold)
    tumor = slices["reference_tumor"].to_numpy(bool)
    called = slices["score"].to_numpy(float) >= threshold
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


def select_cell(slices: pd.DataFrame, threshold: float, cell: Cell) -> pd.DataFrame:
    """Rows of one cell of the confusion matrix, those worth a look first.

    Found: least sure first. Missed: largest reference first. Marked: surest first. Unmarked: those
    with the highest score first.
    """
    tumor = slices["reference_tumor"].to_numpy(bool)
    called = slices["score"].to_numpy(float) >= threshold
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


def _table(document: Mapping[str, Any], key: str, columns: tuple[str, ...]) -> pd.DataFrame:
    rows = document.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise EvaluationError(f"The evaluation file has no rows named {key}.")
    table = pd.DataFrame([{name: row.get(name) for name in columns} for row in rows])
    return table if rows else pd.DataFrame(columns=list(columns))


def _as_numbers(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    return table.assign(**{name: pd.to_numeric(table[name]).astype(float) for name in columns})


def _as_strings(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): str(item) for key, item in value.items() if item not in (None, "")}


def _is_estimate(value: object) -> bool:
    number = value.get("value") if isinstance(value, Mapping) else value
    return isinstance(number, int | float) and not isinstance(number, bool)


def _optional(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
