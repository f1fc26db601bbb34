"""WCAG 2.2 AA on every page, in both themes, and in every state of the review page: axe finds none.

axe sees what a machine can see. Focus, order and what screen readers announce are tested below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from held_requests import HeldRequests
from playwright.sync_api import Page, expect
from reading import open_study
from running_site import Site

from dashboard.pages.performance.frame import VIEWS

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
THEMES = ("dark", "light")

DIAMETERS = "**/diameters/*"


@pytest.fixture(scope="module")
def study(site: Site) -> Iterator[str]:
    study = site.add_study("accessible", shift=9)
    site.add_study("accessible-too", shift=10)  # so that there is one before the newer one
    yield study
    site.settle()


@pytest.fixture(params=THEMES)
def themed(request: pytest.FixtureRequest, page: Page, study: str) -> Page:
    """A page in one of the themes, with one study in the worklist."""
    page.add_init_script(f"localStorage.setItem('overread.theme', '{request.param}')")
    return page


def violations(page: Page, state: str) -> list[str]:
    """What axe finds, one line for each element."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{state}: {rule['id']} at {' '.join(map(str, node['target']))}: "
        + " | ".join(node["failureSummary"].split("\n")[1:])
        for rule in found
        for node in rule["nodes"]
    ]


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


def test_review_page_in_all_its_states(themed, study):
    open_analysed(themed, study)
    found = violations(themed, "as opened")
    states: list[tuple[str, Callable[[], object]]] = [
        ("everything hidden", lambda: themed.keyboard.press(" ")),
        ("everything shown", lambda: themed.keyboard.press(" ")),
        ("map of the probability", lambda: themed.keyboard.press("p")),
        ("difference", lambda: themed.keyboard.press("d")),
        ("another threshold", lambda: move_threshold(themed)),
    ]
    modes = [
        button.get_attribute("id") for button in themed.query_selector_all("[id^=mode-]:enabled")
    ]
    assert modes[:3] == ["mode-one", "mode-linked", "mode-swipe"]
    choices = [*modes[1:], modes[0], "viewer-tools-measure", "viewer-tools-edit"]
    states += [(name, lambda name=name: choose(themed, f"#{name}")) for name in choices]
    states += [
        ("list of keys", lambda: themed.keyboard.press("?")),
        ("a key awaited", lambda: themed.click('#help-body [data-id="show.fill"]')),
        ("tour", lambda: tour(themed)),
        ("reader", lambda: reader(themed)),
    ]
    for state, reach in states:
        reach()
        found += violations(themed, state)
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


def test_review_page_where_the_window_is_narrow(themed, study):
    themed.set_viewport_size({"width": 900, "height": 700})
    open_analysed(themed, study)
    themed.click("#viewer-toggle-findings")
    found = violations(themed, "findings as a drawer")
    themed.click("#viewer-close-findings")
    themed.click("#viewer-toggle-rail")
    assert found + violations(themed, "rail unfolded") == []


def test_pages_without_a_study(themed):
    themed.goto("/review")
    expect(themed.locator(".empty-title")).to_be_visible()
    found = violations(themed, "no study")
    themed.goto(f"/review?study={'0' * 16}")
    expect(themed.locator("#review-error-title")).to_be_visible()
    found += violations(themed, "a study that is not there")
    themed.goto("/nothing")
    expect(themed.locator("h1")).to_be_visible()
    assert found + violations(themed, "no page") == []


def test_worklist_and_its_dialogs(themed):
    themed.goto("/")
    themed.wait_for_selector(".ag-center-cols-container .ag-row[row-id]")
    found = violations(themed, "rows")
    themed.hover(".ag-center-cols-container .ag-row")
    themed.click(".study-delete >> nth=0")
    found += violations(themed, "deletion")
    themed.click("#worklist-delete-no")
    themed.keyboard.press("u")
    themed.wait_for_selector("dialog[open]")
    found += violations(themed, "upload")
    themed.keyboard.press("Escape")
    themed.fill("#worklist-search", "nothing like it")
    expect(themed.locator("#worklist-none")).to_be_visible()
    assert found + violations(themed, "nothing found") == []


@pytest.mark.usefixtures("evaluated")
def test_performance_comparisons_and_about(themed):
    found = []
    for view in VIEWS:
        themed.goto(f"/performance?view={view}")
        themed.wait_for_selector(".performance .views")
        themed.wait_for_load_state("networkidle")
        found += violations(themed, view)
        themed.evaluate(
            "document.querySelectorAll('.chart-data').forEach((each) => (each.open = true))"
        )
        for table in themed.locator(".chart-table").all():
            expect(table.locator("table")).to_be_attached()
        if view == "overview":
            themed.locator(".cell-openers button").first.click()
            expect(themed.locator(".case-panel")).to_be_visible()
        found += violations(themed, f"{view}, tables and lists open")
    for path in ("/comparisons", "/about"):
        themed.goto(path)
        themed.wait_for_selector("h1")
        found += violations(themed, path)
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
