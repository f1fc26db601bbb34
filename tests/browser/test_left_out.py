"""Regions that the AI segmented but excluded from its mask: dotted, with an explanation."""

from __future__ import annotations

import re

import numpy as np
import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import numbers, open_study
from running_site import Site
from seen_pixels import shown_map

DOTTED = "#viewer-screen .outline-left-out"


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("speck", speck=True)


def test_an_excluded_region_is_dotted_and_explained(page: Page, study: str) -> None:
    open_study(page, study, 7)
    words = page.locator("#finding-left-out")
    expect(words).to_be_visible()
    assert numbers(page, "#finding-left-out") == [0.09]
    dotted = page.locator(DOTTED)
    expect(dotted).to_have_attribute("d", re.compile(r"^M44\.14 45\.00Q"))
    page.keyboard.press("m")
    expect(dotted).to_have_attribute("d", "")
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    expect(words).to_be_hidden()
    expect(dotted).to_have_attribute("d", "")


def test_a_slice_with_excluded_regions_only_has_a_note(page: Page, study: str) -> None:
    open_study(page, study, 7)
    page.evaluate(
        with_modules("""() => { const { result } = modules.viewer.now.study;
             const slices = result.slices.map((one, k) =>
               (k === 6 ? { ...one, mask_area_px: 0 } : one));
             modules.viewer.setResult({ ...result, slices }); modules.viewer.goTo(0);
             modules.viewer.goTo(6); }""")
    )
    expect(page.locator("#finding-note")).to_have_attribute("data-side", "above-excluded")


def test_the_map_of_the_probability_holds_it(page: Page, study: str) -> None:
    open_study(page, study, 7)
    page.keyboard.press("p")
    seen = shown_map(page)
    there = seen[..., 3] > 0
    assert int(there.sum()) == 256 + 9
    assert there[44:47, 44:47].all()
    page.keyboard.press("u")
    wait_until(page, "() => modules.viewer.now.show.map === 'uncertainty'")
    assert not (shown_map(page)[44:47, 44:47, 3] > 0).any()
    assert np.count_nonzero(seen[44:47, 44:47, 0] > 240) == 9  # 200 of 255 is bright
