"""Smooth random fields and the other smooth scalar shapes that the demo studies are drawn with."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]


def smoothstep(values: FloatArray, low: float, high: float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, a cubic between; falling where ``low`` is the larger."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def enlarge(volume: FloatArray, shape: tuple[int, int, int]) -> FloatArray:
    """Resample a coarse volume linearly to ``shape``, corners on corners."""
    planes = np.stack([_enlarge_plane(plane, shape[1:]) for plane in volume])
    position = np.linspace(0, len(volume) - 1, shape[0])
    below = np.minimum(position.astype(int), max(len(volume) - 2, 0))
    result = np.empty(shape, np.float32)
    for i, (k, t) in enumerate(zip(below, position - below, strict=True)):
        above = min(k + 1, len(volume) - 1)
        result[i] = planes[k] * np.float32(1 - t) + planes[above] * np.float32(t)
    return result


def _enlarge_plane(plane: FloatArray, shape: Sequence[int]) -> FloatArray:
    """Resample one plane linearly, corners on corners (cv2.resize keeps the edges instead)."""
    rows = np.linspace(0, plane.shape[0] - 1, shape[0], dtype=np.float32)
    columns = np.linspace(0, plane.shape[1] - 1, shape[1], dtype=np.float32)
    map_x, map_y = np.meshgrid(columns, rows)
    resampled = cv2.remap(np.ascontiguousarray(plane), map_x, map_y, cv2.INTER_LINEAR)
    return np.asarray(resampled, np.float32)


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int, int], *, correlation: float
) -> FloatArray:
    """Gaussian noise, mean 0 and deviation 1, smooth over about ``correlation`` voxels."""
    step = max(correlation / 2.0, 1.0)
    coarse_shape = tuple(max(int(np.ceil(n / step)) + 1, 4) for n in shape)
    coarse = rng.standard_normal(coarse_shape).astype(np.float32)
    coarse = ndimage.gaussian_filter(coarse, correlation / step / 2.0, mode="wrap")
    coarse = (coarse - coarse.mean()) / max(float(coarse.std()), 1e-6)
    return enlarge(coarse, shape)


def sample(volume: FloatArray, coordinates: FloatArray) -> FloatArray:
    """Linear samples of ``volume`` at voxel ``coordinates (3, ...)``; the nearest voxel outside."""
    return ndimage.map_coordinates(
        volume, coordinates, order=1, mode="nearest", output=np.float32, prefilter=False
    )


def sample_vectors(volume: FloatArray, coordinates: FloatArray) -> FloatArray:
    """Linear samples of ``volume (x, y, z, c)`` at voxel ``coordinates (3, ...)``; outside, 0.

    The eight weights are worked out once for all c channels, which makes this several times faster
    than one `scipy.ndimage.map_coordinates` per channel.

    Returns:
        ``(..., c)`` float32.
    """
    flat = coordinates.reshape(3, -1)
    limit = np.array(volume.shape[:3], np.float32)[:, None] - 1
    inside = np.flatnonzero(((flat >= 0) & (flat < limit)).all(axis=0))
    points = flat[:, inside]
    corner = points.astype(np.int32)
    t = points - corner
    strides = (volume.shape[1] * volume.shape[2], volume.shape[2], 1)
    first = corner[0] * strides[0] + corner[1] * strides[1] + corner[2]
    table = volume.reshape(-1, volume.shape[3])
    total = np.zeros((len(inside), volume.shape[3]), np.float32)
    for dx, wx in enumerate((1 - t[0], t[0])):
        for dy, wy in enumerate((1 - t[1], t[1])):
            for dz, wz in enumerate((1 - t[2], t[2])):
                index = first + (dx * strides[0] + dy * strides[1] + dz)
                total += (wx * wy * wz)[:, None] * table[index]
    result = np.zeros((flat.shape[1], volume.shape[3]), np.float32)
    result[inside] = total
    return result.reshape(*coordinates.shape[1:], volume.shape[3])
