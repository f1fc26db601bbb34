"""What image classifiers are measured by, with 95% intervals by drawing groups.

Images of one group (a patient, a cluster of near-duplicates) look alike, so that groups are drawn,
never images. An image that stands in several repeats of a cross-validation belongs to one group in
all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.classifiers.images import LabelledImages
from pipeline.evaluation.intervals import Estimate, draw_counts
from pipeline.storage.field_types import Count, Name

DRAWS = 10_000
#: Probabilities are kept this far from 0 and 1, as Keras does, so that one sure miss stays finite.
_SMALLEST = 1e-7
_LEVEL = 0.95

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts by class: one row per class of the data, one column per predicted class."""

    labels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=32)]
    counts: tuple[tuple[Count, ...], ...]

    def __post_init__(self) -> None:
        if {len(self.counts), *map(len, self.counts)} != {len(self.labels)}:
            raise ValueError("must have a row and a column of counts for each label")


@dataclass(frozen=True)
class Scores:
    """Figures of a classifier on held-out images.

    Attributes:
        figures: Name to estimate. Two classes: accuracy, binary_crossentropy, auc, sensitivity and
            specificity (of the second class). More: accuracy, log_loss, auc (mean over each class
            against the rest), and sensitivity_<class> and precision_<class>.
        confusion: Counts by class.
    """

    figures: Mapping[str, Estimate]
    confusion: ConfusionMatrix


def score_images(
    probabilities: NDArray[np.floating], images: LabelledImages, *, draws: int = DRAWS
) -> Scores:
    """Score a classifier's answers on images; see `score_classifier`."""
    return score_classifier(
        probabilities, images.labels, images.groups, classes=images.classes, draws=draws
    )


def score_repeats(probabilities: NDArray[np.floating], images: LabelledImages) -> Scores:
    """Score the answers ``(repeats, n, classes)`` of all repeats of a cross-validation.

    An image of several repeats is drawn with its group.
    """
    repeats, _, classes = probabilities.shape
    return score_classifier(
        probabilities.reshape(-1, classes),
        np.tile(images.labels, repeats),
        np.tile(images.groups, repeats),
        classes=images.classes,
    )


def score_classifier(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    groups: NDArray[np.generic],
    *,
    classes: tuple[str, ...],
    draws: int = DRAWS,
) -> Scores:
    """Score a classifier's answers.

    Args:
        probabilities: ``(n, classes)`` in [0, 1]; the answer is the largest.
        labels: ``(n,)`` places in `classes`.
        groups: ``(n,)`` what is drawn as a whole.
        classes: Names of the classes.
        draws: Bootstrap draws behind the intervals.

    Raises:
        ValueError: There is nothing to score, or the shapes do not fit.
    """
    if not len(labels) or probabilities.shape != (len(labels), len(classes)):
        raise ValueError(
            f"probabilities must be ({len(labels)}, {len(classes)}) and not empty, got "
            f"{probabilities.shape}"
        )
    owners = np.unique(groups, return_inverse=True)[1].reshape(-1)
    counts = draw_counts(int(owners.max()) + 1, draws=draws)
    scored = np.asarray(probabilities, np.float64)
    figures = {
        name: _estimate(statistic, counts)
        for name, statistic in _statistics(scored, labels, owners, classes).items()
    }
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, scored.argmax(axis=1)), 1)
    rows = tuple(tuple(int(count) for count in row) for row in confusion)
    return Scores(figures=figures, confusion=ConfusionMatrix(classes, rows))


#: From counts ``(draws, groups)`` to one value per draw, NaN where it is not defined.
_Statistic = Callable[[Values], Values]


def _statistics(
    probabilities: Values,
    labels: NDArray[np.integer],
    owners: NDArray[np.intp],
    classes: tuple[str, ...],
) -> dict[str, _Statistic]:
    answered = probabilities.argmax(axis=1)
    right = (answered == labels).astype(float)
    chosen = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.clip(chosen, _SMALLEST, 1 - _SMALLEST))
    everything = np.ones(len(labels))

    def part(values: Values, among: Values = everything) -> _Statistic:
        return _ratio(_sums(values * among, owners), _sums(among, owners))

    kinds = [(labels == place).astype(float) for place in range(len(classes))]
    areas = [_auc(probabilities[:, k], kinds[k] > 0, owners) for k in range(len(classes))]
    if len(classes) == 2:
        return {
            "accuracy": part(right),
            "binary_crossentropy": part(loss),
            "auc": areas[1],
            "sensitivity": part(right, kinds[1]),
            "specificity": part(right, kinds[0]),
        }
    found = {f"sensitivity_{name}": part(right, kinds[k]) for k, name in enumerate(classes)}
    calls = [(answered == place).astype(float) for place in range(len(classes))]
    sure = {f"precision_{name}": part(right, calls[k]) for k, name in enumerate(classes)}

    def mean_area(counts: Values) -> Values:
        return np.mean([area(counts) for area in areas], axis=0)

    return {"accuracy": part(right), "log_loss": part(loss), "auc": mean_area, **found, **sure}


def _estimate(statistic: _Statistic, counts: Values) -> Estimate:
    (value,) = statistic(np.ones((1, counts.shape[1])))
    drawn = statistic(counts)
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return Estimate(None, None, None)
    low, high = np.quantile(known, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Estimate(float(value), float(low), float(high))


def _sums(values: Values, owners: NDArray[np.intp]) -> Values:
    """Sum of the values of each group."""
    return np.bincount(owners, values, minlength=int(owners.max()) + 1).astype(np.float64)


def _ratio(part: Values, whole: Values) -> _Statistic:
    def ratio(counts: Values) -> Values:
        below = counts @ whole
        return np.divide(counts @ part, below, out=np.full(len(counts), np.nan), where=below > 0)

    return ratio


def _auc(scores: Values, positive: NDArray[np.bool_], owners: NDArray[np.intp]) -> _Statistic:
    """AUC from how many pairs of a positive and a negative image each pair of groups ranks rightly.

    Ties count half (Mann-Whitney). The value without a draw is that of scikit-learn.
    """
    size = int(owners.max()) + 1
    wins = np.zeros((size, size))
    for other in np.unique(owners[~positive]):
        beaten = np.sort(scores[(owners == other) & ~positive])
        below = np.searchsorted(beaten, scores[positive], "left")
        upto = np.searchsorted(beaten, scores[positive], "right")
        wins[:, other] = np.bincount(owners[positive], (below + upto) / 2, minlength=size)
    many, few = _sums(positive.astype(float), owners), _sums((~positive).astype(float), owners)

    def area(counts: Values) -> Values:
        pairs = (counts @ many) * (counts @ few)
        won = ((counts @ wins) * counts).sum(axis=1)
        return np.divide(won, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)

    return area
