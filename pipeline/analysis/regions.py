"""What a network must see of a slice: the box of the head. Pure functions on arrays.

Air around the head is half of many slices and holds no information. Boxes begin and end at
multiples of the pixels that the network takes together, so that what it sees of the head is sampled
as it is in the whole slice.
"""

from __future__ import annotations

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

    def divided(self, cell_px: int) -> Box:
        """The same part in cells of so many pixels, which divides all its sides."""
        return Box(*(side // cell_px for side in (self.top, self.bottom, self.left, self.right)))

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


def head_boxes(foreground: NDArray[np.bool_]) -> list[Box | None]:
    """The box of each slice's head; of its neighbours' where only they show one.

    Args:
        foreground: ``(n, size, size)``, what is brighter than air, its noise included.

    Returns:
        A box for each slice, its sides multiples of `SIDE_MULTIPLE_PX` or the slice's own; None
        where neither the slice nor a neighbour shows anything: a network sees FLAIR of both.
    """
    own = [_extent(slice_, foreground.shape[1]) for slice_ in foreground]
    boxes: list[Box | None] = []
    for k, box in enumerate(own):
        near = [other for other in own[max(k - 1, 0) : k + 2] if other is not None]
        boxes.append(box if box is not None or not near else reduce(Box.join, near))
    return boxes


def _extent(foreground: NDArray[np.bool_], size: int) -> Box | None:
    head = cv2.morphologyEx(foreground.astype(np.uint8), cv2.MORPH_OPEN, _NOISE)
    rows, columns = (np.flatnonzero(head.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    sides = []
    for found in (rows, columns):
        first, last = int(found[0]) - _MARGIN_PX, int(found[-1]) + 1 + _MARGIN_PX
        first = max(first // SIDE_MULTIPLE_PX * SIDE_MULTIPLE_PX, 0)
        last = min(-(-last // SIDE_MULTIPLE_PX) * SIDE_MULTIPLE_PX, size)
        sides += [first, last]
    return Box(*sides)
