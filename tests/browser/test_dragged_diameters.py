"""The two diameters: dragged by their ends, snapped, reverted; following the threshold."""

from __future__ import annotations

import re

import numpy as np
import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import MEASUREMENTS, open_study, point
from running_site import Site

from dashboard.studies.measures import OF_ANOTHER_MASK
from pipeline import measure_lesions
from pipeline.measurement.bidimensional import LesionMeasurement

HERE = with_modules("""() => modules.measureTools.here(modules.viewer.now)
  .filter(({ item }) => item.kind === "diameters").map(({ item, isAi }) => [isAi, item.points])""")


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    """16 x 16 pixels of 1 mm on five slices, with a rim of two pixels of probability 100 of 255."""
    return site.add_study("bidimensional", shift=5, rim=True)


def measured(side: int) -> LesionMeasurement:
    """The lesion of a square of so many pixels of 1 mm on slices 5 to 9, as Python measures it."""
    masks = np.zeros((12, 64, 64), bool)
    masks[4:9, :side, :side] = True
    return measure_lesions(masks, (4, 1, 1)).lesions[0]


def open_measured(page: Page, study_id: str, slice_number: int) -> None:
    open_study(page, study_id, slice_number, ready=MEASUREMENTS)
    expect(page.locator("#finding-diameters-line")).to_be_visible()


def move(page: Page, start: list[float], *stops: list[float]) -> None:
    page.mouse.move(*point(page, *start))
    page.mouse.down()
    for stop in stops:
        page.mouse.move(*point(page, *stop), steps=4)
    page.mouse.up()


def test_diameters_are_dragged_stored_and_reverted(page, study):
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
    expect(page.locator("#finding-measurable")).to_have_attribute("data-state", "assessed")
    assessment = page.inner_text("#finding-measurable")
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
    expect(page.locator("#finding-measurable")).not_to_have_text(assessment)  # below 10 mm
    expect(page.locator("#finding-measurable")).to_have_attribute("data-state", "assessed")
    page.click("#diameters-back")
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")
    expect(page.locator("#diameters-own")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(page.locator("#diameters-own")).to_be_visible()


def test_diameters_follow_the_threshold(page, study):
    open_measured(page, study, 5)
    page.locator("#viewer-threshold").fill("0.3")  # takes the rim in: 20 x 20
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
    expected = measured(20)
    expect(page.locator("#finding-measurable")).to_contain_text(expected.reason)
    expect(page.locator("#finding-notes")).to_contain_text(OF_ANOTHER_MASK)
    lesions = page.evaluate(with_modules("() => modules.bidimensional.lesions(modules.viewer.now)"))
    assert lesions[0]["longest"]["length"] == pytest.approx(expected.longest.length)
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
    expect(page.locator(".measure-go")).to_be_visible()
    page.keyboard.press("Delete")
    expect(page.locator("#diameters-own")).to_be_hidden()


def test_diameters_follow_a_corrected_mask(page, study):
    open_measured(page, study, 5)
    wait_until(page, "() => modules.correction.mask(4)")
    page.evaluate(
        with_modules("""() => { const mask = modules.correction.mask(4);
             for (let y = 10; y < 46; y++) for (let x = 18; x < 30; x++) mask[y * 64 + x] = 1;
             modules.correction.change("A test", [{ k: 4, mask }]); }""")
    )
    own = page.locator("#correction-diameters-all")
    expect(own).to_have_text(re.compile(r"^[34][0-9] \u00d7 [0-9]+ mm\b.*\b5$"))
    expect(page.locator("#correction-measurable")).to_contain_text(measured(16).reason)
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")  # the AI's
    lesions = page.evaluate(with_modules("() => modules.bidimensional.lesions(modules.viewer.now)"))
    assert lesions[0]["k"] == 4
    assert lesions[0]["longest"]["length"] > 36
    lines = page.locator("path.diameters")
    corrected = lines.get_attribute("d") or ""
    assert corrected
    page.keyboard.press("Shift+M")  # without the correction, the diameters of the AI mask
    expect(lines).not_to_have_attribute("d", corrected)
    ((is_ai, points),) = page.evaluate(HERE)
    assert is_ai and np.hypot(*(np.array(points[1]) - points[0])) == pytest.approx(22.6, abs=0.5)
    page.keyboard.press("Shift+M")
    expect(lines).to_have_attribute("d", corrected)
    page.locator("#viewer-threshold").fill("0.3")
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
    expect(lines).to_have_attribute(
        "d", corrected
    )  # based on the threshold at which it was started
    page.evaluate(with_modules("() => modules.correction.undo()"))
    expect(page.locator("#correction-diameters")).to_be_hidden()
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
