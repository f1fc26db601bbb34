"""A reader attaches a reference, renames a study, enters its spacing, and takes all of it back."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from accessibility import violations
from page_modules import with_modules
from PIL import Image
from playwright.sync_api import Page, expect
from reading import RESULT, in_view, numbers, open_study
from running_site import Site
from worklist_steps import ROW

OURS = {"X-Overread": "1"}
SLICES = 4


@pytest.fixture
def study(site: Site, tmp_path: Path) -> str:
    """Pictures without spacing or reference: 16 x 20 bright pixels on each slice."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for k in range(SLICES):
        pixels = np.full((48, 48), 70 + k, np.uint8)
        pixels[0] = np.frombuffer(os.urandom(48), np.uint8) // 4  # no two studies are the same
        pixels[10:26, 10:30] = 221
        Image.fromarray(pixels).save(folder / f"p9_flair_{k + 1}.png")
    return site.add_folder(folder, slices=SLICES)


@pytest.fixture
def masks(tmp_path: Path) -> list[Path]:
    """The left half of what is bright, one file for each slice."""
    mask = np.zeros((48, 48), np.uint8)
    mask[10:26, 10:20] = 255
    paths = [tmp_path / f"truth_{k + 1}.png" for k in range(SLICES)]
    for path in paths:
        Image.fromarray(mask).save(path)
    return paths


def give_name(page: Page, name: str) -> None:
    sent = {"data": {"name": name}, "headers": OURS}
    assert page.context.request.put("/api/reader", **sent).ok


def attach(page: Page, paths: list[Path]) -> None:
    with page.expect_file_chooser() as chooser:
        page.click("#study-attach")
    chooser.value.set_files(paths)


def fill(page: Page, values: dict[str, str], save: str = "#study-dialog-save") -> None:
    for selector, value in values.items():
        page.fill(selector, value)
    page.click(save)


def spacing(z: str, y: str, x: str) -> dict[str, str]:
    names = ("#study-spacing-z", "#study-spacing-y", "#study-spacing-x")
    return dict(zip(names, (z, y, x), strict=True))


def test_a_reference_is_attached_and_detached_without_a_new_analysis(
    page: Page, site: Site, study: str, masks: list[Path]
) -> None:
    give_name(page, "Ada")
    open_study(page, study, 3, ready=RESULT)
    key = page.evaluate(with_modules("() => modules.viewer.now.study.result.key"))
    outline = page.locator("#viewer-overlay .outline-reference")
    expect(page.locator("#study-detach")).to_be_hidden()
    attach(page, masks)
    expect(page.locator("#study-detach")).to_be_visible()
    in_view(page, 3)
    expect(page.locator("#study-reference")).to_contain_text("Ada")
    expect(page.locator("#study-reference")).to_contain_text("truth_1.png")
    expect(page.locator("#finding-dice")).to_have_text("0.67")  # 2 x 160 of 320 + 160
    expect(outline).to_have_attribute("d", re.compile("M"))
    assert page.evaluate(with_modules("() => modules.viewer.now.study.result.key")) == key
    page.click("#study-detach")
    expect(page.locator("#study-detach")).to_be_hidden()
    expect(outline).to_have_attribute("d", "")
    expect(page.locator("#study-reference")).to_contain_text("Ada")


def test_a_file_that_does_not_fit_is_one_sentence_and_changes_nothing(
    page: Page, study: str, masks: list[Path]
) -> None:
    give_name(page, "Ada")
    open_study(page, study, 3, ready=RESULT)
    attach(page, masks[:2])
    expect(page.locator("#study-status.notice--error")).to_be_visible()
    expect(page.locator("#study-detach")).to_be_hidden()
    attach(page, masks)
    expect(page.locator("#study-status")).to_be_hidden()


def test_a_spacing_is_entered_changed_and_removed(page: Page, site: Site, study: str) -> None:
    give_name(page, "Ada")
    open_study(page, study, 2, ready=RESULT)
    expect(page.locator("#finding-volume-unit")).to_contain_text("voxels")
    page.click("#finding-enter-spacing")
    fill(page, spacing("5", "0", "1"))
    expect(page.locator("#study-dialog-status")).not_to_be_empty()
    fill(page, spacing("500", "1", "1"))  # the server knows the bounds
    expect(page.locator("#study-dialog-status")).not_to_be_empty()
    fill(page, spacing("5", "0,5", "0.5"))
    expect(page.locator("#study-dialog")).to_be_hidden()
    site.settle()
    expect(page.locator("#finding-volume-unit")).to_contain_text("mL")
    assert numbers(page, "#finding-volume") == [1.6]  # 4 x 320 x 1.25 cubic mm
    expect(page.locator("#finding-diameters-line")).to_contain_text("mm")
    expect(page.locator("#corner-series")).to_contain_text("Ada")
    expect(page.locator("#study-spacing")).to_contain_text("Ada")
    expect(page.locator("#finding-warnings")).to_contain_text("Ada")
    in_view(page, 2)
    page.click("#study-enter-spacing")
    expect(page.locator("#study-spacing-y")).to_have_value("0.5")
    page.click("#study-dialog-remove")
    expect(page.locator("#study-dialog")).to_be_hidden()
    expect(page.locator("#finding-volume-unit")).to_contain_text("voxels")


def test_a_study_is_renamed_found_by_both_names_and_restored(page: Page, study: str) -> None:
    open_study(page, study, 2, ready=RESULT)
    original = page.inner_text("#corner-patient div:first-child")
    page.click("#study-rename")  # a reader without a name enters it first
    page.fill("#reader-name", "Ada")
    page.click("#reader-save")
    expect(page.locator("#study-label")).to_have_value(original)
    page.fill("#study-label", "Teaching case")
    page.keyboard.press("Enter")
    first = page.locator("#corner-patient div").first
    expect(first).to_have_text("Teaching case")
    expect(page.locator("#study-name")).to_contain_text(original)
    page.goto("/")
    page.wait_for_selector(ROW)
    row = page.locator(f'{ROW}[row-id="{study}"]')
    for search in ("teaching", f"{original} case teaching", original):
        page.fill("#worklist-search", search)
        expect(row).to_contain_text("Teaching case")
    page.fill("#worklist-search", f"{original} teaching lesson")
    expect(page.locator(ROW)).to_have_count(0)
    page.fill("#worklist-search", "")
    open_study(page, study)
    page.click("#study-rename")
    fill(page, {"#study-label": ""})
    expect(first).to_have_text(original)


def test_of_two_readers_the_second_sees_who_was_faster(page: Page, site: Site, study: str) -> None:
    give_name(page, "Ada")
    open_study(page, study, 2, ready=RESULT)
    page.click("#study-rename")
    other = page.context.browser.new_context(base_url=site.url)
    assert other.request.put("/api/reader", data={"name": "Bea"}, headers=OURS).ok
    change = {"revision": 0, "label": "Bea's"}
    assert other.request.put(f"/api/studies/{study}/label", data=change, headers=OURS).ok
    other.close()
    fill(page, {"#study-label": "Ada's"})
    expect(page.locator("#study-dialog-status")).to_contain_text("Bea")
    expect(page.locator("#study-name")).to_contain_text("Bea's")
    page.click("#study-dialog-save")  # now that they know
    expect(page.locator("#corner-patient div").first).to_have_text("Ada's")


def test_pictures_that_were_joined_become_studies_of_their_own(
    page: Page, site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "knees"
    folder.mkdir()
    for k in range(1, 5):
        noise = np.random.default_rng(70 + k).integers(0, 150, (40, 44), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"view{k}.png")
    stack = site.add_folder(folder, slices=4)
    open_study(page, stack, ready=RESULT)
    page.click("#study-divide")
    page.click("#study-dialog-cancel")
    page.click("#study-divide")
    page.click("#study-dialog-save")
    page.wait_for_selector(ROW)
    page.fill("#worklist-search", "view")
    expect(page.locator(ROW)).to_have_count(4)
    expect(page.locator(f'{ROW}[row-id="{stack}"]')).to_have_count(0)
    site.settle()


def test_the_section_and_its_dialogs_fit_and_are_accessible(
    page: Page, study: str, masks: list[Path]
) -> None:
    give_name(page, "Ada Lovelace")
    open_study(page, study, 2, ready=RESULT)
    attach(page, masks)
    expect(page.locator("#study-detach")).to_be_visible()
    section = page.locator("#findings-entries")
    for width in (1440, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        section.scroll_into_view_if_needed()
        assert violations(page, f"{width} px") == []
        assert section.evaluate("element => element.scrollWidth <= element.clientWidth")
        for opener in ("#study-rename", "#study-enter-spacing"):
            page.locator(opener).focus()
            page.keyboard.press("Enter")
            expect(page.locator("#study-dialog")).to_be_visible()
            assert violations(page, f"{opener}, {width} px") == []
            page.keyboard.press("Escape")
            expect(page.locator(opener)).to_be_focused()
