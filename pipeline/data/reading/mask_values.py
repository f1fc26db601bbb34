"""From the stored values of a reference mask to its pixels: which values count as outlined.

Values of a whole study are judged together: what is noise on one slice is seen on another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A mask in two grey levels that were once compressed or smoothed: how far values stray from both,
#: as a part of the upper level.
_STRAY = 16 / 255
#: The least upper level of a mask in grey values; more labels than a handful are no lesion's.
_LEAST_WHITE = 100
#: The least upper value of fractions that are no resampled labels: percentages, grey values.
_LEAST_PERCENT = 20
_MOST_LABELS = 16
#: Shares of the head's and of all pixels that no lesion reaches together.
_MOST_OF_HEAD = 0.5
_MUCH_OF_IMAGE = 0.05
#: A mask has at most so many levels, or most of what is not black is near its upper one.
_LEVELS = 32
_NEAR_TOP = 0.5

FRACTIONS_WARNING = (
    "The reference mask holds values between 0 and 1; those of one half and more count as outlined."
)


def covering_warning(name: str) -> str:
    """The sentence on a mask that is left out because of its size."""
    return f"{name} covers most of the head, so that it is no outline of a lesion; it is left out."


def outlined(
    pages: Sequence[NDArray[Any]], *, lossy: bool = False
) -> tuple[list[NDArray[np.bool_]], tuple[str, ...]]:
    """Decide which pixels of a study's masks are outlined.

    Only values above 0 count. Fractions (probabilities, resampled masks) are cut at one half.
    Where two grey levels were compressed or smoothed, the cut lies in the middle between them;
    labels count from 1.

    Args:
        pages: Masks of one study, arrays of any shape and real type.
        lossy: Whether they were compressed so that values stray.

    Returns:
        A bool array for each, and warnings.
    """
    values = _values_above_zero(pages)
    if values.size == 0:
        return [np.zeros(page.shape, bool) for page in pages], ()
    threshold = _threshold(values, lossy=lossy)
    inside = values[(values > 0.001) & (values < 0.999)]
    warnings = (FRACTIONS_WARNING,) if inside.size and threshold == 0.5 else ()
    return [np.asarray(page >= threshold) for page in pages], warnings


def _values_above_zero(pages: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """All values above 0 that occur, in order."""
    found = [np.unique(page[page > 0]).astype(np.float64) for page in pages]
    values = np.unique(np.concatenate(found)) if found else np.zeros(0)
    return values[np.isfinite(values)]


def _threshold(values: NDArray[np.float64], *, lossy: bool) -> float:
    """The least value that counts, of all values above 0 that occur."""
    top = values[-1]
    whole = np.abs(values - np.rint(values)).max() < 1e-3
    middle = float(np.floor(top / 2) + 1) if whole else top / 2
    if not whole:
        return middle if top >= _LEAST_PERCENT else 0.5
    if lossy and top > 127:
        return middle
    if top >= _LEAST_WHITE and (values.size > _MOST_LABELS or _strays(values, top)):
        return middle
    return 0.5


def _strays(values: NDArray[np.float64], top: float) -> bool:
    """Whether all values lie near 0 or near the top one, and not just on it."""
    reach = max(_STRAY * top, 1.0)
    high = values[values >= top - reach]
    return high.size > 1 and bool((values[values < top - reach] <= reach).all())


def looks_like_mask(pages: Sequence[NDArray[Any]]) -> bool:
    """Whether the values of a picture or volume are those of a mask rather than of an image.

    A mask holds few values, or values near two levels; an image's are spread.
    """
    sample = np.concatenate([np.ravel(page)[:: max(1, page.size // 200_000)] for page in pages])
    sample = sample[np.isfinite(sample)].astype(np.float64)
    if sample.size == 0:
        return False
    low, top = float(sample.min()), float(sample.max())
    if low < 0 or top <= 0:
        return False
    if np.unique(sample).size <= _LEVELS:
        return True
    bright = sample[sample > _STRAY * top]
    return float((bright >= top - _STRAY * top).mean()) >= _NEAR_TOP


def is_label_map(pixels: NDArray[Any]) -> bool:
    """Whether a volume is surely labels: few whole values, 0 the least and the most frequent."""
    sample = np.ravel(pixels)[:: max(1, pixels.size // 1_000_000)]
    values, counts = np.unique(sample, return_counts=True)
    if not 2 <= values.size <= _MOST_LABELS or values[0] != 0:
        return False
    whole = bool((values == np.rint(values)).all())
    return whole and bool(counts[0] > sample.size / 2)


def covers_head(mask: NDArray[np.bool_], pixels: NDArray[Any]) -> bool:
    """Whether a mask covers so much of the head that it is no lesion's.

    Args:
        mask: ``(n, h, w)``.
        pixels: ``(n, h, w, c)`` of the image.
    """
    grey = pixels[:, ::2, ::2].astype(np.float32).mean(axis=-1)
    low, high = np.percentile(grey, (1, 99))
    head = grey > low + 0.1 * (high - low)
    inside = mask[:, ::2, ::2]
    share = int(inside.sum())
    return share > _MOST_OF_HEAD * int(head.sum()) and share > _MUCH_OF_IMAGE * inside.size
