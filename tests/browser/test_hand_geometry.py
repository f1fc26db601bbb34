"""What is measured by hand, in the browser: cases that a reader can check, and numpy on pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

SCRIPTS = Path(__file__).resolve().parents[2] / "assets" / "js"
R2 = math.sqrt(2)


@pytest.fixture(scope="module")
def script(browser: Browser) -> Iterator[Page]:
    """An empty page with the pure module."""
    page = browser.new_page()
    page.add_script_tag(path=SCRIPTS / "geometry.js")
    yield page
    page.close()


def call(script: Page, name: str, *arguments: Any) -> Any:
    return script.evaluate(
        "([name, list]) => overread.geometry[name](...list)", [name, list(arguments)]
    )


LENGTHS = [
    ([0, 0], [3, 4], None, 5),
    ([0, 0], [3, 4], [1, 1], 5),
    ([2, 2], [2, 12], [0.5, 7], 5),  # ten rows of half a millimetre
    ([2, 2], [12, 2], [0.5, 7], 70),  # ten columns of seven
    ([0, 0], [4, 3], [4, 1], math.hypot(4, 12)),
    ([1, 1], [1, 1], [1, 1], 0),
]


@pytest.mark.parametrize(("one", "other", "spacing", "length"), LENGTHS)
def test_lengths(script, one, other, spacing, length):
    assert call(script, "distance", one, other, spacing) == pytest.approx(length)


ANGLES = [
    ([[1, 0], [0, 0], [0, 1]], None, 90),
    ([[1, 0], [0, 0], [1, 1]], None, 45),
    ([[1, 0], [0, 0], [-1, 0]], None, 180),
    ([[2, 0], [0, 0], [5, 0]], None, 0),
    ([[1, 0], [0, 0], [-1, -1]], None, 135),
    # rows lie the root of 3 as far apart as columns: 1 right and 1 down is 60 degrees
    ([[1, 0], [0, 0], [1, 1]], [math.sqrt(3), 1], 60),
    ([[1, 0], [0, 0], [0, 1]], [5, 0.2], 90),
]


@pytest.mark.parametrize(("points", "spacing", "degrees"), ANGLES)
def test_angles(script, points, spacing, degrees):
    assert call(script, "angle", points, spacing) == pytest.approx(degrees)


def test_a_leg_without_length_has_no_angle(script):
    assert call(script, "angle", [[1, 1], [1, 1], [2, 2]], None) is None


AREAS = [
    ([[0, 0], [4, 0], [4, 3], [0, 3]], None, 12),
    ([[0, 0], [0, 3], [4, 3], [4, 0]], [1, 1], 12),  # the other way round
    ([[0, 0], [4, 0], [4, 3], [0, 3]], [2, 0.5], 12),
    ([[0, 0], [4, 0], [0, 3]], [2, 1], 12),
    ([[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4]], None, 7),  # an L
    ([[0, 0], [1, 1], [2, 2]], None, 0),
]


@pytest.mark.parametrize(("points", "spacing", "area"), AREAS)
def test_polygon_areas(script, points, spacing, area):
    assert call(script, "polygonArea", points, spacing) == pytest.approx(area)


def test_ellipse_areas_are_by_both_spacings(script):
    box = [[10, 20], [4, 30]]  # half axes 3 and 5, corners in any order
    assert call(script, "ellipseArea", box, None) == pytest.approx(math.pi * 15)
    assert call(script, "ellipseArea", box, [2, 0.5]) == pytest.approx(math.pi * 15)
    assert call(script, "ellipse", box) == {"x": 7, "y": 25, "rx": 3, "ry": 5}


def pixels_of(runs: list[list[int]], shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for row, start, stop in runs:
        assert not mask[row, start:stop].any()
        mask[row, start:stop] = True
    return mask


@pytest.mark.parametrize(
    "box",
    [[[3.2, 2.1], [17.9, 11.4]], [[-4, -3], [9, 8]], [[12, 9], [40, 30]], [[5, 5], [6, 6]]],
    ids=["inside", "over the left edge", "over the right edge", "one pixel"],
)
def test_ellipse_statistics_are_those_of_numpy(script, box):
    rng = np.random.default_rng(4)
    image = rng.integers(0, 65536, (16, 21)).astype(np.uint16)
    runs = call(script, "ellipseRuns", box, 21, 16)
    y, x = np.mgrid[:16, :21] + 0.5
    (ax, ay), (bx, by) = box
    inside = ((x - (ax + bx) / 2) / ((bx - ax) / 2)) ** 2 + (
        (y - (ay + by) / 2) / ((by - ay) / 2)
    ) ** 2 <= 1
    assert (pixels_of(runs, image.shape) == inside).all()
    found = call(script, "statistics", image.ravel().tolist(), 21, runs, 0.25, -40)
    values = image[inside] * 0.25 - 40
    assert found["n"] == inside.sum()
    for name, expected in [
        ("mean", values.mean()),
        ("sd", values.std()),
        ("min", values.min()),
        ("max", values.max()),
    ]:
        assert found[name] == pytest.approx(expected, rel=1e-9, abs=1e-9), name


def test_polygon_statistics_take_centres_inside(script):
    image = np.arange(100).reshape(10, 10)
    runs = call(script, "polygonRuns", [[2, 3], [5, 3], [5, 7], [2, 7]], 10, 10)
    assert (pixels_of(runs, (10, 10)) == np.pad(np.ones((4, 3), bool), ((3, 3), (2, 5)))).all()
    found = call(script, "statistics", image.ravel().tolist(), 10, runs)
    inside = image[3:7, 2:5]
    assert found["mean"] == pytest.approx(inside.mean())
    assert (found["min"], found["max"]) == (32, 64)


def test_nothing_inside_has_no_statistics(script):
    assert call(script, "ellipseRuns", [[3, 3], [3, 3]], 10, 10) == []
    assert call(script, "statistics", [1, 2], 2, []) is None


def test_a_falling_scale_keeps_least_and_greatest_apart(script):
    found = call(script, "statistics", [0, 10], 2, [[0, 0, 2]], -2, 5)
    assert (found["min"], found["max"], found["sd"]) == (-15, 5, 10)


LINES = [
    ([0, 3], [0, 0], [10, 0], None, 3),
    ([13, 4], [0, 0], [10, 0], None, 5),  # beyond the end
    ([0, 3], [0, 0], [10, 0], [2, 1], 6),
    ([1, 1], [4, 5], [4, 5], None, 5),
]


@pytest.mark.parametrize(("point", "one", "other", "spacing", "expected"), LINES)
def test_distance_from_a_line(script, point, one, other, spacing, expected):
    assert call(script, "toLine", point, one, other, spacing) == pytest.approx(expected)


def test_simplifying_keeps_corners(script):
    line = [[0, 0], [1, 0.01], [2, -0.01], [3, 0], [3, 2], [3, 4]]
    assert call(script, "simplify", line, 0.1) == [[0, 0], [3, 0], [3, 4]]
    circle = [
        [10 * math.cos(2 * math.pi * k / 360), 10 * math.sin(2 * math.pi * k / 360)]
        for k in range(360)
    ]
    fewer = call(script, "simplify", circle, 0.1)
    assert len(fewer) < 60
    area = call(script, "polygonArea", fewer, None)
    assert area == pytest.approx(math.pi * 100, rel=0.02)
