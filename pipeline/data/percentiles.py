"""Percentiles of a volume's grey values, the same to the last bit as `numpy.percentile`'s.

NumPy partitions a copy of all values, which takes longer than all else that is done to a volume
before the network. Counting values needs one pass: whole numbers are counted as they are, others by
their leading bits, after which only the few that share a percentile's are sorted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Leading bits by which numbers that are not whole are counted: sign, exponent and some more.
_BITS = 16
#: Values that are counted at once, so that they stay in the processor's cache.
_CHUNK = 1 << 16


class Ranked(Protocol):
    """Values of which any in their rising order can be had.

    Attributes:
        size: Number of the values.
    """

    size: int

    def at(self, ranks: Sequence[int]) -> list[np.float32]:
        """The values at these ranks, from 0."""
        ...


class CountedValues:
    """Values of which it is known how often each occurs.

    Args:
        levels: ``(k,)`` float32, rising.
        counts: ``(k,)``, how often each occurs.
    """

    def __init__(self, levels: NDArray[np.float32], counts: NDArray[np.int64]) -> None:
        self._levels, self._ends = levels, np.cumsum(counts)
        self.size = int(self._ends[-1])

    def at(self, ranks: Sequence[int]) -> list[np.float32]:
        """The values at these ranks; see `Ranked`."""
        return list(self._levels[np.searchsorted(self._ends, ranks, side="right")])


class PositiveValues:
    """Values that are 0 or more, in any order.

    Args:
        values: float32 of any shape, contiguous in memory.
    """

    def __init__(self, values: NDArray[np.float32]) -> None:
        self._values, self.size = values.reshape(-1), values.size
        # Numbers of one sign have the order of their bits.
        self._leading = np.empty(self.size, np.uint16)
        counts = np.zeros(1 << _BITS, np.int64)
        for start in range(0, self.size, _CHUNK):
            here = slice(start, start + _CHUNK)
            np.right_shift(
                self._values[here].view(np.uint32),
                32 - _BITS,
                out=self._leading[here],
                casting="unsafe",
            )
            counts += np.bincount(self._leading[here], minlength=len(counts))
        self._ends = np.cumsum(counts)

    def at(self, ranks: Sequence[int]) -> list[np.float32]:
        """The values at these ranks; see `Ranked`."""
        alike = np.searchsorted(self._ends, ranks, side="right")
        found = {
            int(leading): np.sort(self._values[self._leading == leading]) for leading in set(alike)
        }
        return [
            found[int(leading)][rank - int(self._ends[leading])]
            for rank, leading in zip(ranks, alike, strict=True)
        ]


def percentiles(
    ranked: Ranked, wanted: Sequence[float], *, leave_out: int = 0
) -> NDArray[np.float64]:
    """Percentiles, linear between two values, as `numpy.percentile` of a list of percentiles.

    Args:
        ranked: The values.
        wanted: The percentiles, 0 to 100.
        leave_out: How many of the smallest values do not count; fewer than there are.

    Returns:
        float64, one for each.
    """
    places = [_place(ranked.size - leave_out, one) for one in wanted]
    ranks = [leave_out + rank for lower, upper, _ in places for rank in (lower, upper)]
    values = ranked.at(ranks)
    pairs = zip(values[::2], values[1::2], places, strict=True)
    return np.array([_between(a, b, np.float64(part)) for a, b, (_, _, part) in pairs], np.float64)


def percentile(ranked: Ranked, wanted: float) -> np.float32:
    """One percentile, as `numpy.percentile` of a number: at the precision of the values."""
    lower, upper, part = _place(ranked.size, wanted)
    a, b = ranked.at([lower, upper])
    return np.float32(_between(a, b, part))


def _place(size: int, wanted: float) -> tuple[int, int, float]:
    """The ranks on both sides of a percentile, and how far it is from the lower one."""
    place = (size - 1) * (wanted / 100)
    lower = min(math.floor(place), size - 1)
    return lower, min(lower + 1, size - 1), place - lower


def _between(lower: np.float32, upper: np.float32, part: float | np.float64) -> np.floating:
    # NumPy's own steps: they decide the last bit.
    with np.errstate(invalid="ignore"):
        difference = upper - lower
        if part >= 0.5:
            found: np.floating = upper - difference * (1 - part)
        else:
            found = lower + difference * part
    return found
