"""Real Chromium against a real server. Without a browser the tests are skipped, or fail where
OVERREAD_REQUIRE_BROWSER is set."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from running_site import Site

sys.path.insert(0, str(Path(__file__).parents[1] / "dashboard"))
from fake_evaluation import make_evaluation, write_history

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Long, because a machine may be busy: a test that passes does not wait.
expect.set_options(timeout=30_000)
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        message = "no Chromium or Chrome was found"
        if os.environ.get("OVERREAD_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of a reader who has taken the tour; errors on its console fail the test."""
    yield from open_page(browser, site)


@pytest.fixture
def newcomer(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of somebody who has never been here."""
    yield from open_page(browser, site, tour_done=False)


@pytest.fixture
def touched(browser: Browser, site: Site) -> Iterator[Page]:
    """A page on a screen that is touched."""
    yield from open_page(browser, site, has_touch=True)


@pytest.fixture
def outage_page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page on which the server may not answer, which the browser and Dash report."""
    away = "Failed to load resource|Callback failed: the server did not respond"
    yield from open_page(browser, site, expected=away)


@pytest.fixture
def evaluated(site: Site) -> Iterator[None]:
    """An invented evaluation and training history next to the models of the site."""
    task = Path(site.environment["OVERREAD_MODELS"]) / "brain-tumor"
    evaluation, history = task / "evaluation.json", task / "resunet-resnet18" / "history.csv"
    evaluation.write_text(json.dumps(make_evaluation(patients=6, slices=12)), encoding="utf-8")
    write_history(history, "val_patient_dice")
    yield
    evaluation.unlink()
    history.unlink()


def open_page(
    browser: Browser,
    site: Site,
    *,
    tour_done: bool = True,
    expected: str = "Failed to load resource",
    **context_options: Any,
) -> Iterator[Page]:
    """A page in a browser context of its own, and so of a reader of its own.

    ``expected`` is a pattern of errors that do not fail the test.
    """
    options = {"viewport": {"width": 1440, "height": 900}, "base_url": site.url}
    context = browser.new_context(**(options | context_options))
    context.set_default_timeout(60_000)
    if tour_done:
        sent = {"data": {"tour_done": True}, "headers": {"X-Overread": "1"}}
        assert context.request.put("/api/reader", **sent).ok
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    opened.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    yield opened
    context.close()
    assert [error for error in errors if not re.search(expected, error)] == []
