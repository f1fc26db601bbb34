"""How well slice scores separate slices with tumor from those without, at every threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.metrics.counting import (
    Counts,
    Groups,
    Metric,
    Statistic,
    Values,
    divide,
)

#: Specificity at which sensitivities of different models are compared.
REFERENCE_SPECIFICITY = 0.95
#: Rates that differ by less are the same: they are quotients of counts.
_TOLERANCE = 1e-12
#: Draws that are computed together where the arrays grow with the number of slices.
_CHUNK = 500


@dataclass(frozen=True)
class Confusion:
    """Slices by reference and call: true and false positives, true and false negatives."""

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def prevalence(self) -> float:
        """Share of the slices that hold tumor; NaN without slices."""
        slices = self.tp + self.fn + self.fp + self.tn
        return (self.tp + self.fn) / slices if slices else float("nan")


@dataclass(frozen=True)
class RocPoint:
    """A point of the ROC curve: what is called at ``score >= threshold``."""

    threshold: float
    sensitivity: float
    false_positive_rate: float


@dataclass(frozen=True)
class RecallPoint:
    """A point of the precision-recall curve: what is called at ``score >= threshold``."""

    recall: float
    precision: float
    threshold: float


@dataclass(frozen=True, eq=False)
class ThresholdCounts:
    """What is called at each threshold in some draws.

    Attributes:
        hits, alarms: ``(draws, thresholds)`` called slices with and without tumor, from the
            strictest threshold to the laxest.
        positive, negative: ``(draws, 1)`` all slices with and without tumor, at least one of each.
    """

    hits: Values
    alarms: Values
    positive: Values
    negative: Values

    @property
    def sensitivity(self) -> Values:
        """``(draws, thresholds)``."""
        return self.hits / self.positive

    @property
    def specificity(self) -> Values:
        """``(draws, thresholds)``."""
        return 1 - self.alarms / self.negative


def confusion(reference: ArrayLike, called: ArrayLike) -> Confusion:
    """Count slices by reference and call, both ``(slices,)`` bool."""
    truth, calls = np.asarray(reference, bool), np.asarray(called, bool)
    return Confusion(
        tp=int(np.count_nonzero(truth & calls)),
        fn=int(np.count_nonzero(truth & ~calls)),
        fp=int(np.count_nonzero(~truth & calls)),
        tn=int(np.count_nonzero(~truth & ~calls)),
    )


@Metric
def slice_auc(reference: ArrayLike, scores: ArrayLike, *, groups: Groups) -> Statistic:
    """Area under the ROC curve of slice scores; ties count half.

    From how many pairs of a tumor and an empty slice each pair of groups ranks rightly
    (Mann-Whitney). In [0, 1], NaN where only one of the two kinds of slices is there.

    Args:
        reference: ``(slices,)`` bool, whether the reference mask holds tumor.
        scores: ``(slices,)`` in [0, 1].
        groups: Of the slices.
    """
    truth, values = np.asarray(reference, bool), np.asarray(scores, np.float64)
    positive, owner = values[truth], groups.owner[truth]
    wins = np.zeros((groups.count, groups.count))
    for other in np.unique(groups.owner[~truth]):
        empty = np.sort(values[(groups.owner == other) & ~truth])
        below, up_to = (np.searchsorted(empty, positive, side) for side in ("left", "right"))
        wins[:, other] = np.bincount(owner, (below + up_to) / 2, minlength=groups.count)
    tumor, without = groups.sums(truth), groups.sums(~truth)

    def auc(counts: Counts) -> Values:
        pairs = (counts @ tumor) * (counts @ without)
        return divide(((counts @ wins) * counts).sum(axis=1), pairs)

    return auc


@Metric
def average_precision(reference: ArrayLike, scores: ArrayLike, *, groups: Groups) -> Statistic:
    """Area under the precision-recall curve, as average precision: no line between its points.

    The sum of each threshold's precision times the recall it adds, since precision does not change
    linearly between thresholds (Davis and Goadrich 2006). Arguments and range as `slice_auc`; a
    score without information reaches the share of tumor slices, not one half.
    """

    def average(called: ThresholdCounts) -> Values:
        every = called.hits + called.alarms
        precision = np.divide(called.hits, every, out=np.zeros_like(every), where=every > 0)
        added = np.diff(called.hits, prepend=0.0, axis=1)
        return np.asarray(np.einsum("dt,dt->d", added, precision) / called.positive[:, 0])

    return threshold_statistic(reference, scores, average, groups=groups)


@Metric
def sensitivity_at_specificity(
    reference: ArrayLike,
    scores: ArrayLike,
    *,
    groups: Groups,
    specificity: float = REFERENCE_SPECIFICITY,
) -> Statistic:
    """Best sensitivity of any operating point whose specificity is at least the given one.

    Arguments and range as `slice_auc`.
    """
    return threshold_statistic(
        reference,
        scores,
        lambda called: best_where(called.sensitivity, called.specificity, at_least=specificity),
        groups=groups,
    )


def best_where(values: Values, others: Values, *, at_least: float) -> Values:
    """Largest value of each draw where another is large enough, 0 where it never is.

    Args:
        values: ``(draws, thresholds)``.
        others: ``(draws, thresholds)``.
        at_least: What the other must reach.
    """
    return np.where(others >= at_least - _TOLERANCE, values, 0.0).max(axis=1)


def threshold_statistic(
    reference: ArrayLike,
    scores: ArrayLike,
    figure: Callable[[ThresholdCounts], Values],
    *,
    groups: Groups,
) -> Statistic:
    """A figure of how many slices of each kind are called at each threshold.

    Only the scores of tumor slices are thresholds: anywhere between them the same tumor slices are
    called as at the next higher one, with as many false alarms or more.

    Args:
        reference: ``(slices,)`` bool.
        scores: ``(slices,)`` in [0, 1].
        figure: From what is called to a value per draw; draws that hold one kind only give NaN.
        groups: Of the slices.
    """
    truth, values = np.asarray(reference, bool), np.asarray(scores, np.float64)
    points = np.unique(values[truth])[::-1]
    place = np.searchsorted(-points, -values)

    def called_per_group(kind: NDArray[np.bool_]) -> Values:
        # The last column holds what is called at no threshold.
        counted = np.zeros((groups.count, len(points) + 1))
        np.add.at(counted, (groups.owner[kind], place[kind]), 1.0)
        return np.cumsum(counted, axis=1)

    true, false = called_per_group(truth), called_per_group(~truth)

    def statistic(counts: Counts) -> Values:
        found = np.full(len(counts), np.nan)
        positive, negative = counts @ true[:, -1], counts @ false[:, -1]
        rows = np.flatnonzero((positive > 0) & (negative > 0))
        for start in range(0, len(rows), _CHUNK):
            k = rows[start : start + _CHUNK]
            hits, alarms = counts[k] @ true[:, :-1], counts[k] @ false[:, :-1]
            found[k] = figure(ThresholdCounts(hits, alarms, positive[k, None], negative[k, None]))
        return found

    return statistic


def roc_points(reference: ArrayLike, scores: ArrayLike) -> tuple[RocPoint, ...]:
    """Points of the ROC curve: what is called at ``score >= threshold``, from strict to lax.

    The first point calls nothing; its threshold is 1 where no score reaches 1, else just above 1.
    Points on a straight line between others are left out. Empty where only one kind is there.
    """
    from sklearn.metrics import roc_curve

    truth = np.asarray(reference, bool)
    if truth.all() or not truth.any():
        return ()
    false_positive, sensitivity, thresholds = roc_curve(truth, scores)
    highest = float(np.max(scores))
    thresholds[0] = 1.0 if highest < 1 else np.nextafter(1.0, 2.0)
    return tuple(
        RocPoint(threshold=float(t), sensitivity=float(s), false_positive_rate=float(f))
        for t, s, f in zip(thresholds, sensitivity, false_positive, strict=True)
    )


def precision_recall_points(reference: ArrayLike, scores: ArrayLike) -> tuple[RecallPoint, ...]:
    """Points of the precision-recall curve at ``score >= threshold``, from strict to lax.

    Each point is a threshold; the customary end at recall 0, where nothing is called and precision
    is not defined, is left out. So are points between neighbours that find as many tumor slices.
    Empty where only one kind of slices is there.
    """
    from sklearn.metrics import precision_recall_curve

    truth = np.asarray(reference, bool)
    if truth.all() or not truth.any():
        return ()
    precision, recall, thresholds = precision_recall_curve(truth, scores, drop_intermediate=True)
    return tuple(
        RecallPoint(recall=float(r), precision=float(p), threshold=float(t))
        for p, r, t in zip(precision[-2::-1], recall[-2::-1], thresholds[::-1], strict=True)
    )
