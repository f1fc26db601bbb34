"""The strip under the image: its scale of areas."""

from __future__ import annotations

import numpy as np
from correcting import add_own_study, edit, open_study
from page_modules import with_modules
from playwright.sync_api import Page, expect
from reading import drag
from running_site import SLICES, Site

#: Where the correction's upper line stands over a slice, in pixels of the canvas; null where none.
HEIGHT = """(k) => {
  const canvas = document.getElementById("strip-canvas"), pen = canvas.getContext("2d");
  const token = getComputedStyle(canvas).getPropertyValue("--correction").trim();
  pen.save(); pen.fillStyle = token; const [r, g, b] = pen.fillStyle.match(/\\w\\w/g)
    .map((part) => parseInt(part, 16)); pen.restore();
  const x = Math.round((k + 0.5) * canvas.width / %d);
  const { data } = pen.getImageData(x, 0, 1, canvas.height);
  for (let y = 0; y < canvas.height; y++) {
    if ([r, g, b].every((value, i) => Math.abs(data[4 * y + i] - value) < 24)) return y;
  }
  return null; }"""


def test_areas_that_a_correction_adds_are_told_apart(page: Page, site: Site) -> None:
    """The AI's are 256 pixels each; a correction that is larger keeps within the scale."""
    open_study(page, add_own_study(site, "strip-scale"), 6)
    page.keyboard.press("e")
    for slice_number, rows in ((6, 24), (7, 44)):
        page.evaluate(with_modules(f"() => modules.viewer.goTo({slice_number - 1})"))
        edit(page, size=9)
        drag(page, *[(x, y) for y in range(6, 6 + rows, 6) for x in (6.5, 58.5)], steps=3)
    expect(page.locator("#correction-size-slice")).to_contain_text("cm²")
    page.wait_for_function(f"() => ({HEIGHT % SLICES})(6) !== null")
    lower, higher = (page.evaluate(HEIGHT % SLICES, k) for k in (5, 6))
    areas = page.evaluate(
        with_modules("() => [5, 6].map((k) => modules.correctionFigures.changedArea(k))")
    )
    assert areas[1] > 1.3 * areas[0] > 400
    bottom, top = 52, 16  # of the bars; the line is drawn 2.5 pixels above the area
    expected = [bottom - (bottom - top) * area / max(areas) - 2.5 for area in areas]
    assert np.abs(np.array([lower, higher]) - expected).max() <= 1.5
