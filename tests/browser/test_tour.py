"""The tour of the review page: shown to newcomers, usable with keys, dismissed permanently."""

from __future__ import annotations

import re

import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import numbers, open_study
from running_site import Site

#: A slow reader's words in 45 seconds, at 200 words a minute.
MOST_WORDS = 150


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("toured", shift=7)


def expect_placed(page: Page, condition: str) -> None:
    """Wait, in windows of each size, for the card where a condition on it and the page holds."""
    for width, height in ((820, 1180), (1024, 768), (1440, 900)):  # narrow ones have fewer steps
        page.set_viewport_size({"width": width, "height": height})
        wait_until(
            page,
            f"""([width, height]) => {{
              const boxOf = (name) => document.querySelector(name).getBoundingClientRect();
              const card = boxOf("#tour");
              return innerWidth === width && innerHeight === height && {condition}; }}""",
            [width, height],
        )


def test_newcomer_is_led_through_with_one_key_and_then_left_alone(newcomer, study):
    open_study(newcomer, study)
    expect(newcomer.locator("#tour")).to_be_visible()
    count = int(numbers(newcomer, "#tour-count")[1])
    assert 4 <= count <= 6
    words = 0
    for step in range(count):
        assert numbers(newcomer, "#tour-count") == [step + 1, count]
        expect(newcomer.locator("#tour-next")).to_be_focused()
        words += len(re.findall(r"\w+", newcomer.inner_text("#tour-text")))
        inside = "card.left >= 0 && card.right <= width && card.top >= 0 && card.bottom <= height"
        ringed = """boxOf(".tour-ring").width > 10 && boxOf(".tour-ring").height > 10"""
        expect_placed(newcomer, f"{inside} && {ringed}")
        newcomer.keyboard.press("Enter")
    expect(newcomer.locator("#tour")).to_have_count(0)
    assert 40 < words <= MOST_WORDS
    newcomer.reload()
    newcomer.wait_for_selector("#viewer-screen[data-slice]")
    expect(newcomer.locator("#next-position")).not_to_be_empty()
    expect(newcomer.locator("#tour")).to_have_count(0)


def test_page_can_be_used_while_it_is_shown(newcomer, study):
    open_study(newcomer, study)
    expect(newcomer.locator("#tour")).to_be_visible()
    before = newcomer.inner_text("#corner-slice")
    newcomer.keyboard.press("ArrowDown")
    expect(newcomer.locator("#corner-slice")).not_to_have_text(before)
    newcomer.keyboard.press("m")
    expect(newcomer.locator("#viewer-show-ai")).to_have_attribute("aria-pressed", "false")
    newcomer.keyboard.press("?")
    expect(newcomer.locator("#help-dialog")).to_be_visible()
    newcomer.keyboard.press("Escape")
    expect(newcomer.locator("#tour")).to_be_visible()


def test_never_covers_the_tools_of_a_reader_who_edits(newcomer, study):
    open_study(newcomer, study)
    expect(newcomer.locator("#tour")).to_be_visible()
    count = int(numbers(newcomer, "#tour-count")[1])
    for opened in ("#viewer-tools-edit", "#viewer-tools-measure"):
        newcomer.click(opened)
        expect(newcomer.locator(opened)).to_have_attribute("aria-pressed", "true")
        for _ in range(1, count):
            newcomer.click("#tour-next" if opened == "#viewer-tools-edit" else "#tour-back")
            bar = 'boxOf(".tool-bar")'
            expect_placed(newcomer, f"(card.left >= {bar}.right || card.top >= {bar}.bottom)")


def test_escape_closes_it_for_now_and_the_button_permanently(newcomer, study):
    open_study(newcomer, study)
    expect(newcomer.locator("#tour")).to_be_visible()
    newcomer.keyboard.press("Escape")
    expect(newcomer.locator("#tour")).to_have_count(0)
    newcomer.reload()
    expect(newcomer.locator("#tour")).to_be_visible()
    with newcomer.expect_response("**/api/reader") as saved:
        newcomer.click("#tour-never")
    assert saved.value.json()["tour_done"] is True
    open_study(newcomer, study)
    expect(newcomer.locator("#next-position")).not_to_be_empty()
    expect(newcomer.locator("#tour")).to_have_count(0)


def test_can_be_seen_again_from_the_list_of_keys(page, study):
    open_study(page, study)
    expect(page.locator("#tour")).to_have_count(0)
    page.keyboard.press("?")
    page.click("#help-tour")
    expect(page.locator("#help-dialog")).to_be_hidden()
    first = page.inner_text("#tour-title")
    page.click("#tour-next")
    page.click("#tour-back")
    expect(page.locator("#tour-title")).to_have_text(first)


def test_shows_the_readers_own_keys(page, study):
    open_study(page, study)
    page.evaluate(with_modules("modules.reader.change({keys: {'show.ai': '`'}})"))
    page.keyboard.press("?")
    page.click("#help-tour")
    page.click("#tour-next")
    expect(page.locator("#tour-text kbd").first).to_have_text("`")
