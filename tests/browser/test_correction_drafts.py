"""Drafts of corrected masks: reloads, server failures, two windows, studies that are left."""

from __future__ import annotations

import pytest
from correcting import add_own_study, area, edit, open_study, saved
from playwright.sync_api import Page, expect
from reading import drag, numbers
from running_site import Site


@pytest.fixture
def study(site: Site, request: pytest.FixtureRequest) -> str:
    return add_own_study(site, request.node.name)


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
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "none")
    answer = page.request.get(f"/api/studies/{study}/corrections").json()
    assert answer == {"in_view": None, "draft": None, "versions": []}
    assert page.get_attribute(".correction-line", "d") == ""


def test_a_draft_is_retried_while_the_server_does_not_respond(page: Page, study: str) -> None:
    open_study(page, study)
    edit(page)
    page.route("**/draft", lambda route: route.abort())
    drag(page, (50.5, 20.5), (53.5, 20.5))
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "failed")
    drag(page, (50.5, 22.5), (53.5, 22.5))  # drawing remains possible
    area(page, 264)
    page.unroute("**/draft")
    saved(page)
    page.reload()
    area(page, 264)


def change_elsewhere(page: Page, study: str) -> Page:
    """Draw in another window, then in this one, which has not seen it."""
    other = page.context.new_page()
    open_study(other, study)
    edit(other)
    drag(other, (50.5, 40.5), (53.5, 40.5))
    saved(other)
    edit(page)
    drag(page, (50.5, 20.5), (57.5, 20.5))
    return other


def test_two_windows_of_one_reader(page: Page, study: str) -> None:
    open_study(page, study)
    other = change_elsewhere(page, study)
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "conflict")
    assert len(numbers(page, "#edit-conflict-words")) == 2  # hour and minute
    area(page, 264)  # nothing is lost here
    page.click("#edit-take-theirs")
    area(page, 260)
    saved(page)
    page.keyboard.press("Control+z")
    area(page, 264)
    saved(page)

    drag(other, (50.5, 42.5), (53.5, 42.5))
    expect(other.locator("#edit-words")).to_have_attribute("data-status", "conflict")
    other.click("#edit-keep-mine")
    saved(other)
    area(other, 264)
    other.reload()
    area(other, 264)
    other.close()


def leave(page: Page) -> None:
    """Go to the worklist without reloading."""
    page.click("#nav-worklist")
    page.wait_for_selector("#viewer-screen", state="detached")


def come_back(page: Page) -> None:
    page.click("#nav-review")
    page.wait_for_selector("#viewer-screen[data-slice]")


def test_who_leaves_at_once_and_comes_back_finds_all(page: Page, study: str) -> None:
    open_study(page, study)
    page.wait_for_timeout(400)  # until the address names the study
    edit(page)
    page.route("**/draft", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    drag(page, (50.5, 20.5), (53.5, 20.5))
    area(page, 260)
    leave(page)
    come_back(page)
    area(page, 260)
    page.unroute("**/draft")
    saved(page)


def test_who_leaves_in_a_conflict_loses_nothing(page: Page, study: str) -> None:
    open_study(page, study)
    page.wait_for_timeout(400)
    other = change_elsewhere(page, study)
    expect(page.locator("#edit-conflict")).to_be_visible()
    leave(page)
    come_back(page)
    area(page, 264)
    page.keyboard.press("e")
    page.keyboard.press("Control+z")  # theirs
    area(page, 260)
    saved(page)
    other.close()
