"""Temperature scaling (Guo et al. 2017, arXiv 1706.04599): one number for all classes.

It changes how sure the answers sound, never which class is answered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

#: Temperatures that are looked at, as powers of e.
_BOUNDS = (-2.0, 3.0)
_SMALLEST = 1e-7


def apply_temperature(
    probabilities: NDArray[np.floating], temperature: float
) -> NDArray[np.float64]:
    """Probabilities ``(..., classes)`` at another temperature; 1 changes nothing."""
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    calibrated: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return calibrated


def fit_temperature(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Temperature with the least cross-entropy on held-out images ``(n, classes)``, ``(n,)``."""

    def loss(power: float) -> float:
        return cross_entropy(apply_temperature(probabilities, float(np.exp(power))), labels)

    found = minimize_scalar(loss, bounds=_BOUNDS, method="bounded")
    return float(np.exp(found.x))


def cross_entropy(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Mean negative logarithm of the label's probability, of ``(n, classes)`` and ``(n,)``."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, _SMALLEST)).mean())
