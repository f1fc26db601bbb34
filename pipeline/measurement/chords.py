"""The longest diameter of a shape of pixels and the longest perpendicular to it, inside the shape.

A shape is the union of its pixels' squares. Coordinates are pixels, ``x`` to the right and ``y``
down, pixel centres at whole numbers, so that a pixel reaches half a pixel to each side. Lengths are
in the unit of ``spacing``; perpendicular means perpendicular in that unit, not on a stretched grid.

- The **diameter** runs between the centres of two pixels on the shape's border, and on to the edges
  of these two pixels: from edge to edge, as a reader sets a ruler. All of it lies in the shape;
  squares that touch at a corner let a line pass.
- The **perpendicular** runs through a pixel's centre at a right angle to it, as far as the shape
  reaches to both sides without a break, within the same connected piece of the slice.

Both are exact: of all such lines, none is longer. Pairs are looked at from the longest down.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.measurement.sight import EXACT, longest_in_sight

#: Borders of more pixels are thinned to this many: only noise has them.
_MOST_BORDER = 1500
#: A disc has many diameters of one length; by symmetry, few differ in their perpendiculars.
_MOST_TIES = 8


@dataclass(frozen=True)
class Chord:
    """A line inside a shape.

    Attributes:
        x1, y1, x2, y2: Its ends in pixels.
        length: In the unit of the spacing.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    length: float


def longest_diameters(shape: NDArray[np.bool_], spacing: tuple[float, float]) -> list[Chord]:
    """The longest diameters that lie inside the shape.

    Args:
        shape: ``(h, w)`` bool.
        spacing: Of rows and of columns, above 0.

    Returns:
        All of one length (`_MOST_TIES` at most), by row and column; none where the shape is empty.
    """
    ends = _border(shape)
    if not len(ends):
        return []
    single = _widest_pixel(ends[0], spacing)
    first, second = np.triu_indices(len(ends), 1)
    if not len(first):
        return [single]
    steps = np.abs(ends[first] - ends[second]).astype(np.float64)
    # From centre to centre, and half a pixel's crossing more at each end.
    length = np.sqrt((steps[:, 0] * spacing[0]) ** 2 + (steps[:, 1] * spacing[1]) ** 2)
    length *= 1 + 1 / np.maximum(steps[:, 0], steps[:, 1])
    found = longest_in_sight(shape, ends[first], ends[second], length)
    if not found.size or length[found[0]] < single.length:
        return [single]
    chords = []
    for k in found[:_MOST_TIES]:
        start, end = ends[first[k]].astype(np.float64), ends[second[k]].astype(np.float64)
        beyond = (end - start) / (2 * np.abs(end - start).max())
        (y1, x1), (y2, x2) = start - beyond, end + beyond
        chords.append(Chord(float(x1), float(y1), float(x2), float(y2), float(length[k])))
    return chords


def longest_perpendicular(
    shape: NDArray[np.bool_], diameter: Chord, spacing: tuple[float, float]
) -> Chord:
    """The longest line inside the shape at a right angle to a diameter.

    Args:
        shape: ``(h, w)`` bool, as the diameter's; all pieces but the diameter's are left out.
        diameter: From `longest_diameter`.
        spacing: Likewise.
    """
    piece = _piece_at(shape, diameter)
    across = _across(diameter, spacing)
    direction = across / np.array(spacing)  # pixels of row and column for one unit of length
    centres = np.argwhere(piece)
    reach = [_reach(piece, centres, sign * direction) for sign in (1, -1)]
    best = int(np.argmax(np.round(reach[0] + reach[1], 9)))
    (y1, x1), (y2, x2) = (
        centres[best] + sign * reach[k][best] * direction for k, sign in ((1, -1), (0, 1))
    )
    length = float(reach[0][best] + reach[1][best])
    return Chord(float(x1), float(y1), float(x2), float(y2), length)


def widest_extent(shape: NDArray[np.bool_], diameter: Chord, spacing: tuple[float, float]) -> float:
    """The shape's extent at a right angle to a diameter, which no perpendicular exceeds."""
    across = _across(diameter, spacing)
    scaled = across * np.array(spacing)
    return float(np.ptp(np.argwhere(shape) @ scaled) + np.abs(scaled).sum())


def hull_area(shape: NDArray[np.bool_], spacing: tuple[float, float]) -> float:
    """Area of the convex hull of the pixels' squares.

    Two lines at a right angle span a hull of at least half their product, so that twice this area
    is what the product of a shape's diameters cannot exceed.
    """
    corners = _border(shape)[:, None, :] + np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) / 2
    scaled = (corners.reshape(-1, 2) * np.array(spacing)).astype(np.float32)
    # OpenCV computes in single precision: what is a bound must not be a little too small.
    return float(cv2.contourArea(cv2.convexHull(scaled))) * 1.001 if len(scaled) else 0.0


def _across(diameter: Chord, spacing: tuple[float, float]) -> NDArray[np.float64]:
    """Direction (row, column) at a right angle to a diameter, of length 1 in the spacing's unit."""
    dy, dx = (diameter.y2 - diameter.y1) * spacing[0], (diameter.x2 - diameter.x1) * spacing[1]
    return np.array([-dx, dy]) / np.hypot(dy, dx)


def _border(shape: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Pixels ``(b, 2)`` (row, column) with a side that is no neighbour's, by row and column."""
    padded = np.pad(shape, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    border = np.argwhere(shape & ~inner).astype(np.int32)
    return border[:: -(-len(border) // _MOST_BORDER)] if len(border) else border


def _widest_pixel(pixel: NDArray[np.int32], spacing: tuple[float, float]) -> Chord:
    """The line through one pixel, along its longer side."""
    y, x = (float(value) for value in pixel)
    if spacing[0] > spacing[1]:
        return Chord(x, y - 0.5, x, y + 0.5, float(spacing[0]))
    return Chord(x - 0.5, y, x + 0.5, y, float(spacing[1]))


def _piece_at(shape: NDArray[np.bool_], chord: Chord) -> NDArray[np.bool_]:
    """The connected piece that a line inside the shape belongs to; pixels touch at corners too."""
    _, labels = cv2.connectedComponents(shape.astype(np.uint8), connectivity=8)
    # A quarter of the first pixel's crossing from the end is inside that pixel for sure.
    share = 0.25 / max(abs(chord.x2 - chord.x1), abs(chord.y2 - chord.y1))
    y = round(chord.y1 + share * (chord.y2 - chord.y1))
    x = round(chord.x1 + share * (chord.x2 - chord.x1))
    return np.asarray(labels == labels[y, x])


def _reach(
    shape: NDArray[np.bool_], centres: NDArray[np.intp], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far one can go from pixel centres in a direction before the shape ends.

    Args:
        shape: ``(h, w)`` bool.
        centres: ``(m, 2)`` pixels of the shape.
        direction: Rows and columns for one unit of length.

    Returns:
        ``(m,)`` in that unit.
    """
    height, width = shape.shape
    padded = np.pad(shape, ((height, height), (width, width)))  # no step leads out of it
    flat, row = padded.ravel(), padded.shape[1]
    going = (centres[:, 0] + height) * row + centres[:, 1] + width
    places = np.arange(len(centres))
    reach = np.zeros(len(centres))
    for before, after in pairwise(_crossings(direction, limit=shape.shape)):
        dy, dx = np.floor((before + after) / 2 * direction + 0.5).astype(int)
        if abs(dy) >= height or abs(dx) >= width:
            reach[places] = before
            break
        inside = flat[going + (dy * row + dx)]
        reach[places[~inside]] = before
        going, places = going[inside], places[inside]
        if not going.size:
            break
    return reach


def _crossings(direction: NDArray[np.float64], *, limit: tuple[int, ...]) -> NDArray[np.float64]:
    """Lengths at which a line from a pixel's centre crosses from pixel to pixel, from 0."""
    found = [np.zeros(1)]
    for step, size in zip(np.abs(direction), limit, strict=True):
        if step > 1e-12:
            found.append((np.arange(size + 1) + 0.5) / step)
    ordered = np.sort(np.concatenate(found))
    apart = np.diff(ordered, prepend=-1.0) > EXACT * max(1.0, float(ordered[-1])) * 1e-3
    return ordered[apart]
