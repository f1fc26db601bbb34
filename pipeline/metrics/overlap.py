"""Overlap of two masks, over a slice or over a patient's volume.

Every Dice of the project follows `dice_from_counts`, and with it the empty-mask rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.metrics.counting import Groups, Metric, Statistic, mean_statistic


def dice_from_counts(
    overlap: ArrayLike, first: ArrayLike, second: ArrayLike
) -> NDArray[np.float64]:
    """Dice coefficient of masks of which only sizes are known, ``2 |A and B| / (|A| + |B|)``.

    Args:
        overlap: What both masks hold, of any shape: pixels, or sums of probabilities.
        first: What one of them holds, likewise, of a shape that broadcasts with it.
        second: What the other one holds, likewise.

    Returns:
        In [0, 1], of the common shape. NaN where both are empty, so that means leave it out; 0
        where one of them is.

    Example:
        >>> dice_from_counts([2, 0, 0], [3, 4, 0], [5, 0, 0])
        array([0.5, 0. , nan])
    """
    twice = 2 * np.asarray(overlap, np.float64)
    total = np.add(first, second, dtype=np.float64)
    undefined = np.full(np.broadcast(twice, total).shape, np.nan)
    return np.asarray(np.divide(twice, total, out=undefined, where=total != 0))


def dice_score(mask: ArrayLike, reference: ArrayLike) -> float:
    """Dice coefficient, ``2 |A and B| / (|A| + |B|)``.

    Args:
        mask: Predicted mask, any shape, binarised (bool, or 0 and not 0): a slice ``(h, w)`` gives
            the slice's Dice, a volume ``(n, h, w)`` the patient's.
        reference: Reference mask of the same shape.

    Returns:
        In [0, 1]. NaN where both are empty, 0 where one of them is.

    Raises:
        ValueError: The shapes differ.
    """
    return float(dice_from_counts(*_counts(mask, reference)))


def iou_score(mask: ArrayLike, reference: ArrayLike) -> float:
    """Intersection over union (Jaccard). Arguments, empty-mask rule and errors as `dice_score`."""
    overlap, first, second = _counts(mask, reference)
    return _ratio(overlap, first + second - overlap)


def masks_meet(mask: ArrayLike, reference: ArrayLike) -> bool | None:
    """Whether a reference tumor was detected: at least one pixel lies in both masks.

    A patient in whom something else than the tumor is segmented is not detected.

    Returns:
        None where the reference is empty, since there is nothing to detect.

    Raises:
        ValueError: The shapes differ.
    """
    overlap, _, second = _counts(mask, reference)
    return overlap > 0 if second else None


def iou_from_dice(dice: ArrayLike) -> NDArray[np.float64]:
    """IoU of the same two masks, ``d / (2 - d)``; NaN stays NaN."""
    values = np.asarray(dice, np.float64)
    return values / (2 - values)


@Metric
def tumor_slice_dice(dice: ArrayLike, reference_px: ArrayLike, *, groups: Groups) -> Statistic:
    """Mean Dice over slices whose reference holds tumor; missed ones count 0.

    In [0, 1], NaN without any tumor slice.

    Args:
        dice: ``(slices,)`` Dice per slice, NaN where both masks are empty. With IoU in its place
            the mean IoU comes out.
        reference_px: ``(slices,)`` pixels of the reference mask.
        groups: Of the slices.
    """
    return mean_statistic(dice, groups=groups, among=np.asarray(reference_px) > 0)


@Metric
def all_slice_dice(dice: ArrayLike, *, groups: Groups) -> Statistic:
    """Mean Dice over all slices, counting 1 where both masks are empty.

    The figure that is often published, and flatters: see `predict_nothing_dice`.
    """
    return mean_statistic(np.nan_to_num(np.asarray(dice, np.float64), nan=1.0), groups=groups)


@Metric
def predict_nothing_dice(reference_px: ArrayLike, *, groups: Groups) -> Statistic:
    """What an empty mask everywhere scores by `all_slice_dice`: the share of empty slices."""
    return mean_statistic(np.asarray(reference_px) == 0, groups=groups)


def _counts(mask: ArrayLike, reference: ArrayLike) -> tuple[int, int, int]:
    first, second = np.asarray(mask, bool), np.asarray(reference, bool)
    if first.shape != second.shape:
        raise ValueError(f"masks must have one shape, got {first.shape} and {second.shape}")
    overlap = int(np.count_nonzero(first & second))
    return overlap, int(np.count_nonzero(first)), int(np.count_nonzero(second))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
