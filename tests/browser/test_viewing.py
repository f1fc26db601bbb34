"""Looking at slices: named windows, the value under the pointer, cine, magnifier, projection."""

from __future__ import annotations

import re

import nibabel
import numpy as np
import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import in_view, numbers, open_study, point
from running_site import Site

WINDOW = with_modules("({ ...modules.viewer.now.windows[modules.viewer.now.channel] })")


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    """Slice k (from 1) has the value 40 + 6 (k - 1) outside the lesion."""
    return site.add_study("viewed", shift=3)


def test_named_windows_by_list_and_key(page, study):
    open_study(page, study, 5)
    home = page.evaluate(WINDOW)
    preset = page.locator("#window-preset")
    expect(preset).to_have_value("opened")
    page.click("#view-menu summary")
    preset.select_option("contrast")
    narrow = page.evaluate(WINDOW)
    assert narrow["high"] - narrow["low"] == pytest.approx(0.6 * (home["high"] - home["low"]))
    preset.select_option("full")
    assert page.evaluate(WINDOW)["high"] == 220
    page.locator("#viewer-surface").click(position={"x": 60, "y": 200})  # closes the menu
    page.keyboard.press("Shift+W")
    expect(preset).to_have_value("contrast")
    page.keyboard.press("Shift+B")
    expect(preset).to_have_value("auto")
    box = page.locator("#viewer-surface").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 360, box["y"] + 310)
    page.mouse.up()
    expect(preset).to_have_value("custom")
    page.keyboard.press("0")
    expect(preset).to_have_value("opened")


def test_value_under_the_pointer_follows_pointer_and_slice(page, study):
    open_study(page, study, 2)
    value = page.locator("#corner-value")
    expect(value).to_be_empty()
    page.mouse.move(*point(page, 50, 50))
    expect(value).not_to_be_empty()
    assert numbers(page, "#corner-value") == [46]
    page.mouse.wheel(0, 120)
    in_view(page, 3)
    expect(value).to_contain_text("52")
    page.mouse.move(*point(page, 2, 2))
    expect(value).to_contain_text("0")
    page.hover(".brand")
    expect(value).to_be_empty()


def test_a_projection_shows_the_greatest_values_and_says_so(page, study):
    open_study(page, study, 2)
    badge = page.locator("#projection-badge")
    expect(badge).to_be_hidden()
    page.mouse.move(*point(page, 50, 50))
    page.keyboard.press("Shift+P")
    expect(badge).to_be_visible()
    assert numbers(page, "#projection-badge") == [1, 3]
    page.keyboard.press("ArrowDown")
    assert numbers(page, "#projection-badge") == [2, 4]
    expect(page.locator("#corner-value")).to_contain_text("58")  # of slice 4
    wait_until(
        page,
        "() => modules.panes.valuesOf(modules.viewer.now, 2, 0)?.[50 * 64 + 50] === 58",
    )
    page.click("#view-menu summary")
    page.select_option("#projection-slices", "1")
    expect(badge).to_be_hidden()


def test_cine_goes_through_all_slices_and_stops_on_a_press(page, study):
    open_study(page, study, 11)
    page.click("#view-menu summary")
    page.select_option("#cine-speed", "20")
    page.click("#cine-play")
    play = page.locator("#cine-play")
    expect(play).to_have_attribute("aria-pressed", "true")
    in_view(page, 12)
    in_view(page, 2)  # from the last to the first
    page.locator("#viewer-surface").click(position={"x": 60, "y": 200})
    expect(play).to_have_attribute("aria-pressed", "false")
    k = page.evaluate(with_modules("modules.viewer.now.k"))
    page.wait_for_timeout(300)
    assert page.evaluate(with_modules("modules.viewer.now.k")) == k
    page.keyboard.press("s")
    expect(play).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("s")
    expect(play).to_have_attribute("aria-pressed", "false")


def test_magnifier_shows_the_place_under_the_pointer_while_pressed(page, study):
    open_study(page, study, 5)
    page.keyboard.press("h")
    x, y = point(page, 28, 28)
    page.mouse.move(x, y)
    page.mouse.down()
    lens = page.locator(".lens")
    expect(lens).to_be_visible()
    box = lens.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] / 2 == pytest.approx(x, abs=2)
    image = lens.locator("canvas").bounding_box()
    scale = page.evaluate(with_modules("modules.viewer.now.scale"))
    assert image is not None and image["width"] == pytest.approx(2.5 * 64 * scale, rel=0.02)
    expect(lens.locator("path.outline-ai")).to_have_attribute("d", re.compile("^M"))
    page.mouse.up()
    expect(lens).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#viewer-tool-window")).to_have_attribute("aria-pressed", "true")


@pytest.fixture(scope="module")
def scaled(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A volume of values that are no whole numbers."""
    folder = tmp_path_factory.mktemp("scaled") / "scaled"
    folder.mkdir()
    values = np.linspace(-1.5, 2.5, 32 * 32 * 3, dtype=np.float32).reshape(32, 32, 3)
    values[20, 10] = 0.625
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / "flair.nii.gz")
    (study_id,) = site.add_files(folder)
    site.settle()
    return study_id


def test_value_is_in_the_units_of_the_file(page: Page, scaled: str) -> None:
    open_study(page, scaled, 2)
    found = page.evaluate(
        with_modules("""() => {
             const { valueAt, words } = modules.pixelValue;
             const read = (_, i) => words(valueAt(modules.viewer.now, 0, i)).replace("\u2212", "-");
             return Array.from({ length: 32 * 32 }, read).map(Number); }""")
    )
    assert 0.625 in found
    assert min(found) == pytest.approx(-1.5, abs=0.05)
