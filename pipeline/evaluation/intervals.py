"""Figures of an evaluation with their 95% intervals, by drawing patients with replacement.

Slices of one patient look alike, so that patients are drawn, never slices (cluster bootstrap, Efron
and Tibshirani 1993). Two models on the same patients are compared draw by draw: the interval of
their difference is much narrower than their own intervals suggest, since a hard patient is hard for
both. A plain share of patients has an exact interval instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.drawn_figures import Counts, figure_statistics
from pipeline.evaluation.figures import compute_figures
from pipeline.evaluation.rows import SliceTable

DRAWS = 10_000
SEED = 20260101
_LEVEL = 0.95


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
    counts = draw_counts(len(table.case_ids), draws=draws, seed=seed)
    values, statistics = compute_figures(table), figure_statistics(table)
    drawn = {name: _estimate(values[name], statistics[name](counts)) for name in values}
    return drawn | {"detection": estimate_share(table.detected)}


def estimate_share(succeeded: NDArray[np.float64]) -> Estimate:
    """A share of patients with its exact interval (Clopper and Pearson 1934, Biometrika 26:404).

    Draws of patients that all succeeded are all alike and would leave nothing open.

    Args:
        succeeded: ``(p,)`` 1 or 0 for each patient, NaN where it is not defined.
    """
    from scipy.stats import binomtest

    known = succeeded[~np.isnan(succeeded)]
    if not len(known):
        return Estimate(None, None, None)
    found = binomtest(int(known.sum()), len(known))
    interval = found.proportion_ci(_LEVEL, method="exact")
    return Estimate(float(found.statistic), float(interval.low), float(interval.high))


def compare_figures(
    first: SliceTable,
    second: SliceTable,
    names: Collection[str],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """Differences ``first - second`` of two models' figures, paired by patient.

    Each draw holds the same patients for both models.

    Args:
        first: One model's answers.
        second: The other's on the same patients in the same order; slices may differ.
        names: Figures to compare, of `figures.FIGURE_LABELS`.
        draws: Number of bootstrap draws.
        seed: Seed of the draws.

    Raises:
        ValueError: The patients are not the same.
    """
    if first.case_ids != second.case_ids:
        raise ValueError("models are compared on the same patients in the same order")
    counts = draw_counts(len(first.case_ids), draws=draws, seed=seed)
    values, others = compute_figures(first), compute_figures(second)
    drawn, opposed = figure_statistics(first), figure_statistics(second)
    return {
        name: _estimate(values[name] - others[name], drawn[name](counts) - opposed[name](counts))
        for name in names
    }


def draw_counts(patients: int, *, draws: int = DRAWS, seed: int = SEED) -> Counts:
    """How often each patient is in each draw: ``(draws, patients)``, rows sum to ``patients``."""
    if patients < 1:
        raise ValueError("there must be at least one patient")
    rng = np.random.default_rng(seed)
    return rng.multinomial(patients, np.full(patients, 1 / patients), size=draws).astype(float)


def _estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return Estimate(None, None, None)
    tail = (1 - _LEVEL) / 2 * 100
    low, high = np.percentile(known, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))
