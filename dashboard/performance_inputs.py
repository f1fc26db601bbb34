"""What browsers send to the performance page, checked: every value is untrusted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from dashboard.evaluation import CELLS, Evaluation
from dashboard.evaluation.sections import Reliability
from dashboard.figures.reliability import AFTER, BEFORE

#: Limits of the movable operating point and its step.
LOWEST, HIGHEST, STEP = 0.01, 0.99, 0.01
#: Equal bins of the score behind the reliability diagram, as the evaluation makes them.
BINS = 10


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


def parse_point(values: object) -> float | None:
    """The operating point that a view keeps: None, as measured, for anything that is none."""
    chosen = parse_threshold(next(iter(items_of(values)), None), default=-1.0)
    return None if chosen < 0 else chosen


def parse_selection(value: object, evaluation: Evaluation) -> dict[str, str]:
    """The group (``kind``, ``which``) and the ``case`` that a browser has chosen, if they exist."""
    given = value if isinstance(value, dict) else {}
    chosen: dict[str, str] = {}
    kind, which, case = (given.get(name) for name in ("kind", "which", "case"))
    if isinstance(kind, str) and isinstance(which, str) and which in _known(kind, evaluation):
        chosen |= {"kind": kind, "which": which}
    if isinstance(case, str) and (evaluation.patients["case_id"] == case).any():
        chosen["case"] = case
    return chosen


def bin_rows(which: str, evaluation: Evaluation) -> pd.DataFrame:
    """Slices of a point of the reliability diagram, the highest score first.

    Args:
        which: ``before`` or ``after``, and the point's place.
        evaluation: Which must hold that point.
    """
    name, _, place = which.partition(" ")
    column = "uncalibrated_score" if name == BEFORE else "score"
    part = _reliability(name, evaluation)
    if part is None:
        return evaluation.slices.iloc[:0]
    mean = float(part.bins["score"].iloc[int(place)])
    scores = evaluation.slices[column].to_numpy(float)
    rows = evaluation.slices[_bin_of(scores) == _bin_of(np.array([mean]))[0]]
    return rows.sort_values(column, ascending=False, ignore_index=True)


def _bin_of(scores: np.ndarray) -> np.ndarray:
    """Bin of each score among `BINS` equal ones, -1 for none."""
    known = np.nan_to_num(scores, nan=-1.0)
    return np.where(known < 0, -1, np.minimum((known * BINS).astype(int), BINS - 1))


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


def _known(kind: str, evaluation: Evaluation) -> set[str]:
    """What there is of a kind of group."""
    if kind == "cell":
        return set(CELLS)
    if kind == "decided":
        return set(evaluation.slices["decided_by"]) - {""}
    if kind in ("institution", "fold"):
        return set(evaluation.patients[kind]) - {""}
    if kind == "bin":
        parts = ((name, _reliability(name, evaluation)) for name in (BEFORE, AFTER))
        return {f"{name} {k}" for name, part in parts if part for k in range(len(part.bins))}
    return set()


def _reliability(name: str, evaluation: Evaluation) -> Reliability | None:
    sections = evaluation.sections
    return {BEFORE: sections.before, AFTER: sections.after}.get(name)
