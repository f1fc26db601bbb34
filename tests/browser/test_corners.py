"""Words in the corners of the image and letters at its edges."""

from __future__ import annotations

import pytest
from page_modules import with_modules
from playwright.sync_api import expect
from reading import open_study
from running_site import SLICES, Site


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("cornered")


def test_place_is_told_apart_from_the_files_own_number(page, study):
    open_study(page, study, 5)
    assert page.inner_text("#corner-slice").count("no.") == 0
    page.evaluate(
        with_modules(
            "() => { const s = modules.viewer.now.study; s.indices = s.indices.map((i) => i + 9); }"
        )
    )
    page.keyboard.press("Home")
    expect(page.locator("#corner-slice")).to_contain_text(f"Slice 1 / {SLICES}")
    expect(page.locator("#corner-slice")).to_contain_text("no. 10")


@pytest.mark.parametrize(
    ("letters", "position", "words"),
    [
        ("RLAP", -12.5, "I 12.5 mm"),
        ("RLAP", 0, "S 0.0 mm"),
        ("RLSI", 101.5, "A 101.5 mm"),
        ("APSI", -135.36, "R 135.4 mm"),
    ],
    ids=["axial", "zero", "coronal", "sagittal"],
)
def test_place_is_told_by_its_side_of_the_patient(page, study, letters, position, words):
    open_study(page, study, 5)
    page.evaluate(
        with_modules("""([letters, position]) => { const s = modules.viewer.now.study;
             const [left, right, top, bottom] = letters;
             Object.assign(s, { orientation: { left, right, top, bottom },
               positions_mm: new Array(s.n).fill(position) }); }"""),
        [letters, position],
    )
    page.keyboard.press("Home")
    expect(page.locator("#corner-slice")).to_have_text(f"Slice 1 / {SLICES}{words}")


def test_letters_from_a_convention_say_so(page, study):
    open_study(page, study)
    expect(page.locator("#corner-series")).not_to_contain_text("convention")  # NIfTI says it
    page.evaluate(
        with_modules(
            "() => { modules.viewer.now.study.orientation_note = 'R, L, A, P by convention';"
            " modules.viewer.chooseChannel(0); const s = modules.viewer.now.study;"
            " modules.drawing.open(s, 3); }"
        )
    )
    expect(page.locator("#corner-series")).to_contain_text("R, L, A, P by convention")
