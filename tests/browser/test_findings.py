"""The findings panel about a case as a whole: diameters, expected Dice, cautions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from correcting import correction_loaded
from page_modules import with_modules
from PIL import Image
from playwright.sync_api import expect
from reading import RESULT, click, in_view, numbers, open_study
from running_site import SIZE, SLICES, Site

from pipeline import measure_lesions


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("measured", shift=2)


def test_diameters_are_beside_the_volume_and_go_to_their_slice(page, study):
    open_study(page, study, 1)
    # the diagonal of a square of 16 pixels of 1 mm, and the longest line across it
    expect(page.locator("#finding-diameters-line")).to_have_text("23 \u00d7 23 mm")
    masks = np.zeros((SLICES, SIZE, SIZE), bool)
    masks[4:9, 18:34, 20:36] = True
    measured = measure_lesions(masks, (4, 1, 1))
    expect(page.locator("#finding-measurable")).to_contain_text(measured.lesions[0].reason)
    figures = page.locator("#finding-diameters-line")
    before = figures.bounding_box()
    assert numbers(page, "#finding-diameters-caption") == [5]
    page.click("#finding-rano summary")
    notes = page.locator("#finding-notes p")
    assert numbers(page, "#finding-notes p:first-child") == [5]
    assert notes.all_inner_texts()[1:] == list(measured.notes)
    notes, panel = (
        page.locator(name).bounding_box() for name in ("#finding-notes", "#finding-rano")
    )
    assert notes["width"] == panel["width"], "the button beside the summary takes nothing of it"
    page.click("#finding-diameters-line")
    in_view(page, 5)
    assert figures.bounding_box() == before


def test_expected_dice_and_the_most_similar_patients(page, study):
    open_study(page, study, 5)
    expect(page.locator("#finding-trust")).to_be_hidden()  # nothing was learned for these weights
    page.evaluate(
        with_modules("""(id) => modules.viewer.setResult({
             ...modules.viewer.now.study.result, trust: {
             expected: 0.9, low: 0.81, high: 0.953, sentence: "Dice of about 0.90.", similar: [
               {case_id: "HERE", dice: 0.88, href: `/review?study=${id}`, here: true},
               {case_id: "FAR", dice: 0.9, href: "/performance?view=outlines", here: false}]}})"""),
        study,
    )
    expect(page.locator("#finding-expected-words")).to_have_text("Dice of about 0.90.")
    page.click("#finding-similar-fold summary")
    assert numbers(page, "#finding-similar") == [0.88, 0.9]
    expect(page.locator("#finding-similar a")).to_have_text(["HERE", "FAR"])
    expect(page.locator("#finding-similar-words")).not_to_be_empty()
    far = page.locator("#finding-similar a").get_by_text("FAR")
    expect(far).to_have_attribute("href", "/performance?view=outlines")
    page.click("#finding-similar a >> text=HERE")
    page.wait_for_url(f"**/review?study={study}*")


def test_without_spacing_volumes_are_in_voxels(page, tmp_path, site):
    folder = tmp_path / "no-spacing"
    folder.mkdir()
    for k in range(4):
        pixels = np.full((48, 48), 60 + k, np.uint8)
        pixels[10:26, 10:30] = 220
        Image.fromarray(pixels).save(folder / f"bare_flair_{k + 1}.png")
    open_study(page, site.add_folder(folder, slices=4), 2, ready=RESULT)
    expect(page.locator("#finding-volume-line")).to_have_text("1,280 voxels")
    expect(page.locator("#finding-area")).to_have_text("320 px")
    assert page.inner_text("#threshold-band").count("1,280") == 2
    correction_loaded(page)
    page.keyboard.press("e")
    page.keyboard.press("4")
    page.locator("#edit-size").fill("1")
    click(page, (40.5, 40.5))
    expect(page.locator("#correction-size-slice")).to_have_text("321 px")
    expect(page.locator("#correction-size-volume")).to_have_text("1,281 voxels")
    is_wide = """() => { document.getElementById("correction-size-volume").textContent =
      "116,291 voxels"; const panel = document.querySelector(".findings-scroll");
      return panel.scrollWidth > panel.clientWidth; }"""
    assert not page.evaluate(is_wide)
    page.keyboard.press("j")
    expect(page.locator("#space-amount-ai")).to_have_text("1,280 voxels", timeout=60_000)


def test_cautions_are_one_line_that_opens(page, study):
    open_study(page, study, 5)
    page.evaluate(
        with_modules("""() => { const { study } = modules.viewer.now;
             modules.viewer.setResult({...study.result, warnings: ["Two.", "Three."]}); }""")
    )
    expect(page.locator("#findings-warnings")).to_have_attribute("data-count", "2")
    expect(page.locator("#finding-warnings p").first).to_be_hidden()
    page.click("#findings-warnings summary")
    expect(page.locator("#finding-warnings p")).to_have_text(["Two.", "Three."])
    expect(page.locator("#finding-warnings p").last).to_be_visible()


def test_diameters_are_drawn_on_their_slice_and_hide_with_the_rest(page, study):
    open_study(page, study, 5)
    lines = page.locator("path.diameters")
    expect(lines).to_have_attribute("d", re.compile("^M.+M.+"))
    ends = np.array(re.findall(r"[\d.]+", lines.get_attribute("d") or ""), float).reshape(2, 2, 2)
    for start, end in ends:  # both run from corner to corner of the block's 16 x 16 pixels
        assert np.abs(end - start) == pytest.approx([16, 16], abs=0.02)
        assert np.abs((start + end) / 2 - ends.mean(axis=(0, 1))) == pytest.approx([0, 0], abs=0.02)

    for key in ("l", " "):
        page.keyboard.press(key)
        expect(lines).to_have_attribute("d", "")
        page.keyboard.press(key)
        expect(lines).to_have_attribute("d", re.compile("^M"))
    page.click("#viewer-show-diameters")
    expect(page.locator("#viewer-show-diameters")).to_have_attribute("aria-pressed", "false")
    expect(lines).to_have_attribute("d", "")
    page.click("#viewer-show-diameters")
    page.keyboard.press("Home")
    expect(lines).to_have_attribute("d", "")
