"""Numbers in words for readers; figures have words of their own (`Figure` of the pipeline)."""

from __future__ import annotations

import math

from pipeline.evaluation.facade import Estimate, Figure

#: Where a table has no number, and what stands before a difference below 0.
NONE, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def number_words(value: float, *, digits: int = 2) -> str:
    """A number with a fixed count of decimals; `NONE` where it is not known."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else NONE


def difference_words(figure: Figure, difference: Estimate | None) -> str:
    """A difference of a figure with its sign."""
    return figure.words(difference, sign=True).replace("-", MINUS)


def difference_interval(figure: Figure, difference: Estimate | None) -> str:
    """The interval of a difference, both ends with their signs; "" where it is missing."""
    return figure.interval_words(difference, sign=True).replace("-", MINUS)
