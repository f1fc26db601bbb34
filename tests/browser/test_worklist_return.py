"""The worklist as a reader finds it again, its order, its buttons, and links while it is down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from held_requests import HeldRequests
from page_modules import wait_until
from playwright.sync_api import Page, expect
from running_site import Site
from worklist_steps import ROW, choose, write_png

COUNT = 40
VIEWPORT = "#worklist-grid .ag-body-viewport"
#: Whether the list is sorted by a column and all rows that are drawn have arrived.
SORTED = """(column) => {
  const sorted = document.querySelector(`.ag-header-cell[col-id=${column}]`).ariaSort;
  const rows = [...document.querySelectorAll(".ag-center-cols-container .ag-row")];
  return sorted !== "none" && rows.length && rows.every((row) => row.hasAttribute("row-id"));
}"""


@pytest.fixture(scope="module")
def studies(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """One analysed study with a volume, and more pictures without one than a window shows."""
    ids = [site.add_study("returned", shift=5)]
    folder = tmp_path_factory.mktemp("returned")
    for k in range(COUNT):
        write_png(folder / f"kiwi{k:02d}" / f"kiwi{k:02d}_flair.png", seed=700 + k)
        ids += site.add_files(folder / f"kiwi{k:02d}")
    site.settle()
    yield ids


@pytest.fixture
def worklist(page: Page, studies: list[str]) -> Page:
    page.goto("/")
    page.wait_for_selector(ROW)
    return page


def header(page: Page, column: str) -> None:
    page.click(f".ag-header-cell[col-id={column}] .ag-header-cell-label")


def shown_ids(page: Page) -> list[str]:
    """Ids of the rows that are drawn, from the top of the screen down."""
    return page.evaluate(
        "[...document.querySelectorAll('.ag-center-cols-container .ag-row')]"
        ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)"
        ".map((row) => row.getAttribute('row-id'))"
    )


@pytest.mark.parametrize("way", ["back", "link"])
def test_sort_search_tab_and_place_are_kept_on_return(worklist: Page, way: str) -> None:
    header(worklist, "patient")
    header(worklist, "patient")
    expect(worklist.locator(".ag-header-cell[col-id=patient]")).to_have_attribute(
        "aria-sort", "descending"
    )
    worklist.click("#worklist-tabs [data-origin=upload]")
    worklist.fill("#worklist-search", "kiwi")
    expect(worklist.locator(ROW).first).to_contain_text(f"kiwi{COUNT - 1}")
    worklist.locator(VIEWPORT).evaluate("box => { box.scrollTop = 340; }")
    opened = worklist.locator(f"{ROW}[row-index='14']")
    worklist.wait_for_timeout(400)  # the grid reports the end of scrolling after a moment
    study = opened.get_attribute("row-id")
    opened.locator("[col-id=study_date]").click()
    worklist.wait_for_selector("#viewer-screen[data-slice]")
    # the address, and with it the study to come back to, follows after a moment
    expect(worklist).to_have_url(re.compile(rf"study={study}&slice="))
    if way == "back":
        worklist.go_back()
    else:
        worklist.click("#nav-worklist")
    expect(worklist.locator("#worklist-search")).to_have_value("kiwi")
    expect(worklist.locator("#worklist-tabs [data-origin=upload]")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(worklist.locator(".ag-header-cell[col-id=patient]")).to_have_attribute(
        "aria-sort", "descending"
    )
    last = worklist.locator(f'{ROW}[row-id="{study}"]')
    expect(last.locator(".study-last")).to_be_visible()
    name = last.locator(".study-link")  # whole, whatever room the tag has
    assert name.evaluate("(link) => link.scrollWidth <= link.clientWidth")
    expect(worklist.locator(".study-last")).to_have_count(1)
    expect(last).to_be_in_viewport()
    expect(last.locator(".ag-cell:focus")).to_be_visible()  # the arrow keys go on from there
    assert worklist.locator(VIEWPORT).evaluate("box => box.scrollTop") == 340


def test_numbers_sort_largest_first_and_empty_cells_last(
    worklist: Page, studies: list[str]
) -> None:
    column = worklist.locator(".ag-header-cell[col-id=volume_ml]")
    header(worklist, "volume_ml")
    expect(column).to_have_attribute("aria-sort", "descending")
    expect(column.locator(".ag-sort-descending-icon")).to_be_visible()
    cells = worklist.locator(f"{ROW} [col-id=volume_ml]")
    expect(cells.first).to_have_text(re.compile(r"\d"))
    header(worklist, "volume_ml")
    expect(column).to_have_attribute("aria-sort", "ascending")
    expect(cells.first).to_have_text(re.compile(r"\d"))


def test_rows_have_one_order_in_the_document_and_on_screen(worklist: Page) -> None:
    for column in ("patient", "patient", "volume_ml"):
        header(worklist, column)
        wait_until(worklist, SORTED, column)
        in_document = worklist.evaluate(
            "[...document.querySelectorAll('.ag-center-cols-container .ag-row')]"
            ".map((row) => row.getAttribute('row-id'))"
        )
        assert in_document == shown_ids(worklist)


def test_delete_is_reached_by_keys(worklist: Page) -> None:
    worklist.keyboard.press("ArrowDown")
    row = worklist.locator(f"{ROW}:has(.ag-cell:focus)")
    expect(row).to_have_count(1)
    worklist.keyboard.press("Tab")
    expect(worklist.locator(".study-delete:focus")).to_be_visible()
    worklist.keyboard.press("Enter")
    expect(worklist.locator("#worklist-delete-dialog")).to_be_visible()
    expect(worklist).to_have_url(re.compile(r"/$"))  # Enter on the button opens no study
    worklist.keyboard.press("Escape")
    expect(worklist.locator("#worklist-delete-dialog")).to_be_hidden()


def test_delete_is_reached_by_touch(touched: Page, studies: list[str]) -> None:
    touched.set_viewport_size({"width": 820, "height": 1180})
    touched.goto("/")
    touched.wait_for_selector(ROW)
    button = touched.locator(f"{ROW} .study-delete").first
    expect(button).to_be_in_viewport(ratio=1)
    button.tap()
    expect(touched.locator("#worklist-delete-dialog")).to_be_visible()


def test_analysis_is_cancelled_from_the_worklist(worklist: Page, site: Site) -> None:
    worklist.fill("#worklist-search", "to-cancel")
    running = site.add_study("to-cancel-running", analysed=False, shift=7)
    waiting = site.add_study("to-cancel-waiting", analysed=False, shift=8)
    for study, state in ((waiting, "queued"), (running, "running")):
        row = worklist.locator(f'{ROW}[row-id="{study}"]')
        expect(row.locator(f".study-state--{state}")).to_be_visible()
        row.hover()
        row.locator(".study-cancel").click()
        expect(row.locator(".study-state--cancelled")).to_be_visible()
        expect(row.locator(".study-cancel")).to_have_count(0)
    expect(worklist).to_have_url(re.compile(r"/$"))


@pytest.mark.parametrize("place", ["worklist", "review"])
def test_upload_is_cancelled_while_the_server_reads_it(
    worklist: Page, studies: list[str], tmp_path: Path, place: str
) -> None:
    held = HeldRequests(worklist, "**/api/uploads/*/finish")
    sent: list[str] = []
    worklist.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    choose(worklist, write_png(tmp_path / "unread_flair.png", seed=990))
    expect(worklist.locator("#upload-progress[data-state=reading]")).to_be_visible()
    if place == "review":
        worklist.locator(f"{ROW} [col-id=study_date]").first.click()
        worklist.wait_for_selector("#viewer-screen[data-slice]")
        worklist.click("#upload-elsewhere-cancel")
        expect(worklist.locator("#upload-elsewhere-cancel")).to_be_hidden()
    else:
        expect(worklist.locator("#upload-elsewhere")).to_be_hidden()  # one progress figure
        worklist.click("#upload-cancel")
        expect(worklist.locator("#upload-progress[data-state=stopping]")).to_be_visible()
    assert any(re.match("DELETE .*/api/uploads/", one) for one in sent)
    held.take().fulfill(status=410, json={"error": "It was cancelled.", "field": ""})
    if place == "review":
        expect(worklist.locator("#upload-elsewhere")).to_be_hidden()
        worklist.click("#nav-worklist")
    expect(worklist.locator(".upload-message[data-cancelled='1']")).to_be_visible()
    expect(worklist.locator("#upload-progress")).to_be_hidden()


@pytest.mark.usefixtures("studies")
def test_link_that_was_clicked_while_the_server_was_down_works_when_it_is_back(
    outage_page: Page, site: Site
) -> None:
    page = outage_page
    page.goto("/")
    page.wait_for_selector(ROW)
    site.kill_server()
    try:
        page.click("#nav-performance")  # superseded by the next one
        page.click("#nav-about")
        expect(page.locator("#page-waiting")).to_be_visible()
    finally:
        site.start_server()
    expect(page.locator(".about")).to_be_visible()
    expect(page.locator("#page-waiting")).to_be_hidden()
    assert page.evaluate("location.pathname") == "/about"


def test_selected_studies_are_tagged_and_a_saved_view_opens_first(
    worklist: Page, studies: list[str]
) -> None:
    worklist.keyboard.press("ArrowDown")
    worklist.keyboard.press("Space")
    worklist.locator(f"{ROW}[row-index='1'] .ag-checkbox-input").click()
    expect(worklist.locator("#worklist-chosen-count")).to_contain_text("2")
    expect(worklist).to_have_url(re.compile(r"/$"))  # a checkbox opens no study
    worklist.fill("#worklist-tag", "second look")
    worklist.keyboard.press("Enter")
    expect(worklist.locator(f"{ROW} .study-tag")).to_have_count(2)
    worklist.fill("#worklist-search", "second look")
    expect(worklist.locator(ROW)).to_have_count(2)
    expect(worklist.locator("#worklist-chosen")).to_be_hidden()  # no hidden study stays selected
    worklist.click("#worklist-views-open")
    worklist.fill("#worklist-view-name", "Tagged")
    with worklist.expect_response("**/api/reader"):
        worklist.click("#worklist-view-save")
    with worklist.expect_response("**/api/reader"):
        worklist.click("[data-view-first=Tagged]")
    expect(worklist.locator("[data-view-first=Tagged]")).to_have_attribute("aria-pressed", "true")
    worklist.evaluate("sessionStorage.clear()")  # as in a new tab
    worklist.reload()
    expect(worklist.locator("#worklist-search")).to_have_value("second look")
    expect(worklist.locator(ROW)).to_have_count(2)
