"""Correcting the AI's mask as a radiologist does: drawn in the browser, kept by the server."""

from __future__ import annotations

from typing import Any

import pytest
from correcting import add_own_study, area, edit, open_study, saved
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import click, drag, point
from running_site import SLICES, Site


@pytest.fixture
def study(site: Site, request: pytest.FixtureRequest) -> str:
    return add_own_study(site, request.node.name)


def save_version(page: Page, study: str, reader: str) -> None:
    """Save the AI's mask with four pixels more on slice 6: 260."""
    page.request.put("/api/reader", data={"name": reader}, headers={"X-Overread": "1"})
    open_study(page, study)
    edit(page)
    drag(page, (50.5, 20.5), (53.5, 20.5))
    page.keyboard.press("Control+s")
    expect(page.locator("#correction-versions li")).to_have_count(1)


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
    expect(page.locator("#edit-said")).to_have_text("Redone: Polygon, slice 7.")
    box = page.locator("#strip-canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 6.5 / SLICES, box["y"] + 8)
    expect(page.locator("#strip-readout")).to_contain_text("your correction 5.00 cm²")
    # 2000 pixels of the AI's and 5 - 10 + 100 more, of 4 mm
    expect(page.locator("#correction-size-volume")).to_have_text("8.4 mL")
    expect(page.locator("#correction-ai-volume")).to_have_text("0.97")
    saved(page)

    page.keyboard.press("Control+s")
    expect(page.locator("#reader-name")).to_be_focused()
    page.keyboard.type("Dr. Vera Test")
    page.keyboard.press("Enter")
    expect(page.locator("#edit-words")).to_contain_text("Saved as version 1 by Dr. Vera Test")
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
    expect(page.locator("#correction-versions")).to_contain_text("Began from the AI's mask at")
    expect(page.locator("#correction-base")).to_contain_text("Goes on from version 1")
    wait_until(page, f"(wanted) => `${{{changed}}}` === `${{wanted}}`", marked)
    page.keyboard.press("e")
    drag(page, (50.5, 20.5), (54.5, 20.5))
    page.keyboard.press("Shift+A")  # as the AI had it: no mark any more
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
    page.click("#edit-grow")
    area(page, 256 + 4 * 16)
    page.keyboard.press("Shift+S")
    area(page, 256)
    page.click("#edit-clear")
    area(page, 0)
    page.keyboard.press("Shift+A")
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
    expect(page.locator("#edit-said")).to_contain_text("it reaches the edge of the image")
    edit(page, "5", size=4)
    click(page, (28, 29))  # a hole of 12 pixels: centres within 2 of the point
    area(page, 244)
    page.keyboard.press("8")
    click(page, (28, 29))
    area(page, 256)


def test_what_lies_between_corrected_slices_is_filled(page: Page, study: str) -> None:
    open_study(page, study, 1)  # no slice is called up to the fourth
    page.keyboard.press("e")
    page.keyboard.press("Shift+I")
    expect(page.locator("#edit-said")).to_contain_text("Correct a slice below and one above first")
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
    page.click("#edit-interpolate")
    expect(page.locator("#edit-said")).to_contain_text("Slices 2 to 3 were interpolated.")
    # thirds of the way from a half width of 1.5 to 4.5 pixels: 2.5 and 3.5
    area(page, 49)
    page.keyboard.press("ArrowUp")
    area(page, 25)
    page.keyboard.press("Control+z")
    area(page, 0)
    saved(page)


def test_versions_are_shown_and_gone_on_from(page: Page, study: str) -> None:
    save_version(page, study, "Reader One")
    versions = page.locator("#correction-versions li")
    drag(page, (50.5, 24.5), (53.5, 24.5))
    saved(page)
    page.click("#edit-save")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("Goes on from version 1")
    area(page, 264)
    both = page.get_attribute(".correction-line", "d")
    page.get_by_role("button", name="Show version 1").click()
    expect(page.locator("#viewer-show-correction-words")).to_have_text("Version 1 by Reader One")
    expect(page.locator(".correction-line")).not_to_have_attribute("d", both or "")
    expect(page.locator("#correction-of")).to_have_text(
        "Version 1 is in view. These figures are of your draft: the tools and Save go on with it."
    )
    expect(page.locator("#correction-diameters")).to_be_hidden()
    expect(page.locator("path.diameters")).to_have_attribute("d", "")
    page.get_by_role("button", name="Show version 1").click()
    expect(page.locator(".correction-line")).to_have_attribute("d", both or "")
    expect(page.locator("#correction-of")).to_have_text("")
    expect(page.locator("#correction-diameters")).to_be_visible()
    page.get_by_role("button", name="Go on from version 1").click()
    area(page, 260)
    page.keyboard.press("Control+z")
    area(page, 264)
    page.keyboard.press("Control+z")  # a step from before the version was saved
    area(page, 260)
    page.keyboard.press("Control+Shift+z")
    area(page, 264)
    page.click("#correction-from-ai")  # nothing is unsaved: at once
    area(page, 256)


def test_an_unsaved_draft_gives_way_only_when_the_reader_says_so(page: Page, study: str) -> None:
    save_version(page, study, "Reader One")
    drag(page, (50.5, 24.5), (53.5, 24.5))
    dialog = page.locator("#correction-ask")
    for button in ("#correction-from-ai", "[aria-label='Go on from version 1']"):
        page.click(button)
        expect(dialog).to_be_visible()
        expect(dialog).to_contain_text("changes on 1 slice that no version holds")
        page.get_by_role("button", name="Keep it").click()
        expect(dialog).to_be_hidden()
        area(page, 264)
    page.click("#correction-from-ai")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    area(page, 264)
    page.click("#correction-from-ai")
    page.get_by_role("button", name="Replace the draft").click()
    area(page, 256)
    page.keyboard.press("Control+z")
    area(page, 264)


def test_enter_belongs_to_correcting(page: Page, study: str) -> None:
    open_study(page, study)
    expect(page.locator("#next-position")).to_contain_text(" of ")
    address = page.url
    page.keyboard.press("6")
    click(page, (50, 10), (60, 10), (60, 20), (50, 20))
    page.keyboard.press("Enter")
    area(page, 356)
    for key in ("Enter", "Shift+Enter"):
        page.keyboard.press(key)
        expect(page.locator("#edit-said")).to_contain_text("Leave off correcting")
    assert page.url == address
    area(page, 356)
    page.keyboard.press("e")
    page.keyboard.press("Enter" if page.locator("#next-study").is_enabled() else "Shift+Enter")
    page.wait_for_url(lambda url: study not in url)


def test_what_became_of_a_stroke_is_told_once_and_at_once(page: Page, study: str) -> None:
    open_study(page, study)
    edit(page)
    expect(page.locator("#edit-words")).to_contain_text("Draw on the image")
    expect(page.locator("#correction-state")).to_have_text("")
    page.evaluate(
        """() => { window.told = []; new MutationObserver(() => told.push(
             document.getElementById("edit-words").textContent,
           )).observe(document.getElementById("edit-words"), { childList: true }); }"""
    )
    drag(page, (50.5, 20.5), (53.5, 20.5))
    saved(page)
    told: Any = page.evaluate("told")
    assert set(told) == {"Saving the draft", told[-1]}
    expect(page.locator("#edit-tool-fill")).to_contain_text("Fill hole")


def test_another_readers_version_is_theirs_and_shown_on_demand(page: Page, study: str) -> None:
    save_version(page, study, "Dr Fresh")
    measured = page.locator("#correction-measurable")
    expect(measured).to_contain_text("RANO 2.0")  # no answer is to come that sets the cookie
    expect(measured).to_have_attribute("aria-busy", "false")
    page.context.clear_cookies()  # someone else
    open_study(page, study)
    line, name = page.locator(".correction-line"), page.locator("#viewer-show-correction-words")
    show = page.get_by_role("button", name="Show version 1")
    expect(show).to_have_attribute("aria-pressed", "false")
    assert not line.count() or line.get_attribute("d") == ""
    expect(page.locator("#viewer-show-correction")).to_be_hidden()
    expect(page.locator("#correction-title")).to_have_text("Corrections")
    expect(page.locator("#correction-figures")).to_be_hidden()
    show.click()
    expect(name).to_have_text("Version 1 by Dr Fresh")
    expect(line).not_to_have_attribute("d", "")
    edit(page)
    area(page, 256)  # the AI's, from which this reader begins
    drag(page, (50.5, 24.5), (52.5, 24.5))
    area(page, 259)
    expect(name).to_have_text("Your correction")
    page.keyboard.press("Control+z")
    page.get_by_role("button", name="Go on from version 1").click()
    area(page, 260)
    expect(page.locator("#correction-title")).to_have_text("Version 1 by Dr Fresh")
    drag(page, (50.5, 24.5), (52.5, 24.5))
    area(page, 263)
    expect(page.locator("#correction-title")).to_have_text("Your correction")


def test_its_look_is_its_own_and_can_be_put_away(page: Page, study: str) -> None:
    open_study(page, study)
    expect(page.locator("#viewer-show-correction")).to_be_hidden()
    edit(page)
    drag(page, (50.5, 20.5), (53.5, 20.5))
    line = page.locator(".correction-line")
    drawn = line.get_attribute("d") or ""
    assert drawn
    button = page.locator("#viewer-show-correction")
    expect(button).to_contain_text("Your correction")
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
