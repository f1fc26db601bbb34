"""Reading a study to its signature: keys, marked slices, two readers, amendment, reload."""

from __future__ import annotations

import re

import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Browser, Page, expect
from reading import RESULT, open_study
from running_site import SLICES, Site

OURS = {"X-Overread": "1"}


@pytest.fixture
def studies(site: Site) -> list[str]:
    """Two studies, the newest first: as the worklist shows them."""
    return [site.add_study(f"sign-{name}", shift=3, prefix=f"sign-{name}_") for name in "ab"][::-1]


def name_reader(page: Page, name: str) -> None:
    page.request.put("/api/reader", data={"name": name}, headers=OURS)


def open_for_reading(page: Page, study: str) -> None:
    open_study(page, study, ready=RESULT)
    expect(page.locator("#top-state")).to_have_attribute("data-state", re.compile("in review|read"))


def look_at_all(page: Page) -> None:
    """Scroll through all slices, each until it is on screen."""
    page.keyboard.press("Home")
    for k in range(SLICES):
        page.evaluate(with_modules("(k) => modules.viewer.goTo(k)"), k)
        wait_until(page, f"() => !modules.readingStore.remaining().includes({k})")
    expect(page.locator("#decision-show")).to_be_hidden()


def choice(page: Page, verdict: str):
    return page.locator(f"#decision-choices [data-verdict='{verdict}']")


def state(page: Page, wanted: str) -> None:
    expect(page.locator("#top-state")).to_have_attribute("data-state", wanted)


def test_a_right_study_is_accepted_and_signed_with_two_keys(page: Page, studies: list[str]) -> None:
    open_for_reading(page, studies[0])
    name_reader(page, "Ada")
    page.reload()
    open_for_reading(page, studies[0])
    page.keyboard.press("a")
    expect(page.locator("#decision-status")).to_have_attribute("data-state", "refused")
    expect(page.locator("#decision-show")).to_be_visible()
    page.keyboard.press("Enter")  # nothing is recorded that it could sign
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "unsigned")
    look_at_all(page)
    page.keyboard.press("a")
    expect(choice(page, "accept")).to_have_attribute("aria-pressed", "true")
    state(page, "read")
    expect(page.locator("#next-study")).to_have_attribute("data-signs", "true")
    page.reload()
    expect(choice(page, "accept")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(studies[1]))
    state(page, "in review")
    open_study(page, studies[0])
    state(page, "signed")
    expect(page.locator("#decision-choices")).to_be_hidden()
    expect(page.locator("#reading-records li")).to_have_count(1)


def test_the_last_study_is_signed_where_it_is(page: Page, site: Site) -> None:
    study = site.add_study("sign-last", shift=3, prefix="sign-last_")
    page.goto("/")
    name_reader(page, "Ada")
    open_for_reading(page, study)
    look_at_all(page)
    page.keyboard.press("a")
    page.keyboard.press("Enter")  # before the decision is recorded
    reading = f"/api/studies/{study}/reading"
    wait_until(
        page,
        f"async () => (await (await fetch('{reading}')).json()).state === 'signed'",
    )


def decision_of(page: Page, study: str) -> str | None:
    reading = page.request.get(f"/api/studies/{study}/reading").json()
    return reading["decision"] and reading["decision"]["verdict"]


def test_a_recorded_decision_counts_until_the_next_one_has_its_reason(
    page: Page, studies: list[str]
) -> None:
    study = studies[0]
    open_for_reading(page, study)
    look_at_all(page)
    page.keyboard.press("a")  # the reader has no name yet
    expect(page.locator("#reader-dialog")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#reader-status")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#decision-status")).to_have_attribute("data-state", "refused")
    assert decision_of(page, study) is None
    page.keyboard.press("a")
    page.fill("#reader-name", "Ada")
    page.keyboard.press("Enter")
    state(page, "read")
    expect(page.locator("#next-study")).to_have_attribute("data-signs", "true")
    page.keyboard.press("a")  # pressed again, it stays recorded
    expect(page.locator("#stage-note")).to_contain_text("Withdraw")
    page.keyboard.press("Shift+r")
    expect(choice(page, "reject")).to_have_attribute("data-waits", "")
    expect(choice(page, "accept")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#decision-status")).to_contain_text("by Ada")
    expect(page.locator("#next-study")).to_have_attribute("data-signs", "true")
    page.locator("#next-study").click()  # signs neither
    expect(page.locator("#decision-reason")).to_be_focused()
    state(page, "read")
    assert decision_of(page, study) == "accept"
    page.select_option("#decision-reason", index=1)
    expect(choice(page, "reject")).to_have_attribute("aria-pressed", "true")
    assert decision_of(page, study) == "reject"
    page.click("#decision-withdraw")
    state(page, "in review")
    expect(page.locator("#next-study")).to_have_attribute("data-signs", "false")


def test_a_changed_mask_is_not_accepted_as_it_is(page: Page, studies: list[str]) -> None:
    page.goto("/")
    name_reader(page, "Ada")
    open_for_reading(page, studies[0])
    look_at_all(page)
    page.keyboard.press("a")
    state(page, "read")
    status = page.locator("#decision-status")
    verdict_of_first_lesion(page).click()  # removes the lesion
    expect(status).to_have_attribute("data-state", "refused")
    expect(status).to_contain_text("by Ada")
    page.click("#decision-withdraw")
    state(page, "in review")
    page.keyboard.press("a")
    expect(status).to_contain_text("Accept with changes")
    state(page, "in review")
    verdict_of_first_lesion(page).click()  # the mask is the AI's again
    expect(status).not_to_contain_text("Accept with changes")
    verdict_of_first_lesion(page).click()
    expect(page.locator("#lesions .lesion").first).to_have_attribute("data-verdict", "remove")
    page.keyboard.press("Shift+a")
    state(page, "read")


def verdict_of_first_lesion(page: Page):
    return page.locator("#lesions .lesion-verdict").first


def refused_as_signed(page: Page) -> None:
    """Expect a sentence that the study is signed, and clear it for the next one."""
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "locked")
    page.evaluate("document.querySelector('#stage-note').dataset.code = ''")


def sign_first(page: Page, studies: list[str]) -> None:
    """Sign the first study and open it again; the page goes on to the second one meanwhile."""
    open_for_reading(page, studies[0])
    name_reader(page, "Ada")
    page.reload()
    open_for_reading(page, studies[0])
    look_at_all(page)
    page.keyboard.press("a")
    state(page, "read")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(studies[1]))
    open_study(page, studies[0], ready=RESULT)


def test_a_signed_study_is_changed_only_in_an_amendment_with_its_reason(
    page: Page, studies: list[str]
) -> None:
    sign_first(page, studies)
    state(page, "signed")
    expect(verdict_of_first_lesion(page)).to_be_disabled()
    expect(page.locator("#reading-notes")).not_to_be_editable()
    expect(page.locator("#key-image-mark")).to_be_hidden()
    middle = page.locator("#viewer-screen")
    for keys in ("i", "4", "k"):  # key image, brush, ruler
        page.keyboard.press(keys)
        if keys != "i":
            middle.click()
        refused_as_signed(page)
    page.keyboard.press("4")
    page.keyboard.press("Shift+g")
    refused_as_signed(page)
    wait_until(page, "() => !modules.correction.isThere()")
    page.click("#decision-amend")
    expect(page.locator("#decision-amendment")).to_be_focused()
    verdict_of_first_lesion(page).click()
    expect(page.locator("#lesions .lesion").first).to_have_attribute("data-verdict", "remove")
    page.keyboard.press("4")
    middle.click()
    wait_until(page, "() => modules.correction.opened().done.length === 2")
    page.fill("#reading-notes", "A vessel.")
    page.locator("#reading-notes").blur()
    page.keyboard.press("i")
    expect(page.locator("#key-images li")).to_have_count(1)
    wait_until(page, "() => modules.readingStore.isSaved()")
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "saved")
    page.reload()
    expect(page.locator("#decision-amendment")).to_be_visible()
    wait_until(page, "() => modules.correction.isThere()")
    page.locator("#decision-more summary").click()
    page.select_option("#decision-reason", "false lesion")
    choice(page, "reject").click()
    expect(choice(page, "reject")).to_have_attribute("aria-pressed", "true")
    page.click("#next-study")
    expect(page.locator("#decision-status")).to_have_attribute("data-state", "refused")
    page.fill("#decision-amendment", "No lesion on T1.")
    with page.expect_response(f"**/api/studies/{studies[0]}/records"):
        page.click("#next-study")
    open_study(page, studies[0])
    state(page, "amended")
    expect(page.locator("#reading-records li")).to_have_count(2)
    expect(page.locator("#reading-records")).to_contain_text("No lesion on T1.")
    expect(page.locator("#decision-amend")).to_be_visible()
    content = page.request.get(f"/api/studies/{studies[0]}/records/2").json()["content"]
    assert (content["amends"], content["mask_version"], content["notes"]) == (1, 1, "A vessel.")
    assert len(content["key_images"]) == 1


def test_an_amendment_opened_by_mistake_is_discarded(page: Page, studies: list[str]) -> None:
    sign_first(page, studies)
    page.click("#decision-amend")
    expect(page.locator("#decision-amendment")).to_be_focused()
    page.click("#decision-discard")  # nothing was changed
    expect(page.locator("#decision-amend")).to_be_visible()
    expect(page.locator("#findings-threshold")).to_be_visible()
    page.click("#decision-amend")
    expect(page.locator("#decision-amendment")).to_be_focused()
    verdict_of_first_lesion(page).click()
    expect(page.locator("#lesions .lesion").first).to_have_attribute("data-verdict", "remove")
    page.fill("#reading-notes", "A vessel.")
    page.locator("#reading-notes").blur()
    page.click("#decision-discard")
    expect(page.locator("#study-dialog")).to_be_visible()
    page.click("#study-dialog-cancel")
    expect(page.locator("#decision-amendment")).to_be_visible()
    page.click("#decision-discard")
    page.click("#study-dialog-save")
    expect(page.locator("#decision-amend")).to_be_visible()
    expect(page.locator("#reading-notes")).to_have_value("")
    expect(page.locator("#lesions .lesion").first).to_have_attribute("data-verdict", "keep")
    state(page, "signed")
    expect(page.locator("#reading-records li")).to_have_count(1)


def test_a_second_window_keeps_the_study_when_the_first_leaves(
    page: Page, studies: list[str]
) -> None:
    name_reader(page, "Ada")
    open_for_reading(page, studies[0])
    second = page.context.new_page()
    open_for_reading(second, studies[0])
    expect(second.locator("#decision-claim")).to_be_hidden()
    with (
        # long before its next regular request
        second.expect_response(
            lambda answer: answer.url.endswith("/opening"), timeout=15_000
        ) as opened,
        page.expect_response(lambda answer: answer.request.method == "DELETE"),
    ):
        page.click("#nav-worklist")
    assert opened.value.json()["reading"]["claim"]["own"]


def test_a_second_reader_sees_who_has_the_study_and_can_take_over(
    page: Page, browser: Browser, site: Site, studies: list[str]
) -> None:
    name_reader(page, "Ada")
    open_for_reading(page, studies[0])
    page.fill("#reading-notes", "Cystic part unchanged.")
    expect(page.locator("#reading-status")).to_have_text("")
    with browser.new_context(base_url=site.url) as context:
        second = context.new_page()
        second.goto("/")
        name_reader(second, "Ben")
        open_study(second, studies[0], ready=RESULT)
        expect(second.locator("#decision-claim")).to_contain_text("Ada")
        expect(choice(second, "accept")).to_be_disabled()
        second.click("#decision-take-over")
        expect(second.locator("#decision-take-over")).to_be_hidden()
        expect(choice(second, "accept")).to_be_enabled()
        expect(second.locator("#reading-notes")).to_have_value("Cystic part unchanged.")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#stage-note")).to_have_text("Ben took over this study.")
        page.fill("#reading-notes", "Cystic part unchanged. Edema larger.")
        expect(page.locator("#decision-claim")).to_contain_text("Ben")
        expect(page.locator("#reading-notes")).to_have_value("Cystic part unchanged. Edema larger.")


def test_key_images_are_marked_captioned_and_removed(page: Page, studies: list[str]) -> None:
    open_for_reading(page, studies[0])
    page.evaluate(with_modules("() => modules.viewer.goTo(5)"))
    page.keyboard.press("i")
    images = page.locator("#key-images li")
    expect(images).to_have_count(1)
    images.locator("input").fill("Largest extent")
    images.locator("input").press("Enter")
    page.locator("#viewer-screen").click(position={"x": 5, "y": 5})
    wait_until(page, "() => modules.readingStore.now()?.key_images.every((image) => image.by)")
    page.reload()
    expect(images.locator("input")).to_have_value("Largest extent")
    page.evaluate(with_modules("() => modules.viewer.goTo(5)"))
    page.keyboard.press("i")
    expect(images).to_have_count(0)
