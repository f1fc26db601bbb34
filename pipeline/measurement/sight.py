"""Which pixels of a shape see each other: whose connecting line lies inside the shape.

The shape is the union of its pixels' squares; squares that touch at a corner let a line pass.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Pairs that are tried together: few at first, since a convex shape's first pair is the longest.
_BATCHES = (64, 1024, 16384)
#: Where lines are looked at first.
_PARTS = (0.5, 0.25, 0.75, 0.37, 0.63)
#: Distances of a line from a pixel's corner are 0 or more than this, for shapes below 500,000 px.
EXACT = 1e-6


def longest_in_sight(
    shape: NDArray[np.bool_],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    length: NDArray[np.float64],
) -> NDArray[np.intp]:
    """Positions of the longest pairs whose lines lie inside the shape, all of one length."""
    outside = [
        np.pad(np.cumsum(~s, axis=0, dtype=np.int32), ((1, 0), (0, 0))) for s in (shape, shape.T)
    ]
    for tried in _from_the_longest(length):
        tried = tried[_may_be_inside(shape, starts[tried], ends[tried])]
        for k in range(0, len(tried), _BATCHES[0]):
            some = tried[k : k + _BATCHES[0]]
            inside = some[_all_inside(outside, starts[some], ends[some])]
            if inside.size:
                # The others of this length, which may lie in the next batch.
                same = tried[k:][_same(length[tried[k:]], length[inside[0]])]
                return same[_all_inside(outside, starts[same], ends[same])]
    return np.zeros(0, np.intp)


def _same(length: NDArray[np.float64], other: float) -> NDArray[np.bool_]:
    """Lengths that differ by rounding only are the same."""
    return np.asarray(np.abs(length - other) <= 1e-9 * other)


def _from_the_longest(length: NDArray[np.float64]) -> Iterator[NDArray[np.intp]]:
    """Positions by falling length, in batches that do not part what is of one length."""
    left = np.arange(len(length))
    for size in _BATCHES:
        if len(left) <= size:
            break
        own = length[left]
        cut = np.partition(own, len(own) - size)[-size] * (1 - 1e-9)
        first = left[own >= cut]
        yield first[np.argsort(-length[first], kind="stable")]
        left = left[own < cut]
    left = left[np.argsort(-length[left], kind="stable")]
    start = 0
    while start < len(left):
        stop = min(start + _BATCHES[-1], len(left))
        while stop < len(left) and _same(length[left[stop : stop + 1]], length[left[stop - 1]])[0]:
            stop += 1
        yield left[start:stop]
        start = stop


def _may_be_inside(
    shape: NDArray[np.bool_], starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """False where one of a few points of the line lies outside for sure: quick and never wrong."""
    result = np.ones(len(starts), bool)
    for part in _PARTS:
        points = starts + part * (ends - starts)
        either = np.zeros(len(starts), bool)
        # A point between pixels is outside only where all of them are.
        for shift_y in (0.5 - EXACT, 0.5 + EXACT):
            for shift_x in (0.5 - EXACT, 0.5 + EXACT):
                y = np.floor(points[:, 0] + shift_y).astype(np.int32)
                x = np.floor(points[:, 1] + shift_x).astype(np.int32)
                either |= shape[y, x]
        result &= either
    return result


def _all_inside(
    outside: list[NDArray[np.int32]], starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Whether the lines between pixel centres pass through pixels of the shape only.

    Args:
        outside: For the shape and its transpose, how many pixels above each lie outside it.
        starts: ``(m, 2)``.
        ends: ``(m, 2)``.
    """
    steps = np.abs(ends - starts)
    result = np.zeros(len(starts), bool)
    for flat in (True, False):
        chosen = np.flatnonzero((steps[:, 1] >= steps[:, 0]) == flat)
        if chosen.size:
            order = slice(None) if flat else slice(None, None, -1)
            counts = outside[0 if flat else 1]
            result[chosen] = _flat_inside(counts, starts[chosen][:, order], ends[chosen][:, order])
    return result


def _flat_inside(
    outside: NDArray[np.int32], starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """As `_all_inside`, of lines that cross at least as many columns as rows.

    In each column, a line's rows are those that it touches by more than a corner.
    """
    turned = starts[:, 1] > ends[:, 1]
    first, last = np.where(turned[:, None], ends, starts), np.where(turned[:, None], starts, ends)
    width = last[:, 1] - first[:, 1]
    slope = (last[:, 0] - first[:, 0]) / np.maximum(width, 1)
    k = np.arange(int(width.max()) + 1)
    inside = k[None, :] <= width[:, None]
    entry, leaving = np.maximum(k - 0.5, 0)[None, :], np.minimum(k[None, :] + 0.5, width[:, None])
    y1, y2 = (first[:, :1] + slope[:, None] * t for t in (entry, leaving))
    low, high = np.minimum(y1, y2), np.maximum(y1, y2)
    top = np.floor(low + 0.5 + EXACT).astype(np.intp)
    bottom = np.ceil(high + 0.5 - EXACT).astype(np.intp)
    rows, columns = len(outside) - 1, first[:, 1:] + k[None, :]
    top, bottom = np.clip(top, 0, rows), np.clip(np.maximum(bottom, top), 0, rows)
    columns = np.minimum(columns, outside.shape[1] - 1)
    crossed = outside[bottom, columns] - outside[top, columns]
    return np.asarray((np.where(inside, crossed, 0) == 0).all(axis=1))
