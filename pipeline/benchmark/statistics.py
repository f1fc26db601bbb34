"""Times of interleaved runs in figures: percentiles, and ratios round by round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.storage.field_types import Amount

_DRAWS = 2000
_SEED = 20260101


@dataclass(frozen=True)
class Ratio:
    """How many times one thing is another; ``low`` and ``high`` bound the median at 95%."""

    value: Amount
    low: Amount
    high: Amount


def percentile_ms(seconds: Sequence[float], percentile: float) -> float:
    """A percentile of times, in ms."""
    return float(np.percentile(seconds, percentile) * 1000)


def paired_ratio(slow: Sequence[float], fast: Sequence[float]) -> Ratio:
    """The median over rounds of ``slow / fast``, and its 95% interval by drawing rounds.

    Both were timed in the same rounds, so that a machine that is slower for a while slows both.

    Args:
        slow: Seconds of each round.
        fast: Of the same rounds.

    Raises:
        ValueError: Another number of rounds, or none.
    """
    if len(slow) != len(fast) or not slow:
        raise ValueError("both need the same rounds, at least one")
    ratios = np.array(slow) / np.array(fast)
    rng = np.random.default_rng(_SEED)
    drawn = np.median(rng.choice(ratios, size=(_DRAWS, len(ratios))), axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Ratio(float(np.median(ratios)), float(low), float(high))
