"""What a network must see of a slice: the box of the head. Pure functions on arrays.

Air around the head is half of many slices and holds no information. The sides of a box are
multiples of the pixels that the network takes together; where it begins is one too if the head
leaves room for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.models.metadata import SIDE_MULTIPLE_PX

#: Least air that is left around the head, px.
_MARGIN_PX = 4
#: What is narrower than this is noise of the air, not a head, px.
_NOISE = np.ones((5, 5), np.uint8)


@dataclass(frozen=True)
class Box:
    """Part of a slice: rows from ``top`` to before ``bottom``, columns likewise."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def here(self) -> tuple[slice, slice]:
        """Index of the part in ``(h, w)``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def join(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


def whole_box(size: int) -> Box:
    """All of a square slice."""
    return Box(0, size, 0, size)


def find_heads(foreground: NDArray[np.bool_]) -> list[Box | None]:
    """The head on each slice with a little air around it; its neighbours' where only they show one.

    Args:
        foreground: ``(n, size, size)``, what is brighter than air, its noise included.

    Returns:
        A box for each slice; None where neither the slice nor a neighbour shows anything: a network
        sees FLAIR of both.
    """
    own = [_extent(slice_, foreground.shape[1]) for slice_ in foreground]
    heads: list[Box | None] = []
    for k, head in enumerate(own):
        near = [other for other in own[max(k - 1, 0) : k + 2] if other is not None]
        heads.append(head if head is not None or not near else reduce(Box.join, near))
    return heads


def fit_boxes(heads: Sequence[Box], size: int) -> list[Box]:
    """The smallest boxes of one height and width, each around its own head.

    Args:
        heads: Of the slices that are answered at once.
        size: Side of a slice in px.

    Returns:
        Boxes whose sides are multiples of `SIDE_MULTIPLE_PX`, or the slice's own.
    """
    height = _up(max(head.bottom - head.top for head in heads), size)
    width = _up(max(head.right - head.left for head in heads), size)
    boxes = []
    for head in heads:
        top = _begin(head.top, head.bottom, height, size)
        left = _begin(head.left, head.right, width, size)
        boxes.append(Box(top, top + height, left, left + width))
    return boxes


def enlarge_part(cells: NDArray[np.float32], box: Box, size: int) -> NDArray[np.float32]:
    """A map of cells of a part of a slice, in the pixels of the whole slice; 0 elsewhere.

    Args:
        cells: ``(h, w)``, each of as many pixels as fit into the box.
        box: The part.
        size: Side of the slice in px.

    Returns:
        ``(size, size)`` float32, linear between the cells' centres, and to 0 where air begins.
    """
    cell = (box.bottom - box.top) // cells.shape[0]
    # One more cell on each side that is not the slice's own border.
    rim = [[box.top > 0, box.bottom < size], [box.left > 0, box.right < size]]
    ringed = np.pad(cells, np.array(rim, int))
    shape = (ringed.shape[1] * cell, ringed.shape[0] * cell)
    large = cv2.resize(ringed, shape, interpolation=cv2.INTER_LINEAR)
    top, left = box.top - cell * rim[0][0], box.left - cell * rim[1][0]
    seen = large[max(-top, 0) : size - top, max(-left, 0) : size - left]
    whole = np.zeros((size, size), np.float32)
    top, left = max(top, 0), max(left, 0)
    whole[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return whole


def _extent(foreground: NDArray[np.bool_], size: int) -> Box | None:
    head = cv2.morphologyEx(foreground.astype(np.uint8), cv2.MORPH_OPEN, _NOISE)
    rows, columns = (np.flatnonzero(head.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    sides = []
    for found in (rows, columns):
        first, last = int(found[0]) - _MARGIN_PX, int(found[-1]) + 1 + _MARGIN_PX
        sides += [max(first, 0), min(last, size)]
    return Box(*sides)


def _up(length: int, size: int) -> int:
    return min(-(-length // SIDE_MULTIPLE_PX) * SIDE_MULTIPLE_PX, size)


def _begin(first: int, end: int, length: int, size: int) -> int:
    """Where a side begins that holds a head: sampled as in the whole slice, or nearly so.

    Of the places that hold it, the one that is a multiple of the highest power of two.
    """
    lowest, highest = max(end - length, 0), min(first, size - length)
    step = SIDE_MULTIPLE_PX
    while highest // step * step < lowest:
        step //= 2
    return highest // step * step
