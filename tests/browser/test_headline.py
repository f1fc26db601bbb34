"""What heads page and findings: titles, digits beside a threshold, sizes of a corrected mask."""

from __future__ import annotations

import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import MEASUREMENTS, drag, in_view, numbers, open_study
from running_site import Site

ITEMS = with_modules("() => modules.measureStore.items()")


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("headed", shift=3)


def correct(page: Page, k: int = 4) -> None:
    """Add 36 x 12 pixels to the mask of a slice."""
    wait_until(page, "(k) => modules.correction.mask(k)", k)
    page.evaluate(
        with_modules("""(k) => { const mask = modules.correction.mask(k);
             for (let y = 10; y < 46; y++) for (let x = 18; x < 30; x++) mask[y * 64 + x] = 1;
             modules.correction.change("A test", [{ k, mask }]); }"""),
        k,
    )


def test_window_and_page_are_named_after_the_study(page, study):
    open_study(page, study, 5)
    study = page.evaluate(with_modules("modules.viewer.now.study"))
    name = study["patient"] or study["case_id"]
    assert name in page.title()
    heading = page.locator("h1:not([hidden] *)")
    expect(heading).to_have_count(1)
    expect(heading).to_contain_text(name)
    page.click("#nav-about")
    expect(page.locator("#nav-about")).to_have_attribute("aria-current", "page")
    expect(page.locator("#review-title")).to_have_count(0)
    assert name not in page.title()


def test_a_score_just_below_the_operating_point_is_seen_to_be_below(page, study):
    open_study(page, study, 5)
    page.evaluate(
        with_modules("""() => { const { result } = modules.viewer.now.study;
             const slices = result.slices.map((one) => ({ ...one, slice_score: 0.49812 }));
             modules.viewer.setResult({ ...result, slices }); }""")
    )
    expect(page.locator("#finding-score")).to_have_text("0.498")
    expect(page.locator("#finding-point")).to_have_text("0.500")


def test_a_correction_heads_the_findings_and_the_ais_figures_are_beside_it(page, study):
    open_study(page, study, 1, ready="#finding-diameters-line:visible")
    ai = numbers(page, "#finding-volume")
    expect(page.locator("#finding-own")).to_be_hidden()
    correct(page)
    expect(page.locator("#finding-own-diameters-line")).to_be_visible()
    own = numbers(page, "#finding-own-volume")
    assert own[0] > ai[0]
    assert page.inner_text("#finding-own-volume-line") == page.inner_text("#correction-size-volume")
    expect(page.locator("#finding-ai-name")).to_be_visible()
    assert numbers(page, "#finding-volume") == ai
    boxes = [page.locator(f"#finding-{name}volume").bounding_box() for name in ("own-", "")]
    assert boxes[0]["height"] > boxes[1]["height"] and boxes[0]["y"] < boxes[1]["y"]
    assert numbers(page, "#finding-own-diameters-caption") == [5]
    page.click("#finding-own-diameters-line")
    in_view(page, 5)
    page.evaluate(with_modules("() => modules.correction.undo()"))
    expect(page.locator("#finding-own")).to_be_hidden()


def test_the_slice_with_the_largest_area_has_a_key_and_a_button(page, study):
    open_study(page, study, 1, ready="#finding-diameters-line:visible")
    page.keyboard.press("Shift+L")
    in_view(page, 5)  # the first of five that are alike
    correct(page, 6)
    page.click("#viewer-largest-lesion")
    in_view(page, 7)
    page.evaluate(with_modules("() => modules.correction.undo()"))
    page.evaluate(
        with_modules("""() => { const { result } = modules.viewer.now.study;
             const slices = result.slices.map((one) => ({ ...one, mask_area_px: 0 }));
             modules.viewer.setResult({ ...result, slices }); }""")
    )
    page.keyboard.press("Shift+L")
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "no-mask")


def test_a_ruler_starts_on_the_line_of_a_diameter_and_escape_leaves_the_tool(page, study):
    open_study(page, study, 5, ready=MEASUREMENTS)
    expect(page.locator("#finding-diameters-line")).to_be_visible()
    (x1, y1), (x2, y2) = page.evaluate(
        with_modules("""() => modules.bidimensional.all(modules.viewer.now)[0].item.points""")
    )[:2]
    start = (x1 + 0.3 * (x2 - x1), y1 + 0.3 * (y2 - y1))
    page.keyboard.press("k")
    drag(page, start, (start[0] + 20, start[1]), steps=4)
    (item,) = page.evaluate(ITEMS)
    assert item["kind"] == "ruler"
    assert item["points"][0] == pytest.approx(start, abs=0.6)
    page.keyboard.press("Escape")
    expect(page.locator("#viewer-tool-window")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#tools-measure")).to_be_hidden()
    page.keyboard.press("4")
    expect(page.locator("#tools-edit")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#tools-edit")).to_be_hidden()
