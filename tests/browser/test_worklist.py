"""The worklist in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from held_requests import HeldRequests
from page_modules import wait_until
from playwright.sync_api import Locator, Page, Route, expect
from running_site import SLICES, Site
from worklist_steps import ROW, choose, write_png

from dashboard.studies.worklist_rows import SEQUENCE_UNKNOWN


@pytest.fixture(scope="module")
def study(site: Site) -> Iterator[str]:
    yield site.add_study("listed", shift=3)
    site.settle()


@pytest.fixture
def worklist(page: Page, study: str) -> Page:
    page.goto("/")
    page.wait_for_selector(ROW)
    return page


def expect_added(message: Locator, *, added: int = 0, known: int = 0) -> None:
    """The only message about studies counts so many new ones and so many known ones."""
    expect(message).to_have_attribute("data-added", str(added))
    expect(message).to_have_attribute("data-known", str(known))


def focused_row(page: Page) -> str:
    return page.evaluate("document.activeElement.closest('.ag-row')?.getAttribute('row-id') || ''")


def test_row_shows_the_analysis_and_opens_with_a_click(worklist, study):
    row = worklist.locator(f'{ROW}[row-id="{study}"]')
    expect(row.locator(".study-state--done")).to_be_visible()
    expect(row.locator("[col-id=why]")).to_contain_text("2 conflicts")
    expect(row.locator("[col-id=conflicts]")).to_have_count(0)
    worklist.set_viewport_size({"width": 1920, "height": 800})
    expect(row.locator("[col-id=conflicts]")).to_have_text("2")
    expect(row.locator("[col-id=cautions]")).to_have_text("1")  # T1 is missing
    expect(row.locator("[col-id=volume_ml]")).to_have_text("5.1")
    row.click()
    expect(worklist).to_have_url(re.compile(rf"/review\?study={study}"))
    worklist.wait_for_selector("#viewer-screen[data-slice]")


def test_one_click_is_one_step_of_the_history(worklist, study):
    before = worklist.evaluate("history.length")
    for place in (".study-link", ".study-state"):
        worklist.locator(f'{ROW}[row-id="{study}"] {place}').click()
        expect(worklist).to_have_url(re.compile(rf"/review\?study={study}"))
        worklist.wait_for_selector("#viewer-screen[data-slice]")
        assert worklist.evaluate("history.length") == before + 1
        worklist.go_back()  # the next step takes the place of the one that was left
        worklist.wait_for_selector(ROW)
        assert worklist.evaluate("location.pathname") == "/"


def test_keys_search_move_and_open(worklist, tmp_path):
    choose(worklist, [write_png(tmp_path / f"needle{k}_flair.png", seed=20 + k) for k in range(2)])
    expect(worklist.locator(ROW, has_text="needle")).to_have_count(2)
    worklist.keyboard.press("/")
    expect(worklist.locator("#worklist-search")).to_be_focused()
    worklist.keyboard.type("needle")
    expect(worklist.locator("#worklist-grid-frame " + ROW)).to_have_count(2)
    worklist.keyboard.press("ArrowDown")
    worklist.keyboard.press("ArrowDown")
    second = worklist.locator(f"{ROW}[row-index='1']").get_attribute("row-id")
    expect(worklist.locator(f"[row-id='{second}'] .ag-cell:focus")).to_be_visible()
    worklist.wait_for_timeout(1500)  # a refresh in between must not take the focus away
    assert focused_row(worklist) == second
    worklist.keyboard.press("Enter")
    expect(worklist).to_have_url(re.compile(rf"/review\?study={second}"))


def test_search_without_an_answer_has_a_way_out(worklist):
    worklist.fill("#worklist-search", "nobody has this name")
    expect(worklist.locator("#worklist-none")).to_be_visible()
    worklist.click("#worklist-show-all")
    expect(worklist.locator("#worklist-none")).to_be_hidden()
    expect(worklist.locator(ROW).first).to_be_visible()
    worklist.click("#worklist-tabs [data-origin=demo]")
    expect(worklist.locator("#worklist-none")).to_be_visible()
    expect(worklist.locator("#worklist-no-match")).to_be_visible()
    expect(worklist.locator("#worklist-no-library")).to_be_hidden()
    worklist.click("#worklist-tabs [data-origin=library]")
    expect(worklist.locator("#worklist-no-library")).to_be_visible()
    expect(worklist.locator("#worklist-no-match")).to_be_hidden()


def test_upload_adds_good_files_and_reports_the_others(worklist, tmp_path):
    good = write_png(tmp_path / "new_flair.png", seed=1)
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:300])
    other = tmp_path / "notes.pdf"
    other.write_bytes(b"%PDF-1.4 words")
    choose(worklist, [good, cut, other])
    rejected = worklist.locator(".upload-message[data-rejected='2']")
    added = worklist.locator(".upload-message[data-added='1']")
    expect(rejected).to_contain_text("cut.png")
    expect(added).to_contain_text("new_flair")
    expect(worklist.locator(ROW, has_text="new_flair")).to_be_visible()
    expect(worklist.locator(f"{ROW} .ag-cell:focus")).to_be_visible()
    worklist.reload()
    rejected.locator("[data-dismiss]").click()
    expect(rejected).to_have_count(0)
    added.get_by_role("link").click()
    expect(worklist).to_have_url(re.compile(r"/review\?study=[0-9a-f]{16}"))


def test_duplicate_upload_is_reported_as_known(worklist, tmp_path):
    path = write_png(tmp_path / "twice_flair.png", seed=60)
    message = worklist.locator(".upload-message[data-added]")
    choose(worklist, path)
    expect_added(message, added=1)
    choose(worklist, path)
    expect_added(message, known=1)
    choose(worklist, [path, write_png(tmp_path / "third_flair.png", seed=61)])
    expect_added(message, added=1, known=1)
    choose(worklist, path)
    expect_added(message, known=1)
    message.get_by_role("link").click()
    expect(worklist).to_have_url(re.compile(r"/review\?study=[0-9a-f]{16}"))


def test_folder_becomes_one_study_and_is_watched_until_done(worklist, site, tmp_path):
    for k in range(SLICES):
        write_png(tmp_path / "watched" / f"watched_{k + 1}.png", seed=40 + k)
    site.settle()
    (tmp_path / "watched" / ".DS_Store").write_bytes(b"junk")
    choose(worklist, tmp_path / "watched", folder=True)
    row = worklist.locator(ROW, has_text="watched")
    expect(row.locator(".study-state--queued, .study-state--running")).to_be_visible()
    site.gate.release(4)
    expect(row.locator(".study-state--running .meter-fill")).not_to_have_css("width", "0px")
    site.settle()
    expect(row.locator(".study-state--done")).to_be_visible()
    expect(worklist.locator(".upload-message[data-rejected]")).to_have_count(0)


def test_upload_continues_after_the_connection_was_lost(worklist, tmp_path):
    path = write_png(tmp_path / "again_flair.png", seed=2)
    tries: list[str] = []

    def fail_once(route: Route) -> None:
        tries.append(route.request.url)
        if len(tries) == 1:
            route.abort()
        else:
            route.continue_()

    worklist.route("**/api/uploads/**", fail_once)
    choose(worklist, [path])
    expect(worklist.locator("#upload-progress[data-state=pausing]")).to_be_visible()
    expect_added(worklist.locator(".upload-message[data-added]"), added=1)
    assert len(tries) == 3  # lost, sent, finished


def test_upload_can_be_cancelled(worklist, tmp_path):
    paths = [write_png(tmp_path / f"held{k}_flair.png", seed=k) for k in range(4)]
    held = HeldRequests(worklist, "**/api/uploads/*/files")
    choose(worklist, paths)
    expect(worklist.locator("#upload-progress[data-state=sending]")).to_be_visible()
    held.wait_for(3)
    worklist.wait_for_timeout(200)
    assert len(held) == 3  # in flight
    worklist.click("#upload-cancel")
    expect(worklist.locator(".upload-message[data-cancelled='4']")).to_be_visible()
    expect(worklist.locator("#upload-progress")).to_be_hidden()
    expect(worklist.locator(ROW, has_text="held")).to_have_count(0)


def test_too_many_files_are_refused_before_anything_is_sent(worklist, tmp_path):
    requests: list[str] = []
    worklist.on("request", lambda request: requests.append(request.url))
    worklist.evaluate("document.getElementById('upload').dataset.maxFiles = '1'")
    choose(worklist, [write_png(tmp_path / f"many{k}.png", seed=k) for k in range(2)])
    expect(worklist.locator(".upload-message[data-refused='2']")).to_be_visible()
    assert not any("/api/uploads" in url for url in requests)


def test_dropped_files_are_added(worklist):
    worklist.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(40, 40);
          canvas.getContext("2d").fillRect(0, 0, 30, 20);
          const file = new File([await canvas.convertToBlob()], "dropped_flair.png");
          const transfer = new DataTransfer();
          transfer.items.add(file);
          const send = (kind) => document.body.dispatchEvent(
            new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
          send("dragenter");
          window.droppedOver = !document.getElementById("upload-drop").hidden;
          send("drop");
        }"""
    )
    assert worklist.evaluate("window.droppedOver")
    expect(worklist.locator("#upload-drop")).to_be_hidden()
    expect(worklist.locator(ROW, has_text="dropped_flair")).to_be_visible()


def test_uploaded_study_is_deleted_after_confirmation(worklist, site):
    study_id = site.add_study("unwanted", analysed=False, shift=9)
    row = worklist.locator(f'{ROW}[row-id="{study_id}"]')
    expect(row).to_be_visible()
    row.hover()
    row.locator(".study-delete").click()
    dialog = worklist.locator("#worklist-delete-dialog")
    name = row.locator(".study-link").inner_text()
    expect(worklist.locator("#worklist-delete-name")).to_have_text(name)
    worklist.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row).to_be_visible()
    row.hover()
    row.locator(".study-delete").click()
    worklist.click("#worklist-delete-yes")
    expect(row).to_have_count(0)

    worklist.click("#worklist-deleted-open")
    deleted = worklist.locator(f'.deleted-study:has([data-restore="{study_id}"])')
    expect(deleted.locator(".deleted-name")).to_have_text(name)
    deleted.get_by_role("button").click()
    expect(deleted).to_have_count(0)
    worklist.click("#worklist-deleted-close")
    expect(worklist.locator("#worklist-deleted-dialog")).to_be_hidden()
    expect(row).to_be_visible()


def test_press_and_focus_stay_with_their_study_when_another_one_arrives(worklist, site):
    pressed = site.add_study("pressed", analysed=False, shift=11)
    row = worklist.locator(f'{ROW}[row-id="{pressed}"]')
    expect(row).to_be_visible()
    place = row.get_attribute("row-index")
    row.hover()
    row.locator(".study-delete").hover()
    worklist.mouse.down()
    arrived = site.add_study("arrived", analysed=False, shift=12)
    worklist.evaluate("dash_clientside.set_props('worklist-refresh', { data: Date.now() })")
    expect(worklist.locator(f'{ROW}[row-index="{place}"]')).to_have_attribute("row-id", arrived)
    worklist.mouse.up()
    expect(row.locator(".ag-cell:focus")).to_be_visible()
    expect(worklist.locator("#worklist-delete-dialog")).to_be_hidden()


def test_why_a_study_is_here_is_readable_at_a_usual_width(page, site):
    site.add_study("with-reasons", analysed=False, shift=13)
    words = "Decision not signed; 3 conflicts; expected Dice 0.47; volume 35 to 90 mL"

    def answer(route):
        rows = route.fetch().json()
        rows["rows"][0]["why"] = words
        route.fulfill(json=rows)

    page.route("**/api/worklist/rows?*", answer)
    page.set_viewport_size({"width": 1440, "height": 800})
    page.goto("/")
    why = page.locator(".study-why", has_text=words)
    expect(why).to_have_attribute("title", words)
    assert why.evaluate("box => box.scrollHeight <= box.clientHeight")


def test_page_fits_its_window(worklist):
    fits = """(width) => { const grid = document.querySelector(".ag-center-cols-viewport");
      return document.documentElement.scrollWidth === width
        && grid.scrollWidth === grid.clientWidth; }"""
    for width in (1920, 1440, 1024, 820):
        worklist.set_viewport_size({"width": width, "height": 800})
        wait_until(worklist, fits, width)


def test_short_note_is_whole_on_a_narrow_page(page, site):
    folder = Path(site.environment["OVERREAD_HOME"]).parent / "unnamed"
    write_png(folder / "picture.png", seed=11)
    site.add_files(folder)
    page.set_viewport_size({"width": 1024, "height": 800})
    page.goto("/")
    note = page.locator(".study-warning", has_text=SEQUENCE_UNKNOWN).first
    expect(note).to_be_visible()
    assert note.evaluate("span => span.scrollWidth <= span.clientWidth + 1")
