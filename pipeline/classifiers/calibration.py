"""Temperature scaling (Guo et al. 2017, arXiv 1706.04599): one number for all classes.

It changes how sure the answers sound, never which class is answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.cross_validation import HeldOutAnswers

#: Temperatures that are tried, as powers of e.
_BOUNDS = (-2.0, 3.0)
_SMALLEST = 1e-7


@dataclass(frozen=True, eq=False)
class CalibratedAnswers:
    """Answers of a recipe to images that it had not seen.

    Attributes:
        raw: ``(repeats, n, classes)`` probabilities as the networks gave them.
        calibrated: The same at the temperature that the other folds of the repeat chose.
        temperature: The one that all held-out answers together choose: the shipped model's.
    """

    raw: NDArray[np.float64]
    calibrated: NDArray[np.float64]
    temperature: float


def apply_temperature(
    probabilities: NDArray[np.floating], temperature: float
) -> NDArray[np.float64]:
    """Probabilities ``(..., classes)`` at another temperature; 1 changes nothing."""
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    calibrated: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return calibrated


def join_mirrored(
    upright: NDArray[np.floating], mirrored: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The answer ``(..., classes)`` to an image by those to it and its mirror image."""
    both = np.maximum(upright, _SMALLEST) * np.maximum(mirrored, _SMALLEST)
    powers = np.sqrt(both.astype(np.float64))
    joined: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return joined


def fit_temperature(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Temperature with the least cross-entropy on held-out images ``(n, classes)``, ``(n,)``."""
    from scipy.optimize import minimize_scalar

    def loss(power: float) -> float:
        return cross_entropy(apply_temperature(probabilities, float(np.exp(power))), labels)

    found = minimize_scalar(loss, bounds=_BOUNDS, method="bounded")
    return float(np.exp(found.x))


def cross_entropy(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean negative logarithm of the label's probability, of ``(n, classes)`` and ``(n,)``."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, _SMALLEST)).mean())


def calibrate_folds(answers: HeldOutAnswers, labels: NDArray[np.integer]) -> CalibratedAnswers:
    """Calibrate each fold by the others, so that no image chooses its own temperature.

    Args:
        answers: Held-out answers to ``n`` images.
        labels: ``(n,)`` classes.
    """
    raw = answers.probabilities
    calibrated = np.zeros_like(raw)
    for repeat, given in enumerate(raw):
        for fold in np.unique(answers.folds[repeat]):
            held = answers.folds[repeat] == fold
            temperature = fit_temperature(given[~held], labels[~held])
            calibrated[repeat, held] = apply_temperature(given[held], temperature)
    everything = raw.reshape(-1, raw.shape[-1])
    temperature = fit_temperature(everything, np.tile(labels, len(raw)))
    return CalibratedAnswers(raw, calibrated, temperature)
