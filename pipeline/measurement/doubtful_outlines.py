"""Outlines that are likely false: outside the head, or the same on both sides of it.

Skin and eyes are outlined now and then, and so is what a healthy head has on both sides alike, such
as the horns of the ventricles. A lesion on both sides hardly ever has one shape on both. The flags
change no mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

#: A head begins at this part of the volume's robust range, as in `pipeline.input_gate.measures`.
_HEAD_FRACTION = 0.1
#: What is less of a slice than this is no head.
_LEAST_HEAD = 0.02
#: A piece lies outside the head where more than this part of it does, the head grown by this part
#: of the slice's longer side.
_OUTSIDE, _MARGIN = 0.5, 0.01
#: Dice of the outlines of one side with those of the other, mirrored, from which they are alike;
#: and how far the line between the sides may be off the head's middle, as a part of its width.
_ALIKE, _OFF_MIDDLE = 0.7, 0.04
#: Pieces of fewer pixels have no shape.
_LEAST_PIXELS = 12
#: Values that are looked at for the volume's range.
_MOST_VALUES = 50_000


class Doubt(StrEnum):
    """Why an outline is likely false."""

    OUTSIDE_HEAD = "outside head"
    MIRRORED = "mirrored"


def find_doubts(
    masks: Mapping[int, NDArray[np.bool_]],
    pixels: NDArray[np.generic],
    *,
    has_sides: bool = True,
) -> dict[int, tuple[Doubt, ...]]:
    """Look at the outlines of a volume, slice by slice.

    Args:
        masks: ``(h, w)`` bool masks by the number of their slice, from 0.
        pixels: ``(n, h, w)`` grey values, brighter in the head than around it.
        has_sides: Whether columns run from one side of the patient to the other.

    Returns:
        The doubts of the slices that have any.
    """
    least = least_of_head(pixels)
    if least == float("inf"):
        return {}
    found = {}
    for k, mask in masks.items():
        if not mask.any():
            continue
        head = head_of(pixels[k], least)
        doubts = []
        if lies_outside(mask, head):
            doubts.append(Doubt.OUTSIDE_HEAD)
        elif has_sides and is_mirrored(mask, head):
            doubts.append(Doubt.MIRRORED)
        if doubts:
            found[k] = tuple(doubts)
    return found


def least_of_head(pixels: NDArray[np.generic]) -> float:
    """The smallest grey value of a head, from the robust range of a volume; infinite without one.

    Args:
        pixels: ``(n, h, w)`` grey values.
    """
    # not ravel(), which copies a channel of a volume of several
    values = pixels.flat[:: max(1, pixels.size // _MOST_VALUES)].astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("inf")
    low, high = float(finite.min()), float(np.percentile(finite, 99.9))
    return low + _HEAD_FRACTION * (high - low)


def head_of(shown: NDArray[np.generic], least: float) -> NDArray[np.bool_]:
    """The head on a slice: the largest bright piece, its holes filled; empty without one.

    Args:
        shown: ``(h, w)`` grey values.
        least: Smallest value of the head.

    Returns:
        ``(h, w)`` bool.
    """
    bright = np.greater(shown, least).astype(np.uint8)
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    head = np.zeros(shown.shape, np.uint8)
    if contours:
        largest = max(contours, key=cv2.contourArea)
        cv2.drawContours(head, [largest], -1, 1, cv2.FILLED)
    if head.sum() < _LEAST_HEAD * head.size:
        return np.zeros(shown.shape, bool)
    return head.astype(bool)


def lies_outside(mask: NDArray[np.bool_], head: NDArray[np.bool_]) -> bool:
    """Whether a piece of a mask lies outside the head for the most part.

    Args:
        mask: ``(h, w)`` bool.
        head: ``(h, w)`` bool, as of `head_of`.
    """
    margin = max(1, round(_MARGIN * max(mask.shape)))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return False
    # only the surroundings of the mask matter: of most slices they are a small part
    box = tuple(
        slice(max(0, int(where[0]) - margin), int(where[-1]) + 1 + margin)
        for where in (rows, columns)
    )
    mask, head = mask[box], head[box]
    square = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    inside = cv2.dilate(head.astype(np.uint8), square).astype(bool)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    sizes = np.bincount(labels.ravel(), minlength=count)[1:]
    outside = np.bincount(labels[~inside], minlength=count)[1:]
    pieces = zip(outside.tolist(), sizes.tolist(), strict=True)
    return any(out > _OUTSIDE * size and size >= _LEAST_PIXELS for out, size in pieces)


def is_mirrored(mask: NDArray[np.bool_], head: NDArray[np.bool_]) -> bool:
    """Whether a mask has the same shape on both sides of the head, apart from its middle.

    A piece that crosses the middle is one lesion, not two alike.

    Args:
        mask: ``(h, w)`` bool.
        head: ``(h, w)`` bool, as of `head_of`.
    """
    columns = np.flatnonzero(head.any(axis=0))
    if not columns.size:
        return False
    width = int(columns[-1] - columns[0] + 1)
    twice_middle = int(columns[0] + columns[-1])
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    where = np.arange(mask.shape[1])
    left, right = np.zeros_like(mask), np.zeros_like(mask)
    for number in range(1, count):
        piece = labels == number
        ends = where[piece.any(axis=0)]
        if 2 * ends[0] <= twice_middle <= 2 * ends[-1]:
            return False
        (left if 2 * ends[-1] < twice_middle else right)[piece] = True
    if min(left.sum(), right.sum()) < _LEAST_PIXELS:
        return False
    reach = max(1, round(2 * _OFF_MIDDLE * width))
    return (
        max(_mirrored_dice(left, right, twice_middle + off) for off in range(-reach, reach + 1))
        >= _ALIKE
    )


def _mirrored_dice(left: NDArray[np.bool_], right: NDArray[np.bool_], twice_middle: int) -> float:
    """Dice of ``right`` with ``left`` mirrored at half of ``twice_middle``."""
    rows, columns = np.nonzero(left)
    mirrored = twice_middle - columns
    inside = (mirrored >= 0) & (mirrored < left.shape[1])
    both = int(right[rows[inside], mirrored[inside]].sum())
    return 2 * both / (rows.size + int(right.sum()))
