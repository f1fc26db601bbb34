"""What the findings claim: nothing of unfit images, ranges, left-out pieces, doubtful outlines."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import in_view, numbers, open_study
from running_site import SIZE, SLICES, Site, write_study

HEADLINE = ("#finding-volume-line", "#finding-rano", "#finding-trust", "#finding-range")
#: What else gives figures of the AI result.
ELSEWHERE = ("#threshold-band", "#threshold-origin", "#findings-priors", "#prior-change")


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("claimed", shift=1)


def test_a_t1_study_has_no_headline_unless_asked(page: Page, site: Site, tmp_path: Path) -> None:
    write_study(tmp_path / "t1", shift=3, mark=201)
    (tmp_path / "t1" / "flair.nii.gz").rename(tmp_path / "t1" / "t1.nii.gz")
    open_study(page, site.add_folder(tmp_path / "t1"), 6)
    expect(page.locator("#finding-unfit-words")).to_be_visible()
    wait_until(page, "() => document.getElementById('threshold-band').textContent")
    page.evaluate("() => { document.getElementById('findings-priors').hidden = false; }")
    for name in (*HEADLINE, *ELSEWHERE):
        expect(page.locator(name)).to_be_hidden()
    expect(page.locator("#finding-above")).to_be_visible()
    reason = page.evaluate(with_modules("modules.viewer.now.study.result.unfit"))
    assert reason in page.inner_text("#finding-unfit-words")
    assert reason not in (page.text_content("#findings-warnings") or "")  # said once
    button = page.locator("#finding-unfit-show")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#finding-volume-line")).to_have_text("5.1 mL")
    expect(page.locator("#finding-volume-line")).to_be_visible()
    expect(page.locator("#threshold-band")).to_be_visible()
    expect(page.locator("#findings-priors")).to_be_visible()
    expect(page.locator("#finding-trust")).to_be_hidden()  # nothing was measured on such images
    button.click()
    expect(page.locator("#finding-volume-line")).to_be_hidden()


def test_a_flair_study_has_its_headline(page: Page, study: str) -> None:
    open_study(page, study, 6)
    expect(page.locator("#finding-volume-line")).to_be_visible()
    expect(page.locator("#finding-rano")).to_be_visible()
    expect(page.locator("#finding-unfit")).to_be_hidden()


def test_the_range_belongs_to_the_default_mask(page: Page, study: str) -> None:
    open_study(page, study, 6)
    page.evaluate(
        with_modules("""() => modules.viewer.setResult({...modules.viewer.now.study.result, trust: {
             expected: 0.9, low: 0.8, high: 0.95, sentence: "Dice.", similar: [],
             volume: {low_ml: 3.25, high_ml: 7.75, patients: 88, coverage: 0.909}}})""")
    )
    expect(page.locator("#finding-range")).to_be_visible()
    assert numbers(page, "#finding-range") == [3.3, 7.8, 91, 88]
    wait_until(page, "() => modules.viewer.now.measures")
    page.keyboard.press(",")
    expect(page.locator("#finding-range")).to_be_hidden()


def test_what_was_left_out_is_totalled(page: Page, site: Site) -> None:
    open_study(page, site.add_study("specks", speck=True, shift=4), 6)
    expect(page.locator("#finding-left-out-total")).to_be_visible()
    # 9 pixels x 4 mm3 are 0.036 mL
    assert numbers(page, "#finding-left-out-total") == [0.1]


def test_an_outline_outside_the_head_is_flagged(page: Page, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    volume = np.zeros((SIZE, SIZE, SLICES), np.uint8)
    volume[8:40, 8:56] = 80
    volume[16:26, 20:30, 4:6] = 220
    volume[48:56, 20:28, 7] = 220  # in the air, as large as the other or so
    volume[0, 0, 0] = 202
    affine = np.diag([-1.0, -1.0, 4.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "air_flair.nii.gz")
    open_study(page, site.add_folder(folder), 8)
    expect(page.locator("#finding-doubts")).to_have_attribute("data-slices", "8")
    expect(page.locator("#finding-doubt")).to_be_visible()
    box = page.locator("#strip-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 7.5 / SLICES, box["y"] + 20)
    expect(page.locator("#strip-readout")).to_have_attribute("data-marks", "doubt")
    page.keyboard.press("Home")
    in_view(page, 1)
    expect(page.locator("#finding-doubt")).to_be_hidden()


def test_this_slice_stays_visible_whatever_the_cautions(page: Page, study: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    open_study(page, study, 6)
    page.evaluate(
        with_modules("""() => modules.viewer.setResult({...modules.viewer.now.study.result,
             warnings: Array.from({ length: 9 },
               (_, k) => `Caution ${k} ${"of many ".repeat(20)}.`)})""")
    )
    expect(page.locator("#findings-warnings")).to_have_attribute("data-count", "9")
    expect(page.locator("#findings-slice")).to_be_in_viewport()
    box = page.locator("#finding-area").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 900
