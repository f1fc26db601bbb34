"""How far slice scores can be read as probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.metrics.counting import (
    Groups,
    Metric,
    Statistic,
    divide,
    mean_statistic,
)

#: Equal bins of the score over which calibration is measured.
CALIBRATION_BINS = 10
#: Scores nearer to 0 or 1 have no finite logit in single precision.
_FLOOR = 1e-6


@dataclass(frozen=True)
class Reliability:
    """Slices of one bin of the score.

    Attributes:
        score: Mean score of its slices, in [0, 1].
        tumor_rate: Share of its slices whose reference holds tumor.
        slices: How many they are, at least one.
    """

    score: float
    tumor_rate: float
    slices: int


@Metric
def brier_score(reference: ArrayLike, scores: ArrayLike, *, groups: Groups) -> Statistic:
    """Mean squared distance of the score from 1 (tumor) or 0 (none); 0 is best."""
    distance = np.asarray(scores, np.float64) - np.asarray(reference, bool)
    return mean_statistic(distance**2, groups=groups)


def calibration_bin(scores: ArrayLike, bins: int = CALIBRATION_BINS) -> NDArray[np.int_]:
    """Bin of each score: ``bins`` equal ones, closed below, the last one closed on both sides.

    Args:
        scores: ``(n,)`` in [0, 1].
        bins: How many.

    Returns:
        ``(n,)`` from 0.
    """
    return np.minimum((np.asarray(scores, np.float64) * bins).astype(int), bins - 1)


@Metric
def expected_calibration_error(
    reference: ArrayLike, scores: ArrayLike, *, groups: Groups, bins: int = CALIBRATION_BINS
) -> Statistic:
    """Expected calibration error (Naeini et al. 2015, AAAI).

    The distance between mean score and share of tumor slices in each bin, weighted by its slices.
    In [0, 1]; 0 is best, NaN without slices.
    """
    truth, values = np.asarray(reference, np.float64), np.asarray(scores, np.float64)
    excess = np.zeros((groups.count, bins))
    np.add.at(excess, (groups.owner, calibration_bin(values, bins)), values - truth)
    slices = groups.sums(np.ones(len(values)))
    return lambda counts: divide(np.abs(counts @ excess).sum(axis=1), counts @ slices)


def reliability(
    reference: ArrayLike, scores: ArrayLike, bins: int = CALIBRATION_BINS
) -> list[Reliability]:
    """Points of the reliability diagram: one per bin that holds slices, from low to high scores.

    Args:
        reference: ``(slices,)`` bool.
        scores: ``(slices,)`` in [0, 1].
        bins: Number of equal bins.
    """
    truth, values = np.asarray(reference, np.float64), np.asarray(scores, np.float64)
    place = calibration_bin(values, bins)
    slices = np.bincount(place, minlength=bins)
    score = np.bincount(place, values, minlength=bins)
    tumor = np.bincount(place, truth, minlength=bins)
    return [
        Reliability(float(score[b] / slices[b]), float(tumor[b] / slices[b]), int(slices[b]))
        for b in np.flatnonzero(slices)
    ]


def undo_platt(score: float, *, slope: float, intercept: float) -> float:
    """The score before Platt's calibration, whose logit was ``slope x before + intercept``.

    Args:
        score: Calibrated, in [0, 1]; kept 1e-6 from its ends.
        slope: Not 0.
        intercept: Of the calibration.
    """
    kept = min(max(score, _FLOOR), 1 - _FLOOR)
    before = (np.log(kept / (1 - kept)) - intercept) / slope
    return float(1 / (1 + np.exp(-np.clip(before, -60, 60))))
