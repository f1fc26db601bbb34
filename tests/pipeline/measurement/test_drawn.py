"""What a reader draws: the tables that the browser's tests read too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from shared_cases import read_cases

from pipeline.measurement.drawn import (
    measure_angle,
    measure_ellipse,
    measure_line,
    measure_pixels,
    measure_polygon,
    pixels_in_ellipse,
    pixels_in_polygon,
)

DRAWN = read_cases("drawn")


def spacing_of(case: dict[str, Any]) -> tuple[float, float, float] | None:
    return (9.0, *case["spacing"]) if case["spacing"] else None


@pytest.mark.parametrize("case", read_cases("lengths")["cases"], ids=str)
def test_lengths(case: dict[str, Any]) -> None:
    found = measure_line(case["start"], case["end"], spacing_of(case))
    assert found == pytest.approx(case["length"])


@pytest.mark.parametrize("case", DRAWN["angles"], ids=str)
def test_angles(case: dict[str, Any]) -> None:
    assert measure_angle(case["points"], spacing_of(case)) == pytest.approx(case["degrees"])


@pytest.mark.parametrize("case", DRAWN["polygons"], ids=str)
def test_areas_of_closed_lines(case: dict[str, Any]) -> None:
    assert measure_polygon(case["points"], spacing_of(case)) == pytest.approx(case["area"])


@pytest.mark.parametrize("case", DRAWN["ellipses"], ids=str)
def test_areas_of_ellipses(case: dict[str, Any]) -> None:
    assert measure_ellipse(case["points"], spacing_of(case)) == pytest.approx(case["area"])


@pytest.mark.parametrize("case", DRAWN["pixels"], ids=str)
def test_pixels_inside(case: dict[str, Any]) -> None:
    image = 3 * np.arange(9) + 40 * np.arange(7)[:, None]
    find = pixels_in_ellipse if case["kind"] == "ellipse" else pixels_in_polygon
    inside = find(case["points"], (7, 9))
    assert inside.sum() == case["n"]
    found = measure_pixels(image, inside)
    values = [case[name] for name in ("mean", "sd", "min", "max")]
    if found is None:
        assert values == [None] * 4
    else:
        given = (found.mean, found.deviation, found.least, found.most)
        assert given == pytest.approx(values)
