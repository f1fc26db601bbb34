"""What the models are measured by: overlap of masks, and how slice scores tell tumor from none.

The empty-mask rule of the whole project stands here and nowhere else:

- Dice and IoU are NaN where both masks are empty, and are left out of means.
- Where only one of them is empty, Dice and IoU are 0: a missed tumor counts 0.
- Only `all_slice_dice` differs, because published figures do: it counts 1 where both are empty, and
  `predict_nothing_dice` tells what an empty answer everywhere would score on the same slices.

scikit-learn is imported where it is used: the web process needs Dice alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Specificity at which sensitivities of different models are compared.
REFERENCE_SPECIFICITY = 0.95
#: Equal bins of the score over which calibration is measured.
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Confusion:
    """Slices by reference (positive, negative) and call (true, false)."""

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def sensitivity(self) -> float:
        """Called slices among those with tumor; NaN without any."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Slices left alone among those without tumor; NaN without any."""
        return _ratio(self.tn, self.tn + self.fp)


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
    overlap, first, second = _counts(mask, reference)
    return _ratio(2 * overlap, first + second)


def iou_score(mask: ArrayLike, reference: ArrayLike) -> float:
    """Intersection over union (Jaccard). Arguments, empty-mask rule and errors as `dice_score`."""
    overlap, first, second = _counts(mask, reference)
    return _ratio(overlap, first + second - overlap)


def tumor_slice_dice(dice: ArrayLike, reference_px: ArrayLike) -> float:
    """Mean Dice over slices whose reference holds tumor; missed ones count 0.

    Args:
        dice: ``(slices,)`` Dice per slice, NaN where both masks are empty.
        reference_px: ``(slices,)`` pixels of the reference mask.

    Returns:
        In [0, 1], NaN without any tumor slice.
    """
    holds_tumor = np.asarray(reference_px) > 0
    return _mean(np.asarray(dice, np.float64)[holds_tumor])


def all_slice_dice(dice: ArrayLike) -> float:
    """Mean Dice over all slices, counting 1 where both masks are empty.

    The figure that is often published, and flatters: see `predict_nothing_dice`.
    """
    return _mean(np.nan_to_num(np.asarray(dice, np.float64), nan=1.0))


def predict_nothing_dice(reference_px: ArrayLike) -> float:
    """What an empty mask everywhere scores by `all_slice_dice`: the part of empty slices."""
    return _mean(np.asarray(reference_px) == 0)


def confusion(reference: ArrayLike, called: ArrayLike) -> Confusion:
    """Count slices by reference and call, both ``(slices,)`` bool."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(np.asarray(reference, bool), np.asarray(called, bool), labels=[0, 1])
    (tn, fp), (fn, tp) = counts.tolist()
    return Confusion(tp=tp, fn=fn, fp=fp, tn=tn)


def slice_auc(reference: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve of slice scores; ties count half.

    Args:
        reference: ``(slices,)`` bool, whether the reference mask holds tumor.
        scores: ``(slices,)`` in [0, 1].

    Returns:
        In [0, 1], NaN where only one of the two kinds of slices is there.
    """
    from sklearn.metrics import roc_auc_score

    truth = np.asarray(reference, bool)
    return float("nan") if _one_sided(truth) else float(roc_auc_score(truth, scores))


def roc_points(reference: ArrayLike, scores: ArrayLike) -> list[dict[str, float]]:
    """Points of the ROC curve: what is called at ``score >= threshold``, from strict to lax.

    The first point calls nothing; its threshold is 1 where no score reaches 1, else just above 1.
    Points on a straight line between others are left out. Empty where only one kind is there.
    """
    from sklearn.metrics import roc_curve

    truth = np.asarray(reference, bool)
    if _one_sided(truth):
        return []
    false_positive, sensitivity, thresholds = roc_curve(truth, scores)
    highest = float(np.max(scores))
    thresholds[0] = 1.0 if highest < 1 else np.nextafter(1.0, 2.0)
    return [
        {"threshold": float(t), "sensitivity": float(s), "false_positive_rate": float(f)}
        for t, s, f in zip(thresholds, sensitivity, false_positive, strict=True)
    ]


def sensitivity_at_specificity(
    reference: ArrayLike, scores: ArrayLike, specificity: float = REFERENCE_SPECIFICITY
) -> float:
    """Best sensitivity of any operating point whose specificity is at least the given one.

    Returns:
        In [0, 1], NaN where only one of the two kinds of slices is there.
    """
    from sklearn.metrics import roc_curve

    truth = np.asarray(reference, bool)
    if _one_sided(truth):
        return float("nan")
    rate, sensitivity, _ = roc_curve(truth, scores, drop_intermediate=False)
    return float(sensitivity[rate <= 1 - specificity + 1e-12].max())


def brier_score(reference: ArrayLike, scores: ArrayLike) -> float:
    """Mean squared distance of the score from 1 (tumor) or 0 (none); 0 is best."""
    return _mean((np.asarray(scores, np.float64) - np.asarray(reference, bool)) ** 2)


def calibration_bin(scores: ArrayLike, bins: int = CALIBRATION_BINS) -> NDArray[np.int_]:
    """Bin of each score: ``bins`` equal ones, closed below, the last one closed on both sides."""
    return np.minimum((np.asarray(scores, np.float64) * bins).astype(int), bins - 1)


def expected_calibration_error(
    reference: ArrayLike, scores: ArrayLike, bins: int = CALIBRATION_BINS
) -> float:
    """Expected calibration error (Naeini et al. 2015, AAAI).

    The distance between mean score and part of tumor slices in each bin, weighted by its slices.

    Returns:
        In [0, 1]; 0 is best, NaN without slices.
    """
    truth, values = np.asarray(reference, np.float64), np.asarray(scores, np.float64)
    if not len(values):
        return float("nan")
    place = calibration_bin(values, bins)
    excess = np.bincount(place, values - truth, minlength=bins)
    return float(np.abs(excess).sum() / len(values))


def _counts(mask: ArrayLike, reference: ArrayLike) -> tuple[int, int, int]:
    first, second = np.asarray(mask, bool), np.asarray(reference, bool)
    if first.shape != second.shape:
        raise ValueError(f"masks must have one shape, got {first.shape} and {second.shape}")
    overlap = int(np.count_nonzero(first & second))
    return overlap, int(np.count_nonzero(first)), int(np.count_nonzero(second))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _one_sided(truth: NDArray[np.bool_]) -> bool:
    return bool(truth.all() or not truth.any())
