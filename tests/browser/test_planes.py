"""Axial, coronal and sagittal side by side."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, Route, expect
from reading import in_view, numbers
from running_site import SIZE, SLICES, Site
from seen_pixels import AMBER, CORONAL, SAGITTAL, TEAL, count, extent, image, plane, until

SLICE_MM = 4.0
#: Of the lesion, which the crosshair is put on: rows 20 to 35, columns 16 to 31.
ROW, COLUMN = 28, 24
#: Frames that show another plane in every pane, a second, while a mouse drags. The wish is 50; a
#: busy machine without a graphics card reaches less.
LEAST_RATE = 12


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("planes", rim=True)


def open_planes(page: Page, study_id: str, slice_number: int = 6) -> None:
    page.goto(f"/review?study={study_id}&slice={slice_number}")
    page.wait_for_selector("#viewer-screen[data-slice]")
    wait_until(  # all slices are at hand, with their outlines
        page,
        """() => { const { now } = modules.viewer;
             const has = (k) => modules.overlays.sources(now, k).every(
               ([, url]) => now.loader.get(url));
             return now.study.indices.every((_, k) => has(k)); }""",
    )
    page.keyboard.press("y")
    page.wait_for_selector(f"{SAGITTAL}[data-place]")


def place(page: Page, pane: str, *, across: float, up: float) -> tuple[float, float]:
    """Where on the window a place lies: voxels across, slices up, both from the volume's corner."""
    box = page.locator(pane).bounding_box()
    assert box is not None
    fit = min(box["width"] / SIZE, box["height"] / (SLICES * SLICE_MM))
    x = box["x"] + box["width"] / 2 + (across - SIZE / 2) * fit
    return x, box["y"] + box["height"] / 2 - (up - SLICES / 2) * SLICE_MM * fit


def titles(page: Page) -> list[str]:
    return [page.inner_text(f"{pane} .plane-title") for pane in (CORONAL, SAGITTAL)]


def test_planes_stand_beside_the_slice_with_their_letters_and_words(page: Page, study: str) -> None:
    open_planes(page, study)
    assert titles(page) == [f"Coronal  {ROW + 1} / {SIZE}", f"Sagittal  {COLUMN + 1} / {SIZE}"]
    for pane, letters in ((CORONAL, "RLSI"), (SAGITTAL, "APSI")):
        sides = ("left", "right", "top", "bottom")
        found = [page.inner_text(f"{pane} .plane-edge--{side}") for side in sides]
        assert "".join(found) == letters
        assert numbers(page, f"{pane} .plane-note") == [4.0]
        assert count(plane(page, pane), AMBER) > 100
        assert count(plane(page, pane), TEAL) > 100
    main, side = (page.locator(name).bounding_box() for name in ("#viewer-screen", CORONAL))
    assert main is not None and side is not None
    assert side["width"] / (main["width"] + side["width"]) == pytest.approx(0.42, abs=0.01)
    expect(page.locator("#viewer-screen")).to_be_visible()
    assert page.get_attribute("#mode-planes", "aria-pressed") == "true"
    assert "M" in (page.get_attribute(".layer-crosshair path", "d") or "")
    page.keyboard.press("y")
    expect(page.locator(CORONAL)).to_be_hidden()
    assert page.evaluate(with_modules("modules.viewer.now.tool")) == "window"
    expect(page.locator("#viewer-tool-crosshair")).to_be_hidden()


def test_aspect_is_that_of_the_patient(page: Page, study: str) -> None:
    """The phantom is 48 pixels of 1 mm wide and 12 slices of 4 mm high."""
    open_planes(page, study)
    page.keyboard.press(" ")
    expect(page.locator(".layer-crosshair path")).to_have_attribute("d", "")
    for pane in (CORONAL, SAGITTAL):
        box = page.locator(pane).bounding_box()
        assert box is not None
        seen = plane(page, pane)[50:, 30:-30].max(axis=-1) > 20
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        assert np.ptp(columns) == pytest.approx(np.ptp(rows), rel=0.25), pane  # words lie above
        assert np.ptp(columns) == pytest.approx(
            48 * min(box["width"] / 64, box["height"] / 48), rel=0.04
        )


def test_click_in_a_plane_moves_the_slice_and_the_other_planes(page: Page, study: str) -> None:
    open_planes(page, study)
    page.mouse.click(*place(page, CORONAL, across=42.5, up=8.5))
    in_view(page, 9)
    expect(page.locator(f"{SAGITTAL} .plane-title")).to_have_text(f"Sagittal  43 / {SIZE}")
    assert titles(page)[0] == f"Coronal  {ROW + 1} / {SIZE}"

    page.mouse.click(*place(page, SAGITTAL, across=10.5, up=1.5))
    in_view(page, 2)
    expect(page.locator(f"{CORONAL} .plane-title")).to_have_text(f"Coronal  11 / {SIZE}")

    box = page.locator("#viewer-surface").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    expect(page.locator(f"{CORONAL} .plane-title")).to_have_text(f"Coronal  33 / {SIZE}")
    page.mouse.move(middle[0] + 5 * box["width"] / SIZE, middle[1], steps=3)
    page.mouse.up()
    expect(page.locator(f"{SAGITTAL} .plane-title")).to_have_text(f"Sagittal  38 / {SIZE}")
    in_view(page, 2)


def test_wheel_and_slider_scroll_the_plane_they_are_on(page: Page, study: str) -> None:
    open_planes(page, study)
    page.locator(CORONAL).hover()
    page.mouse.wheel(0, 120)
    expect(page.locator(f"{CORONAL} .plane-title")).to_have_text(f"Coronal  {ROW + 2} / {SIZE}")
    page.mouse.wheel(0, -120)
    page.mouse.wheel(0, -120)
    expect(page.locator(f"{CORONAL} .plane-title")).to_have_text(f"Coronal  {ROW} / {SIZE}")
    in_view(page, 6)
    page.locator("#viewer-surface").hover()
    page.mouse.wheel(0, 120)
    in_view(page, 7)
    page.locator(f"{SAGITTAL} input").fill("3")
    expect(page.locator(f"{SAGITTAL} .plane-title")).to_have_text(f"Sagittal  3 / {SIZE}")


def test_zoom_is_shared_and_reset_undoes_it(page: Page, study: str) -> None:
    open_planes(page, study)
    before = count(plane(page, SAGITTAL), TEAL)
    page.locator(CORONAL).hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    expect(page.locator("#corner-window")).not_to_contain_text("Zoom 8.4")
    assert page.evaluate(with_modules("modules.viewer.now.view.zoom")) == pytest.approx(
        1.49, abs=0.01
    )
    until(lambda: count(plane(page, SAGITTAL), TEAL) > 1.2 * before)
    page.keyboard.press("0")
    until(lambda: count(plane(page, SAGITTAL), TEAL) == pytest.approx(before, rel=0.05))


def test_window_threshold_and_hide_all_are_those_of_the_main_view(page: Page, study: str) -> None:
    open_planes(page, study)
    x, y = (int(v) for v in place(page, CORONAL, across=12, up=6))
    box = page.locator(CORONAL).bounding_box()
    assert box is not None
    at = slice(int(y - box["y"]) - 2, int(y - box["y"]) + 2), int(x - box["x"])
    bright = image(page, CORONAL)[at].mean()
    page.keyboard.press("Shift+D")
    until(lambda: image(page, CORONAL)[at].mean() == pytest.approx(255 - bright, abs=4))

    widest = extent(plane(page, CORONAL), AMBER)
    # takes the rim in, two pixels on each side
    page.evaluate(with_modules("() => modules.threshold.set(0.3)"))
    until(lambda: extent(plane(page, CORONAL), AMBER) > 1.15 * widest)
    page.keyboard.press(" ")
    until(lambda: sum(count(plane(page, CORONAL), colour) for colour in (AMBER, TEAL)) == 0)


def test_cuts_of_the_server_are_those_made_here(page: Page, study: str) -> None:
    """A study too large for the browser is cut by the server."""
    open_planes(page, study)
    same = page.evaluate(
        with_modules("""async () => {
          const { now } = modules.viewer;
          let arrived = () => {};
          const here = modules.planeCuts.create(now, () => {});
          const empty = { ...now, loader: { get: () => undefined } };
          const there = modules.planeCuts.create(empty, () => arrived());
          const found = [];
          for (const kind of ["pixels", "ai", "reference"]) {
            for (const [axis, place] of [["row", 28], ["column", 24]]) {
              for (;;) {
                there.begin();
                const cut = there.get(kind, axis, place);
                there.end();
                if (cut) {
                  const mine = here.get(kind, axis, place).values;
                  const same = mine.every((v, i) => v === cut.values[i]);
                  found.push([kind, axis, mine.length, same, mine.some((v) => v > 0)]);
                  break;
                }
                await new Promise((resolve) => { arrived = resolve; setTimeout(resolve, 200); });
              }
            }
          }
          here.dispose(); there.dispose();
          return found;
        }""")
    )
    kinds = [(kind, axis) for kind in ("pixels", "ai", "reference") for axis in ("row", "column")]
    assert same == [[kind, axis, SLICES * SIZE, True, True] for kind, axis in kinds]


def test_the_reason_why_there_are_no_planes_is_shown(page: Page, study: str) -> None:
    def without_spacing(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"spacing_mm": None})

    page.route(f"**/api/studies/{study}", without_spacing)
    page.goto(f"/review?study={study}&slice=6")
    page.wait_for_selector("#viewer-screen[data-slice]")
    expect(page.locator("#mode-planes")).to_be_disabled()
    reason = page.evaluate(with_modules("modules.planeViews.REASONS.spacing"))
    assert page.get_attribute("#mode-planes", "title") == reason
    page.keyboard.press("y")
    expect(page.locator("#stage-note")).to_have_text(reason)
    assert page.get_attribute(".viewer", "data-mode") == "one"


@pytest.mark.timing
def test_frames_while_the_crosshair_is_dragged(
    page: Page, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    open_planes(page, study)
    rate = page.evaluate(
        """async () => {
          const canvas = document.querySelector("#plane-first canvas");
          const box = canvas.getBoundingClientRect();
          const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
            { pointerId: 1, button: 0, buttons: 1, clientX: x, clientY: y, bubbles: true }));
          canvas.setPointerCapture = () => {};
          const middle = [box.left + box.width / 2, box.top + box.height / 2];
          send("pointerdown", ...middle);
          const shown = new Set();
          const begin = performance.now();
          let step = 0;
          while (performance.now() - begin < 2000) {
            await new Promise(requestAnimationFrame);
            shown.add(`${step} ${document.querySelector("#plane-second").dataset.place}`);
            step++;
            const [x, y] = [60 * Math.sin(step / 4), 40 * Math.cos(step / 4)];
            send("pointermove", middle[0] + x, middle[1] + y);
          }
          send("lostpointercapture", ...middle);
          return (1000 * shown.size) / (performance.now() - begin);
        }"""
    )
    with capsys.disabled():
        sys.stdout.write(f"\nplanes: {rate:.0f} frames a second while the crosshair is dragged\n")
    assert rate > LEAST_RATE
