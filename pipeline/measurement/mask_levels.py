"""Thresholds of a probability map that is stored as uint8, and what a mask at each would be worth.

Pure functions, without SciPy: the web process reads them too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.metrics import dice_from_counts

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


def areas_by_level(probability: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of each slice ``(n, h, w)`` at or above each level: ``(n, 256)``.

    With it the mask's area at any threshold follows without the maps: at ``mask_level(threshold)``.
    """
    return _at_or_above(np.array([_count_slice(shown) for shown in probability]))


def overlaps_by_level(
    probability: NDArray[np.uint8], reference: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """As `areas_by_level`, of the pixels that a reference ``(n, h, w)`` holds too."""
    pairs = zip(probability, reference, strict=True)
    return _at_or_above(np.array([_count_slice(shown, inside) for shown, inside in pairs]))


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
        ``(256,)``, `dice_from_counts` of masks of which one is a sum of probabilities.
    """
    counted = voxels.astype(np.float64)
    counted[:NOTHING_LEVEL] = 0
    above, sums = _at_or_above(counted), _at_or_above(counted * np.arange(256) / 255)
    return dice_from_counts(sums, above, mass)


def _count_slice(
    shown: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """As `count_levels`, of the pixels inside; quick where a slice is empty, as most are."""
    if shown.any():
        return count_levels(shown if inside is None else shown[inside])
    counts = np.zeros(256, np.int64)
    counts[0] = shown.size if inside is None else np.count_nonzero(inside)
    return counts


def _at_or_above(counts: NDArray[Any]) -> NDArray[Any]:
    """Sums over each level and those above it, along the last axis."""
    return np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
