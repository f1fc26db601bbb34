"""Figures as functions of how often each group of observations counts.

Slices of one patient look alike, as do copies of one image, so that intervals are drawn over such
groups, never over single observations. Every rule is therefore written once, as a function of
counts. The figure itself is the case in which every group counts once (`once`); a draw of a
bootstrap is another vector of counts, and 10,000 draws are a few products of matrices. A `Metric`
offers both uses of one rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: How often each group counts, ``(draws, groups)``.
Counts = NDArray[np.float64]
Values = NDArray[np.float64]
#: From counts ``(draws, groups)`` to one value per draw, NaN where it is not defined.
Statistic = Callable[[Counts], Values]


@dataclass(frozen=True, eq=False)
class Groups:
    """Which group each of ``n`` observations belongs to.

    Attributes:
        owner: ``(n,)`` places from 0.
        count: Number of groups; some may own nothing.
    """

    owner: NDArray[np.intp]
    count: int

    @classmethod
    def one(cls, observations: int) -> Groups:
        """All observations in one group."""
        return cls(np.zeros(observations, np.intp), 1)

    @classmethod
    def each(cls, observations: int) -> Groups:
        """Every observation a group of its own."""
        return cls(np.arange(observations), observations)

    def sums(self, values: ArrayLike) -> Values:
        """Sum of each group's values, ``(groups,)`` from ``(n,)``."""
        sums = np.bincount(self.owner, np.asarray(values, np.float64), minlength=self.count)
        return sums.astype(np.float64)


def once(statistic: Statistic, groups: Groups) -> float:
    """The figure itself: every group counts once."""
    return float(statistic(np.ones((1, groups.count)))[0])


class Metric:
    """One rule, two uses: called with arrays it is the figure, `counted` is it under counts.

    Use it as a decorator of a function ``(*arrays, groups=...) -> Statistic``::

        @Metric
        def share(flags: ArrayLike, *, groups: Groups) -> Statistic: ...

        share([True, False])                          # 0.5
        share.counted([True, False], groups=groups)   # a value per draw
    """

    def __init__(self, rule: Callable[..., Statistic]) -> None:
        self._rule = rule
        update_wrapper(self, rule)

    def __call__(self, *arrays: ArrayLike, **options: float) -> float:
        """The figure over all observations; NaN where it is not defined."""
        groups = Groups.one(len(np.asarray(arrays[0])))
        return once(self._rule(*arrays, groups=groups, **options), groups)

    def counted(self, *arrays: ArrayLike, groups: Groups, **options: float) -> Statistic:
        """The figure as a function of how often each group counts."""
        return self._rule(*arrays, groups=groups, **options)


def divide(part: Values, whole: Values) -> Values:
    """``part / whole``, NaN where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def mean_statistic(
    values: ArrayLike, *, groups: Groups, among: NDArray[np.bool_] | None = None
) -> Statistic:
    """Mean over observations.

    Args:
        values: ``(n,)``; NaN is left out.
        groups: Of the observations.
        among: ``(n,)``, which observations count; all by default.
    """
    given = np.asarray(values, np.float64)
    known = ~np.isnan(given) if among is None else among & ~np.isnan(given)
    part, whole = groups.sums(np.where(known, given, 0.0)), groups.sums(known)
    return lambda counts: divide(counts @ part, counts @ whole)


def sum_statistic(values: ArrayLike, *, groups: Groups) -> Statistic:
    """Sum over observations, such as of booleans: how many there are."""
    sums = groups.sums(values)
    return lambda counts: np.asarray(counts @ sums, np.float64)


def median_statistic(values: ArrayLike, *, groups: Groups) -> Statistic:
    """Median over observations, NaN left out: the middle, each as often as its group counts."""
    given = np.asarray(values, np.float64)
    order = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]
    ranked, owner = given[order], groups.owner[order]

    def median(counts: Counts) -> Values:
        reached = np.cumsum(counts[:, owner], axis=1)
        total = reached[:, -1] if len(order) else np.zeros(len(counts))
        result = np.full(len(counts), np.nan)
        some = total > 0
        lower = (reached[some] < np.ceil(total[some] / 2)[:, None]).sum(axis=1)
        upper = (reached[some] < np.floor(total[some] / 2 + 1)[:, None]).sum(axis=1)
        result[some] = (ranked[lower] + ranked[upper]) / 2
        return result

    return median
