"""Figures of an image classifier with 95% intervals, by drawing groups with replacement.

Images of one group (copies, one patient) are alike, so that groups are drawn, never images (cluster
bootstrap, Efron and Tibshirani 1993). Where the folds were repeated, a figure is the mean of the
repeats', over the same draw. All draws are computed at once: a draw is a vector of image weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
SEED = 20260101
_TAIL_PERCENT = 2.5
#: Probabilities are clipped here in the cross-entropy: one image shall not make it infinite.
_SMALLEST = 1e-6
_BINS = 10
_CHUNK = 1000

Weights = NDArray[np.float64]


def estimate_figures(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    groups: NDArray[np.int64],
    classes: Sequence[str],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, dict[str, float | None]]:
    """Compute every figure of a classifier.

    Args:
        labels: ``(n,)`` class numbers.
        probabilities: ``(repeats, n, classes)``, each image held out once per repeat.
        groups: ``(n,)`` group numbers.
        classes: Their names.
        draws: Number of bootstrap draws.
        seed: Of the draws.

    Returns:
        Name to ``{value, low, high}``, None where it is not defined: ``accuracy``,
        ``balanced_accuracy``, ``auc`` (mean of each class against the rest where there are more
        than two), ``cross_entropy``, ``ece`` (of the answered class), then per class
        ``sensitivity_NAME``, ``specificity_NAME``, ``auc_NAME``.
    """
    whole = compute_figures(labels, probabilities, np.ones((1, len(labels))), classes)
    numbers, place = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in whole}
    for start in range(0, draws, _CHUNK):
        size = min(_CHUNK, draws - start)
        counts = rng.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), size=size)
        values = compute_figures(labels, probabilities, counts[:, place].astype(float), classes)
        for name, part in values.items():
            drawn[name].append(part)
    return {
        name: _estimate(float(value[0]), np.concatenate(drawn[name]) if drawn[name] else value)
        for name, value in whole.items()
    }


def compute_figures(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    weights: Weights,
    classes: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """Figures under image weights ``(draws, n)``: name to ``(draws,)``, mean of the repeats."""
    per_repeat = [_figures_once(labels, p, weights, classes) for p in probabilities]
    return {
        name: np.mean([figures[name] for figures in per_repeat], axis=0) for name in per_repeat[0]
    }


def count_confusion(
    labels: NDArray[np.int64], answers: NDArray[np.int64], n_classes: int
) -> list[list[int]]:
    """Confusion matrix: rows are the labels, columns the answers, summed over repeats."""
    counts = np.zeros((n_classes, n_classes), int)
    np.add.at(counts, (np.broadcast_to(labels, answers.shape), answers), 1)
    return [[int(count) for count in row] for row in counts]


def _figures_once(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    weights: Weights,
    classes: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    answers = probabilities.argmax(axis=-1)
    right = answers == labels
    every = np.ones(len(labels), bool)
    surprise = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], _SMALLEST))
    sensitivity = [_mean(right, labels == k, weights) for k in range(len(classes))]
    specificity = [_mean(answers != k, labels != k, weights) for k in range(len(classes))]
    aucs = [_auc(probabilities[:, k], labels == k, weights) for k in range(len(classes))]
    figures = {
        "accuracy": _mean(right, every, weights),
        "balanced_accuracy": np.mean(sensitivity, axis=0),
        "auc": np.mean(aucs, axis=0) if len(classes) > 2 else aucs[1],
        "cross_entropy": _mean(surprise, every, weights),
        "ece": _calibration_error(probabilities.max(axis=-1), right, weights),
    }
    for k, name in enumerate(classes):
        figures[f"sensitivity_{name}"] = sensitivity[k]
        figures[f"specificity_{name}"] = specificity[k]
        figures[f"auc_{name}"] = aucs[k]
    return figures


def _mean(
    values: NDArray[np.generic], among: NDArray[np.bool_], weights: Weights
) -> NDArray[np.float64]:
    return _divide(weights @ np.where(among, values, 0.0), weights @ among.astype(float))


def _auc(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], weights: Weights
) -> NDArray[np.float64]:
    """Part of the pairs of a positive and a negative that are ranked rightly, ties half."""
    _, place = np.unique(scores, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    pos = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    neg = np.add.reduceat(weights[:, order] * ~positive[order], starts, axis=1)
    below = np.cumsum(neg, axis=1) - neg / 2
    return _divide((pos * below).sum(axis=1), pos.sum(axis=1) * neg.sum(axis=1))


def _calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], weights: Weights
) -> NDArray[np.float64]:
    """Mean gap between confidence and accuracy over ten equal bins (Guo et al. 2017)."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.zeros(len(weights))
    for number in range(_BINS):
        gaps += np.abs(weights @ np.where(bins == number, confidence - right, 0.0))
    return _divide(gaps, weights.sum(axis=1))


def _divide(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _estimate(value: float, drawn: NDArray[np.float64]) -> dict[str, float | None]:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return {"value": None, "low": None, "high": None}
    low, high = np.percentile(known, [_TAIL_PERCENT, 100 - _TAIL_PERCENT])
    return {"value": value, "low": float(low), "high": float(high)}
