"""What the tests of corrected masks do to the page."""

from __future__ import annotations

import re

import reading
from playwright.sync_api import Page, expect
from running_site import Site

AREA = "#correction-size-slice"
#: Saving status of a correction that has been loaded.
LOADED = re.compile("^(none|saved|version)$")


def add_own_study(site: Site, test: str) -> str:
    """A study for one test: 64 x 64, 256 pixels bright on slices 5 to 9, 400 with their rim."""
    name = f"correct-{abs(hash(test)):x}"
    return site.add_study(name, shift=5, rim=True, prefix=f"{name}-")


def open_study(page: Page, study: str, slice_number: int = 6) -> None:
    """Open a study as `reading.open_study` does, with the AI's result."""
    reading.open_study(page, study, slice_number, ready=reading.RESULT)
    correction_loaded(page)


def correction_loaded(page: Page) -> None:
    """Wait for the stored correction: until then the page refuses changes."""
    expect(page.locator("#edit-words")).to_have_attribute("data-status", LOADED)


def edit(page: Page, tool: str = "4", *, size: int = 1) -> None:
    page.keyboard.press(tool)
    page.locator("#edit-size").fill(str(size))


def area(page: Page, pixels: int) -> None:
    """Expect so many pixels of 1 mm2 in the reader's mask of the slice in view."""
    expect(page.locator(AREA)).to_have_text(f"{pixels / 100:.2f} cm²")


def saved(page: Page) -> None:
    """Expect the draft to be saved, and the page to show when."""
    expect(page.locator("#edit-words")).to_have_attribute("data-status", "saved")
    assert len(reading.numbers(page, "#edit-words")) == 2  # hour and minute
