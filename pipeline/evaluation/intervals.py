"""Figures of an evaluation with their 95% intervals, by drawing patients with replacement.

Slices of one patient look alike, so that patients are drawn, never slices (cluster bootstrap, Efron
and Tibshirani 1993). All draws are computed at once: a draw is a vector of how often each patient
is in it, and every figure is a function of per-patient sums under those counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation import metrics
from pipeline.evaluation.rows import SliceTable

DRAWS = 10_000
SEED = 20260101
_LEVEL = 0.95
#: Draws that are computed together where the arrays grow with the number of slices.
_CHUNK = 500

Counts = NDArray[np.float64]
#: From counts ``(draws, patients)`` to one value per draw, NaN where it is not defined.
Statistic = Callable[[Counts], NDArray[np.float64]]


@dataclass(frozen=True)
class Estimate:
    """A figure and the bounds of its 95% interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


def estimate_figures(
    table: SliceTable, *, draws: int = DRAWS, seed: int = SEED
) -> dict[str, Estimate]:
    """Compute every figure of an evaluation.

    Args:
        table: At least one patient.
        draws: Number of bootstrap draws.
        seed: Seed of the draws; the same seed gives the same intervals.

    Returns:
        Name to estimate, per-patient Dice first.
    """
    counts = draw_counts(len(table.patient_dice), draws=draws, seed=seed)
    values, statistics = _values(table), _statistics(table)
    return {name: _estimate(values[name], statistics[name](counts)) for name in values}


def draw_counts(patients: int, *, draws: int = DRAWS, seed: int = SEED) -> Counts:
    """How often each patient is in each draw: ``(draws, patients)``, rows sum to ``patients``."""
    if patients < 1:
        raise ValueError("there must be at least one patient")
    rng = np.random.default_rng(seed)
    return rng.multinomial(patients, np.full(patients, 1 / patients), size=draws).astype(float)


def _values(table: SliceTable) -> dict[str, float]:
    """The figures over all patients."""
    counted = metrics.confusion(table.reference, table.called)
    dice = table.patient_dice[~np.isnan(table.patient_dice)]
    iou = table.patient_iou[~np.isnan(table.patient_iou)]
    scores = (table.reference, table.score)
    return {
        "patient_dice_mean": float(dice.mean()) if len(dice) else np.nan,
        "patient_dice_median": float(np.median(dice)) if len(dice) else np.nan,
        "patient_iou_mean": float(iou.mean()) if len(iou) else np.nan,
        "tumor_slice_dice": metrics.tumor_slice_dice(table.dice, table.reference_px),
        "all_slice_dice": metrics.all_slice_dice(table.dice),
        "predict_nothing_dice": metrics.predict_nothing_dice(table.reference_px),
        "slice_auc": metrics.slice_auc(*scores),
        "sensitivity": counted.sensitivity,
        "specificity": counted.specificity,
        "sensitivity_at_95_specificity": metrics.sensitivity_at_specificity(*scores),
        "brier": metrics.brier_score(*scores),
        "ece": metrics.expected_calibration_error(*scores),
    }


def _statistics(table: SliceTable) -> dict[str, Statistic]:
    """The same figures as functions of the draws."""
    everywhere = np.ones(len(table.patient))
    positive, negative = table.reference, ~table.reference
    with_nothing = np.nan_to_num(table.dice, nan=1.0)

    def pooled(values: NDArray[np.float64], among: NDArray[np.bool_]) -> Statistic:
        return _pooled_mean(table, np.where(among, values, 0.0), among.astype(float))

    always = everywhere.astype(bool)
    return {
        "patient_dice_mean": _patient_mean(table.patient_dice),
        "patient_dice_median": _patient_median(table.patient_dice),
        "patient_iou_mean": _patient_mean(table.patient_iou),
        "tumor_slice_dice": pooled(table.dice, positive),
        "all_slice_dice": pooled(with_nothing, always),
        "predict_nothing_dice": pooled((table.reference_px == 0).astype(float), always),
        "slice_auc": _auc(table),
        "sensitivity": pooled(table.called.astype(float), positive),
        "specificity": pooled((~table.called).astype(float), negative),
        "sensitivity_at_95_specificity": _sensitivity_at_specificity(table),
        "brier": pooled((table.score - table.reference) ** 2, always),
        "ece": _calibration_error(table),
    }


def _estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return Estimate(None, None, None)
    tail = (1 - _LEVEL) / 2 * 100
    low, high = np.percentile(known, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))


def _sums(table: SliceTable, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of a slice's values per patient, ``(p,)``."""
    sums = np.bincount(table.patient, values, minlength=len(table.patient_dice))
    return sums.astype(np.float64)


def _divide(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _pooled_mean(
    table: SliceTable, values: NDArray[np.float64], weights: NDArray[np.float64]
) -> Statistic:
    part, whole = _sums(table, values), _sums(table, weights)
    return lambda counts: _divide(counts @ part, counts @ whole)


def _patient_mean(values: NDArray[np.float64]) -> Statistic:
    known = ~np.isnan(values)
    return lambda counts: _divide(counts @ np.where(known, values, 0.0), counts @ known)


def _patient_median(values: NDArray[np.float64]) -> Statistic:
    """Weighted median: the middle of the drawn values, each as often as it was drawn."""
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]
    ranked = values[order]

    def median(counts: Counts) -> NDArray[np.float64]:
        reached = np.cumsum(counts[:, order], axis=1)
        total = reached[:, -1] if len(order) else np.zeros(len(counts))
        result = np.full(len(counts), np.nan)
        some = total > 0
        lower = (reached[some] < np.ceil(total[some] / 2)[:, None]).sum(axis=1)
        upper = (reached[some] < np.floor(total[some] / 2 + 1)[:, None]).sum(axis=1)
        result[some] = (ranked[lower] + ranked[upper]) / 2
        return result

    return median


def _auc(table: SliceTable) -> Statistic:
    """AUC from how many pairs of a tumor and an empty slice each pair of patients ranks rightly."""
    patients = len(table.patient_dice)
    positive, owner = table.score[table.reference], table.patient[table.reference]
    wins = np.zeros((patients, patients))
    for other in range(patients):
        empty = np.sort(table.score[(table.patient == other) & ~table.reference])
        beaten = np.searchsorted(empty, positive, "left") + np.searchsorted(
            empty, positive, "right"
        )
        wins[:, other] = np.bincount(owner, beaten / 2, minlength=patients)
    tumor = _sums(table, table.reference.astype(float))
    empty_slices = _sums(table, (~table.reference).astype(float))

    def auc(counts: Counts) -> NDArray[np.float64]:
        pairs = (counts @ tumor) * (counts @ empty_slices)
        return _divide(((counts @ wins) * counts).sum(axis=1), pairs)

    return auc


def _sensitivity_at_specificity(table: SliceTable) -> Statistic:
    """Best sensitivity over all operating points whose specificity suffices, in each draw."""
    points = np.unique(table.score)[::-1]
    place = np.searchsorted(-points, -table.score)

    def called_per_patient(kind: NDArray[np.bool_]) -> NDArray[np.float64]:
        counted = np.zeros((len(table.patient_dice), len(points)))
        np.add.at(counted, (table.patient[kind], place[kind]), 1.0)
        return np.cumsum(counted, axis=1)

    true, false = called_per_patient(table.reference), called_per_patient(~table.reference)
    limit = 1 - metrics.REFERENCE_SPECIFICITY + 1e-12

    def sensitivity(counts: Counts) -> NDArray[np.float64]:
        parts = []
        for start in range(0, len(counts), _CHUNK):
            drawn = counts[start : start + _CHUNK]
            hits, alarms = drawn @ true, drawn @ false
            found = np.where(alarms <= limit * alarms[:, -1:], hits, 0.0).max(axis=1)
            both = (hits[:, -1] > 0) & (alarms[:, -1] > 0)
            parts.append(_divide(found, np.where(both, hits[:, -1], 0.0)))
        return np.concatenate(parts)

    return sensitivity


def _calibration_error(table: SliceTable) -> Statistic:
    bins = metrics.calibration_bin(table.score)
    excess = np.zeros((len(table.patient_dice), metrics.CALIBRATION_BINS))
    np.add.at(excess, (table.patient, bins), table.score - table.reference)
    slices = _sums(table, np.ones(len(table.patient)))
    return lambda counts: _divide(np.abs(counts @ excess).sum(axis=1), counts @ slices)
