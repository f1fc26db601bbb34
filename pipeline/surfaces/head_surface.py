"""The surface of what is bright: the brain where the skull was taken off, else the head."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.surfaces.mask_surface import (
    Triple,
    mesh_distance,
    sampling_strides,
    signed_distance,
)
from pipeline.surfaces.mesh import Mesh, smooth_mesh

#: Triangles; the surface only shows where in the head something is.
MOST_FACES = 8_000
#: As `_FOREGROUND_SHARE` in dashboard/studies/display.py: what exceeds the darkest value by this
#: part of the range is foreground.
_FOREGROUND_SHARE = 0.06
#: Samples along an axis: finer ones would not be seen.
_MOST_SAMPLES = 128
_BLUR = 0.012  # of the longer side of a slice, standard deviation
_ROUNDS = 12
#: Depths, in parts of the head's radius, at which scalp, skull and brain follow each other, and how
#: often brighter the scalp is than what lies below: 1.5 times and more in each of the 88 LGG
#: patients, none of whom was stripped.
_DEPTHS = np.linspace(0.0, 0.3, 11)
_FEWEST_RINGS = 4
#: Of a slice: where the head takes up less, it says nothing.
_SMALLEST_SHARE = 0.05
_SCALP = 1.35
#: Height of a head in parts of its length, where no file states a spacing.
_USUAL_HEIGHT = 0.8


@dataclass(frozen=True, eq=False)
class HeadSurface:
    """The outer surface.

    Attributes:
        mesh: Closed.
        is_brain: Whether the skull was taken off, so that this is the surface of the brain.
    """

    mesh: Mesh
    is_brain: bool


def build_head_surface(
    image: NDArray[np.generic], spacing: Triple, *, most_faces: int = MOST_FACES
) -> HeadSurface | None:
    """Mesh the largest connected region of the foreground, holes filled.

    Args:
        image: ``(n, h, w)`` of one sequence.
        spacing: ``(z, y, x)`` of a voxel.
        most_faces: About as many triangles at most.

    Returns:
        None where nothing stands out from the background.
    """
    sampled, steps = _sample(image, spacing)
    filled = _fill(_foreground(sampled))
    if filled is None:
        return None
    strides = sampling_strides(steps, _step_for(filled, steps, most_faces), filled.shape)
    padding = [(s, 1 + -length % s) for s, length in zip(strides, filled.shape, strict=True)]
    distance = signed_distance(np.pad(filled, padding), steps)
    distance = distance[:: strides[0], :: strides[1], :: strides[2]]
    first = (0.5 - np.array(strides)) * steps
    wider = (steps[0] * strides[0], steps[1] * strides[1], steps[2] * strides[2])
    mesh = smooth_mesh(mesh_distance(distance, wider, first), _ROUNDS)
    return HeadSurface(mesh, is_brain=not _has_scalp(sampled, filled))


def assumed_slice_distance(image: NDArray[np.generic]) -> float:
    """Pixels from slice to slice that give a head its usual height, where no file says them.

    Args:
        image: ``(n, h, w)`` of one sequence.
    """
    sampled, steps = _sample(image, (1.0, 1.0, 1.0))
    filled = _fill(_foreground(sampled))
    if filled is None:
        return 1.0
    slices = np.count_nonzero(filled.any(axis=(1, 2))) * steps[0]
    rows, columns = (np.count_nonzero(filled.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    return float(_USUAL_HEIGHT * max(rows * steps[1], columns * steps[2]) / slices)


def _sample(image: NDArray[np.generic], spacing: Triple) -> tuple[NDArray[np.float32], Triple]:
    """A volume with at most `_MOST_SAMPLES` along each axis, and the distances of its samples."""
    n, h, w = image.shape
    skip = -(-n // _MOST_SAMPLES)
    shrink = max(1.0, max(h, w) / _MOST_SAMPLES)
    rows, columns = max(1, round(h / shrink)), max(1, round(w / shrink))
    sampled = np.empty((-(-n // skip), rows, columns), np.float32)
    for k, plane in enumerate(image[::skip]):
        values = np.nan_to_num(plane.astype(np.float32), posinf=0.0, neginf=0.0)
        sampled[k] = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)
    return sampled, (spacing[0] * skip, spacing[1] * h / rows, spacing[2] * w / columns)


def _foreground(sampled: NDArray[np.float32]) -> NDArray[np.bool_]:
    darkest, brightest = np.percentile(sampled, (0.1, 99.9))
    floor = darkest + _FOREGROUND_SHARE * (brightest - darkest)
    sigma = _BLUR * max(sampled.shape[1:])
    blurred = [cv2.GaussianBlur(plane, (0, 0), sigma) for plane in sampled]
    return np.asarray(np.stack(blurred) > floor, bool)


def _fill(foreground: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The largest region, each slice of it filled up to its outer outlines."""
    labels, count = ndimage.label(foreground)
    if not count:
        return None
    voxels = np.bincount(labels.ravel())
    voxels[0] = 0
    filled = np.zeros(foreground.shape, np.uint8)
    for into, plane in zip(filled, labels == voxels.argmax(), strict=True):
        outlines, _ = cv2.findContours(
            plane.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(into, outlines, -1, 1, -1)
    return filled.astype(bool)


def _step_for(filled: NDArray[np.bool_], steps: Triple, most_faces: int) -> float:
    """Distance of samples at which a surface has about so many triangles: two on each square."""
    sizes = (steps[1] * steps[2], steps[0] * steps[2], steps[0] * steps[1])
    padded = np.pad(filled, 1)
    borders = [np.count_nonzero(np.diff(padded, axis=axis)) for axis in range(3)]
    area = sum(count * size for count, size in zip(borders, sizes, strict=True))
    return float(np.sqrt(1.7 * area / most_faces))


def _has_scalp(sampled: NDArray[np.float32], filled: NDArray[np.bool_]) -> bool:
    """Whether something bright lies around something dark: scalp around skull."""
    third = len(sampled) // 3
    middle = slice(third, len(sampled) - third)
    profiles = []
    for plane, seen in zip(sampled[middle], filled[middle], strict=True):
        area = np.count_nonzero(seen)
        if area < _SMALLEST_SHARE * seen.size:
            continue
        framed = np.pad(seen.astype(np.uint8), 1)  # beyond the image is outside
        depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
        depth = depth / np.sqrt(area / np.pi)
        edges = pairwise(_DEPTHS)
        rings = [plane[(depth > outer) & (depth <= inner)] for outer, inner in edges]
        profiles.append([float(np.median(ring)) if ring.size else np.nan for ring in rings])
    measured = np.array(profiles or [[np.nan]])
    seen_at = ~np.isnan(measured).all(axis=0)  # rings of a small image may hold no pixel
    if np.count_nonzero(seen_at) < _FEWEST_RINGS:
        return True  # the word that claims less
    profile = np.nanmedian(measured[:, seen_at], axis=0) - min(0.0, float(sampled.min()))
    rim = int(np.argmax(profile[: len(profile) // 2]))
    return bool(profile[rim] > _SCALP * profile[rim:].min())
