"""Figures and texts as the files of benchmarks and experiments hold them; checked as read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline import InputError
from pipeline.evaluation.facade import Estimate, NotRun

#: Longer texts in a file are cut: nobody reads more of one in a table.
_MAX_TEXT = 2000


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
        InputError: The part is no object.
    """
    if not isinstance(value, Mapping):
        raise InputError("figures", "The file has no part named figures.")
    return {str(key): parse_estimate(item) for key, item in value.items() if _is_estimate(item)}


def parse_not_run(value: object) -> NotRun | None:
    """What a part with ``status: "not run"`` says; None for any other part."""
    if not isinstance(value, Mapping) or value.get("status") != "not run":
        return None
    estimate = value.get("estimate")
    parts = dict(estimate) if isinstance(estimate, Mapping) else {}
    command = parse_text(value.get("command")) or parse_text(parts.pop("command", ""))
    return NotRun(
        status="not run",
        command=command,
        estimate=parse_text(parts or estimate),
        reason=parse_text(value.get("reason")),
    )


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


def parse_strings(value: object) -> dict[str, str]:
    """Names and values of an object as texts, those that say nothing left out."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): text for key, item in value.items() if (text := parse_text(item))}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; anything else is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _measure_words(name: str, text: str) -> str:
    return f"{text} {name}" if name in ("minutes", "hours", "seconds") and text else text


def _is_estimate(value: object) -> bool:
    number = value.get("value") if isinstance(value, Mapping) else value
    return _optional(number) is not None


def _optional(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
