"""What the worklist says of studies and uploads, and for how long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from running_site import Site
from worklist_steps import ROW, choose, write_png

READ_MS = 5000


@pytest.fixture(scope="module")
def study(site: Site) -> Iterator[str]:
    yield site.add_study("told", shift=5)
    site.settle()


@pytest.fixture
def worklist(page: Page, study: str) -> Page:
    page.clock.install()
    page.goto("/")
    page.wait_for_selector(ROW)
    return page


def messages(page: Page) -> Locator:
    return page.locator("#upload-messages")


def add_unreadable(page: Page, folder: Path) -> None:
    path = folder / "notes.pdf"
    path.write_bytes(b"%PDF-1.4 words")
    choose(page, path)
    expect(messages(page)).to_contain_text("The file was left out.")


def delete(page: Page, name: str) -> None:
    row = page.locator(ROW, has_text=name)
    row.hover()
    row.get_by_text("Delete").click()
    page.click("#worklist-delete-yes")
    expect(row).to_have_count(0)


def test_volume_without_spacing_is_told_as_soon_as_the_analysis_is_done(worklist, site, tmp_path):
    site.settle()
    choose(worklist, write_png(tmp_path / "flat_flair.png", seed=301))
    row = worklist.locator(ROW, has_text="flat_flair")
    volume = row.locator("[col-id=volume_ml]")
    expect(row).to_contain_text(re.compile("Queued|Analysing|Classifying"))
    expect(volume).to_have_text("")
    site.settle()
    expect(row).to_contain_text("Analysed")
    expect(volume).to_have_text("no spacing")


def test_message_that_was_read_does_not_come_back_after_a_reload(worklist, tmp_path):
    add_unreadable(worklist, tmp_path)
    worklist.reload()
    expect(messages(worklist)).to_contain_text("The file was left out.")  # too soon to be read
    worklist.clock.run_for(READ_MS + 100)
    expect(messages(worklist)).to_contain_text("The file was left out.")  # until it is dismissed
    worklist.reload()
    worklist.wait_for_selector(ROW)
    expect(messages(worklist)).to_be_hidden()


def test_message_that_was_read_stays_while_the_reader_is_elsewhere(worklist, tmp_path):
    add_unreadable(worklist, tmp_path)
    worklist.clock.run_for(READ_MS + 100)
    worklist.click("nav >> text=About")
    expect(worklist).to_have_url(re.compile("/about"))
    worklist.clock.run_for(READ_MS + 100)
    worklist.go_back()
    expect(messages(worklist)).to_contain_text("The file was left out.")


def test_message_that_came_on_another_page_is_not_lost_by_a_reload(worklist, tmp_path):
    held: list[Route] = []
    worklist.route("**/api/uploads/*/finish", lambda route: held.append(route))
    path = tmp_path / "late.pdf"
    path.write_bytes(b"%PDF-1.4 words")
    choose(worklist, path)
    expect(worklist.locator("#upload-title")).to_contain_text("Reading 1 file")
    worklist.click("nav >> text=About")
    expect(worklist).to_have_url(re.compile("/about"))
    with worklist.expect_response("**/finish"):
        held[0].continue_()
    worklist.wait_for_function(
        "() => sessionStorage.getItem('overread.upload.messages')?.length > 2"
    )
    worklist.clock.run_for(READ_MS + 100)
    worklist.reload()
    worklist.click("nav >> text=Worklist")
    expect(messages(worklist)).to_contain_text("The file was left out.")


def test_message_goes_with_the_study_that_it_is_about(worklist, tmp_path):
    path = write_png(tmp_path / "gone_flair.png", seed=302)
    choose(worklist, path)
    expect(messages(worklist)).to_contain_text("gone_flair was added.")
    expect(worklist.locator(ROW, has_text="gone_flair")).to_be_visible()
    choose(worklist, path)
    expect(messages(worklist)).to_contain_text("gone_flair is here already.Open it")
    worklist.click("nav >> text=About")
    expect(worklist).to_have_url(re.compile("/about"))
    worklist.go_back()
    expect(messages(worklist)).to_contain_text("gone_flair is here already.")
    worklist.reload()
    expect(messages(worklist)).to_contain_text("gone_flair is here already.")
    delete(worklist, "gone_flair")
    expect(messages(worklist)).to_be_hidden()
    worklist.reload()
    worklist.wait_for_selector(ROW)
    expect(messages(worklist)).to_be_hidden()


def test_message_of_another_study_stays(worklist, tmp_path):
    choose(worklist, write_png(tmp_path / "first_flair.png", seed=303))
    expect(messages(worklist)).to_contain_text("first_flair was added.")
    choose(worklist, write_png(tmp_path / "second_flair.png", seed=304))
    expect(messages(worklist)).to_contain_text("second_flair was added.")
    delete(worklist, "first_flair")
    expect(messages(worklist)).to_contain_text("second_flair was added.")


@pytest.mark.parametrize("width", [1024, 1440])
def test_titles_of_columns_are_whole_when_sorted(worklist, width):
    worklist.set_viewport_size({"width": width, "height": 800})
    cut = []
    for title in worklist.locator(".ag-header-cell").all():
        if not title.is_visible():
            continue
        title.click()
        expect(title).to_have_attribute("aria-sort", "ascending")
        words = title.locator(".ag-header-cell-text")
        if not words.evaluate("box => box.scrollWidth <= box.clientWidth"):
            cut.append(words.inner_text())
    assert cut == []


def test_rows_that_were_added_are_pointed_out_once_they_are_drawn(page, study, tmp_path):
    page.goto("/")
    page.wait_for_selector(ROW)
    flashing = ".ag-cell-data-changed"
    page.evaluate(
        """(flashing) => { window.flashed = [];
             new MutationObserver(() => { for (const cell of document.querySelectorAll(flashing))
               window.flashed.push(cell.closest(".ag-row").getAttribute("row-id")); })
             .observe(document.body, { subtree: true, attributeFilter: ["class"] }); }""",
        flashing,
    )
    choose(page, write_png(tmp_path / "flash_flair.png", seed=305))
    row = page.locator(ROW, has_text="flash_flair")
    expect(row).to_be_visible()
    page.wait_for_function("() => window.flashed.length > 0")
    assert page.evaluate("() => [...new Set(window.flashed)]") == [row.get_attribute("row-id")]
