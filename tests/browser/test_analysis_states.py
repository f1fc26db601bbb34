"""What stands in the place of the findings: a sentence, whatever became of the analysis."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from reading import open_study
from running_site import SIZE, SLICES, Site

STATE = "#analysis"
VOLUME = "#finding-volume-line"


@pytest.fixture(scope="module")
def blank(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("blank") / "blank"
    folder.mkdir()
    values = np.full((SIZE, SIZE, SLICES), 7, np.uint8)
    image = nibabel.Nifti1Image(values, np.diag([-1.0, -1.0, 4.0, 1.0]))
    nibabel.save(image, folder / "flair.nii.gz")
    return site.add_folder(folder, analysed=False)


def expect_no_result(page: Page) -> None:
    expect(page.locator(STATE)).to_have_attribute("data-state", "none")
    expect(page.locator("#analysis-text")).to_be_visible()
    for absent in (VOLUME, "#finding-above", "#finding-unfit", "#finding-rano", "#analysis-again"):
        expect(page.locator(absent)).to_be_hidden()
    expect(page.locator("#finding-score")).to_have_text("\u2013")
    expect(page.locator("#viewer-show-ai")).to_be_disabled()


def test_blank_images_have_no_result(page: Page, site: Site, blank: str) -> None:
    open_study(page, blank)
    site.gate.release(SLICES)
    expect_no_result(page)
    sentence = page.inner_text("#analysis-text")
    page.keyboard.press("c")
    expect(page.locator("#stage-note")).to_have_text(sentence)
    page.reload()
    page.wait_for_selector("#viewer-screen[data-slice]")
    expect_no_result(page)
    expect(page.locator("#analysis-text")).to_have_text(sentence)


def test_an_analysis_that_failed_is_one_sentence_and_can_be_repeated(
    page: Page, site: Site
) -> None:
    sentence = "The model is damaged. Export it again."
    site.refusals["refused"] = sentence
    open_study(page, site.add_study("refused", analysed=False, shift=6))
    expect(page.locator(STATE)).to_have_attribute("data-state", "failed")
    expect(page.locator("#analysis-text")).to_have_text(sentence)
    expect(page.locator(VOLUME)).to_be_hidden()
    site.refusals.clear()
    site.gate.release(SLICES)
    page.click("#analysis-again")
    expect(page.locator(VOLUME)).to_have_text("5.1 mL")
    expect(page.locator(STATE)).to_be_hidden()


def test_a_damaged_result_is_computed_again(page: Page, site: Site) -> None:
    study = site.add_study("damaged", shift=8)
    site.damage_result(study)
    open_study(page, study)
    expect(page.locator(STATE)).to_be_visible()
    expect(page.locator(VOLUME)).to_be_hidden()
    caution = page.locator("#finding-warnings-first")
    expect(caution).to_contain_text("damaged")
    site.gate.release(SLICES)
    expect(page.locator(VOLUME)).to_have_text("5.1 mL")
    expect(caution).to_contain_text("set aside")
