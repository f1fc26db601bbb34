"""How tests wait for the page's modules."""

from __future__ import annotations

import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page
from reading import open_study
from running_site import Site


def test_waiting_ends_when_the_function_is_true_and_not_before(page: Page, site: Site) -> None:
    open_study(page, site.add_study("waiting"), 3)
    page.evaluate("() => { setTimeout(() => { window.late = 7; }, 300); }")
    wait_until(page, "(wanted) => modules.viewer.now.k === 2 && window.late === wanted", 7)
    assert page.evaluate(with_modules("() => [modules.viewer.now.k, window.late]")) == [2, 7]
    with pytest.raises(AssertionError, match="not true within"):
        wait_until(page, "async () => false", timeout_ms=50)
