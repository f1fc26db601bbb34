"""The mask threshold: mask, area, volume and Dice follow it in the browser."""

from __future__ import annotations

import pytest
from page_modules import with_modules
from playwright.sync_api import expect
from reading import RESULT, numbers, open_study
from running_site import SLICES, Site


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    """A study with a wide rim of probability 100 of 255 around a lesion of 250."""
    return site.add_study("threshold", shift=4, rim=True)


def test_mask_area_volume_and_dice_follow_the_slider(page, study):
    open_study(page, study, 6, ready=RESULT)
    before = page.get_attribute(".outline-ai", "d") or ""
    expect(page.locator("#finding-volume-line")).to_have_text("5.1 mL")
    expect(page.locator("#threshold-badge")).to_be_hidden()
    # 20 x 20 and 16 x 16 pixels on five slices of 4 mm: 2 x 256 / (400 + 256)
    expect(page.locator("#threshold-band")).not_to_be_empty()
    assert numbers(page, "#threshold-band") == [0.3, 0.7, 8.0, 5.1, 0.78]
    assert numbers(page, "#threshold-dice") == [0.78]

    page.locator("#viewer-threshold").fill("0.3")
    expect(page.locator("#finding-volume-line")).to_have_text("8.0 mL")
    expect(page.locator("#finding-area")).to_have_text("4.00 cm²")
    expect(page.locator("#finding-dice")).to_have_text("1.00")
    assert numbers(page, "#threshold-dice") == [1.0]
    expect(page.locator("#threshold-badge")).to_have_attribute("data-changed", "threshold")
    assert numbers(page, "#threshold-badge") == [0.3, 0.5]
    expect(page.locator(".outline-ai")).not_to_have_attribute("d", before)
    expect(page.locator("#finding-diameters-line")).to_have_text("28 \u00d7 28 mm")
    box = page.locator("#strip-canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 5.5 / SLICES, box["y"] + 8)
    expect(page.locator("#strip-readout")).to_have_attribute("data-slice", "6")
    assert numbers(page, "#strip-readout")[-2:] == [4.0, 4.0]

    page.keyboard.press("t")  # also while the slider has the focus
    expect(page.locator("#threshold-badge")).to_be_hidden()
    expect(page.locator("#finding-volume-line")).to_have_text("5.1 mL")
    expect(page.locator("#finding-dice")).to_have_text("0.78")
    expect(page.locator(".outline-ai")).to_have_attribute("d", before)


def test_keys_move_the_threshold_and_the_difference_follows(page, study):
    open_study(page, study, 6, ready=RESULT)
    for _ in range(3):
        page.keyboard.press(",")
    expect(page.locator("#threshold-value")).to_have_text("0.35")
    expect(page.locator("#viewer-threshold")).to_have_attribute("aria-valuetext", "0.35")
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
    page.click("#viewer-threshold-default")
    expect(page.locator("#threshold-value")).to_have_text("0.50")
    expect(page.locator("#viewer-threshold-default")).to_be_disabled()


def test_a_threshold_lowered_for_the_study_is_explained(page, study):
    open_study(page, study, 6, ready=RESULT)
    origin = page.locator("#threshold-origin")
    expect(origin).to_be_hidden()
    page.evaluate(
        with_modules("""() => modules.viewer.setResult({...modules.viewer.now.study.result,
             mask_threshold: 114.5 / 255, network_mask_threshold: 0.5})""")
    )
    expect(origin).to_be_visible()
    assert numbers(page, "#threshold-origin") == [0.5, 0.45]


def test_slices_below_the_operating_point_have_no_mask_at_any_threshold(page, study):
    open_study(page, study, 1, ready=RESULT)
    page.locator("#viewer-threshold").fill("0.05")
    expect(page.locator("#threshold-badge")).to_be_visible()
    expect(page.locator("#finding-area")).to_have_text("0.00 cm²")
    no_lesion = page.evaluate(with_modules("modules.amounts.NO_LESION"))
    expect(page.locator("#finding-dice")).to_have_text(no_lesion)
    assert page.get_attribute(".outline-ai", "d") == ""
    expect(page.locator("#finding-above")).to_have_attribute("data-count", "5")
