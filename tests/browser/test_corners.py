"""Text in the corners of the image and letters at its edges."""

from __future__ import annotations

import pytest
from page_modules import with_modules
from playwright.sync_api import expect
from reading import numbers, open_study
from running_site import SLICES, Site


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("cornered")


def test_a_slice_number_that_differs_in_the_file_is_shown_too(page, study):
    open_study(page, study, 5)
    assert numbers(page, "#corner-slice")[:2] == [5, SLICES]
    page.evaluate(
        with_modules(
            "() => { const s = modules.viewer.now.study; s.indices = s.indices.map((i) => i + 9); }"
        )
    )
    page.keyboard.press("Home")
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "10")
    assert numbers(page, "#corner-slice")[:3] == [10, 1, SLICES]


def test_slice_location_has_the_letter_of_its_side(page, study):
    open_study(page, study, 5)
    for letters, position, words, key in (
        ("RLAP", -12.5, "I 12.5 mm", "Home"),
        ("RLAP", 0, "S 0.0 mm", "End"),
        ("RLSI", 101.5, "A 101.5 mm", "Home"),
        ("APSI", -135.36, "R 135.4 mm", "End"),
    ):
        page.evaluate(
            with_modules("""([letters, position]) => { const s = modules.viewer.now.study;
                 const [left, right, top, bottom] = letters;
                 Object.assign(s, { orientation: { left, right, top, bottom },
                   positions_mm: new Array(s.n).fill(position) }); }"""),
            [letters, position],
        )
        page.keyboard.press(key)
        expect(page.locator("#corner-slice div").last).to_have_text(words)


def test_orientation_by_convention_has_a_note(page, study):
    open_study(page, study)
    lines = page.locator("#corner-series div").count()  # NIfTI files contain the orientation
    page.evaluate(
        with_modules(
            "() => { modules.viewer.now.study.orientation_note = 'R, L, A, P by convention';"
            " modules.viewer.chooseChannel(0); const s = modules.viewer.now.study;"
            " modules.drawing.open(s, 3); }"
        )
    )
    expect(page.locator("#corner-series div")).to_have_count(lines + 1)
    expect(page.locator("#corner-series div").last).to_have_text("R, L, A, P by convention")
