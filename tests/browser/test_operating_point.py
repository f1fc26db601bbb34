"""The operating point of the slice score: notes and warnings when the reader moves it."""

from __future__ import annotations

import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import RESULT, numbers, open_study
from running_site import SLICES, Site


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("operating-point", shift=4)


def move(page: Page, value: float) -> None:
    page.locator("#viewer-operating-point").fill(str(value))


def test_a_slice_below_the_readers_point_has_a_note(page: Page, study: str) -> None:
    open_study(page, study, 6, ready=RESULT)
    decided, note = page.locator("#finding-decided"), page.locator("#finding-note")
    expect(decided).to_have_attribute("data-by", "both")
    agreement = decided.inner_text()
    expect(note).to_have_text("")
    move(page, 0.99)  # its score is 0.97
    expect(decided).not_to_have_text(agreement)  # it is of the default operating point
    expect(note).to_have_attribute("data-side", "now-below-hidden")
    assert numbers(page, "#finding-note") == [0.99]
    expect(page.locator(".outline-ai")).to_have_attribute("d", "")
    page.keyboard.press("c")
    expect(decided).to_have_attribute("data-by", "classifier")
    expect(note).to_have_attribute("data-side", "now-below-hidden")
    page.locator("#viewer-threshold").fill("0.6")
    expect(note).to_have_attribute("data-side", "now-below-hidden")
    page.keyboard.press("t")
    expect(decided).to_have_attribute("data-by", "classifier")
    expect(note).to_have_text("")


def test_a_slice_above_the_readers_point_has_a_note(page: Page, study: str) -> None:
    open_study(page, study, 4, ready=RESULT)
    note = page.locator("#finding-note")
    expect(note).to_have_text("")
    move(page, 0.01)  # every score is 0.02 at least
    expect(note).to_have_attribute("data-side", "above-empty")
    assert numbers(page, "#finding-note") == [0.01]
    page.evaluate(
        with_modules("""() => { const { result } = modules.viewer.now.study;
             const slices = result.slices.map((slice, k) => (k === 5
               ? {...slice, tumor: false, slice_score: 0.3, mask_area_px: 0} : slice));
             modules.viewer.setResult({...result, slices});
             modules.viewer.goTo(5); }""")
    )
    wait_until(page, "() => modules.viewer.now.measures !== null")
    expect(note).to_have_text("")
    move(page, 0.2)
    expect(note).to_have_attribute("data-side", "now-above")
    assert numbers(page, "#finding-note") == [0.2]
    expect(page.locator("#finding-decided")).to_have_attribute("data-by", "both")
    expect(page.locator("#finding-area")).to_have_text("2.56 cm²")


def test_either_slider_that_was_moved_warns_over_the_image(page: Page, study: str) -> None:
    open_study(page, study, 6, ready=RESULT)
    badge, expected = page.locator("#threshold-badge"), page.locator("#finding-expected-default")
    page.evaluate(
        with_modules("""() => modules.viewer.setResult({...modules.viewer.now.study.result, trust: {
             expected: 0.9, low: 0.81, high: 0.953, sentence: "Dice of about 0.90.",
             similar: []}})""")
    )
    wait_until(page, "() => modules.viewer.now.measures !== null")
    expect(badge).to_be_hidden()
    expect(expected).to_be_hidden()
    move(page, 0.6)
    expect(badge).to_have_attribute("data-changed", "point")
    assert numbers(page, "#threshold-badge") == [0.6, 0.5]
    expect(expected).to_be_visible()
    page.locator("#viewer-threshold").fill("0.3")
    expect(badge).to_have_attribute("data-changed", "threshold point")
    assert len(badge.inner_text().splitlines()) == 2
    assert numbers(page, "#threshold-badge") == [0.3, 0.5, 0.6, 0.5]
    page.click("#viewer-operating-point-default")
    expect(badge).to_have_attribute("data-changed", "threshold")
    expect(expected).to_be_visible()
    page.keyboard.press("t")
    expect(badge).to_be_hidden()
    expect(expected).to_be_hidden()


def test_the_warning_covers_no_text_in_a_narrow_window(page: Page, study: str) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    open_study(page, study, 6, ready=RESULT)
    page.evaluate(
        with_modules("""() => { const { study } = modules.viewer.now;
             const orientation_note = "orientation assumed (dataset convention)";
             modules.drawing.open({...study, orientation_note, study_date: "1999-06-06",
               spacing_mm: null}, 5); }""")
    )
    wait_until(page, "() => modules.viewer.now.measures !== null")
    page.evaluate(
        with_modules("() => { modules.operatingPoint.set(0.99); modules.threshold.set(0.3); }")
    )
    covered = """() => {
             const badge = document.getElementById("threshold-badge").getBoundingClientRect();
             return ["patient", "series"].filter((name) => {
               const box = document.getElementById(`corner-${name}`).getBoundingClientRect();
               return box.left < badge.right && badge.left < box.right && badge.top < box.bottom
                 && box.top < badge.bottom; }); }"""
    for mode in ("one", "linked"):
        page.click(f"#mode-{mode}")
        expect(page.locator(f"#mode-{mode}")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#threshold-badge")).to_be_visible()
        assert page.evaluate(covered) == [], mode


def test_the_readout_of_the_strip_follows_while_the_mouse_rests(page: Page, study: str) -> None:
    open_study(page, study, 6, ready=RESULT)
    box = page.locator("#strip-canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 5.5 / SLICES, box["y"] + 8)
    readout = page.locator("#strip-readout")
    expect(readout).to_have_attribute("data-marks", "")
    assert numbers(page, "#strip-readout") == [6, 12, 0.97, 2.56, 4.0]
    page.evaluate(with_modules("() => modules.operatingPoint.set(0.99)"))
    expect(readout).to_have_attribute("data-marks", "no-mask now-below")
    page.keyboard.press("t")
    expect(readout).to_have_attribute("data-marks", "")
    page.mouse.move(700, 300)
    page.evaluate(with_modules("() => modules.operatingPoint.set(0.99)"))
    expect(readout).to_have_text("")
