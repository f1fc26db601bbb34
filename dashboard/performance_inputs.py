"""What browsers send to the performance page, checked: every value is untrusted."""

from __future__ import annotations

import math
from typing import Any

from dashboard.evaluation import CELLS, Evaluation

#: Limits of the movable operating point and its step.
LOWEST, HIGHEST, STEP = 0.01, 0.99, 0.01


def parse_threshold(value: object, *, default: float) -> float:
    """An operating point that a browser names, inside the slider's limits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        number = float(value)
    except ValueError:
        return default
    if not math.isfinite(number):
        return default
    if abs(number - default) < STEP / 2:
        return default
    return min(max(round(number, 2), LOWEST), HIGHEST)


def parse_selection(value: object, evaluation: Evaluation) -> dict[str, str]:
    """The cell and the case that a browser has chosen, as far as they exist."""
    given = value if isinstance(value, dict) else {}
    chosen = {}
    if given.get("cell") in CELLS:
        chosen["cell"] = str(given["cell"])
    if (
        isinstance(given.get("case"), str)
        and (evaluation.patients["case_id"] == given["case"]).any()
    ):
        chosen["case"] = given["case"]
    return chosen


def clicked_value(click: object) -> Any:
    """The customdata of the point that was clicked, None where there is none."""
    points = click.get("points") if isinstance(click, dict) else None
    first = points[0] if isinstance(points, list) and points else None
    return first.get("customdata") if isinstance(first, dict) else None


def items_of(value: object) -> list[Any]:
    """A list as it is, anything else as an empty one."""
    return value if isinstance(value, list) else []


def mappings_of(value: object) -> list[dict[str, Any]]:
    """The dictionaries of a list."""
    return [item for item in items_of(value) if isinstance(item, dict)]
