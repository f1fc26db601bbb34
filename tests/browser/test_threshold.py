"""The mask threshold: mask, area, volume and Dice follow it in the browser."""

from __future__ import annotations

import re

import pytest
from page_modules import with_modules
from playwright.sync_api import expect
from reading import RESULT, open_study
from running_site import SLICES, Site


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    """A study whose outline has a wide rim of probability 100 of 255 around its 250."""
    return site.add_study("threshold", shift=4, rim=True)


def test_mask_area_volume_and_dice_follow_the_slider(page, study):
    open_study(page, study, 6, ready=RESULT)
    before = page.get_attribute(".outline-ai", "d") or ""
    expect(page.locator("#finding-volume-line")).to_have_text("5.1 mL")
    expect(page.locator("#threshold-badge")).to_be_hidden()
    # 20 x 20 and 16 x 16 pixels on five slices of 4 mm: 2 x 256 / (400 + 256)
    expect(page.locator("#threshold-band")).to_have_text(
        "From 0.3 to 0.7 the volume goes from 8.0 to 5.1 mL; the two masks have a Dice of 0.78"
        " with each other."
    )
    expect(page.locator("#threshold-dice")).to_contain_text("whole volume: 0.78")

    page.locator("#viewer-threshold").fill("0.3")
    expect(page.locator("#finding-volume-line")).to_have_text("8.0 mL")
    expect(page.locator("#finding-area")).to_have_text("4.00 cm²")
    expect(page.locator("#finding-dice")).to_have_text("Dice 1.00")
    expect(page.locator("#threshold-dice")).to_contain_text("whole volume: 1.00")
    expect(page.locator("#threshold-badge")).to_have_text(
        "Not the shipped threshold: 0.30 instead of 0.50"
    )
    expect(page.locator(".outline-ai")).not_to_have_attribute("d", before)
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
    box = page.locator("#strip-canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 5.5 / SLICES, box["y"] + 8)
    expect(page.locator("#strip-readout")).to_contain_text("4.00 cm², reference 4.00 cm²")

    page.keyboard.press("t")  # also while the slider has the focus
    expect(page.locator("#threshold-badge")).to_be_hidden()
    expect(page.locator("#finding-volume-line")).to_have_text("5.1 mL")
    expect(page.locator("#finding-dice")).to_have_text("Dice 0.78")
    expect(page.locator(".outline-ai")).to_have_attribute("d", before)


def test_keys_move_the_threshold_and_the_difference_follows(page, study):
    open_study(page, study, 6, ready=RESULT)
    for _ in range(3):
        page.keyboard.press(",")
    expect(page.locator("#threshold-value")).to_have_text("0.35")
    expect(page.locator("#viewer-threshold")).to_have_attribute(
        "aria-valuetext", "0.35, not the shipped threshold"
    )
    page.keyboard.press("d")
    page.wait_for_selector(".overlay-map:visible")
    kinds = page.evaluate(
        """() => { const d = document.querySelector(".overlay-map").getContext("2d")
             .getImageData(0, 0, 64, 64).data; let n = 0;
             for (let i = 0; i < d.length; i += 4) n += d[i + 3] === 190; return n; }"""
    )
    assert kinds == 400  # all of the reference is in the mask now
    page.keyboard.press(".")
    expect(page.locator("#threshold-value")).to_have_text("0.40")
    page.click("#viewer-threshold-shipped")
    expect(page.locator("#threshold-value")).to_have_text("0.50")
    expect(page.locator("#viewer-threshold-shipped")).to_be_disabled()


def test_a_threshold_of_the_studys_own_says_where_it_comes_from(page, study):
    open_study(page, study, 6, ready=RESULT)
    origin = page.locator("#threshold-origin")
    expect(origin).to_be_hidden()
    page.evaluate(
        with_modules("""() => modules.viewer.setResult({...modules.viewer.now.study.result,
             mask_threshold: 114.5 / 255, network_mask_threshold: 0.5})""")
    )
    expect(origin).to_have_text(
        "0.45 was chosen for this study: lowered from 0.50, as its outline is unsure."
    )


def test_slices_that_are_not_called_stay_empty_at_every_threshold(page, study):
    open_study(page, study, 1, ready=RESULT)
    page.locator("#viewer-threshold").fill("0.05")
    expect(page.locator("#threshold-badge")).to_be_visible()
    expect(page.locator("#finding-area")).to_have_text("0.00 cm²")
    expect(page.locator("#finding-dice")).to_have_text("both empty")
    assert page.get_attribute(".outline-ai", "d") == ""
    expect(page.locator("#finding-called")).to_have_text(re.compile("^5 of 12 slices"))
