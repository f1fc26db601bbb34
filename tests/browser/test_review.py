"""The review page as a reader uses it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from page_modules import with_modules
from playwright.sync_api import Page, expect
from reading import in_view, numbers, open_study
from running_site import LESION_SLICES, SLICES, Site
from seen_pixels import AMBER, TEAL, count, extent, image, until


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("analysed")


def corner(page: Page) -> list[float]:
    """Slice number and number of slices."""
    return numbers(page, "#corner-slice")[:2]


def middle_grey(page: Page) -> float:
    """Grey of the tissue below the middle, where no outline is."""
    picture = image(page)
    h, w, _ = picture.shape
    return float(picture[int(h * 0.8) : int(h * 0.84), w // 2 - 8 : w // 2 + 8].mean())


def test_opens_on_the_largest_mask_with_both_outlines_and_the_findings(page, study):
    open_study(page, study)

    assert corner(page) == [LESION_SLICES[0] + 1, SLICES]
    until(lambda: count(image(page), AMBER) > 200 and count(image(page), TEAL) > 100)
    assert page.inner_text("#finding-volume-line") == "5.1 mL"  # 16 x 16 x 5 voxels of 4 mm3
    assert page.get_attribute("#finding-above", "data-count") == "5"
    assert numbers(page, "#finding-above") == [5, 12]
    assert page.inner_text("#finding-area") == "2.56 cm²"
    assert page.inner_text("#finding-dice") == "0.78"  # 2 x 256 / (256 + 400)
    assert page.inner_text("#finding-score") == "0.97"
    assert "resunet-resnet18 1.0.0 · 01234567" in page.inner_text("#findings-model")
    assert "FLAIR" in page.inner_text("#finding-series")
    assert [page.inner_text(f"#edge-{side}") for side in ("left", "top")] == ["R", "A"]


def test_wheel_arrows_and_keys_step_through_the_slices(page, study):
    open_study(page, study, 2)
    before = middle_grey(page)

    page.keyboard.press("ArrowDown")
    assert corner(page) == [3, SLICES]
    until(lambda: middle_grey(page) > before + 3)  # the phantom grows brighter with the slice
    after = middle_grey(page)

    page.locator("#viewer-surface").hover()
    page.mouse.wheel(0, 120)
    in_view(page, 4)
    page.mouse.wheel(0, -120)
    in_view(page, 3)
    until(lambda: middle_grey(page) == pytest.approx(after, abs=1))
    for _ in range(5):
        page.mouse.wheel(0, 8)  # a trackpad: 40 px make one slice
    in_view(page, 4)

    for key, number in (("End", 12), ("Home", 1), ("n", 5), ("Shift+N", 9), ("PageUp", 1)):
        page.keyboard.press(key)
        assert corner(page) == [number, SLICES], key


def test_outlines_fill_and_hide_all_follow_their_keys_and_buttons(page, study):
    open_study(page, study)
    both = image(page)

    page.keyboard.press("m")
    until(lambda: count(image(page), AMBER) == 0)
    assert count(image(page), TEAL) > 100
    page.click("#viewer-show-ai")
    page.click("#viewer-show-reference")
    until(lambda: count(image(page), TEAL) == 0)
    assert count(image(page), AMBER) > 200
    page.keyboard.press("r")

    page.keyboard.press("f")
    until(lambda: (np.abs(image(page) - both).max(axis=-1) > 8).sum() > 5000)
    page.keyboard.press("f")

    page.keyboard.press(" ")
    until(lambda: count(image(page), AMBER) == count(image(page), TEAL) == 0)
    page.keyboard.press(" ")
    until(lambda: count(image(page), AMBER) == count(both, AMBER))

    page.keyboard.press("Home")  # below the operating point: no mask
    until(lambda: count(image(page), AMBER) == 0)


def test_after_a_click_on_a_button_keys_go_to_the_image(page, study):
    open_study(page, study)
    for button in ("#viewer-tool-zoom", "#mode-one", "#viewer-fill"):
        page.click(button)
        page.keyboard.press(" ")
        expect(page.locator("#viewer-hide-all")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press(" ")
        expect(page.locator("#viewer-hide-all")).to_have_attribute("aria-pressed", "false")


def test_drag_windows_the_image_and_double_click_resets_it(page, study):
    open_study(page, study, 2)
    before = middle_grey(page)
    surface = page.locator("#viewer-surface")
    surface.hover()
    page.mouse.down()
    page.mouse.move(720, 620, steps=5)
    page.mouse.up()
    until(lambda: middle_grey(page) < before - 10)
    surface.dblclick()
    until(lambda: middle_grey(page) == pytest.approx(before, abs=1))
    page.keyboard.press("Shift+D")
    until(lambda: middle_grey(page) == pytest.approx(255 - before, abs=2))


def test_zoom_keeps_the_outline_on_the_lesion_and_reset_undoes_it(page, study):
    open_study(page, study)
    before = extent(image(page), TEAL)
    page.locator("#viewer-surface").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    until(lambda: extent(image(page), TEAL) == pytest.approx(1.49 * before, rel=0.02))
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#viewer-screen[data-slice='6']")
    assert extent(image(page), TEAL) == pytest.approx(1.49 * before, rel=0.02)
    page.keyboard.press("0")
    until(lambda: extent(image(page), TEAL) == pytest.approx(before, rel=0.02))


def test_slice_above_the_operating_point_without_a_mask_has_a_note(page, study):
    open_study(page, study, 5)
    expect(page.locator("#finding-note")).to_have_text("")
    page.evaluate(
        with_modules(
            "() => { modules.viewer.now.study.result.slices[5].mask_area_px = 0;"
            " modules.viewer.goTo(5); }"
        )
    )
    expect(page.locator("#finding-note")).to_have_attribute("data-side", "above-empty")


def test_score_its_parts_and_the_decision_are_shown_together(page, study):
    open_study(page, study, 5)
    assert page.inner_text("#finding-score") == "0.97"
    assert page.inner_text("#finding-point") == "0.50"
    assert page.inner_text("#finding-classifier") == "0.96"
    assert page.inner_text("#finding-evidence") == "0.95"
    decided = page.locator("#finding-decided")
    expect(decided).to_have_attribute("data-by", "both")
    expect(decided).not_to_have_class(re.compile("notice"))
    expect(page.locator("#lesions .lesion").first).to_be_visible()  # it stands above
    top = page.locator("#finding-area").bounding_box()["y"]

    page.keyboard.press("c")
    assert corner(page) == [9, SLICES]
    expect(decided).to_have_attribute("data-by", "classifier")
    expect(decided).to_have_class(re.compile("notice--warning"))
    page.click("#viewer-next-conflict")
    assert corner(page) == [4, SLICES]
    expect(decided).to_have_attribute("data-by", "outline")
    assert page.locator("#finding-area").bounding_box()["y"] == top  # nothing has moved
    expect(page.locator("#finding-conflicts")).to_have_attribute("data-count", "2")

    page.keyboard.press("Home")
    assert numbers(page, "#finding-evidence") == []  # not segmented
    expect(decided).to_have_attribute("data-by", "gate")


def test_next_conflict_shows_a_message_if_there_is_none(page, study):
    open_study(page, study, 5)
    note = page.locator("#stage-note")
    change = with_modules("""(decided) => { const { result } = modules.viewer.now.study;
      const slices = result.slices.map((slice, k) =>
        ({...slice, decided_by: decided[k] || "both"}));
      modules.viewer.setResult({...result, slices}); }""")
    expect(page.locator("#finding-conflicts")).to_be_visible()
    page.evaluate(change, {"2": "outline"})
    page.keyboard.press("c")
    assert corner(page) == [3, SLICES]
    expect(note).to_be_hidden()
    page.keyboard.press("c")
    expect(note).to_have_attribute("data-code", "only-conflict")
    page.evaluate(change, {})
    page.keyboard.press("c")
    expect(note).to_have_attribute("data-code", "no-conflict")
    assert corner(page) == [3, SLICES]
    expect(note).to_be_hidden()


def test_strip_shows_figures_of_the_slice_under_the_mouse_and_goes_to_it(page, study):
    open_study(page, study)
    box = page.locator("#strip-canvas").bounding_box()
    readout = page.locator("#strip-readout")
    for slice_number, marks, figures in (
        (6, "", [0.97, 2.56, 4.0]),
        (9, "conflict", [0.97, 2.56, 4.0]),
        (1, "no-mask", [0.02]),
    ):
        page.mouse.move(box["x"] + box["width"] * (slice_number - 0.5) / SLICES, box["y"] + 8)
        expect(readout).to_have_attribute("data-slice", str(slice_number))
        expect(readout).to_have_attribute("data-marks", marks)
        assert numbers(page, "#strip-readout") == [slice_number, SLICES, *figures]
    page.mouse.move(700, 300)
    expect(readout).to_have_text("")
    expect(page.locator("#strip-conflict")).to_be_visible()

    page.mouse.click(box["x"] + box["width"] * 9.5 / SLICES, box["y"] + 8)
    assert corner(page) == [10, SLICES]
    page.focus("#viewer-slider")
    page.keyboard.press("ArrowRight")
    assert corner(page) == [11, SLICES]
    assert page.input_value("#viewer-slider") == "11"


def test_address_keeps_the_slice_over_a_reload(page, study):
    open_study(page, study)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**slice=2")
    page.reload()
    page.wait_for_selector("#viewer-screen[data-slice]")
    assert corner(page) == [2, SLICES]


def test_next_study_on_the_same_page_takes_over_whole(page, site, study):
    other = site.add_study("other", shift=10)
    open_study(page, other, 3)
    page.evaluate(
        f"dash_clientside.set_props('_pages_location', {{search: '?study={study}&slice=7'}})"
    )
    page.wait_for_selector("#viewer-screen[data-slice='7']")
    page.locator("#viewer-surface").hover()
    page.mouse.wheel(0, 120)
    in_view(page, 8)
    page.keyboard.press("m")
    until(lambda: count(image(page), AMBER) == 0)


def test_slice_that_does_not_load_shows_a_message_and_loads_on_request(page, study):
    page.route("**/pixels/0/1", lambda route: route.abort())
    page.goto(f"/review?study={study}&slice=2")
    message = page.locator("#viewer-message")
    expect(message).to_have_attribute("data-code", "slice-failed")
    assert numbers(page, "#viewer-message-text") == [2]
    page.unroute("**/pixels/0/1")
    page.click("#viewer-retry")
    expect(message).to_be_hidden()
    until(lambda: middle_grey(page) > 10)


def test_analysis_is_followed_cancelled_and_asked_for_again(page, site):
    study_id = site.add_study("waiting", analysed=False, shift=6)
    open_study(page, study_id, 6)
    analysis, meter = page.locator("#analysis"), page.locator("#analysis-meter")
    expect(analysis).to_have_attribute("data-state", "running")
    expect(meter).to_have_attribute("aria-valuenow", "0")
    site.gate.release(3)
    expect(meter).to_have_attribute("aria-valuenow", "25")
    assert numbers(page, "#analysis-text") == [25]
    assert count(image(page), TEAL) > 100  # the image and the reference wait for nobody

    page.reload()
    page.wait_for_selector("#viewer-screen[data-slice]")
    expect(meter).to_have_attribute("aria-valuenow", "25")
    page.click("#analysis-cancel")
    expect(analysis).to_have_attribute("data-state", "cancelled")
    page.reload()
    expect(analysis).to_have_attribute("data-state", "cancelled")

    site.gate.release(SLICES)
    page.click("#analysis-again")
    expect(page.locator("#finding-volume-line")).to_have_text("5.1 mL")
    assert corner(page) == [6, SLICES]
    until(lambda: count(image(page), AMBER) > 200)


def test_pages_without_a_study_offer_a_way_out(page):
    page.goto("/review")
    expect(page.locator(".empty-title")).to_be_visible()
    expect(page.locator(".empty a[href='/']")).to_be_visible()
    for wrong in ("0000000000000000", "../../etc/passwd"):
        page.goto(f"/review?study={wrong}")
        expect(page.locator("#review-error-title")).to_be_visible()
        expect(page.locator("#review-error-text")).not_to_be_empty()
        expect(page.locator(".empty a[href='/']")).to_be_visible()


def test_theme_is_remembered_and_keys_are_listed(page, study):
    open_study(page, study)
    page.click("#theme-switch")
    assert page.get_attribute("html", "data-theme") == "light"
    page.reload()
    page.wait_for_selector("#viewer-screen[data-slice]")
    assert page.get_attribute("html", "data-theme") == "light"
    page.keyboard.press("?")
    expect(page.locator("#help-body [data-id='lesion.next']")).to_be_visible()
    page.keyboard.press("ArrowDown")  # keys do nothing while the list is open
    assert corner(page) == [LESION_SLICES[0] + 1, SLICES]
    page.keyboard.press("Escape")


def test_nothing_is_out_of_reach_at_any_width(page, study):
    open_study(page, study)
    for width in (1920, 1440, 1024, 1000):
        page.set_viewport_size({"width": width, "height": 768})
        expect(page.locator("#rail")).to_be_visible(visible=width >= 1200)
        expect(page.locator("#findings")).to_be_visible(visible=width >= 1024)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("rail", "findings"):
        page.click(f"#viewer-toggle-{name}")
        expect(page.locator(f"#{name}")).to_be_visible()
