"""Thresholds of a probability map that is stored as uint8, and what a mask at each would be worth.

Pure functions, without SciPy: the web process reads them too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Probabilities below 2% are the background's noise; over a whole volume it can outweigh a lesion.
NOTHING_LEVEL = 5


def mask_level(threshold: float) -> int:
    """Smallest stored value in 1..255 that belongs to the mask at a threshold in (0, 1)."""
    return max(1, int(np.ceil(threshold * 255)))


def level_threshold(level: int) -> float:
    """The threshold whose `mask_level` is ``level``, halfway to the level below."""
    return (level - 0.5) / 255


def count_levels(probability: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels, of any shape, hold each value: ``(256,)``."""
    return np.bincount(probability.ravel(), minlength=256)


def probability_mass(voxels: NDArray[np.integer]) -> float:
    """Sum of the probabilities of voxels, the background's noise left out.

    Args:
        voxels: ``(256,)`` how many hold each value.
    """
    return float(voxels[NOTHING_LEVEL:] @ np.arange(NOTHING_LEVEL, 256)) / 255


def expected_dice(voxels: NDArray[np.integer], *, mass: float) -> NDArray[np.float64]:
    """Dice that the mask at each level would have on average, were the probabilities right.

    It is 2 S(t) / (N(t) + S) for the level t, with N(t) the voxels at or above it, S(t) the sum of
    their probabilities and S that of all (Lipton, Elkan and Naryanaswamy 2014, arXiv 1402.1892).

    Args:
        voxels: ``(256,)`` how many voxels hold each value, of those from which the mask is made.
        mass: S, above 0.

    Returns:
        ``(256,)``.
    """
    counted = voxels.astype(np.float64)
    counted[:NOTHING_LEVEL] = 0
    above = np.cumsum(counted[::-1])[::-1]
    sums = np.cumsum((counted * np.arange(256) / 255)[::-1])[::-1]
    return np.asarray(2 * sums / (above + mass), np.float64)
