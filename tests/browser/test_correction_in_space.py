"""A correction in the coronal and sagittal planes and in 3D."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from correcting import add_own_study, open_study, saved
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from running_site import Site
from seen_pixels import AMBER, CORONAL, SAGITTAL, count, plane

LONGEST_MS = 45_000
#: A box of 16 x 16 pixels where the lesion is, on slices 1 to 4 of 12, which have none.
DRAW = with_modules("""() => { const { width } = modules.viewer.now.study;
  modules.correction.change("A test",
  [0, 1, 2, 3].map((k) => { const mask = modules.correction.mask(k);
    for (let y = 20; y < 36; y++) mask.fill(1, y * width + 16, y * width + 32);
    return { k, mask }; })); }""")


@pytest.fixture
def study(site: Site, request: pytest.FixtureRequest) -> str:
    return add_own_study(site, request.node.name)


def violet(page: Page, pane: str) -> int:
    """Pixels of the correction's colour, #dcc4ff: its blue is far above its green."""
    red, green, blue = np.moveaxis(plane(page, pane), -1, 0)
    return int(((blue - green > 40) & (red - green > 10)).sum())


def rows(page: Page, pane: str) -> Any:
    """Slices on which the cut that is in view has pixels of the correction."""
    return page.evaluate(
        with_modules("""(axis) => {
             const { now } = modules.viewer, drawn = modules.correctionLayer.drawn();
             const pane = axis === "row" ? "#plane-first" : "#plane-second";
             const { place } = document.querySelector(pane).dataset;
             const cuts = modules.planeCuts.create(now, () => {});
             const { values } = cuts.getCorrected(drawn, axis, Number(place));
             const across = axis === "row" ? now.study.width : now.study.height;
             return [...Array(now.study.n).keys()].filter((k) =>
               values.subarray(k * across, (k + 1) * across).includes(255)); }"""),
        "row" if pane == CORONAL else "column",
    )


def test_planes_draw_it_as_it_is_drawn(page: Page, study: str) -> None:
    open_study(page, study)
    page.keyboard.press("y")
    page.wait_for_selector(f"{SAGITTAL}[data-place]")
    wait_until(page, "() => modules.correction.mask(5) !== null")
    assert [violet(page, pane) for pane in (CORONAL, SAGITTAL)] == [0, 0]
    page.evaluate(DRAW)
    saved(page)
    for pane in (CORONAL, SAGITTAL):
        assert violet(page, pane) > 100
        assert count(plane(page, pane), AMBER) > 20
        assert rows(page, pane) == [0, 1, 2, 3, 4, 5, 6, 7, 8]  # the AI's are 4 to 8
    page.keyboard.press("Shift+M")
    for pane in (CORONAL, SAGITTAL):
        assert violet(page, pane) == 0
    page.keyboard.press("Shift+M")
    assert violet(page, CORONAL) > 100
    page.evaluate(with_modules("() => modules.correction.undo()"))
    assert violet(page, CORONAL) == 0


def test_planes_cut_the_mask_that_is_there_pixel_by_pixel(page: Page, study: str) -> None:
    open_study(page, study)
    page.keyboard.press("y")
    page.wait_for_selector(f"{SAGITTAL}[data-place]")
    wait_until(page, "() => modules.correction.mask(5) !== null")
    page.evaluate(
        with_modules("""() => { const mask = modules.correction.mask(5);
             for (let i = 0; i < mask.length; i += 3) mask[i] = 1 - mask[i];
             modules.correction.change("A test", [{ k: 5, mask }]); }""")
    )
    same = page.evaluate(
        with_modules("""() => { const { now } = modules.viewer, { n, width, height } = now.study;
             const cuts = modules.planeCuts.create(now, () => {});
             const drawn = modules.correctionLayer.drawn();
             const masks = [...Array(n).keys()].map((k) => modules.correction.mask(k));
             let compared = 0, wrong = 0;
             for (const [axis, across, at] of [["row", width, (i) => 21 * width + i],
                                               ["column", height, (i) => i * width + 21]]) {
               const { values } = cuts.getCorrected(drawn, axis, 21);
               for (let k = 0; k < n; k++) for (let i = 0; i < across; i++, compared++)
                 wrong += (values[k * across + i] === 255) !== (masks[k][at(i)] === 1);
             }
             return [compared, wrong]; }""")
    )
    assert same == [12 * (64 + 64), 0]


def test_space_draws_it_with_its_volume(page: Page, study: str) -> None:
    open_study(page, study)
    wait_until(page, "() => modules.correction.mask(5) !== null")
    page.evaluate(DRAW)
    saved(page)
    page.keyboard.press("j")
    page.wait_for_selector("#space-figure[data-drawn-ms]", timeout=LONGEST_MS)
    row = page.locator("#space-row-correction")
    expect(row).to_be_visible()
    expect(page.locator("#space-amount-correction")).to_have_text("9.2 mL")  # 9 x 256 voxels
    assert page.inner_text("#space-amount-ai") == "5.1 mL"
    page.wait_for_function(look("correction", "visible", "true"), timeout=LONGEST_MS)
    page.wait_for_function(look("ai", "opacity", "0.3"), timeout=LONGEST_MS)
    page.keyboard.press("Shift+M")
    page.wait_for_function(look("correction", "visible", "false"), timeout=LONGEST_MS)
    page.wait_for_function(look("ai", "opacity", "1"), timeout=LONGEST_MS)
    page.keyboard.press("Shift+M")
    page.evaluate(with_modules("() => modules.correction.undo()"))
    expect(row).to_be_hidden(timeout=LONGEST_MS)
    page.wait_for_function(look("correction", "visible", "false"), timeout=LONGEST_MS)


def look(name: str, field: str, wanted: str) -> str:
    figure = "document.getElementById('space-figure')"
    is_it = f"trace.name === '{name}' && trace.{field} === {wanted}"
    return f"() => {figure}.data.some((trace) => {is_it})"
