"""Measurements on key images, drawn as on the page (tests/cases/measurements.json)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from shared_cases import read_cases

from dashboard.reports.pictures import arrow_head, lines_of
from dashboard.store.stored_json import Measurement

TABLE = read_cases("measurements")


def make(kind: str, points: list[list[float]]) -> Measurement:
    return Measurement(id="m001", kind=kind, k=0, points=tuple((x, y) for x, y in points))


@pytest.mark.parametrize("case", TABLE["lines"], ids=lambda case: case["kind"])
def test_lines_of_the_shared_table(case: dict[str, Any]) -> None:
    found = lines_of(make(case["kind"], case["points"]))
    assert [[list(point) for point in line] for line in found] == case["lines"]


@pytest.mark.parametrize("case", TABLE["ellipses"], ids=str)
def test_ellipses_of_the_shared_table(case: dict[str, Any]) -> None:
    (line,) = lines_of(make("ellipse", case["points"]))
    across = (np.array(line) - case["centre"]) / case["radii"]
    assert np.hypot(*across.T) == pytest.approx(1)
    assert line[0] == pytest.approx(line[-1])
    turns = np.diff(np.unwrap(np.arctan2(across[:, 1], across[:, 0])))
    assert abs(turns.sum()) == pytest.approx(2 * np.pi) and abs(turns).max() < 0.2


@pytest.mark.parametrize("case", TABLE["arrow_heads"], ids=str)
def test_arrow_heads_of_the_shared_table(case: dict[str, Any]) -> None:
    points, scale = tuple(map(tuple, case["points"])), tuple(case["scale"])
    numbers = list(map(float, re.findall(r"-?\d+\.\d+", arrow_head(points, scale, 14))))
    tip = (np.array(points[0]) * scale).tolist()
    assert numbers == pytest.approx([*case["sides"][0], *tip, *case["sides"][1]], abs=0.011)
