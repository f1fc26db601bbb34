"""How slice scores tell slices with tumor from those without, and what is called at a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Specificity at which sensitivities of different models are compared.
REFERENCE_SPECIFICITY = 0.95


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

    @property
    def precision(self) -> float:
        """Slices with tumor among those that are called; NaN where none is."""
        return _ratio(self.tp, self.tp + self.fp)


def confusion(reference: ArrayLike, called: ArrayLike) -> Confusion:
    """Count slices by reference and call, both ``(slices,)`` bool."""
    from sklearn.metrics import confusion_matrix

    truth, calls = np.asarray(reference, bool), np.asarray(called, bool)
    if not len(truth):
        return Confusion(tp=0, fn=0, fp=0, tn=0)
    counts = confusion_matrix(truth, calls, labels=[0, 1])
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


def average_precision(reference: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall curve, as average precision: no line between its points.

    The sum of each threshold's precision times the recall it adds, since precision does not change
    linearly between thresholds (Davis and Goadrich 2006). Arguments and result as `slice_auc`; an
    answer that tells nothing scores the part of tumor slices, not one half.
    """
    from sklearn.metrics import average_precision_score

    truth = np.asarray(reference, bool)
    return float("nan") if _one_sided(truth) else float(average_precision_score(truth, scores))


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


def precision_recall_points(reference: ArrayLike, scores: ArrayLike) -> list[dict[str, float]]:
    """Points of the precision-recall curve at ``score >= threshold``, from strict to lax.

    Each point is a threshold; the customary end at recall 0, where nothing is called and precision
    is not defined, is left out. So are points between neighbours that find as many tumor slices.
    Empty where only one kind of slices is there.
    """
    from sklearn.metrics import precision_recall_curve

    truth = np.asarray(reference, bool)
    if _one_sided(truth):
        return []
    precision, recall, thresholds = precision_recall_curve(truth, scores, drop_intermediate=True)
    return [
        {"recall": float(r), "precision": float(p), "threshold": float(t)}
        for p, r, t in zip(precision[-2::-1], recall[-2::-1], thresholds[::-1], strict=True)
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


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _one_sided(truth: NDArray[np.bool_]) -> bool:
    return bool(truth.all() or not truth.any())
