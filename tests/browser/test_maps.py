"""Maps over the image: probability, uncertainty, difference from the reference outline."""

from __future__ import annotations

import numpy as np
import pytest
from page_modules import with_modules
from playwright.sync_api import expect
from reading import open_study
from running_site import Site
from seen_pixels import shown_map


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("mapped", shift=3)


def test_probability_and_uncertainty_are_shown_on_segmented_slices(page, study):
    open_study(page, study, 5)
    legend = page.locator("#map-legend")
    expect(legend).to_be_hidden()
    page.keyboard.press("p")
    seen = shown_map(page)
    assert int((seen[..., 3] > 0).sum()) == 256  # 16 x 16 pixels
    assert seen[seen[..., 3] > 0].mean(axis=0)[0] > 240  # 250 of 255 is nearly white
    expect(page.locator("#map-legend-probability")).to_be_visible()
    scale = page.locator(".map-scale--probability")
    colours = scale.evaluate("(bar) => getComputedStyle(bar).backgroundImage")
    assert "rgb(221, 81, 58) 50.2%" in colours  # as the map has them
    assert page.get_attribute(".outline-band", "d").count("M") == 2

    page.keyboard.press("u")
    expect(page.locator("#map-legend-uncertainty")).to_be_visible()
    expect(page.locator("#map-legend-probability")).to_be_hidden()
    expect(page.locator("#map-legend-note")).to_be_empty()
    expect(page.locator(".outline-band")).to_have_attribute("d", "")  # drawn with the map
    middle = shown_map(page)[30, 30]
    assert middle[2] > middle[0]  # 20 of 255 is a dark blue
    assert page.get_attribute("#viewer-map-uncertainty", "aria-pressed") == "true"

    page.keyboard.press("Home")  # not segmented
    expect(page.locator("#map-legend-note")).not_to_be_empty()
    expect(page.locator(".overlay-map")).to_be_hidden()
    page.keyboard.press("u")
    expect(legend).to_be_hidden()


def test_saliency_is_shown_on_segmented_slices(page, study):
    open_study(page, study, 5)
    page.keyboard.press("g")
    seen = shown_map(page)
    lesion = seen[seen[..., 3] > 0]
    assert len(lesion) == 256
    assert (lesion[:, 0] > 200).all() and (lesion[:, 2] < 100).all()  # 250 of 255 is yellow
    legend = page.locator("#map-legend")
    expect(page.locator("#map-legend-saliency")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.locator("#map-legend-note")).not_to_be_empty()
    page.click("#viewer-map-saliency")
    expect(legend).to_be_hidden()


def test_difference_has_three_colours_and_patterns_and_needs_a_reference(page, study):
    open_study(page, study, 5)
    page.click("#viewer-map-difference")
    seen = shown_map(page)
    both = (seen[..., 2] > 200) & (seen[..., 3] > 0)
    missed = (seen[..., 1] > 180) & (seen[..., 3] > 0)
    assert (int(both.sum()), int(missed.sum())) == (256, 400 - 256)
    assert set(np.unique(seen[..., 3][both])) == {190}
    assert set(np.unique(seen[..., 3][missed])) == {90, 255}  # stripes
    for kind in ("both", "ai", "reference"):
        expect(page.locator(f"#map-legend-difference .patch--{kind}")).to_be_visible()

    page.click("#viewer-map-difference")
    page.evaluate(
        with_modules("""() => { const { study } = modules.viewer.now; study.reference_url = null;
             modules.viewer.setResult(study.result); }""")
    )
    expect(page.locator("#viewer-map-difference")).to_be_disabled()
    page.keyboard.press("d")
    expect(page.locator("#map-legend")).to_be_hidden()


def test_one_key_hides_the_map_too_and_the_slider_fades_it(page, study):
    open_study(page, study, 5)
    opacity = page.locator("#viewer-opacity")
    expect(opacity).to_be_disabled()
    page.keyboard.press("p")
    shown_map(page)
    expect(opacity).to_be_enabled()
    opacity.fill("30")
    expect(page.locator(".overlay-map")).to_have_css("opacity", "0.3")
    page.keyboard.press(" ")
    expect(page.locator(".overlay-map")).to_be_hidden()
    expect(page.locator("#map-legend")).to_be_hidden()
    page.keyboard.press(" ")
    expect(page.locator(".overlay-map")).to_be_visible()
