"""Surfaces in space: head, the AI's mask, the reference, and the slice in view."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import in_view
from running_site import SLICES, Site

SLICE_MM = 4.0
#: To the first picture, without a graphics card, on a machine that may be busy. The aim is 1.5 s on
#: two quiet cores.
LONGEST_MS = 45_000
FIGURE = "#space-figure"
EYE = "() => document.getElementById('space-figure')._fullLayout.scene._scene.getCamera().eye"


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("space", rim=True)


def open_space(page: Page, study_id: str, slice_number: int = 6) -> None:
    page.goto(f"/review?study={study_id}&slice={slice_number}")
    page.wait_for_selector("#viewer-screen[data-slice]")
    wait_until(page, "() => modules.viewer.now.measures !== null")
    page.keyboard.press("j")
    page.wait_for_selector(f"{FIGURE}[data-drawn-ms]", timeout=LONGEST_MS)


def traces(page: Page) -> dict[str, Any]:
    """What is drawn, by name: whether it is visible, and from where to where along z."""
    found: dict[str, Any] = page.evaluate(
        """() => Object.fromEntries(document.getElementById("space-figure").data.map((trace) =>
             [trace.name, { type: trace.type, visible: trace.visible, faces: trace.i?.length,
               z: [Math.min(...trace.z), Math.max(...trace.z)] }]))"""
    )
    return found


def test_surfaces_volumes_and_the_slice_stand_together(
    page: Page, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    open_space(page, study)
    found = traces(page)
    kinds = ["mesh3d", "mesh3d", "mesh3d", "mesh3d", "scatter3d", "mesh3d"]
    assert list(found) == ["ai", "reference", "head", "slice", "frame", "correction"]
    assert [trace["type"] for trace in found.values()] == kinds
    assert [name for name, trace in found.items() if not trace["visible"]] == ["correction"]
    expect(page.locator("#space-row-correction")).to_be_hidden()
    # slices 5 to 9 of 4 mm each: 16 to 36 mm
    for name in ("ai", "reference"):
        assert found[name]["z"] == pytest.approx([16, 36], abs=2)
        assert found[name]["faces"] > 100
    assert found["slice"]["z"] == [5.5 * SLICE_MM, 5.5 * SLICE_MM]

    expect(page.locator("#space-amount-ai")).to_have_text(page.inner_text("#finding-volume-line"))
    assert page.inner_text("#space-amount-ai") == "5.1 mL"  # 16 x 16 x 5 voxels of 4 mm3
    assert page.inner_text("#space-amount-reference") == "8.0 mL"
    assert page.inner_text("#space-amount-slice") == f"6 / {SLICES}"
    assert page.get_attribute("#space-row-head", "data-surface") == "brain"  # nothing bright around
    expect(page.locator("#space-scale")).to_be_hidden()
    letters = page.evaluate(
        "() => document.getElementById('space-figure').layout.scene.annotations.map((a) => a.text)"
    )
    assert letters == ["R", "L", "A", "P", "I", "S"]
    spent = page.get_attribute(FIGURE, "data-drawn-ms")
    assert spent is not None
    with capsys.disabled():
        sys.stdout.write(f"\n3D: {spent} ms to the first picture, drawn without a graphics card\n")
    assert int(spent) < LONGEST_MS


def test_plane_moves_with_the_slice_and_a_click_moves_the_slice(page: Page, study: str) -> None:
    open_space(page, study)
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(f"{FIGURE}[data-slice='7']", timeout=LONGEST_MS)
    assert traces(page)["slice"]["z"] == [6.5 * SLICE_MM] * 2
    page.locator(FIGURE).hover()
    page.mouse.wheel(0, 120)
    expect(page.locator("#space-amount-slice")).to_have_text(f"8 / {SLICES}")

    box = page.locator(FIGURE).bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.keyboard.press("End")
    number = page.locator("#space-amount-slice")
    expect(number).to_have_text(f"{SLICES} / {SLICES}")
    end = time.monotonic() + 60
    while number.inner_text() == f"{SLICES} / {SLICES}":
        assert time.monotonic() < end, "no surface was under the pointer"
        page.mouse.move(middle[0] + 2, middle[1] + 2)
        page.wait_for_timeout(300)  # what lies under the pointer is looked up with the next drawing
        page.mouse.move(*middle)
        page.wait_for_timeout(300)
        page.mouse.click(*middle)
    expected = number.inner_text().split()[0]
    page.mouse.down()  # turning the head leaves the slice where it is
    page.mouse.move(middle[0] + 150, middle[1] + 40, steps=6)
    page.mouse.up()
    page.wait_for_timeout(800)
    assert number.inner_text().split()[0] == expected
    page.keyboard.press("j")
    expect(page.locator("#viewer-space")).to_be_hidden()
    in_view(page, int(expected))


def on_a_surface(page: Page) -> tuple[float, float]:
    """Rest the pointer on the middle of the head, until the picture knows what is under it."""
    box = page.locator(FIGURE).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(
        """() => { const figure = document.getElementById("space-figure");
             figure.on("plotly_hover", () => { figure.dataset.over = "yes"; }); }"""
    )
    end = time.monotonic() + 60
    while page.get_attribute(FIGURE, "data-over") is None:
        assert time.monotonic() < end, "no surface was under the pointer"
        page.mouse.move(x + 2, y + 2)
        page.wait_for_timeout(200)
        page.mouse.move(x, y)
        page.wait_for_timeout(200)
    return x, y


def turn(page: Page, x: float, y: float) -> None:
    """Press, turn the head slowly enough for a picture between the moves, let go."""
    before = page.evaluate(EYE)
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(300)
    for step in range(1, 7):
        page.mouse.move(x + 25 * step, y + 5 * step)
        page.wait_for_timeout(60)
    page.mouse.up()
    page.wait_for_timeout(800)
    assert page.evaluate(EYE) != before


def test_a_turn_never_moves_the_slice_and_a_click_does(page: Page, study: str) -> None:
    """Right after loading, and after a click: what came before a turn is of no account."""
    open_space(page, study, SLICES)
    number = page.locator("#space-amount-slice")
    last = f"{SLICES} / {SLICES}"
    place = on_a_surface(page)
    turn(page, *place)
    assert number.inner_text() == last
    page.mouse.move(*place)
    page.wait_for_timeout(500)
    page.mouse.down()  # a turn and back again is no click either
    page.mouse.move(place[0] + 60, place[1], steps=4)
    page.mouse.move(*place, steps=4)
    page.mouse.up()
    page.wait_for_timeout(500)
    assert number.inner_text() == last

    page.mouse.click(*place)
    expect(number).not_to_have_text(last)
    page.keyboard.press("End")
    expect(number).to_have_text(last)
    turn(page, *place)
    assert number.inner_text() == last
    page.mouse.move(*place)
    page.wait_for_timeout(500)
    page.mouse.click(*place, delay=400)  # with pictures between press and release
    expect(number).not_to_have_text(last)


def test_surfaces_follow_toggles_and_threshold_and_the_camera_stays(page: Page, study: str) -> None:
    open_space(page, study)
    page.evaluate(
        "() => Plotly.relayout('space-figure', {'scene.camera.eye': {x: 2, y: 0.1, z: 0.4}})"
    )
    page.keyboard.press("m")
    page.wait_for_function(shown("ai", False), timeout=LONGEST_MS)
    assert traces(page)["reference"]["visible"] is True
    page.keyboard.press(" ")
    page.wait_for_function(shown("reference", False), timeout=LONGEST_MS)
    page.keyboard.press(" ")
    page.keyboard.press("m")
    page.wait_for_function(shown("ai", True), timeout=LONGEST_MS)

    before = page.inner_text("#space-amount-ai")
    # takes the rim in, two pixels on each side
    page.evaluate(with_modules("() => modules.threshold.set(0.3)"))
    expect(page.locator("#space-amount-ai")).to_have_text("8.0 mL", timeout=LONGEST_MS)
    assert before == "5.1 mL"
    expect(page.locator("#space-threshold")).to_be_visible()

    page.keyboard.press("j")
    expect(page.locator("#viewer-space")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("ArrowUp")
    page.wait_for_selector(f"{FIGURE}[data-slice='5']", timeout=LONGEST_MS)
    eye = page.evaluate(
        "() => document.getElementById('space-figure')._fullLayout.scene.camera.eye"
    )
    assert eye == {"x": 2, "y": 0.1, "z": 0.4}


def shown(name: str, wanted: bool) -> str:
    figure = "document.getElementById('space-figure')"
    is_it = f"trace.name === '{name}' && trace.visible === {str(wanted).lower()}"
    return f"() => {figure}.data.some((trace) => {is_it})"


def test_without_webgl_the_page_says_so(page: Page, study: str) -> None:
    page.add_init_script(
        """const real = HTMLCanvasElement.prototype.getContext;
           HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
             return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest); };"""
    )
    page.goto(f"/review?study={study}&slice=6")
    page.wait_for_selector("#viewer-screen[data-slice]")
    page.keyboard.press("j")
    expect(page.locator("#space-message")).to_have_attribute("data-code", "no-webgl")
    page.keyboard.press("j")
    expect(page.locator("#viewer-screen")).to_be_visible()


def test_a_failure_is_reported_and_retried(page: Page, study: str) -> None:
    page.goto(f"/review?study={study}&slice=6")
    page.wait_for_selector("#viewer-screen[data-slice]")
    page.route("**/space?v=*", lambda route: route.fulfill(status=500, json={"error": "Not now."}))
    page.keyboard.press("j")
    expect(page.locator("#space-message")).to_have_attribute("data-code", "failed")
    expect(page.locator("#space-message")).to_contain_text("Not now.")
    page.unroute("**/space?v=*")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.wait_for_selector(f"{FIGURE}[data-drawn-ms]", timeout=LONGEST_MS)
