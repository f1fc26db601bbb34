"""Figures with their 95% intervals, by drawing groups with replacement.

Slices of one patient look alike, so that patients are drawn, never slices (cluster bootstrap, Efron
and Tibshirani 1993). Two models on the same patients are compared draw by draw: the interval of
their difference is much narrower than their own intervals suggest, since a hard patient is hard for
both. A plain share of patients has an exact interval instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.metrics import Counts, Statistic, Values
from pipeline.storage.field_types import Number

DRAWS = 10_000
SEED = 20260101
_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure and the bounds of its 95% interval; None where they are not defined."""

    value: Number | None
    low: Number | None = None
    high: Number | None = None


def draw_counts(groups: int, *, draws: int = DRAWS, seed: int = SEED) -> Counts:
    """How often each group is in each draw: ``(draws, groups)``, rows sum to ``groups``."""
    if groups < 1:
        raise ValueError("there must be at least one patient")
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(float)


def estimate(statistic: Statistic, counts: Counts) -> Estimate:
    """A figure, every group counted once, with the percentiles of its draws."""
    return _estimate(statistic(_once(counts)), statistic(counts))


def estimate_difference(first: Statistic, second: Statistic, counts: Counts) -> Estimate:
    """How much larger the first figure is, both on the same groups in every draw."""
    single = _once(counts)
    return _estimate(first(single) - second(single), first(counts) - second(counts))


def estimate_share(statistic: Statistic, groups: int) -> Estimate:
    """A share of groups with its exact interval (Clopper and Pearson 1934, Biometrika 26:404).

    Draws of patients that all succeeded are all alike and would leave nothing open.

    Args:
        statistic: A mean over groups that each succeeded (1), failed (0) or are not defined (NaN).
        groups: How many there are.
    """
    from scipy.stats import binomtest

    succeeded = statistic(np.eye(groups))
    known = succeeded[~np.isnan(succeeded)]
    if not len(known):
        return Estimate(None)
    found = binomtest(int(known.sum()), len(known))
    interval = found.proportion_ci(_LEVEL, method="exact")
    return Estimate(float(found.statistic), float(interval.low), float(interval.high))


def _once(counts: Counts) -> Counts:
    return np.ones((1, counts.shape[1]))


def _estimate(value: Values, drawn: NDArray[np.float64]) -> Estimate:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value[0]) or not len(known):
        return Estimate(None)
    tail = (1 - _LEVEL) / 2 * 100
    low, high = np.percentile(known, [tail, 100 - tail])
    return Estimate(float(value[0]), float(low), float(high))
