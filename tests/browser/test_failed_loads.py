"""Slow and failed requests: messages, retries, recovery."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from held_requests import HeldRequests
from page_modules import with_modules
from playwright.sync_api import Page, Route, expect
from reading import numbers
from running_site import Site

from dashboard.workspace.received import NO_STUDY


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("failing", shift=5)


def failing(times: int, answer: Callable[[Route], None]) -> Callable[[Route], None]:
    """A route that fails a number of times, and then lets requests through."""
    left = [times]

    def handle(route: Route) -> None:
        if left[0] > 0:
            left[0] -= 1
            answer(route)
        else:
            route.continue_()

    return handle


def away(route: Route) -> None:
    route.abort("connectionrefused")


SERVER_ERROR = "Something went wrong on the server."


def broken(route: Route) -> None:
    route.fulfill(status=500, json={"error": SERVER_ERROR})


def message(page: Page, code: str) -> None:
    expect(page.locator("#viewer-message")).to_have_attribute("data-code", code)


@pytest.mark.parametrize("answer", [away, broken])
def test_study_that_does_not_load_is_retried(page, study, answer):
    page.route(f"**/api/studies/{study}", failing(2, answer))
    page.goto(f"/review?study={study}")
    message(page, "study-failed")
    no_answer = page.evaluate(with_modules("modules.server.NO_ANSWER"))
    why = no_answer if answer is away else SERVER_ERROR
    expect(page.locator("#viewer-message-text")).to_contain_text(why)
    page.wait_for_selector("#viewer-screen[data-slice]")
    expect(page.locator("#viewer-message")).to_be_hidden()
    expect(page.locator("#review-error")).to_be_hidden()


def test_study_is_requested_at_once_when_the_reader_retries(page, study):
    asked: list[Route] = []

    def fail(route: Route) -> None:
        asked.append(route)
        away(route)

    page.route(f"**/api/studies/{study}", fail)
    page.goto(f"/review?study={study}")
    while len(asked) < 4:  # the next time would be in eight seconds
        page.wait_for_timeout(100)
    page.unroute(f"**/api/studies/{study}")
    page.click("#viewer-retry", timeout=7000)
    page.wait_for_selector("#viewer-screen[data-slice]")


def test_slow_slice_shows_a_message_until_it_is_loaded(page, study):
    held = HeldRequests(page, "**/pixels/0/2")
    page.goto(f"/review?study={study}&slice=3")
    message(page, "loading")
    assert numbers(page, "#viewer-message-text") == [3]
    held.wait_for(2)  # the page's own, and the one ahead of it
    for _ in range(2):
        held.take().continue_()
    page.wait_for_selector("#viewer-screen[data-slice='3']")
    expect(page.locator("#viewer-message")).to_be_hidden()


@pytest.mark.parametrize("answer", [away, broken])
def test_slice_that_fails_is_shown_once_the_server_is_back(page, study, answer):
    page.route("**/pixels/0/2", failing(2, answer))
    page.goto(f"/review?study={study}&slice=3")
    message(page, "slice-failed")
    assert numbers(page, "#viewer-message-text") == [3]
    page.wait_for_selector("#viewer-screen[data-slice='3']")
    expect(page.locator("#viewer-message")).to_be_hidden()


def test_diameters_that_do_not_load_are_retried(page, study):
    page.route("**/measures/**", failing(2, broken))
    page.goto(f"/review?study={study}")
    expect(page.locator("#finding-measurable")).to_have_attribute("data-state", "failed")
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")
    expect(page.locator("#finding-measurable")).to_have_attribute("data-state", "assessed")


def test_study_that_does_not_exist_is_not_retried(page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/review?study={'0' * 16}")
    expect(page.locator("#review-error-text")).to_have_text(NO_STUDY)
    page.wait_for_timeout(1500)
    assert len([url for url in asked if "/api/studies/" in url]) == 1
