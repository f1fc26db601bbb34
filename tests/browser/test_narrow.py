"""Windows of a tablet, of a small laptop, and magnified by the browser: all is within reach."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from reading import RESULT, open_study
from running_site import SIZE, SLICES, Site

#: Width and height; the last is 1440 x 900 at a zoom of 150%.
SIZES = [(1440, 900), (1280, 800), (1024, 768), (820, 1180), (960, 600)]

#: In how many rows the controls of the tool bar are.
ROWS = """() => {
  const middles = [...document.querySelectorAll(".tool-bar :is(button, summary, select, input)")]
    .filter((one) => !one.closest(".menu-panel") && one.checkVisibility())
    .map((one) => one.getBoundingClientRect()).filter((box) => box.width > 1)
    .map((box) => (box.top + box.bottom) / 2).sort((a, b) => a - b);
  return middles.filter((y, i) => i === 0 || y - middles[i - 1] > 8).length; }"""

#: Which texts over the images cover each other.
OVERLAPS = """() => {
  const texts = [".corner", ".edge", ".pane-name", ".map-legend", ".threshold-badge",
    ".projection-badge", ".plane-title", ".plane-note", ".plane-edge"];
  const shown = [...document.querySelectorAll(texts.map((one) => `${one}:not(:empty)`).join())]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .map((one) => [one.id || one.className, one.getBoundingClientRect()]);
  const covers = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return shown.flatMap(([name, box], i) => shown.slice(0, i)
    .filter(([, other]) => covers(box, other)).map(([other]) => `${other} and ${name}`)); }"""

#: What reaches beyond the left or right edge of the window.
OUTSIDE = """() => [...document.querySelectorAll(".top-bar *, .tool-bar *, .strip *, .corner")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .filter((one) => { const box = one.getBoundingClientRect();
    return box.width > 1 && (box.left < -1 || box.right > innerWidth + 1); })
  .map((one) => one.id || one.className)"""


@pytest.fixture(scope="module")
def study(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three series, whose sizes in mm are long texts."""
    folder = tmp_path_factory.mktemp("narrow") / "narrow-with-a-long-name"
    folder.mkdir()
    values = np.zeros((SIZE, SIZE, SLICES), np.uint8)
    values[8:56, 8:56] = np.arange(40, 40 + 6 * SLICES, 6, dtype=np.uint8)
    values[16:32, 20:36, 4:9] = 220
    for name, volume in (("flair", values), ("t1", values // 2), ("t1c", values // 3)):
        image = nibabel.Nifti1Image(volume, np.diag([-0.9375, -0.9375, 4.25, 1.0]))
        nibabel.save(image, folder / f"{name}.nii.gz")
    return site.add_folder(folder)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def review(request: pytest.FixtureRequest, study: str) -> Page:
    width, height = request.param
    page: Page = request.getfixturevalue("touched" if width < 1000 else "page")
    page.set_viewport_size({"width": width, "height": height})
    open_study(page, study, 5)
    return page


def test_everything_is_within_reach(review):
    """One page for each size: three walks over it."""
    tool_bar_has_two_rows_at_most_and_nothing_is_off_screen(review)
    review.click("#mode-one")
    menus_open_inside_the_window_and_close(review)
    review.click("#viewer-tools-edit")
    expect(review.locator("#tools-edit")).to_be_hidden()
    no_text_over_the_images_covers_another(review)


def tool_bar_has_two_rows_at_most_and_nothing_is_off_screen(review: Page) -> None:
    for state in ("", "#mode-linked", "#mode-three", "#viewer-tools-measure", "#viewer-tools-edit"):
        if state:
            review.click(state)
            expect(review.locator(state)).to_have_attribute("aria-pressed", "true")
        assert review.evaluate(ROWS) <= 2, state
        assert review.evaluate(OUTSIDE) == [], state


def no_text_over_the_images_covers_another(review: Page) -> None:
    expect(review.locator(RESULT.removesuffix(":visible"))).not_to_have_attribute("hidden", "")
    for key in (".", "]", "Shift+P"):  # two sliders and a projection are announced
        review.keyboard.press(key)
    expect(review.locator("#threshold-badge")).to_have_attribute("data-changed", "threshold point")
    expect(review.locator("#projection-badge")).to_be_visible()
    review.locator("#viewer-surface").hover(position={"x": 100, "y": 160})
    for mode in ("one", "linked", "three", "swipe", "planes"):
        review.click(f"#mode-{mode}")
        expect(review.locator(f"#mode-{mode}")).to_have_attribute("aria-pressed", "true")
        assert review.evaluate(OVERLAPS) == [], mode


def menus_open_inside_the_window_and_close(review: Page) -> None:
    """With the tools of the correction in view."""
    expect(review.locator("#tools-edit")).to_be_visible()
    for menu in ("#view-menu", "#edit-menu"):
        panel = review.locator(f"{menu} .menu-panel")
        review.click(f"{menu} summary")
        expect(panel).to_be_visible()
        assert review.evaluate(OUTSIDE) == [], menu
        review.locator("#viewer-surface").click(position={"x": 60, "y": 200})
        expect(panel).to_be_hidden()
