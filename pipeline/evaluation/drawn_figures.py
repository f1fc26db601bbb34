"""The figures of `figures` under many draws of patients at once.

A draw is a vector of how often each patient is in it; every figure is a function of per-patient
sums under those counts, so that 10,000 draws are a few products of matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation import metrics
from pipeline.evaluation.figures import LOW_DICE
from pipeline.evaluation.rows import SliceTable

#: Draws that are computed together where the arrays grow with the number of slices.
_CHUNK = 500

Counts = NDArray[np.float64]
#: From counts ``(draws, patients)`` to one value per draw, NaN where it is not defined.
Statistic = Callable[[Counts], NDArray[np.float64]]


def figure_statistics(table: SliceTable) -> dict[str, Statistic]:
    """Every figure of `figures.compute_figures` as a function of the draws."""
    return _patient_statistics(table) | _slice_statistics(table)


def _patient_statistics(table: SliceTable) -> dict[str, Statistic]:
    low = (table.patient_dice < LOW_DICE).astype(float)
    return {
        "patient_dice_mean": _patient_mean(table.patient_dice),
        "patient_dice_median": _patient_median(table.patient_dice),
        "patient_iou_mean": _patient_mean(table.patient_iou),
        "patients_below_0_6": lambda counts: np.asarray(counts @ low, np.float64),
        "detection": _patient_mean(table.detected),
        "hd95_px": _patient_mean(table.hd95_px),
        "hd95_px_median": _patient_median(table.hd95_px),
        "surface_dice": _patient_mean(table.surface_dice),
        "hd95_mm": _patient_mean(table.hd95_mm),
        "surface_dice_mm": _patient_mean(table.surface_dice_mm),
    }


def _slice_statistics(table: SliceTable) -> dict[str, Statistic]:
    positive, negative = table.reference, ~table.reference
    always = np.ones(len(table.patient), bool)
    correct, called = (table.reference & table.called).astype(float), table.called.astype(float)

    def pooled(values: NDArray[np.float64], among: NDArray[np.bool_]) -> Statistic:
        return _pooled_mean(table, np.where(among, values, 0.0), among.astype(float))

    return {
        "tumor_slice_dice": pooled(table.dice, positive),
        "tumor_slice_iou": pooled(metrics.iou_from_dice(table.dice), positive),
        "all_slice_dice": pooled(np.nan_to_num(table.dice, nan=1.0), always),
        "predict_nothing_dice": pooled((table.reference_px == 0).astype(float), always),
        "slice_auc": _auc(table),
        "pr_auc": _average_precision(table),
        "sensitivity": pooled(called, positive),
        "specificity": pooled(1 - called, negative),
        "precision": _pooled_mean(table, correct, called),
        "sensitivity_at_95_specificity": _sensitivity_at_specificity(table),
        "brier": pooled((table.score - table.reference) ** 2, always),
        "ece": _calibration_error(table),
    }


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
    limit = 1 - metrics.REFERENCE_SPECIFICITY + 1e-12

    def sensitivity(called: _Called) -> NDArray[np.float64]:
        enough = called.alarms <= limit * called.negative[:, None]
        return np.where(enough, called.hits, 0.0).max(axis=1) / called.positive

    return _over_thresholds(table, sensitivity)


def _average_precision(table: SliceTable) -> Statistic:
    """Precision at each threshold, weighted by the recall that it adds, in each draw."""

    def average(called: _Called) -> NDArray[np.float64]:
        every = called.hits + called.alarms
        precision = np.divide(called.hits, every, out=np.zeros_like(every), where=every > 0)
        added = np.diff(called.hits, prepend=0.0, axis=1)
        return np.asarray(np.einsum("dt,dt->d", added, precision) / called.positive)

    return _over_thresholds(table, average)


@dataclass(frozen=True, eq=False)
class _Called:
    """What is called in some draws.

    Attributes:
        hits, alarms: ``(draws, thresholds)`` called slices of both kinds, from strict to lax.
        positive, negative: ``(draws,)`` all slices of both kinds, at least one of each.
    """

    hits: NDArray[np.float64]
    alarms: NDArray[np.float64]
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]


def _over_thresholds(
    table: SliceTable, figure: Callable[[_Called], NDArray[np.float64]]
) -> Statistic:
    """A figure of how many slices of each kind are called at each threshold.

    Only the scores of tumor slices are thresholds: anywhere between them the same tumor slices are
    called as at the next higher one, with as many false alarms or more.

    Args:
        table: The slices.
        figure: From what is called to a value per draw; draws that hold one kind only give NaN.
    """
    points = np.unique(table.score[table.reference])[::-1]
    place = np.searchsorted(-points, -table.score)

    def called_per_patient(kind: NDArray[np.bool_]) -> NDArray[np.float64]:
        # The last column holds what is called at no threshold.
        counted = np.zeros((len(table.patient_dice), len(points) + 1))
        np.add.at(counted, (table.patient[kind], place[kind]), 1.0)
        return np.cumsum(counted, axis=1)

    true, false = called_per_patient(table.reference), called_per_patient(~table.reference)

    def statistic(counts: Counts) -> NDArray[np.float64]:
        values = np.full(len(counts), np.nan)
        positive, negative = counts @ true[:, -1], counts @ false[:, -1]
        rows = np.flatnonzero((positive > 0) & (negative > 0))
        for start in range(0, len(rows), _CHUNK):
            k = rows[start : start + _CHUNK]
            hits, alarms = counts[k] @ true[:, :-1], counts[k] @ false[:, :-1]
            values[k] = figure(_Called(hits, alarms, positive[k], negative[k]))
        return values

    return statistic


def _calibration_error(table: SliceTable) -> Statistic:
    bins = metrics.calibration_bin(table.score)
    excess = np.zeros((len(table.patient_dice), metrics.CALIBRATION_BINS))
    np.add.at(excess, (table.patient, bins), table.score - table.reference)
    slices = _sums(table, np.ones(len(table.patient)))
    return lambda counts: _divide(np.abs(counts @ excess).sum(axis=1), counts @ slices)
