"""Diameters of a mask at other than the default thresholds, which the server measures."""

from __future__ import annotations

import re

import pytest
from correcting import add_own_study, edit, open_study
from held_requests import HeldRequests
from page_modules import with_modules
from playwright.sync_api import Page, expect
from reading import drag
from running_site import Site

LINE = "#finding-diameters-line"
DEFAULT, WIDE = "23 \u00d7 23 mm", "28 \u00d7 28 mm"


@pytest.fixture
def study(site: Site, request: pytest.FixtureRequest) -> str:
    """Squares of 16 pixels of 1 mm, of 20 with their rim at a lower threshold."""
    return add_own_study(site, request.node.name)


def wait_open(page: Page, study: str) -> None:
    open_study(page, study, 5)
    expect(page.locator(LINE)).to_have_text(DEFAULT)


def test_the_previous_diameters_stay_marked_until_the_new_ones_arrive(
    page: Page, study: str
) -> None:
    wait_open(page, study)
    held = HeldRequests(page, "**/diameters/*")
    page.locator("#viewer-threshold").fill("0.3")
    expect(page.locator(LINE)).to_have_attribute("aria-busy", "true")
    expect(page.locator(LINE)).to_have_text(DEFAULT)
    caption = page.inner_text("#finding-diameters-caption")
    expect(page.locator("#viewer-screen")).to_have_class(re.compile("diameters-late"))
    page.wait_for_timeout(300)
    held.take().continue_()
    expect(page.locator(LINE)).to_have_text(WIDE)
    expect(page.locator(LINE)).to_have_attribute("aria-busy", "false")
    expect(page.locator("#finding-diameters-caption")).not_to_have_text(caption)
    expect(page.locator("#finding-diameters-caption")).to_have_attribute("data-slice", "5")
    expect(page.locator("#viewer-screen")).not_to_have_class(re.compile("diameters-late"))


def test_a_moving_slider_sends_one_request_when_it_rests(page: Page, study: str) -> None:
    wait_open(page, study)
    asked: list[str] = []
    page.on("request", lambda request: "/diameters/" in request.url and asked.append(request.url))
    page.evaluate(
        with_modules("""async () => { for (const value of [0.45, 0.4, 0.35, 0.32, 0.3]) {
             modules.threshold.set(value);
             await new Promise((resolve) => setTimeout(resolve, 30)); } }""")
    )
    expect(page.locator(LINE)).to_have_text(WIDE)
    assert len(asked) == 1
    page.evaluate(with_modules("() => modules.operatingPoint.set(0.2)"))
    expect(page.locator(LINE)).to_have_attribute("aria-busy", "false")
    page.wait_for_timeout(400)
    assert asked[1:] and asked[1].split("?")[0].endswith("/77/20")


def test_measuring_is_retried_while_the_server_does_not_respond(page: Page, study: str) -> None:
    wait_open(page, study)
    page.route("**/diameters/*", lambda route: route.abort())
    page.locator("#viewer-threshold").fill("0.3")
    measurable = page.locator("#finding-measurable")
    expect(measurable).to_have_attribute("data-state", "failed")
    expect(page.locator(LINE)).to_be_hidden()
    page.unroute("**/diameters/*")
    expect(page.locator(LINE)).to_have_text(WIDE)
    expect(measurable).to_have_attribute("data-state", "assessed")


def test_an_unsaved_correction_is_measured_as_drawn(page: Page, study: str) -> None:
    wait_open(page, study)
    page.route("**/draft", lambda route: route.abort())
    edit(page)
    drag(page, (50.5, 20.5), (54.5, 20.5))
    drag(page, (20.5, 24.5), (54.5, 24.5))  # 37 pixels long with the square, on one slice
    size = page.locator("#correction-diameters-all")
    expect(size).to_have_text(re.compile(r"^3[5-9] \u00d7 [0-9]+ mm\b.*\b5$"))
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "failed")
    page.route("**/corrections/diameters", lambda route: route.abort())
    page.keyboard.press("Control+z")
    expect(size).not_to_have_text(re.compile("mm"))
    retrying = page.evaluate(with_modules("modules.server.RETRYING"))
    expect(page.locator("#correction-measurable")).to_have_text(retrying)
    page.unroute("**/corrections/diameters")
    expect(size).to_have_text(re.compile(r"mm\b.*\b5$"))
