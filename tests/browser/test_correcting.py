"""Correcting the AI mask as a radiologist does: drawn in the browser, stored by the server."""

from __future__ import annotations

from typing import Any

import pytest
from correcting import add_own_study, area, edit, open_study, saved
from page_modules import wait_until, with_modules
from playwright.sync_api import Locator, Page, expect
from reading import click, drag, numbers, point
from running_site import SLICES, Site


@pytest.fixture
def study(site: Site, request: pytest.FixtureRequest) -> str:
    return add_own_study(site, request.node.name)


def version(page: Page, number: int, action: str) -> Locator:
    """A button of a saved version: show, edit or file."""
    return page.locator(f"[data-version='{number}'] [data-action='{action}']")


def save_version(page: Page, study: str, reader: str) -> None:
    """Save the AI mask with four more pixels on slice 6: 260."""
    page.request.put("/api/reader", data={"name": reader}, headers={"X-Overread": "1"})
    open_study(page, study)
    edit(page)
    drag(page, (50.5, 20.5), (53.5, 20.5))
    page.keyboard.press("Control+s")
    expect(page.locator("#correction-versions li")).to_have_count(1)


def from_menu(page: Page, name: str) -> None:
    """Choose one of the changes of the slice."""
    page.click("#edit-menu summary")
    page.click(f"#edit-{name}")
    page.keyboard.press("Escape")
    expect(page.locator("#edit-menu .menu-panel")).to_be_hidden()


def test_a_reading_from_opening_to_the_saved_version(page: Page, study: str) -> None:
    open_study(page, study, 1)
    page.mouse.move(*point(page, 32, 32))
    for slice_number in (2, 3, 4):
        page.mouse.wheel(0, 120)
        expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", str(slice_number))
    page.keyboard.press("n")  # to the lesion
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "5")
    outline = page.get_attribute(".outline-ai", "d") or ""
    page.keyboard.press(" ")
    expect(page.locator(".outline-ai")).to_have_attribute("d", "")
    page.keyboard.press(" ")
    expect(page.locator(".outline-ai")).to_have_attribute("d", outline)
    for _ in range(3):
        page.keyboard.press(",")
    expect(page.locator("#threshold-value")).to_have_text("0.35")
    expect(page.locator(".outline-ai")).not_to_have_attribute("d", outline)

    page.keyboard.press("e")
    expect(page.locator("#tools-edit")).to_be_visible()
    area(page, 400)
    wide = page.get_attribute(".outline-ai", "d") or ""
    expect(page.locator("#correction-ai-slice")).to_have_text("1.00")
    edit(page)
    drag(page, (50.5, 20.5), (54.5, 20.5))
    area(page, 405)
    expect(page.locator("#correction-ai-slice")).to_have_text("0.99")
    page.keyboard.press("ArrowDown")
    edit(page, "5", size=1)
    drag(page, (19.5, 30.5), (28.5, 30.5))
    area(page, 390)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("6")
    click(page, (50, 10), (60, 10), (60, 20), (50, 20))
    page.keyboard.press("Enter")
    area(page, 500)
    page.keyboard.press("Control+z")
    area(page, 400)
    page.keyboard.press("Control+Shift+z")
    area(page, 500)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")  # of the slice before: it comes into view
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "6")
    area(page, 400)
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+y")
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "7")
    area(page, 500)
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "redone")
    assert numbers(page, "#stage-note") == [7]
    box = page.locator("#strip-canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 6.5 / SLICES, box["y"] + 8)
    expect(page.locator("#strip-readout")).to_have_attribute("data-slice", "7")
    assert numbers(page, "#strip-readout")[-1] == 5.0
    # 2000 pixels of the AI's and 5 - 10 + 100 more, of 4 mm
    expect(page.locator("#correction-size-volume")).to_have_text("8.4 mL")
    expect(page.locator("#correction-ai-volume")).to_have_text("0.97")
    saved(page)

    page.keyboard.press("Control+s")
    expect(page.locator("#reader-name")).to_be_focused()
    page.keyboard.type("Dr. Vera Test")
    page.keyboard.press("Enter")
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "version")
    expect(page.locator("#edit-words")).to_contain_text("Dr. Vera Test")
    expect(page.locator("#edit-save")).to_be_disabled()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "6")
    mine = page.get_attribute(".correction-line", "d") or ""
    area(page, 390)
    changed = (
        "modules.viewer.now.study.indices.map((_, k) => modules.correctionFigures.changedArea(k))"
    )
    marked = [None] * 4 + [405, 390, 500] + [None] * (SLICES - 7)
    assert page.evaluate(with_modules(changed)) == marked, "the strip remembers after saving"
    page.wait_for_timeout(400)  # until the address names the slice

    page.reload()
    page.wait_for_selector("#findings-correction:visible")
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "6")
    expect(page.locator(".correction-line")).to_have_attribute("d", mine)
    area(page, 390)
    expect(page.locator("#correction-size-volume")).to_have_text("8.4 mL")
    expect(page.locator("#correction-ai-volume")).to_have_text("0.97")
    expect(page.locator("#correction-versions li")).to_have_count(1)
    expect(page.locator("#correction-versions li")).to_have_attribute("data-based-on", "")
    expect(page.locator("#correction-base")).to_have_attribute("data-version", "1")
    wait_until(page, f"(wanted) => `${{{changed}}}` === `${{wanted}}`", marked)
    page.keyboard.press("e")
    drag(page, (50.5, 20.5), (54.5, 20.5))
    page.keyboard.press("Shift+Z")  # the AI mask again: not marked
    wait_until(page, f"() => ({changed})[5] === null")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("e")
    for _ in range(3):
        page.keyboard.press(",")
    page.keyboard.press("ArrowUp")
    area(page, 405)
    expect(page.locator(".outline-ai")).to_have_attribute("d", wide)  # as the AI made it


def test_slices_as_a_whole(page: Page, study: str) -> None:
    open_study(page, study)
    page.click("#viewer-tools-edit")
    area(page, 256)
    from_menu(page, "grow")
    area(page, 256 + 4 * 16)
    page.keyboard.press("Shift+S")
    area(page, 256)
    from_menu(page, "clear")
    area(page, 0)
    page.keyboard.press("Shift+Z")
    area(page, 256)
    page.keyboard.press("Shift+G")
    page.keyboard.press("Shift+PageDown")  # takes the mask along
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "7")
    area(page, 320)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    area(page, 256)
    page.keyboard.press("8")
    click(page, (5, 5))
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "not-a-hole")
    edit(page, "5", size=4)
    click(page, (28, 29))  # a hole of 12 pixels: centres within 2 of the point
    area(page, 244)
    page.keyboard.press("8")
    click(page, (28, 29))
    area(page, 256)


def test_slices_between_corrected_ones_are_interpolated(page: Page, study: str) -> None:
    open_study(page, study, 1)  # the first four slices have no mask
    page.keyboard.press("e")
    page.keyboard.press("Shift+I")
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "no-gap")
    for slice_number, edge in ((1, 3), (4, 9)):
        page.keyboard.press("Home")
        for _ in range(slice_number - 1):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("6")
        low, high = 32 - edge / 2, 32 + edge / 2
        click(page, (low, low), (high, low), (high, high), (low, high))
        page.keyboard.press("Enter")
        area(page, edge * edge)
    page.keyboard.press("ArrowUp")
    area(page, 0)
    from_menu(page, "interpolate")
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "interpolated-2-3")
    # thirds of the way from a half width of 1.5 to 4.5 pixels: 2.5 and 3.5
    area(page, 49)
    page.keyboard.press("ArrowUp")
    area(page, 25)
    page.keyboard.press("Control+z")
    area(page, 0)
    saved(page)


def test_versions_are_shown_and_edited(page: Page, study: str) -> None:
    save_version(page, study, "Reader One")
    versions = page.locator("#correction-versions li")
    drag(page, (50.5, 24.5), (53.5, 24.5))
    saved(page)
    page.click("#edit-save")
    expect(versions).to_have_count(2)
    expect(versions.first).to_have_attribute("data-based-on", "1")
    area(page, 264)
    both = page.get_attribute(".correction-line", "d")
    version(page, 1, "show").click()
    expect(page.locator("#viewer-show-correction-words")).to_contain_text("Reader One")
    expect(page.locator(".correction-line")).not_to_have_attribute("d", both or "")
    expect(page.locator("#correction-of")).not_to_be_empty()
    expect(page.locator("#correction-diameters")).to_be_hidden()
    expect(page.locator("path.diameters")).to_have_attribute("d", "")
    version(page, 1, "show").click()
    expect(page.locator(".correction-line")).to_have_attribute("d", both or "")
    expect(page.locator("#correction-of")).to_have_text("")
    expect(page.locator("#correction-diameters")).to_be_visible()
    version(page, 1, "edit").click()
    area(page, 260)
    page.keyboard.press("Control+z")
    area(page, 264)
    page.keyboard.press("Control+z")  # a step from before the version was saved
    area(page, 260)
    page.keyboard.press("Control+Shift+z")
    area(page, 264)
    page.click("#correction-from-ai")  # nothing is unsaved: at once
    area(page, 256)


def test_an_unsaved_draft_is_replaced_only_after_confirmation(page: Page, study: str) -> None:
    save_version(page, study, "Reader One")
    drag(page, (50.5, 24.5), (53.5, 24.5))
    dialog = page.locator("#correction-ask")
    for button in (page.locator("#correction-from-ai"), version(page, 1, "edit")):
        button.click()
        expect(dialog).to_be_visible()
        expect(dialog).to_have_attribute("data-slices", "1")
        page.click("#correction-ask-keep")
        expect(dialog).to_be_hidden()
        area(page, 264)
    page.click("#correction-from-ai")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    area(page, 264)
    page.click("#correction-from-ai")
    page.click("#correction-ask-replace")
    area(page, 256)
    page.keyboard.press("Control+z")
    area(page, 264)


def test_enter_closes_polygons_while_editing(page: Page, site: Site, study: str) -> None:
    add_own_study(site, "enter-goes-on-to-another")
    open_study(page, study)
    expect(page.locator("#next-position")).not_to_be_empty()
    address = page.url
    page.keyboard.press("6")
    cap = page.locator("#next-study kbd")
    expect(cap).to_be_hidden()
    click(page, (50, 10), (60, 10), (60, 20), (50, 20))
    page.keyboard.press("Enter")
    area(page, 356)
    for key in ("Enter", "Shift+Enter"):
        page.keyboard.press(key)
        expect(page.locator("#stage-note")).to_have_attribute("data-code", "editing")
    assert page.url == address
    area(page, 356)
    page.keyboard.press("e")
    expect(cap).to_be_visible()
    page.keyboard.press("Enter" if page.locator("#next-study").is_enabled() else "Shift+Enter")
    page.wait_for_url(lambda url: study not in url)


def test_the_saving_status_of_a_stroke_follows_at_once(page: Page, study: str) -> None:
    open_study(page, study)
    edit(page)
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "none")
    expect(page.locator("#correction-state")).to_have_text("")
    page.evaluate(
        """() => { const place = document.getElementById("edit-words"); window.seen = [];
             new MutationObserver(() => seen.push(place.dataset.status))
               .observe(place, { childList: true }); }"""
    )
    drag(page, (50.5, 20.5), (53.5, 20.5))
    saved(page)
    seen: Any = page.evaluate("seen")
    assert seen[-1] == "saved"
    assert set(seen[:-1]) == {"saving"}


def test_another_readers_version_is_theirs_and_shown_on_demand(page: Page, study: str) -> None:
    save_version(page, study, "Dr Fresh")
    measured = page.locator("#correction-measurable")
    expect(measured).not_to_be_empty()  # no response is pending that would set the cookie
    expect(measured).to_have_attribute("aria-busy", "false")
    page.context.clear_cookies()  # someone else
    open_study(page, study)
    line, name = page.locator(".correction-line"), page.locator("#viewer-show-correction-words")
    show = version(page, 1, "show")
    expect(show).to_have_attribute("aria-pressed", "false")
    assert not line.count() or line.get_attribute("d") == ""
    expect(page.locator("#viewer-show-correction")).to_be_hidden()
    title = page.locator("#correction-title")
    expect(title).not_to_contain_text("Dr Fresh")
    expect(page.locator("#correction-figures")).to_be_hidden()
    show.click()
    expect(name).to_contain_text("Dr Fresh")
    expect(line).not_to_have_attribute("d", "")
    edit(page)
    area(page, 256)  # the AI mask, from which this reader starts
    drag(page, (50.5, 24.5), (52.5, 24.5))
    area(page, 259)
    expect(name).not_to_contain_text("Dr Fresh")
    page.keyboard.press("Control+z")
    version(page, 1, "edit").click()
    area(page, 260)
    expect(title).to_contain_text("Dr Fresh")
    drag(page, (50.5, 24.5), (52.5, 24.5))
    area(page, 263)
    expect(title).not_to_contain_text("Dr Fresh")


def test_a_correction_has_its_own_outline_and_can_be_hidden(page: Page, study: str) -> None:
    open_study(page, study)
    expect(page.locator("#viewer-show-correction")).to_be_hidden()
    edit(page)
    drag(page, (50.5, 20.5), (53.5, 20.5))
    line = page.locator(".correction-line")
    drawn = line.get_attribute("d") or ""
    assert drawn
    button = page.locator("#viewer-show-correction")
    expect(button).to_be_visible()
    page.keyboard.press("Shift+M")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(line).to_have_attribute("d", "")
    button.click()
    expect(line).to_have_attribute("d", drawn)
    expect(page.locator(".correction-fill")).to_have_attribute("d", "")
    page.keyboard.press("f")
    expect(page.locator(".correction-fill")).to_have_attribute("d", drawn)
    page.keyboard.press(" ")
    expect(line).to_have_attribute("d", "")


def test_no_two_bindings_share_a_key_while_correcting(page: Page, study: str) -> None:
    open_study(page, study)
    page.keyboard.press("e")
    keys: Any = page.evaluate(
        with_modules("""() => modules.keys.all().map(({ binding }) => binding)
             .filter(({ key }) => key).map(({ id, key }) => [key, id])""")
    )
    mine = [key for key, name in keys if str(name).startswith(("edit.", "show.correction"))]
    assert len(mine) == 20
    pressed = [key for key, _ in keys]
    assert [key for key in mine if pressed.count(key) > 1] == []
