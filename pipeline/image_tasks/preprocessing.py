"""From an image of any shape and depth to the network's square, and from its map back.

Used by training, evaluation and answers alike. Colour is dropped: X-rays and MRI are grey, and a
tint shows where a picture comes from, not what is on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.image_tasks.task import Fit

PREPROCESSING_VERSION = 1
#: Grey values are scaled between these percentiles of what is used.
_PERCENTILES = (0.5, 99.5)
#: A row or column belongs to the content where more than this part of it is brighter than ...
_FILLED = 0.05
#: ... this part of the image's range. Scanned margins are not quite black.
_DARK = 0.06
_MIN_SIDE_PX = 8


@dataclass(frozen=True)
class Placement:
    """Where the network's square is on the image.

    Attributes:
        shape: Height and width of the image.
        box: Top, left, height and width of the part that is used.
        padding: Rows above and below, columns left and right, in image pixels, that were added to
            make it square; all 0 where it was stretched.
    """

    shape: tuple[int, int]
    box: tuple[int, int, int, int]
    padding: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image as the network sees it.

    Attributes:
        pixels: ``(size, size, 3)`` uint8, three equal channels.
        placement: Where it is on the image.
    """

    pixels: NDArray[np.uint8]
    placement: Placement


def to_grey(page: NDArray[np.generic]) -> NDArray[np.float32]:
    """Grey image ``(h, w)`` float32 of a page ``(h, w, 1 or 3)`` of any depth."""
    return page.astype(np.float32).mean(axis=-1)


def prepare_image(grey: NDArray[np.float32], *, fit: Fit, size: int) -> PreparedImage:
    """Fit a grey image ``(h, w)`` to a square of ``size`` pixels."""
    height, width = grey.shape
    box = find_content(grey) if fit is Fit.CONTENT else (0, 0, height, width)
    top, left, h, w = box
    part = stretch_grey(grey[top : top + h, left : left + w]).astype(np.float32)
    padding = (0, 0, 0, 0)
    if fit is Fit.CONTENT:
        side = max(h, w)
        above, before = (side - h) // 2, (side - w) // 2
        padding = (above, side - h - above, before, side - w - before)
        part = np.pad(part, (padding[:2], padding[2:]))
    shrinks = max(part.shape) > size
    square = cv2.resize(
        part, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    pixels = np.repeat(np.rint(square).astype(np.uint8)[..., None], 3, axis=-1)
    return PreparedImage(pixels, Placement((height, width), box, padding))


def stretch_grey(grey: NDArray[np.float32]) -> NDArray[np.floating]:
    """Grey values of any range ``(h, w)`` in [0, 255], between percentiles; 0 where all are one."""
    low, high = np.percentile(grey, _PERCENTILES)
    if high <= low:
        low, high = float(grey.min()), float(grey.max())
    if high <= low:
        return np.zeros_like(grey)
    stretched: NDArray[np.floating] = np.clip((grey - low) / (high - low), 0, 1) * 255
    return stretched


def find_content(grey: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Top, left, height and width of what is not dark margin; the whole image where all is."""
    low, high = float(grey.min()), float(grey.max())
    bright = grey > low + _DARK * (high - low)
    rows = np.flatnonzero(bright.mean(axis=1) > _FILLED)
    columns = np.flatnonzero(bright.mean(axis=0) > _FILLED)
    if len(rows) < _MIN_SIDE_PX or len(columns) < _MIN_SIDE_PX:
        return 0, 0, *grey.shape
    top, left = int(rows[0]), int(columns[0])
    return top, left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left


def restore_map(heat: NDArray[np.float32], placement: Placement) -> NDArray[np.float32]:
    """Bring a map ``(any, any)`` over the network's square back onto the image, 0 outside.

    Returns:
        ``(h, w)`` float32 on the image's own grid.
    """
    top, left, h, w = placement.box
    above, below, before, after = placement.padding
    side = (w + before + after, h + above + below)
    square = cv2.resize(heat.astype(np.float32), side, interpolation=cv2.INTER_LINEAR)
    restored = np.zeros(placement.shape, np.float32)
    restored[top : top + h, left : left + w] = square[above : above + h, before : before + w]
    return restored
