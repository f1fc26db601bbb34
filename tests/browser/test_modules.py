"""The page's modules: Dash begins after them, however late they come; all are of one tree."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Route, expect
from running_site import Site

LATE_S = 1.0


@pytest.fixture(scope="module", autouse=True)
def study(site: Site) -> str:
    return site.add_study("modules", shift=2)


def test_dash_waits_for_modules_that_are_late(page: Page) -> None:
    asked: list[str] = []

    def hold(route: Route) -> None:
        asked.append(route.request.url)
        time.sleep(LATE_S)
        route.continue_()

    page.route("**/scripts/*/main.js", hold)
    page.goto("/")
    expect(page.locator("a.study-link").first).to_be_visible()  # a cell that a module draws
    expect(page.locator("#theme-switch")).to_have_text("Light theme")  # a callback's answer
    assert len(asked) == 1


def test_all_modules_come_from_the_tree_of_the_entry(page: Page) -> None:
    fetched: list[str] = []
    page.on("response", lambda response: fetched.append(response.url))
    page.goto("/")
    expect(page.locator("a.study-link").first).to_be_visible()
    entry = page.locator('script[type="module"]').get_attribute("src")
    assert entry is not None
    tree = entry.removesuffix("main.js")
    modules = [url for url in fetched if "/scripts/" in url]
    assert len(modules) > 50
    assert all(f"{tree}" in url for url in modules)
    assert len(set(modules)) == len(modules)  # each once, whatever imports it
    assert not [url for url in fetched if "/assets/js/" in url]
