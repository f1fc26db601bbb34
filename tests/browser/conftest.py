"""Real Chromium against a real server. Without a browser the tests are skipped, or fail where
OVERREAD_REQUIRE_BROWSER is set.

All pages of a worker are of one profile on disk, in which Chromium keeps the scripts that it has
compiled: a page opens in half the time. Cookies and stored values go after each test.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_modules import require_browser
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from running_site import Site

sys.path.insert(0, str(Path(__file__).parents[1] / "dashboard"))
from fake_evaluation import make_evaluation, write_history

#: Long, because a machine may be busy: a test that passes does not wait.
expect.set_options(timeout=30_000)
_ACTION_MS = 60_000
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_WINDOW = {"width": 1440, "height": 900}
#: What a reader leaves in a browser besides cookies; the caches are not in it.
_STORED = "local_storage,indexeddb,cache_storage,service_workers,file_systems"
_FAILED_LOADS = "Failed to load resource"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def profile(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """The context of Chromium's profile on disk."""
    path = require_browser()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=path,
            args=_ARGUMENTS,
            viewport=_WINDOW,
            base_url=site.url,
        )
        context.set_default_timeout(_ACTION_MS)
        yield context
        context.close()


@pytest.fixture(scope="session")
def browser(profile: BrowserContext) -> Browser:
    """The browser, for contexts beside the profile's: of other readers, with nothing cached."""
    assert profile.browser is not None
    return profile.browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def context(profile: BrowserContext, site: Site) -> Iterator[BrowserContext]:
    """The profile as somebody has it who has never been here, but for the browser's caches."""
    profile.clear_cookies()
    yield profile
    kept, *others = profile.pages
    for other in others:
        other.close()
    profile.clear_permissions()
    _forget_reader(profile, kept)
    session = profile.new_cdp_session(kept)
    session.send("Storage.clearDataForOrigin", {"origin": site.url, "storageTypes": _STORED})
    session.detach()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of a reader who has taken the tour; errors on its console fail the test."""
    take_tour(context)
    yield from open_page(context)


@pytest.fixture
def newcomer(context: BrowserContext) -> Iterator[Page]:
    """A page of somebody who has never been here."""
    yield from open_page(context)


@pytest.fixture
def outage_page(context: BrowserContext) -> Iterator[Page]:
    """A page on which the server may not answer, which the browser and Dash report."""
    take_tour(context)
    away = f"{_FAILED_LOADS}|Callback failed: the server did not respond"
    yield from open_page(context, expected=away)


@pytest.fixture
def uncached_page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of a browser that has loaded nothing of the site before."""
    yield from _open_apart(browser, site)


@pytest.fixture
def touched(browser: Browser, site: Site) -> Iterator[Page]:
    """A page on a screen that is touched."""
    yield from _open_apart(browser, site, has_touch=True)


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


def _forget_reader(profile: BrowserContext, kept: Page) -> None:
    """Clear the cookies until none comes back: what a page sends while it closes answers late."""
    for _ in range(30):
        profile.clear_cookies()
        kept.wait_for_timeout(100)
        if not profile.cookies():
            return
    raise AssertionError("a closed page still sets its reader's cookie")


def take_tour(context: BrowserContext) -> None:
    """Make a context's reader one who has taken the tour."""
    sent = {"data": {"tour_done": True}, "headers": {"X-Overread": "1"}}
    assert context.request.put("/api/reader", **sent).ok


def open_page(context: BrowserContext, *, expected: str = _FAILED_LOADS) -> Iterator[Page]:
    """A page of a context; ``expected`` is a pattern of errors that do not fail the test."""
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    opened.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    yield opened
    opened.close()
    assert [error for error in errors if not re.search(expected, error)] == []


def _open_apart(browser: Browser, site: Site, **options: Any) -> Iterator[Page]:
    """A page in a context of its own, which is slower than one of the profile."""
    with browser.new_context(viewport=_WINDOW, base_url=site.url, **options) as apart:
        apart.set_default_timeout(_ACTION_MS)
        take_tour(apart)
        yield from open_page(apart)
