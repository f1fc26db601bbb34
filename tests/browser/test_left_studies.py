"""Answers that arrive after the reader has left the study for which they were asked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from held_requests import HeldRequests
from page_modules import wait_until, with_modules
from PIL import Image
from playwright.sync_api import Page, expect
from reading import RESULT, open_study
from running_site import SLICES, Site

OURS = {"X-Overread": "1"}


@pytest.fixture
def studies(site: Site) -> list[str]:
    return [site.add_study(f"left-{name}", shift=3, prefix=f"left-{name}_") for name in "ab"]


def go_to(page: Page, study: str) -> None:
    """Show another study on the page in view, as Enter does, whatever is on its way."""
    page.evaluate(with_modules("(id) => modules.review.open({ study_id: id, slice: null })"), study)
    wait_until(page, "(id) => modules.viewer.now?.study.study_id === id", study)
    wait_until(page, "() => Boolean(modules.viewer.now.painted)")


def test_a_reference_is_attached_to_the_study_for_which_it_was_chosen(
    page: Page, site: Site, studies: list[str], tmp_path: Path
) -> None:
    first, second = studies
    page.goto("/")
    page.request.put("/api/reader", data={"name": "Ada"}, headers=OURS)
    open_study(page, first, ready=RESULT)
    path = tmp_path / "truth_1.png"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    held = HeldRequests(page, "**/api/uploads/*/files")
    with page.expect_file_chooser() as chooser:
        page.click("#study-attach")
    chooser.value.set_files([path])
    held.wait_for(1)
    go_to(page, second)
    expect(page.locator("#study-status")).to_be_hidden()
    with page.expect_response(re.compile("/reference$")) as answer:
        held.take().continue_()
    assert f"/api/studies/{first}/" in answer.value.url
    # one picture does not fit the study, whose name the reader needs by now
    expect(page.locator("#stage-note")).to_contain_text("left-a")
    expect(page.locator("#study-status")).to_be_hidden()


def test_a_decision_on_its_way_does_not_stop_those_on_other_studies(
    page: Page, studies: list[str]
) -> None:
    first, second = studies
    page.goto("/")
    page.request.put("/api/reader", data={"name": "Ada"}, headers=OURS)
    page.reload()
    held = HeldRequests(page, f"**/api/studies/{first}/decision")
    open_study(page, first, ready=RESULT)
    for k in range(SLICES):
        page.evaluate(with_modules("(k) => modules.viewer.goTo(k)"), k)
        wait_until(page, f"() => !modules.readingStore.remaining().includes({k})")
    page.keyboard.press("a")
    held.wait_for(1)
    page.click("#nav-worklist")
    page.wait_for_selector("#worklist-grid")
    with page.expect_response(f"**/api/studies/{first}/decision"):
        held.take().fulfill(status=400, json={"error": "It was refused."})
    address = f"/review?study={second}"
    page.evaluate(with_modules("(href) => modules.dash.goToPage(href)"), address)
    page.wait_for_selector("#viewer-screen[data-slice]")
    page.keyboard.press("a")  # its marked slices were not on screen
    expect(page.locator("#decision-status")).to_have_attribute("data-state", "refused")
