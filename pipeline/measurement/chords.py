"""The longest diameter of a shape of pixels and the longest perpendicular to it, inside the shape.

A shape is the union of its pixels' squares. Coordinates are pixels, ``x`` to the right and ``y``
down, pixel centres at whole numbers, so that a pixel reaches half a pixel to each side. Lengths are
in the unit of ``spacing``; perpendicular means perpendicular in that unit, not on a stretched grid.

- The **diameter** runs between the centres of two pixels on the shape's border, and on to the edges
  of these two pixels: from edge to edge, as a reader sets a ruler. All of it lies in the shape;
  squares that touch at a corner let a line pass.
- The **perpendicular** runs through a pixel's centre at a right angle to it, as far as the shape
  reaches to both sides without a break, within the same connected piece of the slice.

Both are exact: of all such lines, none is longer. What cannot be longer than a line that was found
is not looked at.
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
#: Pixels of the border that are tried first.
_SAMPLED_BORDER = 64
#: Rows of the table of pairs that are made at once: of moderate size.
_ROWS = 256
#: Pixels that are tried together for the perpendicular: few at first, then all that are left.
_BATCHES = (256, 2048, 16384, 2**31)


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
    first, second, length = _long_pairs(ends, spacing, least=_good_length(shape, ends, spacing))
    if not len(first):
        return [single]
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


def _length(steps: NDArray[np.float64], spacing: tuple[float, float]) -> NDArray[np.float64]:
    """From centre to centre, and half a pixel's crossing more at each end."""
    length = np.sqrt((steps[:, 0] * spacing[0]) ** 2 + (steps[:, 1] * spacing[1]) ** 2)
    return np.asarray(length * (1 + 1 / np.maximum(steps[:, 0], steps[:, 1])))


def _good_length(
    shape: NDArray[np.bool_], ends: NDArray[np.int32], spacing: tuple[float, float]
) -> float:
    """Length of some line inside, not far below the longest: shorter ones need not be looked at."""
    corners = cv2.convexHull(ends)[:, 0]
    some = np.unique(np.concatenate([corners, ends[:: -(-len(ends) // _SAMPLED_BORDER)]]), axis=0)
    first, second = np.triu_indices(len(some), 1)
    if not len(first):
        return 0.0
    length = _length(np.abs(some[first] - some[second]).astype(np.float64), spacing)
    found = longest_in_sight(shape, some[first], some[second], length)
    return float(length[found[0]]) if found.size else 0.0


def _long_pairs(
    ends: NDArray[np.int32], spacing: tuple[float, float], *, least: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Pairs of pixels, by row and column, of which a line is at least this long; their lengths."""
    least *= 1 - 1e-9
    square = max(0.0, least - float(np.hypot(*spacing))) ** 2  # no crossing is longer
    scaled = ends * np.array(spacing)
    found = []
    for start in range(0, len(ends), _ROWS):
        y, x = (np.subtract.outer(scaled[start : start + _ROWS, k], scaled[:, k]) for k in (0, 1))
        first, second = np.nonzero(y * y + x * x >= square)
        found.append(np.stack([first + start, second])[:, second > first + start])
    first, second = np.concatenate(found, axis=1)
    length = _length(np.abs(ends[first] - ends[second]).astype(np.float64), spacing)
    long = length >= least
    return first[long], second[long], length[long]


def longest_perpendicular(
    shape: NDArray[np.bool_], diameter: Chord, spacing: tuple[float, float]
) -> Chord:
    """The longest line inside the shape at a right angle to a diameter.

    Args:
        shape: ``(h, w)`` bool, as the diameter's; all pieces but the diameter's are left out.
        diameter: One of `longest_diameters`.
        spacing: Likewise.
    """
    piece = _piece_at(shape, diameter)
    direction = _across(diameter, spacing) / np.array(spacing)  # of row and column, for one unit
    centres = np.argwhere(piece)
    limit = _limits(piece, centres, direction, spacing)
    order = np.argsort(-limit, kind="stable")
    best, reached = -1.0, (np.zeros(0), np.zeros(0))
    chosen, start = 0, 0
    for size in _BATCHES:
        if start >= len(order) or limit[order[start]] < best - EXACT:
            break
        some = order[start : start + size]
        some = np.sort(some[limit[some] >= best - EXACT])
        start += size
        on, off = (_reach(piece, centres[some], sign * direction) for sign in (1, -1))
        length = np.round(on + off, 9)
        k = int(np.argmax(length))
        if length[k] > best or (length[k] == best and some[k] < chosen):
            best, chosen, reached = float(length[k]), int(some[k]), (on[k], off[k])
    (y1, x1), (y2, x2) = (centres[chosen] + step * direction for step in (-reached[1], reached[0]))
    return Chord(float(x1), float(y1), float(x2), float(y2), float(reached[0] + reached[1]))


def _limits(
    piece: NDArray[np.bool_],
    centres: NDArray[np.intp],
    direction: NDArray[np.float64],
    spacing: tuple[float, float],
) -> NDArray[np.float64]:
    """What the line through each pixel cannot exceed.

    The piece is drawn over cells along the direction, every cell that a pixel's square touches: a
    line keeps to one row of cells, and where it is inside the piece, they are filled.

    Returns:
        ``(m,)`` in the unit of the spacing.
    """
    cell = min(spacing)
    unit = direction * np.array(spacing)  # of length 1
    scaled = centres * np.array(spacing)
    places = np.stack([scaled[:, 1] * unit[0] - scaled[:, 0] * unit[1], scaled @ unit]) / cell
    half = np.array(
        [abs(unit[0]) * spacing[1] + abs(unit[1]) * spacing[0], np.abs(unit) @ np.array(spacing)]
    )[:, None] / (2 * cell)
    places -= places.min(axis=1, keepdims=True) - half - 1
    low, high = np.floor(places - half).astype(np.intp), np.floor(places + half).astype(np.intp)
    rows, columns = high.max(axis=1) + 2
    filled = np.zeros(rows * columns, bool)
    for r in range(int((high[0] - low[0]).max()) + 1):
        row = np.minimum(low[0] + r, high[0]) * columns
        for c in range(int((high[1] - low[1]).max()) + 1):
            filled[row + np.minimum(low[1] + c, high[1])] = True
    ends = np.flatnonzero(np.diff(filled.astype(np.int8), prepend=0, append=0))
    starts, stops = ends[::2], ends[1::2]
    middle = np.floor(places).astype(np.intp)
    run = np.searchsorted(starts, middle[0] * columns + middle[1], side="right") - 1
    return np.asarray((stops - starts)[run] * cell, np.float64)


def widest_extent(shape: NDArray[np.bool_], diameter: Chord, spacing: tuple[float, float]) -> float:
    """The shape's extent at a right angle to a diameter, which no perpendicular exceeds."""
    across = _across(diameter, spacing)
    scaled = across * np.array(spacing)
    return float(np.ptp(np.argwhere(shape) @ scaled) + np.abs(scaled).sum())


def most_product(shape: NDArray[np.bool_], spacing: tuple[float, float]) -> float:
    """What the product of two lines inside the shape at a right angle cannot exceed.

    Twice the area of the convex hull of the pixels' squares; and, of all directions, the greatest
    product of the hull's extents along it and at a right angle to it, which is less where the shape
    is round.
    """
    corners = _edge(shape)[:, None, :] + np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) / 2
    scaled = (corners.reshape(-1, 2) * np.array(spacing)).astype(np.float32)
    if not len(scaled):
        return 0.0
    hull = cv2.convexHull(scaled)[:, 0].astype(np.float64)
    angles = np.arange(180) * np.pi / 180
    extents = np.ptp(hull @ np.stack([np.cos(angles), np.sin(angles)]), axis=0)
    extents += extents.max() * np.pi / 360 * 1.01  # between two of these directions
    turned = float((extents * np.roll(extents, 90)).max())
    # OpenCV computes in single precision: what is a bound must not be a little too small.
    return min(2 * float(cv2.contourArea(hull.astype(np.float32))), turned) * 1.001


def _across(diameter: Chord, spacing: tuple[float, float]) -> NDArray[np.float64]:
    """Direction (row, column) at a right angle to a diameter, of length 1 in the spacing's unit."""
    dy, dx = (diameter.y2 - diameter.y1) * spacing[0], (diameter.x2 - diameter.x1) * spacing[1]
    return np.array([-dx, dy]) / np.hypot(dy, dx)


def _edge(shape: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Pixels ``(b, 2)`` (row, column) with a side that is no neighbour's, by row and column."""
    padded = np.pad(shape, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(shape & ~inner).astype(np.int32)


def _border(shape: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Its edge, thinned where it has very many pixels."""
    border = _edge(shape)
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
    padded = np.pad(shape, 1)  # a way leads from pixel to neighbour, and ends in this frame
    flat, row = padded.ravel(), padded.shape[1]
    going = (centres[:, 0] + 1) * row + centres[:, 1] + 1
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
