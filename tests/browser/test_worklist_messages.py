"""The worklist's messages about studies and uploads, and how long they stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from held_requests import HeldRequests
from playwright.sync_api import Locator, Page, expect
from running_site import Site
from worklist_steps import ROW, choose, write_png

READ_MS = 5000


@pytest.fixture(scope="module")
def study(site: Site) -> Iterator[str]:
    yield site.add_study("watched", shift=5)
    site.settle()


@pytest.fixture
def worklist(page: Page, study: str) -> Page:
    page.clock.install()
    page.goto("/")
    page.wait_for_selector(ROW)
    return page


def messages(page: Page) -> Locator:
    return page.locator(".upload-message")


def rejected(page: Page) -> Locator:
    return page.locator(".upload-message[data-rejected='1']")


def about(page: Page, name: str, *, added: int) -> Locator:
    """The message that a study of this name was added, or was in the worklist before."""
    return page.locator(f".upload-message[data-added='{added}']", has_text=name)


def add_unreadable(page: Page, folder: Path) -> None:
    path = folder / "notes.pdf"
    path.write_bytes(b"%PDF-1.4 words")
    choose(page, path)
    expect(rejected(page)).to_be_visible()


def delete(page: Page, name: str) -> None:
    row = page.locator(ROW, has_text=name)
    row.locator(".study-link").press("Delete")
    expect(page.locator("#worklist-delete-name")).to_have_text(name)
    page.click("#worklist-delete-yes")
    expect(row).to_have_count(0)


def test_missing_spacing_shows_as_soon_as_the_analysis_is_done(worklist, site, tmp_path):
    site.settle()
    choose(worklist, write_png(tmp_path / "flat_flair.png", seed=301))
    row = worklist.locator(ROW, has_text="flat_flair")
    volume = row.locator("[col-id=volume_ml]")
    expect(row.locator(".study-state--queued, .study-state--running")).to_be_visible()
    expect(volume).to_have_text("")
    site.settle()
    expect(row.locator(".study-state--done")).to_be_visible()
    expect(volume.locator("[data-no-volume]")).to_be_visible()


def test_message_that_was_read_does_not_come_back_after_a_reload(worklist, tmp_path):
    add_unreadable(worklist, tmp_path)
    worklist.reload()
    expect(rejected(worklist)).to_be_visible()  # too soon to have been read
    worklist.clock.run_for(READ_MS + 100)
    expect(rejected(worklist)).to_be_visible()  # until it is dismissed
    worklist.reload()
    worklist.wait_for_selector(ROW)
    expect(messages(worklist)).to_have_count(0)


def test_message_that_was_read_stays_while_the_reader_is_elsewhere(worklist, tmp_path):
    add_unreadable(worklist, tmp_path)
    worklist.clock.run_for(READ_MS + 100)
    worklist.click("#nav-about")
    expect(worklist).to_have_url(re.compile("/about"))
    worklist.clock.run_for(READ_MS + 100)
    worklist.go_back()
    expect(rejected(worklist)).to_be_visible()


def test_message_that_came_on_another_page_is_not_lost_by_a_reload(worklist, tmp_path):
    held = HeldRequests(worklist, "**/api/uploads/*/finish")
    path = tmp_path / "late.pdf"
    path.write_bytes(b"%PDF-1.4 words")
    choose(worklist, path)
    expect(worklist.locator("#upload-progress[data-state=reading]")).to_be_visible()
    worklist.click("#nav-about")
    expect(worklist).to_have_url(re.compile("/about"))
    with worklist.expect_response("**/finish"):
        held.take().continue_()
    worklist.wait_for_function(
        "() => sessionStorage.getItem('overread.upload.messages')?.length > 2"
    )
    worklist.clock.run_for(READ_MS + 100)
    worklist.reload()
    worklist.click("#nav-worklist")
    expect(rejected(worklist)).to_be_visible()


def test_message_goes_with_the_study_that_it_is_about(worklist, tmp_path):
    path = write_png(tmp_path / "gone_flair.png", seed=302)
    choose(worklist, path)
    expect(about(worklist, "gone_flair", added=1)).to_be_visible()
    expect(worklist.locator(ROW, has_text="gone_flair")).to_be_visible()
    choose(worklist, path)
    expect(about(worklist, "gone_flair", added=0).get_by_role("link")).to_be_visible()
    worklist.click("#nav-about")
    expect(worklist).to_have_url(re.compile("/about"))
    worklist.go_back()
    expect(about(worklist, "gone_flair", added=0)).to_be_visible()
    worklist.reload()
    expect(about(worklist, "gone_flair", added=0)).to_be_visible()
    delete(worklist, "gone_flair")
    expect(messages(worklist)).to_have_count(0)
    worklist.reload()
    worklist.wait_for_selector(ROW)
    expect(messages(worklist)).to_have_count(0)


def test_message_of_another_study_stays(worklist, tmp_path):
    choose(worklist, write_png(tmp_path / "first_flair.png", seed=303))
    expect(about(worklist, "first_flair", added=1)).to_be_visible()
    choose(worklist, write_png(tmp_path / "second_flair.png", seed=304))
    expect(about(worklist, "second_flair", added=1)).to_be_visible()
    delete(worklist, "first_flair")
    expect(about(worklist, "second_flair", added=1)).to_be_visible()


def test_titles_of_columns_are_whole_when_sorted(worklist):
    cut = []
    for width in (1440, 1024):
        worklist.set_viewport_size({"width": width, "height": 800})
        for title in worklist.locator(".ag-header-cell-sortable").all():
            if not title.is_visible():
                continue
            title.click()
            expect(title).to_have_attribute("aria-sort", re.compile("ascending|descending"))
            words = title.locator(".ag-header-cell-text")
            if not words.evaluate("box => box.scrollWidth <= box.clientWidth"):
                cut.append((width, words.inner_text()))
    assert cut == []


def test_rows_that_were_added_are_pointed_out_once_they_are_drawn(page, study, tmp_path):
    page.goto("/")
    page.wait_for_selector(ROW)
    flashing = ".study-added"
    page.evaluate(
        """(flashing) => { window.flashed = [];
             new MutationObserver(() => { for (const row of document.querySelectorAll(flashing))
               window.flashed.push(row.getAttribute("row-id")); })
             .observe(document.body, { subtree: true, attributeFilter: ["class"] }); }""",
        flashing,
    )
    choose(page, write_png(tmp_path / "flash_flair.png", seed=305))
    row = page.locator(ROW, has_text="flash_flair")
    expect(row).to_be_visible()
    page.wait_for_function("() => window.flashed.length > 0")
    assert page.evaluate("() => [...new Set(window.flashed)]") == [row.get_attribute("row-id")]
