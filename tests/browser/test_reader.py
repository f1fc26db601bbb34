"""What is stored for each reader: name and keys."""

from __future__ import annotations

import re

import pytest
from page_modules import with_modules
from playwright.sync_api import Page, expect
from running_site import Site


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("read", shift=1)


@pytest.fixture
def review(page: Page, study: str) -> Page:
    page.goto(f"/review?study={study}")
    page.wait_for_selector("#viewer-screen[data-slice]")
    return page


def change(page: Page, binding: str, key: str) -> None:
    page.click(f'#help-body [data-id="{binding}"]')
    page.keyboard.press(key)


def status(page: Page, code: str) -> None:
    expect(page.locator("#help-status")).to_have_attribute("data-code", code)


def test_every_binding_has_an_id_of_its_own(review):
    bindings = review.evaluate(
        with_modules(
            "modules.keys.all().map(({binding}) => [binding.id || '', binding.key, binding.label])"
        )
    )
    with_key = [(name, key) for name, key, _ in bindings if key and key != "Escape"]
    assert len(with_key) > 25
    assert [key for name, key in with_key if not name] == []
    names = [name for name, _ in with_key]
    assert sorted(names) == sorted(set(names))
    keys = [key for _, key in with_key]
    assert sorted(keys) == sorted(set(keys))
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9.-]{0,63}", name), name


def test_changed_key_works_at_once_on_button_and_list_and_after_a_reload(review):
    review.keyboard.press("?")
    change(review, "show.ai", "`")
    status(review, "changed")
    review.keyboard.press("Escape")

    for _ in range(2):
        button = review.locator("#viewer-show-ai")
        expect(button.locator("kbd")).to_have_text("`")
        expect(button).to_have_attribute("aria-keyshortcuts", "`")
        expect(button).to_have_attribute("aria-pressed", "true")
        review.keyboard.press("m")
        expect(button).to_have_attribute("aria-pressed", "true")
        review.keyboard.press("`")
        expect(button).to_have_attribute("aria-pressed", "false")
        review.reload()
        review.wait_for_selector("#viewer-screen[data-slice]")

    review.keyboard.press("?")
    review.click('.help-row:has([data-id="show.ai"]) .help-reset')
    expect(review.locator("#viewer-show-ai kbd")).to_have_text("M")


def test_stored_keys_work_under_the_ids_that_readers_have(review):
    stored = {"map.attention": "9", "calls.raise": "`", "threshold.shipped": "8"}
    review.evaluate(with_modules("(keys) => modules.reader.change({ keys })"), stored)
    review.wait_for_selector("#findings-threshold:visible")
    review.keyboard.press("9")
    expect(review.locator("#viewer-map-saliency")).to_have_attribute("aria-pressed", "true")
    review.keyboard.press("`")
    expect(review.locator("#operating-point-value")).to_have_text("0.55")
    review.keyboard.press("8")
    expect(review.locator("#operating-point-value")).to_have_text("0.50")


def test_key_in_use_is_reassigned_only_after_confirmation(review):
    review.keyboard.press("?")
    change(review, "show.fill", "m")
    status(review, "in-use")
    assert review.evaluate(with_modules("modules.reader.now.keys")) == {}

    review.click("#help-status button")
    status(review, "changed")
    expect(review.locator('#help-body [data-id="show.ai"] kbd')).to_have_count(0)
    review.keyboard.press("Escape")
    expect(review.locator("#viewer-show-ai kbd")).to_be_hidden()
    review.keyboard.press("m")
    expect(review.locator("#viewer-fill")).to_have_attribute("aria-pressed", "true")
    expect(review.locator("#viewer-show-ai")).to_have_attribute("aria-pressed", "true")

    review.keyboard.press("?")
    review.click("#help-reset-all")
    status(review, "reset")
    expect(review.locator("#help-reset-all")).to_be_disabled()
    review.keyboard.press("Escape")
    review.keyboard.press("m")
    expect(review.locator("#viewer-show-ai")).to_have_attribute("aria-pressed", "false")


def test_keys_that_cannot_be_used_are_refused(review):
    review.keyboard.press("?")
    for key, code in (
        ("Control+t", "browser"),
        ("F5", "browser"),
        ("Alt+q", "system"),
        ("Tab", "fixed"),
        ("?", "used-by-fixed"),
    ):
        change(review, "slice.next", key)
        status(review, code)
        review.keyboard.press("Escape")
        status(review, "cancelled")
        expect(review.locator("#help-dialog")).to_be_visible()
        assert review.evaluate(with_modules("modules.reader.now.keys")) == {}, key
        expect(review.locator('#help-body [data-id="slice.next"]')).to_be_focused()


def test_change_takes_effect_and_is_retried_while_the_server_does_not_respond(review):
    review.route("**/api/reader", lambda route: route.abort())
    review.keyboard.press("?")
    change(review, "show.fill", "9")
    status(review, "not-saved")
    review.keyboard.press("Escape")
    review.keyboard.press("9")
    expect(review.locator("#viewer-fill")).to_have_attribute("aria-pressed", "true")
    with review.expect_response("**/api/reader") as answer:
        review.unroute("**/api/reader")
    assert answer.value.json()["keys"] == {"show.fill": "9"}


def test_name_is_entered_once_and_shown_in_the_top_bar(page, study):
    page.goto("/")
    expect(page.locator("#reader-open")).to_have_text(re.compile(r"Reader [0-9A-F]{4}"))
    page.click("#reader-open")
    expect(page.locator("#reader-words")).to_contain_text(page.inner_text("#reader-open"))
    page.fill("#reader-name", " Dr.  Noor ")
    page.keyboard.press("Enter")
    expect(page.locator("#reader-dialog")).to_be_hidden()
    page.goto(f"/review?study={study}")
    expect(page.locator("#reader-open")).to_have_text("Dr. Noor")


def test_name_that_is_not_valid_is_refused_in_a_sentence(page, study):
    page.goto("/about")
    page.click("#reader-open")
    page.fill("#reader-name", "a\u202eb")
    with page.expect_response("**/api/reader") as refused:
        page.click("#reader-save")
    assert refused.value.json()["field"] == "name"
    expect(page.locator("#reader-status")).to_have_text(refused.value.json()["error"])
    expect(page.locator("#reader-dialog")).to_be_visible()
