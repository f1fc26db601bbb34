"""What image classifiers are measured by, with 95% intervals by drawing groups.

Images of one group (a patient, a cluster of near-duplicates) look alike, so that groups are drawn,
never images. An image that stands in several repeats of a cross-validation belongs to one group in
all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.classifiers.images import LabelledImages
from pipeline.evaluation.intervals import DRAWS, Estimate, draw_counts, estimate
from pipeline.metrics import Counts, Groups, Statistic, Values, mean_statistic, slice_auc
from pipeline.storage.field_types import Count, Name

#: Probabilities are kept this far from 0 and 1, as Keras does, so that one sure miss stays finite.
_SMALLEST = 1e-7


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
    names, owners = np.unique(groups, return_inverse=True)
    drawn = Groups(owners.reshape(-1), len(names))
    counts = draw_counts(drawn.count, draws=draws)
    scored = np.asarray(probabilities, np.float64)
    figures = {
        name: estimate(statistic, counts)
        for name, statistic in _statistics(scored, labels, drawn, classes).items()
    }
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, scored.argmax(axis=1)), 1)
    rows = tuple(tuple(int(count) for count in row) for row in confusion)
    return Scores(figures=figures, confusion=ConfusionMatrix(classes, rows))


def _statistics(
    probabilities: Values,
    labels: NDArray[np.integer],
    groups: Groups,
    classes: tuple[str, ...],
) -> dict[str, Statistic]:
    answered = probabilities.argmax(axis=1)
    right = answered == labels
    chosen = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.clip(chosen, _SMALLEST, 1 - _SMALLEST))

    def share_right(among: NDArray[np.bool_]) -> Statistic:
        return mean_statistic(right, groups=groups, among=among)

    kinds = [labels == place for place in range(len(classes))]
    areas = [
        slice_auc.counted(kind, probabilities[:, place], groups=groups)
        for place, kind in enumerate(kinds)
    ]
    accuracy, mean_loss = (mean_statistic(values, groups=groups) for values in (right, loss))
    if len(classes) == 2:
        return {
            "accuracy": accuracy,
            "binary_crossentropy": mean_loss,
            "auc": areas[1],
            "sensitivity": share_right(kinds[1]),
            "specificity": share_right(kinds[0]),
        }
    found = {f"sensitivity_{name}": share_right(kinds[k]) for k, name in enumerate(classes)}
    sure = {f"precision_{name}": share_right(answered == k) for k, name in enumerate(classes)}

    def mean_area(counts: Counts) -> Values:
        return np.mean([area(counts) for area in areas], axis=0)

    return {"accuracy": accuracy, "log_loss": mean_loss, "auc": mean_area, **found, **sure}
