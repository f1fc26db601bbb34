"""Checks of the values that browsers send to the performance page: all are untrusted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from dashboard.evaluation import CELLS, Measured
from dashboard.figures.reliability import AFTER, BEFORE
from pipeline.evaluation.facade import Reliability, calibration_bin

#: Limits of the movable operating point and its step.
LOWEST, HIGHEST, STEP = 0.01, 0.99, 0.01


def parse_threshold(value: object, *, default: float) -> float:
    """An operating point from the browser, limited to the slider's range."""
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


def parse_point(values: object) -> float | None:
    """The operating point that a view stores; None, the default, where it is not a number."""
    chosen = parse_threshold(next(iter(items_of(values)), None), default=-1.0)
    return None if chosen < 0 else chosen


def parse_selection(value: object, measured: Measured) -> dict[str, str]:
    """The group (``kind``, ``which``) and the ``case`` that a browser has chosen, if they exist."""
    given = value if isinstance(value, dict) else {}
    chosen: dict[str, str] = {}
    kind, which, case = (given.get(name) for name in ("kind", "which", "case"))
    if isinstance(kind, str) and isinstance(which, str) and which in _known(kind, measured):
        chosen |= {"kind": kind, "which": which}
    if isinstance(case, str) and (measured.patients["case_id"] == case).any():
        chosen["case"] = case
    return chosen


def bin_rows(which: str, measured: Measured, slices: pd.DataFrame) -> pd.DataFrame:
    """Slices of a point of the reliability diagram, the highest score first.

    Args:
        which: ``before`` or ``after``, and the index of the point.
        measured: The evaluation with that point.
        slices: Its slices.
    """
    name, _, place = which.partition(" ")
    column = "uncalibrated_score" if name == BEFORE else "score"
    scores = slices[column].to_numpy(float)
    known = ~np.isnan(scores)
    chosen = np.zeros(len(scores), bool)
    point = bins_of(name, measured)[int(place)]
    chosen[known] = calibration_bin(scores[known]) == calibration_bin([point.score])[0]
    return slices[chosen].sort_values(column, ascending=False, ignore_index=True)


def bins_of(name: str, measured: Measured) -> tuple[Reliability, ...]:
    """Points of one curve of the reliability diagram; empty where the file lacks it."""
    calibration = measured.evaluation.calibration
    if calibration is None:
        return ()
    curve = {BEFORE: calibration.before, AFTER: calibration.after}.get(name)
    return curve.bins if curve else ()


def clicked_value(click: object) -> Any:
    """The customdata of the point that was clicked; None where it is missing."""
    points = click.get("points") if isinstance(click, dict) else None
    first = points[0] if isinstance(points, list) and points else None
    return first.get("customdata") if isinstance(first, dict) else None


def clicked_place(click: object) -> tuple[int, int] | None:
    """Column and row, from 0, of the cell that was clicked; None where it is missing."""
    points = click.get("points") if isinstance(click, dict) else None
    first = points[0] if isinstance(points, list) and points else None
    if not isinstance(first, dict):
        return None
    column, row = first.get("x"), first.get("y")
    return (column, row) if isinstance(column, int) and isinstance(row, int) else None


def items_of(value: object) -> list[Any]:
    """A list unchanged; an empty list for anything else."""
    return value if isinstance(value, list) else []


def mappings_of(value: object) -> list[dict[str, Any]]:
    """The dictionaries of a list."""
    return [item for item in items_of(value) if isinstance(item, dict)]


def _known(kind: str, measured: Measured) -> set[str]:
    """The groups of a kind."""
    if kind == "cell":
        return set(CELLS)
    if kind == "decided":
        return set(measured.slices["decided_by"]) - {""}
    if kind in ("institution", "fold"):
        return set(measured.patients[kind]) - {""}
    if kind == "bin":
        names = (BEFORE, AFTER)
        return {f"{name} {k}" for name in names for k in range(len(bins_of(name, measured)))}
    return set()
