"""WCAG 2.2 AA on every page, in both themes, and in every state of the review page: axe finds none.

Focus, order and what screen readers announce are tested below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from accessibility import violations
from held_requests import HeldRequests
from playwright.sync_api import Page, expect
from reading import open_study
from running_site import Site

from dashboard.pages.performance.frame import VIEWS

DIAMETERS = "**/diameters/*"


@pytest.fixture(scope="module")
def study(site: Site) -> Iterator[str]:
    study = site.add_study("accessible", shift=9)
    site.add_study("accessible-too", shift=10)  # so that there is one before the newer one
    yield study
    site.settle()


def open_analysed(page: Page, study_id: str) -> None:
    open_study(page, study_id)
    # Measured, although a drawer may hide it.
    expect(page.locator("#findings-threshold")).not_to_have_attribute("hidden", "")


def test_axe_sees_what_is_wrong(page, study):
    page.goto("/about")
    page.wait_for_selector("h1")
    page.evaluate(
        """document.querySelector("main").insertAdjacentHTML("beforeend",
             "<button></button><p style='color: #333; background: #222'>too dark</p>")"""
    )
    found = "\n".join(violations(page, "spoiled"))
    assert "button-name" in found
    assert "color-contrast" in found
    page.evaluate(
        """document.querySelector("main").insertAdjacentHTML("beforeend",
             "<p style='color: #ddd'>readable in the dark theme only</p>")"""
    )
    assert "other theme: color-contrast" in "\n".join(violations(page, "spoiled"))


def test_review_page_in_all_its_states(page, study):
    open_analysed(page, study)
    found = violations(page, "as opened")
    states: list[tuple[str, Callable[[], object]]] = [
        ("everything hidden", lambda: page.keyboard.press(" ")),
        ("everything shown", lambda: page.keyboard.press(" ")),
        ("map of the probability", lambda: page.keyboard.press("p")),
        ("difference", lambda: page.keyboard.press("d")),
        ("another threshold", lambda: move_threshold(page)),
    ]
    modes = [
        button.get_attribute("id") for button in page.query_selector_all("[id^=mode-]:enabled")
    ]
    assert modes[:3] == ["mode-one", "mode-linked", "mode-swipe"]
    choices = [*modes[1:], modes[0], "viewer-tools-measure", "viewer-tools-edit"]
    states += [(name, lambda name=name: choose(page, f"#{name}")) for name in choices]
    states += [
        ("list of keys", lambda: page.keyboard.press("?")),
        ("a key awaited", lambda: page.click('#help-body [data-id="show.fill"]')),
        ("tour", lambda: tour(page)),
        ("reader", lambda: reader(page)),
    ]
    for state, reach in states:
        reach()
        found += violations(page, state)
    assert found == []


def choose(page: Page, selector: str) -> None:
    page.click(selector)
    expect(page.locator(selector)).to_have_attribute("aria-pressed", "true")


def move_threshold(page: Page) -> None:
    """Move the mask threshold and wait for the diameters, which are faint while out of date."""
    held = HeldRequests(page, DIAMETERS)
    page.keyboard.press(".")
    expect(page.locator("#finding-diameters-line")).to_have_attribute("aria-busy", "true")
    held.take().continue_()
    page.unroute(DIAMETERS)
    expect(page.locator("#finding-diameters-line")).to_have_attribute("aria-busy", "false")


def tour(page: Page) -> None:
    page.keyboard.press("Escape")
    page.click("#help-tour")
    expect(page.locator("#tour")).to_be_visible()


def reader(page: Page) -> None:
    page.keyboard.press("Escape")
    page.click("#reader-open")


def test_review_page_where_the_window_is_narrow(page, study):
    page.set_viewport_size({"width": 900, "height": 700})
    open_analysed(page, study)
    page.click("#viewer-toggle-findings")
    found = violations(page, "findings as a drawer")
    page.click("#viewer-close-findings")
    page.click("#viewer-toggle-rail")
    assert found + violations(page, "rail unfolded") == []


def test_pages_without_a_study(page):
    page.goto("/review")
    expect(page.locator(".empty-title")).to_be_visible()
    found = violations(page, "no study")
    page.goto(f"/review?study={'0' * 16}")
    expect(page.locator("#review-error-title")).to_be_visible()
    found += violations(page, "a study that is not there")
    page.goto("/nothing")
    expect(page.locator("h1")).to_be_visible()
    assert found + violations(page, "no page") == []


def test_worklist_and_its_dialogs(page, study):
    page.goto("/")
    page.wait_for_selector(".ag-center-cols-container .ag-row[row-id]")
    found = violations(page, "rows")
    page.hover(".ag-center-cols-container .ag-row")
    page.click(".study-delete >> nth=0")
    found += violations(page, "deletion")
    page.click("#worklist-delete-no")
    page.keyboard.press("u")
    page.wait_for_selector("dialog[open]")
    found += violations(page, "upload")
    page.keyboard.press("Escape")
    page.fill("#worklist-search", "nothing like it")
    expect(page.locator("#worklist-none")).to_be_visible()
    assert found + violations(page, "nothing found") == []


@pytest.mark.usefixtures("evaluated", "study")
def test_performance_comparisons_and_about(page):
    found = []
    for view in VIEWS:
        page.goto(f"/performance?view={view}")
        page.wait_for_selector(".performance .views")
        page.wait_for_load_state("networkidle")
        found += violations(page, view)
        page.evaluate(
            "document.querySelectorAll('.chart-data').forEach((each) => (each.open = true))"
        )
        for table in page.locator(".chart-table").all():
            expect(table.locator("table")).to_be_attached()
        if view == "overview":
            page.locator(".cell-openers button").first.click()
            expect(page.locator(".case-panel")).to_be_visible()
        found += violations(page, f"{view}, tables and lists open")
    for path in ("/comparisons", "/about"):
        page.goto(path)
        page.wait_for_selector("h1")
        found += violations(page, path)
    assert found == []


#: What has the focus: its name for screen readers, its outline, its region from left to right.
FOCUSED = """() => {
  const node = document.activeElement;
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  const regions = [".skip-link", ".top-bar", ".rail", ".tool-bar", ".stage", ".strip", ".findings"];
  const label = node.labels?.[0]?.textContent || "";
  return {
    what: node.id || node.className || node.tagName,
    name: node.getAttribute("aria-label") || node.textContent.trim() || label,
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0,
    region: regions.findIndex((region) => node.closest(region)),
  };
}"""


def test_tab_goes_through_every_region_in_order_and_is_always_seen(page, study):
    open_analysed(page, study)
    stops = []
    for _ in range(120):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        if stops[-1]["region"] == 6 and stops[-1]["what"] in ("next-study", "next-previous"):
            break
    else:
        pytest.fail(f"the focus never came to the end: {[stop['what'] for stop in stops]}")
    assert [stop for stop in stops if not (stop["outline"] and stop["seen"])] == []
    assert [stop["what"] for stop in stops if not stop["name"]] == []
    regions = [stop["region"] for stop in stops]
    assert regions == sorted(regions)
    assert set(regions) >= {0, 1, 2, 3, 5, 6}


def test_focus_returns_to_the_button_that_opened_a_dialog(page, study):
    open_analysed(page, study)
    for opener, dialog in (("#help-open", "#help-dialog"), ("#reader-open", "#reader-dialog")):
        page.focus(opener)
        page.keyboard.press("Enter")
        expect(page.locator(dialog)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(opener)).to_be_focused()
