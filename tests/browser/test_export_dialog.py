"""The Export dialog: what it lists, what it saves, what it then says, and the copied findings."""

from __future__ import annotations

import csv
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from held_requests import HeldRequests
from PIL import Image
from playwright.sync_api import Page, expect
from reading import RESULT, open_study
from running_site import Site


def test_files_are_saved_by_keyboard_and_their_exports_are_listed(page: Page, site: Site) -> None:
    study = site.add_study("export-a", shift=3, prefix="export-a_")
    open_study(page, study, ready=RESULT)
    page.keyboard.press("Shift+U")
    dialog = page.locator("#export")
    kinds = dialog.locator("[data-kind]")
    expect(kinds.first).to_be_visible()
    results = Axe().run(page, {"include": ["#export"]})
    assert results.violations_count == 0, results.generate_report()
    expect(dialog.locator("#export-of")).to_contain_text("DRAFT")

    table = dialog.locator("[data-kind='csv']")
    table.focus()
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    path = Path(saved.value.path())
    assert saved.value.suggested_filename.endswith("_draft_measurements.csv")
    assert "item" in next(csv.reader(path.read_text("utf-8").splitlines()))
    row = dialog.locator("li", has=page.locator("[data-kind='csv']"))
    expect(row).to_contain_text("Last exported by")
    expect(dialog.locator("[data-kind='csv']")).to_be_focused()

    root, letter = (
        page.evaluate(f"() => document.querySelector({name!r}).getBoundingClientRect().toJSON()")
        for name in (".screen", ".screen .edge--left")
    )
    with page.expect_download() as saved:
        dialog.locator("[data-kind='view']").click()
    with Image.open(saved.value.path()) as picture:
        picture.load()
        left, top = (2 * (letter[side] - root[side]) for side in ("x", "y"))
        place = (left, top, left + 2 * letter["width"], top + 2 * letter["height"])
        assert picture.convert("L").crop(place).getextrema()[1] > 200, "the letter of the side"
        grey = picture.convert("L").getextrema()
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert grey[1] > 100
    assert colours is not None
    assert any(max(colour) - min(colour) > 60 for _, colour in colours)  # an outline

    held = HeldRequests(page, "**/exports/report/progress")
    dialog.locator("[data-kind='report']").click()
    expect(dialog.locator("#export-bar")).to_be_visible()
    expect(table).to_be_disabled()
    held.wait_for(1)
    dialog.locator("#export-cancel").click()
    expect(dialog.locator("#export-status")).to_have_text("Cancelled.")
    expect(dialog.locator("#export-bar")).to_be_hidden()
    expect(table).to_be_enabled()
    held.take().abort()

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#export-copy").click()
    expect(page.locator("#stage-note[data-code='findings-copied']")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert "DRAFT" in copied
    assert "Research use only" in copied
