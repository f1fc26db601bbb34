"""From raw answers per slice to answers that fit through the volume. Pure functions on arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.measurement.mask_levels import count_levels, expected_dice, probability_mass

#: Neighbours further than this many sigmas weigh nothing (less than 0.0004 of the slice itself).
_REACH = 4.0


def smoothing_weights(positions: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Gaussian weights of each slice's neighbours; each row sums to 1.

    Args:
        positions: ``(n,)`` slice numbers; where some are missing, their neighbours weigh less.
        sigma: In slices. 0 means that nothing is smoothed.

    Returns:
        ``(n, n)``: row i holds the weights that make the smoothed slice i. The identity where
        ``sigma`` is 0.
    """
    if sigma <= 0:
        return np.eye(len(positions))
    distance = np.abs(positions[:, None] - positions[None, :]) / sigma
    weights = np.where(distance <= _REACH, np.exp(-0.5 * distance**2), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def smoothing_reach(sigma: float) -> int:
    """How many slices to either side `smoothing_weights` may weigh."""
    return int(_REACH * max(sigma, 0.0))


def set_aside_small_components(
    probability: NDArray[np.uint8], *, level: int, min_fraction: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Separate the components of the mask that are small compared with the largest.

    Args:
        probability: ``(n, h, w)`` uint8.
        level: Smallest value that belongs to the mask.
        min_fraction: Components with fewer voxels than this part of the largest one's are set
            aside.

    Returns:
        The probability, 0 where something was set aside; and what was, 0 elsewhere, or None where
        nothing was. Voxels touch through faces, edges and corners.
    """
    if min_fraction <= 0:
        return probability, None
    labels, count = ndimage.label(probability >= level, structure=np.ones((3, 3, 3), bool))
    if count < 2:
        return probability, None
    voxels = np.bincount(labels.ravel())
    small = voxels < min_fraction * voxels[1:].max()
    small[0] = False
    if not small.any():
        return probability, None
    aside = small[labels]
    return np.where(aside, np.uint8(0), probability), np.where(aside, probability, np.uint8(0))


def best_expected_level(probability: NDArray[np.uint8], *, lowest: int, highest: int) -> int:
    """Level whose mask would have the highest Dice on average, were the probabilities right.

    The maximum of `expected_dice` lies at half the Dice that can be had: near 0.5 where the outline
    is sure, lower where it is not, so that an unsure outline is not cut down to its core.

    Args:
        probability: uint8 of any shape, 255 x the probability.
        lowest: Smallest level that may be chosen, at least 1.
        highest: Largest level that may be chosen; the answer where nothing is there to outline.
    """
    voxels = count_levels(probability)
    mass = probability_mass(voxels)
    if mass == 0:
        return highest
    expected = expected_dice(voxels, mass=mass)
    # Of levels that give the same mask, the highest.
    return highest - int(np.argmax(expected[lowest : highest + 1][::-1]))


def smooth_through_slices(
    values: NDArray[np.floating], positions: NDArray[np.floating], sigma: float
) -> NDArray[np.float32]:
    """Gaussian through the slices of scores or probability maps.

    Args:
        values: ``(n, ...)``.
        positions: ``(n,)`` slice numbers.
        sigma: In slices; 0 leaves the values as they are.

    Returns:
        ``(n, ...)`` float32. Neighbours that are not among the slices weigh nothing.
    """
    result = np.empty(values.shape, np.float32)
    for k, smoothed in enumerate(smooth_each_slice(values, positions, sigma)):
        result[k] = smoothed
    return result


def smooth_each_slice(
    values: NDArray[np.floating], positions: NDArray[np.floating], sigma: float
) -> Iterator[NDArray[np.float32]]:
    """As `smooth_through_slices`, one slice after the other, so that only one need be held."""
    weights = smoothing_weights(np.asarray(positions, np.float64), sigma).astype(np.float32)
    for row in weights:
        near = np.flatnonzero(row)
        # No BLAS: its threads spin on for a while afterwards and halve the next slices' speed.
        yield np.einsum("k,k...->...", row[near], values[near].astype(np.float32))
