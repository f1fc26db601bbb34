"""Figures with their intervals, as evaluation and experiment files hold them; checked as read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

#: Longer texts in a file are cut: nobody reads more of one in a table.
_MAX_TEXT = 2000


class EvaluationError(Exception):
    """A file of figures that cannot be shown; the message is a sentence for the reader."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval; the bounds are None where the file gives none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class NotRun:
    """A part that was not measured: what would measure it, how long that takes, why it was not."""

    command: str = ""
    estimate: str = ""
    reason: str = ""


def parse_estimate(value: object) -> Estimate:
    """Read ``{"value", "low", "high"}`` or a bare number."""
    if isinstance(value, Mapping):
        return Estimate(
            float(value["value"]), _optional(value.get("low")), _optional(value.get("high"))
        )
    return Estimate(float(value))  # type: ignore[arg-type]


def parse_figures(value: object) -> dict[str, Estimate]:
    """The figures of a part by name; what is no figure is left out.

    Raises:
        EvaluationError: The part is no object.
    """
    if not isinstance(value, Mapping):
        raise EvaluationError("The file has no part named figures.")
    return {str(key): parse_estimate(item) for key, item in value.items() if _is_estimate(item)}


def parse_not_run(value: object) -> NotRun | None:
    """What a part with ``status: "not run"`` says; None for any other part."""
    if not isinstance(value, Mapping) or value.get("status") != "not run":
        return None
    estimate = value.get("estimate")
    told = dict(estimate) if isinstance(estimate, Mapping) else {}
    command = parse_text(value.get("command")) or parse_text(told.pop("command", ""))
    return NotRun(command, parse_text(told or estimate), parse_text(value.get("reason")))


def parse_text(value: object) -> str:
    """A text or a number as text, cut where it is endless; "" for anything else.

    A mapping such as ``{"command": "...", "minutes": 40}`` becomes its values one after the other.
    """
    if isinstance(value, Mapping):
        parts = [_measure_words(str(name), parse_text(item)) for name, item in value.items()]
        return ", ".join(part for part in parts if part)[:_MAX_TEXT]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:_MAX_TEXT]


def parse_texts(value: object) -> tuple[str, ...]:
    """The texts of a list, empty ones left out."""
    items = value if isinstance(value, list) else []
    return tuple(text for text in map(parse_text, items) if text)


def parse_count(value: object) -> int:
    """A count; a list counts its items, anything else is 0."""
    if isinstance(value, list):
        return len(value)
    number = _optional(value)
    return int(number) if number is not None and number >= 0 else 0


def parse_strings(value: object) -> dict[str, str]:
    """Names and values of an object as texts, those that say nothing left out."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): text for key, item in value.items() if (text := parse_text(item))}


def parse_rows(document: Mapping[str, Any], key: str, columns: Iterable[str]) -> pd.DataFrame:
    """A table of a document, with these columns and no others.

    Raises:
        EvaluationError: There are no rows of that name.
    """
    rows = document.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise EvaluationError(f"The evaluation file has no rows named {key}.")
    names = list(columns)
    table = pd.DataFrame([{name: row.get(name) for name in names} for row in rows])
    return table if rows else pd.DataFrame(columns=names)


def as_numbers(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """The table with these columns as floats, NaN where there is none.

    Raises:
        ValueError, TypeError: A word stands where a number belongs.
    """
    return table.assign(**{name: pd.to_numeric(table[name]).astype(float) for name in columns})


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; anything else is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _measure_words(name: str, text: str) -> str:
    return f"{text} {name}" if name in ("minutes", "hours", "seconds") and text else text


def _is_estimate(value: object) -> bool:
    number = value.get("value") if isinstance(value, Mapping) else value
    return isinstance(number, int | float) and not isinstance(number, bool)


def _optional(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
