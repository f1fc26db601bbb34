"""Windows of a tablet, of a small laptop, and magnified by the browser: all is within reach."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from reading import open_study
from running_site import Site

#: Width and height; the last is 1440 x 900 at a zoom of 150%.
SIZES = [(1440, 900), (1024, 768), (820, 1180), (960, 600)]
ROW_PX = 36

#: What reaches beyond the left or right edge of the window.
OUTSIDE = """() => [...document.querySelectorAll(".top-bar *, .tool-bar *, .strip *, .corner")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .filter((one) => { const box = one.getBoundingClientRect();
    return box.width > 1 && (box.left < -1 || box.right > innerWidth + 1); })
  .map((one) => one.id || one.className)"""


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("narrow", shift=4)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def review(request: pytest.FixtureRequest, study: str) -> Page:
    width, height = request.param
    page: Page = request.getfixturevalue("touched" if width < 1000 else "page")
    page.set_viewport_size({"width": width, "height": height})
    open_study(page, study, 5)
    return page


def test_tool_bar_has_two_rows_at_most_and_nothing_is_off_screen(review):
    bar = review.locator(".tool-bar")
    for state in ("", "#mode-linked", "#viewer-tools-measure", "#viewer-tools-edit"):
        if state:
            review.click(state)
            expect(review.locator(state)).to_have_attribute("aria-pressed", "true")
        box = bar.bounding_box()
        assert box is not None
        assert box["height"] <= 2 * ROW_PX + 30, state
        assert review.evaluate(OUTSIDE) == [], state


def test_menus_open_inside_the_window_and_close(review):
    review.click("#viewer-tools-edit")
    for menu in ("#view-menu", "#edit-menu"):
        panel = review.locator(f"{menu} .menu-panel")
        review.click(f"{menu} summary")
        expect(panel).to_be_visible()
        assert review.evaluate(OUTSIDE) == [], menu
        review.locator("#viewer-surface").click(position={"x": 60, "y": 200})
        expect(panel).to_be_hidden()
