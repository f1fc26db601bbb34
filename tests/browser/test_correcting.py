"""Correcting the AI's mask as a radiologist does: drawn in the browser, kept by the server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from running_site import Site

AREA = "#correction-size-slice"


@pytest.fixture
def study(site: Site, request: pytest.FixtureRequest) -> str:
    """Twelve slices of 64 x 64; 256 pixels bright on slices 5 to 9, 400 with their rim."""
    name = f"correct-{abs(hash(request.node.name)):x}"
    return site.add_study(name, shift=5, rim=True, prefix=f"{name}-")


def open_study(page: Page, study: str, slice_number: int = 6) -> None:
    page.goto(f"/review?study={study}&slice={slice_number}")
    page.wait_for_selector("#viewer-screen[data-slice]")
    page.wait_for_selector("#findings-threshold:visible")


def point(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where an image coordinate is in the window."""
    found: Any = page.evaluate(
        """([x, y]) => { const { screen } = overread.viewer.now; const [sx, sy] = screen.scale();
             const zero = screen.toImage(0, 0); return [(x - zero.x) * sx, (y - zero.y) * sy]; }""",
        [x, y],
    )
    return found[0], found[1]


def drag(page: Page, *points: tuple[float, float]) -> None:
    page.mouse.move(*point(page, *points[0]))
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(*point(page, x, y))
    page.mouse.up()


def click(page: Page, *points: tuple[float, float]) -> None:
    for x, y in points:
        page.mouse.click(*point(page, x, y))


def edit(page: Page, tool: str = "4", *, size: int = 1) -> None:
    page.keyboard.press(tool)
    page.locator("#edit-size").fill(str(size))


def area(page: Page, pixels: int) -> None:
    """Expect so many pixels of 1 mm2 in the reader's mask of the slice in view."""
    words = f"{pixels} mm²" if pixels < 100 else f"{pixels / 100:.2f} cm²"
    expect(page.locator(AREA)).to_have_text(words)


def saved(page: Page) -> None:
    expect(page.locator("#edit-words")).to_have_text(re.compile("^Draft saved [0-9]{2}:[0-9]{2}$"))


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
    wide = page.get_attribute(".outline-ai", "d") or ""

    page.keyboard.press("e")
    expect(page.locator("#tools-edit")).to_be_visible()
    area(page, 400)
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
    # 2000 pixels of the AI's and 5 - 10 + 100 more, of 4 mm
    expect(page.locator("#correction-size-volume")).to_have_text("8.4 mL")
    expect(page.locator("#correction-ai-volume")).to_have_text("0.97")
    saved(page)

    page.keyboard.press("Control+s")
    page.locator("#reader-name").fill("Dr. Vera Test")
    page.keyboard.press("Enter")
    expect(page.locator("#edit-words")).to_contain_text("Saved as version 1 by Dr. Vera Test")
    expect(page.locator("#edit-save")).to_be_disabled()
    page.keyboard.press("ArrowUp")
    mine = page.get_attribute(".correction-line", "d") or ""
    area(page, 390)
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
    for _ in range(3):
        page.keyboard.press(",")
    page.keyboard.press("ArrowUp")
    area(page, 405)
    expect(page.locator(".outline-ai")).to_have_attribute("d", wide)  # as the AI made it


def test_a_draft_survives_a_reload_and_a_second_browser_window(page: Page, study: str) -> None:
    open_study(page, study)
    edit(page)
    drag(page, (50.5, 20.5), (53.5, 20.5))
    area(page, 260)
    saved(page)
    page.reload()
    page.wait_for_selector("#findings-correction:visible")
    area(page, 260)
    expect(page.locator("#viewer-show-correction")).to_be_visible()
    second = page.context.new_page()
    open_study(second, study)
    area(second, 260)
    second.keyboard.press("e")
    for _ in range(4):  # to the beginning, which the reload has set
        second.keyboard.press("Control+z")
    area(second, 260)
    second.close()


def test_taking_everything_back_leaves_no_draft(page: Page, study: str) -> None:
    open_study(page, study)
    edit(page)
    drag(page, (50.5, 20.5), (53.5, 20.5))
    saved(page)
    page.keyboard.press("Control+z")
    expect(page.locator("#edit-words")).to_have_text(
        "Draw on the image: the AI's mask stays as it is."
    )
    answer = page.request.get(f"/api/studies/{study}/corrections").json()
    assert answer == {"draft": None, "versions": []}
    assert page.get_attribute(".correction-line", "d") == ""


def test_a_server_that_does_not_answer_is_told_and_asked_again(page: Page, study: str) -> None:
    open_study(page, study)
    edit(page)
    page.route("**/draft", lambda route: route.abort())
    drag(page, (50.5, 20.5), (53.5, 20.5))
    words = page.locator("#edit-words")
    expect(words).to_have_text("Not saved: the server does not answer. Trying again.")
    drag(page, (50.5, 22.5), (53.5, 22.5))  # goes on meanwhile
    area(page, 264)
    page.unroute("**/draft")
    saved(page)
    page.reload()
    area(page, 264)


def test_two_windows_of_one_reader(page: Page, study: str) -> None:
    other = page.context.new_page()
    open_study(page, study)
    open_study(other, study)
    edit(other)
    drag(other, (50.5, 40.5), (53.5, 40.5))
    saved(other)
    edit(page)
    drag(page, (50.5, 20.5), (57.5, 20.5))
    expect(page.locator("#edit-words")).to_have_text("Not saved: changed in another window")
    words = page.locator("#edit-conflict-words")
    expect(words).to_contain_text("Not saved: another window changed this draft at")
    area(page, 264)  # nothing is lost here
    page.click("#edit-take-theirs")
    area(page, 260)
    saved(page)
    page.keyboard.press("Control+z")
    area(page, 264)
    saved(page)

    drag(other, (50.5, 42.5), (53.5, 42.5))
    expect(other.locator("#edit-conflict-words")).to_contain_text("another window changed")
    other.click("#edit-keep-mine")
    saved(other)
    area(other, 264)
    other.reload()
    area(other, 264)
    other.close()


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
    page.request.put("/api/reader", data={"name": "Reader One"}, headers={"X-Overread": "1"})
    open_study(page, study)
    edit(page)
    drag(page, (50.5, 20.5), (53.5, 20.5))
    page.keyboard.press("Control+s")
    versions = page.locator("#correction-versions li")
    expect(versions).to_have_count(1)
    drag(page, (50.5, 24.5), (53.5, 24.5))
    saved(page)
    page.click("#edit-save")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("Goes on from version 1")
    area(page, 264)
    both = page.get_attribute(".correction-line", "d")
    page.get_by_role("button", name="Show version 1").click()
    expect(page.locator("#viewer-show-correction-words")).to_have_text("Version 1")
    expect(page.locator(".correction-line")).not_to_have_attribute("d", both or "")
    page.get_by_role("button", name="Show version 1").click()
    expect(page.locator(".correction-line")).to_have_attribute("d", both or "")
    page.get_by_role("button", name="Go on from version 1").click()
    area(page, 260)
    page.keyboard.press("Control+z")
    area(page, 264)
    page.keyboard.press("Control+z")  # a step from before the version was saved
    area(page, 260)
    page.keyboard.press("Control+Shift+z")
    area(page, 264)
    page.click("#correction-from-ai")
    area(page, 256)


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
        """() => overread.keys.all().map(({ binding }) => binding)
             .filter(({ key }) => key).map(({ id, key }) => [key, id])"""
    )
    mine = [key for key, name in keys if str(name).startswith(("edit.", "show.correction"))]
    assert len(mine) == 20
    pressed = [key for key, _ in keys]
    assert [key for key in mine if pressed.count(key) > 1] == []
