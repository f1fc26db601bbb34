"""A study beside its prior: list, registration, change, chart, record."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from accessibility import violations
from held_requests import HeldRequests
from numpy.typing import NDArray
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import RESULT, open_study
from running_site import Site
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline"))
from factories import SeriesFactory

OURS = {"X-Overread": "1"}
SHAPE = (14, 64, 64)


def head(lesion: int, shift: tuple[int, int]) -> NDArray[np.uint8]:
    """A head without symmetry and a bright square lesion, moved by rows and columns."""
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    inside = (grid[0] / 0.9) ** 2 + (grid[1] / 0.7) ** 2 + ((grid[2] + 0.05) / 0.6) ** 2 < 1
    texture = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=SHAPE), (1, 3, 3))
    volume = np.where(inside, 90 + 40 * texture / np.abs(texture).max(), 0)
    volume[5:9, 26 : 26 + lesion, 22 : 22 + lesion] = 220
    return np.roll(volume, shift, (1, 2)).astype(np.uint8)


@pytest.fixture
def pair(site: Site, tmp_path: Path) -> list[str]:
    """A study and its prior, analysed; a third study contradicts."""
    found = []
    for date, lesion, shift, born in (
        ("20260603", 10, (0, 0), "18151210"),
        ("20251211", 8, (3, -2), "18151210"),
        ("20240101", 8, (1, 1), "18160101"),
    ):
        tags = {
            "StudyDate": date,
            "PatientSex": "F",
            "PatientBirthDate": born,
            "IssuerOfPatientID": "St. Mary",
        }
        series = SeriesFactory(head(lesion, shift), spacing=(5.0, 2.5, 2.5), tags=tags)
        found += site.add_files(series.write(tmp_path / date))
    site.settle()
    return found


def test_a_study_is_compared_with_its_prior(page: Page, pair: list[str]) -> None:
    study, prior, _ = pair
    page.goto("/")
    page.request.put("/api/reader", data={"name": "Ada"}, headers=OURS)
    open_study(page, study, ready=RESULT)
    card = page.locator(f"#priors [data-prior='{prior}']")
    expect(card).to_contain_text("2025-12-11")
    expect(page.locator("#priors [data-prior]")).to_have_count(1)
    expect(page.locator("#priors-status")).to_contain_text("birth date")
    expect(page.locator("#prior-chart .main-svg").first).to_be_visible()
    expect(page.locator("#prior-pane")).to_be_hidden()
    page.reload()
    page.wait_for_selector("#viewer-screen[data-slice]")
    page.keyboard.press("b")  # waits for the list of priors
    expect(page.locator("#prior-pane")).to_be_visible()
    switch = page.locator("#prior-registered")
    expect(switch).to_have_attribute("aria-pressed", "true", timeout=20_000)
    image = page.locator("#prior-image")
    expect(image).to_have_attribute("data-registered", "true")
    expect(page.locator("#prior-change")).to_contain_text("%")
    expect(page.locator("#prior-lesions li")).to_have_count(1)
    page.evaluate(with_modules("(k) => modules.viewer.goTo(k)"), 7)
    expect(image).to_have_attribute("data-k", "7")
    wait_until(page, "() => document.getElementById('prior-image').naturalWidth > 0")
    assert not violations(page, "with a prior")
    shown = image.bounding_box()
    page.evaluate(with_modules("() => modules.viewer.now.screen.zoomBy(2, 0, 0)"))
    assert shown and image.bounding_box()["width"] == pytest.approx(2 * shown["width"], rel=0.01)
    page.evaluate(with_modules("() => modules.viewer.now.screen.reset()"))
    page.locator("#prior-pane").hover()
    page.mouse.wheel(0, 120)
    expect(image).to_have_attribute("data-k", re.compile("[68]"))
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(image).to_have_attribute("data-registered", "false")
    switch.click()
    expect(image).to_have_attribute("data-registered", "true")
    page.keyboard.press("b")
    expect(page.locator("#prior-pane")).to_be_hidden()
    page.reload()
    expect(page.locator("#prior-change")).to_have_text(re.compile("2025-12-11.*%"))
    page.get_by_role("button", name="Not this patient").click()
    page.click("#study-dialog-save")
    expect(page.locator("#priors [data-prior]")).to_have_count(0)
    expect(page.locator("#priors-status")).to_contain_text("(Ada)")
    page.get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()


def test_the_key_says_why_no_prior_is_shown(page: Page, site: Site) -> None:
    study = site.add_study("no-priors", prefix="no-priors_")
    held = HeldRequests(page, "**/priors?*")
    open_study(page, study)
    note = page.locator("#stage-note")
    page.keyboard.press("b")
    expect(note).to_have_attribute("data-code", "no-priors-yet")
    held.take().continue_()
    expect(note).to_have_attribute("data-code", "no-prior")
    expect(page.locator("#prior-pane")).to_be_hidden()
