"""The words of volumes, their ranges and their changes, and of numbers that may be negative.

`assets/js/frame/volume_words.js` is the same rule for pages; both are run on
``tests/cases/amounts.json``.
"""

from __future__ import annotations

import math
from typing import Final

_MINUS: Final = "\N{MINUS SIGN}"
#: Above it a percentage says no more than that nearly everything is new.
_MOST_PERCENT: Final = 999


def round_ml(volume: float) -> float:
    """A volume in mL to the digit that is shown; halves go up, as in the browser."""
    return math.floor(volume * 10 + 0.5) / 10


def ml_words(volume: float) -> str:
    """A volume in mL without its unit; what is there is never 0."""
    if not volume:
        return "0"
    shown = round_ml(volume)
    return f"{shown:.1f}" if shown else "<0.1"


def range_words(low: float, high: float) -> str:
    """A range of volumes in mL, with its unit."""
    return f"{ml_words(low)} to {ml_words(high)} mL"


def is_unchanged(now: float, before: float) -> bool:
    """Whether two volumes in mL differ by less than is shown; none and some always differ."""
    return not round_ml(abs(now - before)) and bool(now) == bool(before)


def difference_words(now: float, before: float) -> str:
    """How a volume in mL has changed: ``+14.1 mL`` or ``unchanged``."""
    if is_unchanged(now, before):
        return "unchanged"
    return f"{_sign(now, before)}{ml_words(abs(now - before))} mL"


def share_words(now: float, before: float) -> str:
    """The size of a change in whole per cent, without its sign; "" where there was nothing."""
    if not before:
        return ""
    share = 100 * abs(now - before) / before
    return f">{_MOST_PERCENT}%" if share > _MOST_PERCENT else f"{math.floor(share + 0.5)}%"


def number_words(value: float, digits: int, *, sign: bool = False) -> str:
    """A number with thousands apart, and a minus sign where it is negative.

    Args:
        value: The number.
        digits: Decimals.
        sign: Whether it always has its sign, as a difference: then 0 may have a minus, for it says
            on which side of 0 a rounded end of an interval is.
    """
    if sign:
        return f"{value:+,.{digits}f}".replace("-", _MINUS)
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", _MINUS)  # + 0.0: no minus 0


def _sign(now: float, before: float) -> str:
    return "+" if now > before else _MINUS
