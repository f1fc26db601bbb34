"""What is written over the image can be read over black and over white; what is cut off says so."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from reading import open_study
from running_site import Site

COLOURS = """element => { const style = getComputedStyle(element);
  return [style.color, style.backgroundColor].map(text => text.match(/[\\d.]+/g).map(Number)); }"""


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("legible", shift=2)


def luminance(colour: list[float]) -> float:
    """Relative, by WCAG, of sRGB in [0, 255]."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(text: list[float], backing: list[float], under: float) -> float:
    """Contrast of text on a translucent backing over a grey in [0, 1]."""
    alpha = backing[3] if len(backing) == 4 else 1.0
    behind = [alpha * c / 255 + (1 - alpha) * under for c in backing[:3]]
    light, dark = sorted((luminance([c / 255 for c in text[:3]]), luminance(behind)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_over_the_image_is_legible_over_white_and_over_black(page, study):
    open_study(page, study, 5)
    page.keyboard.press("Shift+D")
    expect(page.locator("#viewer-invert")).to_have_attribute("aria-pressed", "true")
    for name in ("patient", "series", "slice", "window"):
        corner = page.locator(f"#corner-{name}")
        expect(corner).to_have_text(re.compile(r"\w"))
        text, backing = corner.evaluate(COLOURS)
        assert contrast(text, backing, 1) > 4.5 and contrast(text, backing, 0) > 4.5, name


def test_keys_further_down_are_announced(page, study):
    page.set_viewport_size({"width": 1440, "height": 700})
    open_study(page, study, 5)
    page.keyboard.press("?")
    body = page.locator("#help-body").locator(
        "xpath=ancestor-or-self::*[contains(@class, 'dialog-body')]"
    )
    inner, outer = body.evaluate("e => [e.clientHeight, e.scrollHeight]")
    assert outer > inner, "the list does not fit into this window"
    box = body.bounding_box()
    edge = {"x": box["x"] + 200, "y": box["y"] + box["height"] - 3, "width": 100, "height": 3}
    before = page.screenshot(clip=edge)
    body.evaluate("e => { e.scrollTop = e.scrollHeight; }")
    page.wait_for_timeout(100)
    assert page.screenshot(clip=edge) != before, "the fade is gone at the end"
    assert body.evaluate("e => getComputedStyle(e).overflowY") == "scroll"
