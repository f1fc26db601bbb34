"""What a reader draws on a slice, as numbers: lengths, angles, areas, the pixels inside.

Points are ``(x, y)`` in image coordinates, where pixel (0, 0) covers 0 to 1. Without spacing the
units are pixels. The browser computes the same (assets/js/viewer/geometry.js); both are tested on
one table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Spacing = tuple[float, float, float]


def measure_line(start: Point, end: Point, spacing_mm: Spacing | None) -> float:
    """Length of a line on a slice, in mm, or in pixels without spacing.

    Args:
        start: ``(x, y)`` in pixels.
        end: Likewise.
        spacing_mm: (z, y, x) or None.
    """
    return math.hypot(*_leg(start, end, spacing_mm))


def measure_angle(points: Sequence[Point], spacing_mm: Spacing | None) -> float | None:
    """Degrees, 0 to 180, at the middle one of three points; None where a leg has no length.

    Args:
        points: End, vertex, end.
        spacing_mm: (z, y, x) or None.
    """
    one = _leg(points[1], points[0], spacing_mm)
    other = _leg(points[1], points[2], spacing_mm)
    if not math.hypot(*one) or not math.hypot(*other):
        return None
    cross = one[0] * other[1] - one[1] * other[0]
    return abs(math.degrees(math.atan2(cross, one[0] * other[0] + one[1] * other[1])))


def measure_polygon(points: Sequence[Point], spacing_mm: Spacing | None) -> float:
    """Area inside a closed line, in mm², or in pixels without spacing (the shoelace formula).

    Args:
        points: Its corners, in order; the last is joined to the first.
        spacing_mm: (z, y, x) or None.
    """
    corners = zip(points, [*points[1:], points[0]], strict=True)
    double = sum(ax * by - bx * ay for (ax, ay), (bx, by) in corners)
    return abs(double) / 2 * _pixel_area(spacing_mm)


def measure_ellipse(points: Sequence[Point], spacing_mm: Spacing | None) -> float:
    """Area of the ellipse in the rectangle between two corners, in mm², or in pixels.

    Args:
        points: Two opposite corners.
        spacing_mm: (z, y, x) or None.
    """
    (ax, ay), (bx, by) = points[:2]
    return math.pi / 4 * abs(bx - ax) * abs(by - ay) * _pixel_area(spacing_mm)


@dataclass(frozen=True)
class PixelValues:
    """Values of the pixels inside an area: their mean, population standard deviation and ends."""

    mean: float
    deviation: float
    least: float
    most: float


def measure_pixels(image: NDArray[np.generic], inside: NDArray[np.bool_]) -> PixelValues | None:
    """Measure the pixels of a slice inside an area; None where no centre of a pixel is inside.

    Args:
        image: ``(h, w)``.
        inside: ``(h, w)`` bool, of `pixels_in_polygon` or `pixels_in_ellipse`.
    """
    values = np.asarray(image[inside], np.float64)
    if not values.size:
        return None
    ends = float(values.min()), float(values.max())
    return PixelValues(float(values.mean()), float(values.std()), *ends)


def pixels_in_polygon(points: Sequence[Point], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centres lie in a closed line, by the even-odd rule, as ``(h, w)`` bool.

    A centre exactly on a line belongs to the area on its right.

    Args:
        points: Its corners, in order; the last is joined to the first.
        shape: (h, w).
    """
    inside = np.zeros(shape, bool)
    rows, columns = (np.arange(length) + 0.5 for length in shape)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        cut = np.flatnonzero((ay <= rows) != (by <= rows))
        if cut.size:
            at = ax + (rows[cut] - ay) / (by - ay) * (bx - ax)
            inside[cut] ^= columns >= at[:, None]
    return inside


def pixels_in_ellipse(points: Sequence[Point], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centres lie in the ellipse between two corners, as ``(h, w)`` bool.

    Args:
        points: Two opposite corners.
        shape: (h, w).
    """
    (ax, ay), (bx, by) = points[:2]
    rx, ry = abs(bx - ax) / 2, abs(by - ay) / 2
    if not rx or not ry:
        return np.zeros(shape, bool)
    rows, columns = (np.arange(length) + 0.5 for length in shape)
    up = ((rows - (ay + by) / 2) / ry) ** 2
    half = rx * np.sqrt(np.clip(1 - up, 0, None)) + 1e-9  # a centre on the line is inside
    across = np.abs(columns - (ax + bx) / 2)
    return (up <= 1)[:, None] & (across <= half[:, None])


def _leg(start: Point, end: Point, spacing_mm: Spacing | None) -> tuple[float, float]:
    row, column = (1.0, 1.0) if spacing_mm is None else spacing_mm[1:]
    return (end[0] - start[0]) * column, (end[1] - start[1]) * row


def _pixel_area(spacing_mm: Spacing | None) -> float:
    return 1.0 if spacing_mm is None else spacing_mm[1] * spacing_mm[2]
