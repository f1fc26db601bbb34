"""Which half of the image a mask lies in: of the head's width, slice by slice.

Which side of the patient that is follows from the letters at the edges of the image. Nothing finer
than a side is said of where a lesion is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Orientation
from pipeline.measurement.doubtful_outlines import head_of, least_of_head

#: Part of a mask that lies on one side of which it is then said to be.
_ONE_SIDE = 0.8


def side_of(
    masks: Mapping[int, NDArray[np.bool_]],
    pixels: NDArray[np.generic],
    letters: Orientation | None,
) -> Literal["right", "left", "both sides", ""]:
    """Side of the patient on which a mask lies; "" where the letters do not say.

    Args:
        masks: As of `count_halves`, not empty.
        pixels: Likewise.
        letters: At the edges of the images.
    """
    if letters is None or {letters.left, letters.right} != {"R", "L"}:
        return ""
    left, right = count_halves(masks, pixels)
    share = left / (left + right)
    if 1 - _ONE_SIDE < share < _ONE_SIDE:
        return "both sides"
    is_right = (letters.left == "R") == (share >= _ONE_SIDE)
    return "right" if is_right else "left"


def count_halves(
    masks: Mapping[int, NDArray[np.bool_]], pixels: NDArray[np.generic]
) -> tuple[float, float]:
    """Count a mask's pixels left and right of the middle of the head.

    Args:
        masks: ``(h, w)`` bool by the number of their slice, from 0.
        pixels: ``(n, h, w)`` grey values, brighter in the head than around it.

    Returns:
        Pixels in the left and in the right half of the image; those of the middle column count half
        for each. A slice without a head is divided in its middle.
    """
    least = least_of_head(pixels)
    left = right = 0.0
    for k, mask in masks.items():
        columns = np.count_nonzero(mask, axis=0)
        inside = np.flatnonzero(head_of(pixels[k], least).any(axis=0))
        ends = (int(inside[0]), int(inside[-1])) if inside.size else (0, mask.shape[1] - 1)
        twice = 2 * np.arange(mask.shape[1]) - sum(ends)
        middle = float(columns[twice == 0].sum()) / 2
        left += float(columns[twice < 0].sum()) + middle
        right += float(columns[twice > 0].sum()) + middle
    return left, right
