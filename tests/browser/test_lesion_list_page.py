"""The lesion list: a click goes there, one click removes or adds a lesion on all its slices."""

from __future__ import annotations

from typing import Any

import pytest
from correcting import correction_loaded, open_study, saved
from page_modules import wait_until
from playwright.sync_api import Page, expect
from reading import in_view
from running_site import Site


@pytest.fixture
def study(site: Site) -> str:
    """A block of 256 pixels on slices 5 to 9, and a speck on slice 7 that the AI left out."""
    return site.add_study("lesions", shift=4, speck=True, prefix="lesions_")


def rows(page: Page) -> Any:
    return page.locator("#lesions .lesion")


def verdicts(page: Page, *wanted: str) -> None:
    expect(rows(page)).to_have_count(len(wanted))
    for k, verdict in enumerate(wanted):
        expect(rows(page).nth(k)).to_have_attribute("data-verdict", verdict)


def test_a_false_lesion_is_removed_and_one_that_was_left_out_is_added(
    page: Page, study: str
) -> None:
    open_study(page, study, 1)
    verdicts(page, "keep", "remove")
    rows(page).nth(1).locator(".lesion-open").click()
    in_view(page, 7)
    rows(page).nth(1).locator(".lesion-verdict").click()
    verdicts(page, "keep", "add")
    expect(page.locator("#correction-size-slice")).to_have_text("2.65 cm²")
    rows(page).nth(0).locator(".lesion-verdict").click()
    verdicts(page, "add", "remove")
    expect(rows(page).nth(1)).to_have_attribute("data-source", "ai")
    expect(page.locator("#finding-own-volume-line")).to_have_text("<0.1 mL")
    page.keyboard.press("Control+z")
    verdicts(page, "keep", "add")
    rows(page).nth(0).locator(".lesion-verdict").click()
    verdicts(page, "add", "remove")
    saved(page)
    page.reload()
    correction_loaded(page)
    verdicts(page, "add", "remove")


def test_a_location_and_a_comment_stay_with_their_lesion(page: Page, study: str) -> None:
    open_study(page, study, 1)
    rows(page).nth(0).locator(".lesion-open").focus()
    page.keyboard.press("Enter")
    in_view(page, 5)
    rows(page).nth(0).locator("select").select_option(label="Temporal lobe")
    expect(rows(page).nth(0)).to_contain_text("temporal lobe")
    rows(page).nth(0).locator("input").fill("cystic")
    rows(page).nth(0).locator("input").press("Tab")
    expect(page.locator("#reading-status")).to_have_text("")
    stored = "() => modules.readingStore.now().lesions[0]?.comment === 'cystic'"
    wait_until(page, stored)
    wait_until(page, "() => modules.readingStore.isSaved()")
    page.reload()
    expect(rows(page).nth(0)).to_contain_text("temporal lobe")
    rows(page).nth(0).locator(".lesion-open").click()
    expect(rows(page).nth(0).locator("input")).to_have_value("cystic")


def test_keys_step_through_the_list(page: Page, study: str) -> None:
    open_study(page, study, 1)
    verdicts(page, "keep", "remove")
    page.keyboard.press("Shift+F")
    in_view(page, 5)
    page.keyboard.press("Shift+F")
    in_view(page, 7)
    page.keyboard.press("Shift+E")
    in_view(page, 5)
