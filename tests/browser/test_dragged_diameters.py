"""The two diameters: dragged by their ends, snapped, back to the AI's; following the threshold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from reading import MEASUREMENTS, open_study, point
from running_site import Site

from pipeline import measure_lesions

SCRIPTS = Path(__file__).resolve().parents[2] / "assets" / "js"
HERE = """() => overread.measureTools.here(overread.viewer.now)
  .filter(({ item }) => item.kind === "diameters").map(({ item, isAi }) => [isAi, item.points])"""
DRAG = """([points, index, to, rows, spacing, scale]) => overread.chordDrag.drag(points, index, to,
  { mask: rows && { w: rows[0].length, h: rows.length, data: Uint8Array.from(rows.flat()) },
    spacing, scale })"""


@pytest.fixture(scope="module")
def script(browser: Browser) -> Any:
    """An empty page with the pure modules."""
    page = browser.new_page()
    for name in ("chords", "diameters", "chord_drag"):
        page.add_script_tag(path=SCRIPTS / f"{name}.js")
    yield page
    page.close()


def drag(
    script: Page,
    points: list[list[float]],
    index: int,
    to: list[float],
    *,
    mask: np.ndarray | None,
    spacing: tuple[float, float] = (1, 1),
    scale: tuple[float, float] = (8, 8),
) -> np.ndarray:
    rows = None if mask is None else mask.astype(int).tolist()
    return np.array(script.evaluate(DRAG, [points, index, to, rows, spacing, scale]))


def box() -> np.ndarray:
    """Columns 10 to 30 and rows 12 to 22 of the image."""
    mask = np.zeros((40, 50), bool)
    mask[12:22, 10:30] = True
    return mask


CROSS = [[10, 17], [30, 17], [20, 12], [20, 22]]


def test_an_end_snaps_to_the_border_and_the_perpendicular_follows(script):
    found = drag(script, CROSS, 1, [29.2, 15], mask=box())
    assert found[0] == pytest.approx([10, 17])
    assert found[1][0] == pytest.approx(30), "on the border, along the line to the pointer"
    longest, across = found[1] - found[0], found[3] - found[2]
    assert longest @ across == pytest.approx(0, abs=1e-6)
    for x, y in found[2:]:
        assert 10 - 1e-6 <= x <= 30 + 1e-6 and 12 - 1e-6 <= y <= 22 + 1e-6
    assert np.hypot(*across) == pytest.approx(10 * np.hypot(*longest) / 20, rel=0.02)


def test_far_from_the_border_an_end_is_where_the_pointer_is(script):
    assert drag(script, CROSS, 1, [24, 17], mask=box())[1] == pytest.approx([24, 17])
    assert drag(script, CROSS, 1, [40, 17], mask=box())[1] == pytest.approx([40, 17])


def test_the_perpendicular_moves_along_and_stays_inside(script):
    found = drag(script, CROSS, 3, [14.4, 30], mask=box())
    assert found[:2] == pytest.approx(np.array(CROSS[:2]))
    assert found[2] == pytest.approx([14.4, 12]) and found[3] == pytest.approx([14.4, 22])
    short = drag(script, CROSS, 3, [20, 19], mask=box())
    assert short[3] == pytest.approx([20, 19]) and short[2] == pytest.approx([20, 12])
    beyond = drag(script, CROSS, 2, [45, 5], mask=box())
    assert beyond[:, 0].max() <= 30 + 1e-6


def test_a_hole_parts_what_is_inside(script):
    mask = box()
    mask[16:18, 19:21] = False
    found = drag(script, CROSS, 3, [20, 20], mask=mask)
    assert sorted(found[2:, 1]) == pytest.approx([18, 20]), "within the part under the pointer"


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (3.0, 0.5)])
@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_right_angles_are_those_of_the_spacing(script, spacing, index):
    mask = box()
    chord = measure_lesions(mask[None], (1, *spacing)).lesions[0]
    points = [
        [line.x1 + 0.5, line.y1 + 0.5] if end == 1 else [line.x2 + 0.5, line.y2 + 0.5]
        for line in (chord.longest, chord.perpendicular)
        for end in (1, 2)
    ]
    to = [points[index][0] * 0.9 + 2, points[index][1] * 0.8 + 3]
    found = drag(script, points, index, to, mask=mask, spacing=spacing) * spacing[::-1]
    assert (found[1] - found[0]) @ (found[3] - found[2]) == pytest.approx(0, abs=1e-6)


def test_without_a_mask_the_cross_turns_with_its_longest(script):
    found = drag(script, CROSS, 1, [10, 37], mask=None)
    assert found[:2] == pytest.approx(np.array([[10, 17], [10, 37]]))
    assert sorted(found[2:, 0]) == pytest.approx([5, 15])
    assert found[2:, 1] == pytest.approx([27, 27])


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    """16 x 16 pixels of 1 mm on five slices, with a rim of two pixels of probability 100 of 255."""
    return site.add_study("bidimensional", shift=5, rim=True)


def open_measured(page: Page, study_id: str, slice_number: int) -> None:
    open_study(page, study_id, slice_number, ready=MEASUREMENTS)
    expect(page.locator("#finding-diameters-line")).to_be_visible()


def move(page: Page, start: list[float], *stops: list[float]) -> None:
    page.mouse.move(*point(page, *start))
    page.mouse.down()
    for stop in stops:
        page.mouse.move(*point(page, *stop), steps=4)
    page.mouse.up()


def test_diameters_are_dragged_kept_and_given_back(page, study):
    open_measured(page, study, 5)
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")
    expect(page.locator("#diameters-own")).to_be_hidden()
    ((is_ai, points),) = page.evaluate(HERE)
    assert is_ai
    (x1, y1), (x2, y2) = points[:2]
    expect(page.locator(".measure-end")).to_have_count(0)
    window = page.inner_text("#corner-window")
    move(page, points[1], [x1 + 0.55 * (x2 - x1), y1 + 0.55 * (y2 - y1)])
    assert page.inner_text("#corner-window") != window, "no end is taken where none is drawn"
    assert page.evaluate(HERE) == [[True, points]]
    page.keyboard.press("k")
    expect(page.locator(".measure-end")).to_have_count(4)
    move(page, points[1], [x1 + 0.55 * (x2 - x1), y1 + 0.55 * (y2 - y1)])
    expect(page.locator("#diameters-own")).to_be_visible()
    ((is_ai, changed),) = page.evaluate(HERE)
    assert not is_ai
    longest, across = np.diff(np.array(changed).reshape(2, 2, 2), axis=1)[:, 0]
    assert np.hypot(*longest) == pytest.approx(0.55 * 16 * 2**0.5, abs=0.8)
    assert longest @ across == pytest.approx(0, abs=0.05)
    expect(page.locator("#finding-diameters-line")).to_have_text("12 \u00d7 23 mm")
    expect(page.locator("#finding-measurable")).to_contain_text("RANO 2.0: Measurable")
    expect(page.locator(".measure--diameters .measure-label text")).to_have_count(2)
    assert page.get_attribute("path.diameters", "d") == "", "the AI's are not shown beside"

    page.wait_for_selector("#findings-measurements[data-saved='true']")
    page.reload()
    page.wait_for_selector("#viewer-screen[data-slice]")
    expect(page.locator("#diameters-own")).to_be_visible()
    assert page.evaluate(HERE) == [[False, changed]]

    page.keyboard.press("k")
    expect(page.locator(".measure-end")).to_have_count(4)
    start = changed[1]
    move(page, start, [x1 + 0.3 * (x2 - x1), y1 + 0.3 * (y2 - y1)])
    expect(page.locator("#finding-measurable")).to_contain_text("mm is below 10 mm")
    page.click("#diameters-back")
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")
    expect(page.locator("#diameters-own")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(page.locator("#diameters-own")).to_be_visible()


def test_diameters_follow_the_threshold(page, study):
    open_measured(page, study, 5)
    page.locator("#viewer-threshold").fill("0.3")  # takes the rim in: 20 x 20
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
    expect(page.locator("#finding-measurable")).to_have_text(
        "RANO 2.0: Measurable: both diameters reach 10 mm, and it is seen on 5 slices."
    )
    expect(page.locator("#finding-notes")).to_contain_text("Measured on the mask in view")
    mask = np.zeros((1, 64, 64), bool)
    mask[0, :20, :20] = True
    expected = measure_lesions(mask, (4, 1, 1)).lesions[0].longest.length
    lesions = page.evaluate("() => overread.bidimensional.lesions(overread.viewer.now)")
    assert lesions[0]["longest"]["length"] == pytest.approx(expected)
    assert (page.get_attribute("path.diameters", "d") or "").count("M") == 2
    page.keyboard.press("t")
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")


def test_diameters_are_dragged_by_keys(page, study):
    open_measured(page, study, 5)
    page.keyboard.press("Shift+k")
    expect(page.locator(".measure--selected")).to_have_count(1)
    page.keyboard.press("Shift+o")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#diameters-own")).to_be_visible()
    expect(page.locator(".measure-go")).to_contain_text("Diameters")
    page.keyboard.press("Delete")
    expect(page.locator("#diameters-own")).to_be_hidden()


def test_diameters_follow_a_corrected_mask(page, study):
    open_measured(page, study, 5)
    page.wait_for_function("() => overread.correction.mask(4)")
    page.evaluate(
        """() => { const mask = overread.correction.mask(4);
             for (let y = 10; y < 46; y++) for (let x = 18; x < 30; x++) mask[y * 64 + x] = 1;
             overread.correction.change("A test", [{ k: 4, mask }]); }"""
    )
    own = page.locator("#correction-diameters-all")
    expect(own).to_have_text(re.compile(r"^[34][0-9] \u00d7 [0-9]+ mm, slice 5$"))
    expect(page.locator("#correction-measurable")).to_contain_text("RANO 2.0: Measurable")
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")  # the AI's
    lesions = page.evaluate("() => overread.bidimensional.lesions(overread.viewer.now)")
    assert lesions[0]["k"] == 4
    assert lesions[0]["longest"]["length"] > 36
    lines = page.locator("path.diameters")
    corrected = lines.get_attribute("d") or ""
    assert corrected
    page.keyboard.press("Shift+M")  # without the correction, the AI's lines
    expect(lines).not_to_have_attribute("d", corrected)
    ((is_ai, points),) = page.evaluate(HERE)
    assert is_ai and np.hypot(*(np.array(points[1]) - points[0])) == pytest.approx(22.6, abs=0.5)
    page.keyboard.press("Shift+M")
    expect(lines).to_have_attribute("d", corrected)
    page.locator("#viewer-threshold").fill("0.3")
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
    expect(lines).to_have_attribute("d", corrected)  # goes on from the threshold where it began
    page.evaluate("() => overread.correction.undo()")
    expect(page.locator("#correction-diameters")).to_be_hidden()
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
