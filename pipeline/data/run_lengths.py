"""A mask as run lengths of flattened pixels, as public courses write masks.

A run is a start and a length; pixels count from 1, down the columns first, then to the right (the
order of the Kaggle competitions on segmentation, whose CSV files the courses on the LGG data copy).
``1 3 10 2`` marks pixels 1, 2, 3, 10 and 11. An empty mask is an empty text.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: How pixels are counted, as files state it.
ORDER: Final = "column-major, from 1"


def encode_runs(mask: NDArray[np.bool_]) -> str:
    """The runs of a mask ``(h, w)``."""
    flat = np.concatenate([[False], np.asarray(mask, bool).ravel(order="F"), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    return " ".join(map(str, np.stack([starts, ends - starts], axis=1).ravel().tolist()))


def decode_runs(text: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask ``(h, w)`` of runs.

    Raises:
        ValueError: The text holds no runs, or one that leaves the image or meets another.
    """
    words = text.split()
    if len(words) % 2 or not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError("runs are pairs of whole numbers")
    if any(len(word) > 18 for word in words):
        raise ValueError("a run leaves the image")
    runs = np.array(words, np.int64).reshape(-1, 2)
    flat = np.zeros(shape[0] * shape[1], bool)
    end = 0
    for start, length in runs.tolist():
        if length < 1 or start - 1 < end or start - 1 + length > flat.size:
            raise ValueError("a run leaves the image or meets another")
        end = start - 1 + length
        flat[start - 1 : end] = True
    return flat.reshape(shape, order="F")
