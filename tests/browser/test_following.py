"""A page follows its analysis through one channel, and again after that channel has failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect
from running_site import SLICES, Site

VOLUME = "5.1 mL"
STATE = "#analysis"


def at(page: Page, slices: int) -> None:
    """Expect an analysis that has done so many slices."""
    percent = str(round(100 * slices / SLICES))
    expect(page.locator(STATE)).to_have_attribute("data-state", "running")
    expect(page.locator("#analysis-meter")).to_have_attribute("aria-valuenow", percent)


@pytest.fixture
def page(outage_page: Page) -> Page:
    return outage_page


@contextmanager
def server_away(site: Site) -> Iterator[None]:
    """Kill the server and start it again, for the tests that follow too."""
    site.kill_server()
    try:
        yield
    finally:
        site.start_server()


def open_running(page: Page, site: Site, name: str, shift: int) -> str:
    """Open a study whose analysis has done three slices and waits."""
    study = site.add_study(name, analysed=False, shift=shift)
    page.goto(f"/review?study={study}")
    page.wait_for_selector("#viewer-screen[data-slice]")
    site.gate.release(3)
    at(page, 3)
    return study


def test_the_study_is_asked_for_once_more_when_its_analysis_is_done(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    study = open_running(page, site, "channel", 7)
    page.wait_for_timeout(4000)
    site.gate.release(SLICES - 3)
    expect(page.locator("#finding-volume-line")).to_have_text(VOLUME)
    assert len([url for url in asked if url.endswith(f"/api/studies/{study}")]) == 2


def test_a_killed_web_process_is_outlived(page: Page, site: Site) -> None:
    open_running(page, site, "killed web", 8)
    with server_away(site):
        expect(page.locator(STATE)).to_have_attribute("data-state", "lost")
        site.gate.release(3)
    at(page, 6)
    site.gate.release(SLICES - 6)
    expect(page.locator("#finding-volume-line")).to_have_text(VOLUME)
    expect(page.locator("#analysis")).to_be_hidden()


def test_an_analysis_that_ends_while_the_web_process_is_gone_is_shown(
    page: Page, site: Site
) -> None:
    open_running(page, site, "ended meanwhile", 9)
    with server_away(site):
        site.gate.release(SLICES - 3)
        page.wait_for_timeout(1000)
    expect(page.locator("#finding-volume-line")).to_have_text(VOLUME)


@pytest.mark.parametrize("lost", ["no answer", "empty answer"])
def test_a_callback_that_is_lost_is_asked_for_again(page: Page, site: Site, lost: str) -> None:
    dropped: list[str] = []

    def drop(route: Route) -> None:
        dropped.append(route.request.url)
        if lost == "no answer":
            route.abort("connectionrefused")
        else:
            route.fulfill(status=204)

    open_running(page, site, f"lost {lost}", 10 + len(lost) % 2)
    page.route("**/_dash-update-component?*cacheKey=*", drop, times=1)
    page.wait_for_timeout(1000)
    site.gate.release(3)
    at(page, 6)
    assert len(dropped) == 1
    site.gate.release(SLICES - 6)
    expect(page.locator("#finding-volume-line")).to_have_text(VOLUME)


def test_a_click_on_cancel_that_is_lost_can_be_repeated(page: Page, site: Site) -> None:
    open_running(page, site, "lost cancel", 3)
    lost: list[str] = []

    def lose(route: Route) -> None:
        if "analysis-cancel" in (route.request.post_data or "") and not lost:
            lost.append(route.request.url)
            route.abort("connectionrefused")
        else:
            route.continue_()

    page.route("**/_dash-update-component*", lose)
    page.click("#analysis-cancel")
    expect(page.locator(STATE)).to_have_attribute("data-state", "cancelling")
    at(page, 3)
    page.click("#analysis-cancel")
    expect(page.locator(STATE)).to_have_attribute("data-state", "cancelled")
    assert lost


def test_an_analysis_that_was_cancelled_stays_so_when_its_web_process_dies(
    page: Page, site: Site
) -> None:
    study = open_running(page, site, "cancelled meanwhile", 4)
    with server_away(site):
        site.cancel(study)
    expect(page.locator(STATE)).to_have_attribute("data-state", "cancelled")
    page.wait_for_timeout(6000)
    expect(page.locator(STATE)).to_have_attribute("data-state", "cancelled")
