"""Measuring by hand: each tool by mouse and by keys; kept, changed, deleted, undone."""

from __future__ import annotations

import math
import re

import nibabel
import numpy as np
import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import MEASUREMENTS, click, drag, open_study, point
from running_site import SIZE, Site

ITEMS = with_modules("() => modules.measureStore.items()")


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    """12 slices of 64 x 64 pixels of 1 mm. Each test's browser is another reader."""
    return site.add_study("measurements", shift=6)


MAIN_LABEL = "#viewer-screen .measure-label-main"


def labels(page: Page) -> list[str]:
    return page.locator(MAIN_LABEL).all_text_contents()


def wait_saved(page: Page, count: int) -> None:
    expect(page.locator("#measure-list .measure-row")).to_have_count(count)
    page.wait_for_selector("#findings-measurements[data-saved='true']")


def number(text: str) -> float:
    found = re.search(r"[\d.]+", text)
    assert found, text
    return float(found.group())


def test_a_ruler_is_drawn_kept_dragged_deleted_and_undone(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    size = "() => [modules.viewer.now.study.width, modules.viewer.now.study.height]"
    assert page.evaluate(with_modules(size)) == [SIZE, SIZE]  # as these tests suppose
    page.keyboard.press("k")
    expect(page.locator("#tools-measure")).to_be_visible()
    expect(page.locator("#measure-tool-ruler")).to_have_attribute("aria-pressed", "true")
    drag(page, (10, 10), (40, 50))
    label = page.locator("#viewer-screen .measure-label-main")
    expect(label).to_have_count(1)
    assert number(labels(page)[0]) == pytest.approx(50, abs=0.3)
    assert labels(page)[0].endswith(" mm")
    expect(page.locator(".measure-go")).to_be_visible()
    wait_saved(page, 1)

    page.reload()
    page.wait_for_selector("#viewer-screen[data-slice]")
    expect(label).to_have_count(1)
    before = page.evaluate(ITEMS)
    assert number(labels(page)[0]) == pytest.approx(50, abs=0.3)

    expect(page.locator(".measure-end")).to_have_count(0)
    drag(page, (40, 50), (40, 10))  # with the window tool: an end stays where it is
    assert page.evaluate(ITEMS) == before
    page.keyboard.press("k")
    expect(page.locator(".measure-end")).to_have_count(2)
    drag(page, (40, 50), (40, 10))
    expect(label).to_have_text(re.compile(r"^(29\.\d|30\.\d) mm$"))
    wait_saved(page, 1)
    drag(page, (25, 10), (25, 30))  # all of it, by its line
    moved = page.evaluate(ITEMS)[0]["points"]
    assert moved[0][1] == pytest.approx(30, abs=0.6) == moved[1][1]

    page.keyboard.press("Delete")
    expect(label).to_have_count(0)
    expect(page.locator("#measure-empty")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(label).to_have_count(1)
    assert page.evaluate(ITEMS) == before
    page.keyboard.press("Control+Shift+z")
    expect(label).to_have_text(re.compile(r"^(29\.\d|30\.\d) mm$"))
    wait_saved(page, 1)


def test_two_clicks_draw_a_ruler_and_escape_leaves_it(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("k")
    click(page, (10, 20))
    page.mouse.move(*point(page, 30, 20))
    expect(page.locator(".measure-label-main")).to_have_text(re.compile("^(19.9|20.0|20.1) mm$"))
    page.keyboard.press("Escape")
    expect(page.locator(".measure-label-main")).to_have_count(0)
    click(page, (10, 20))
    click(page, (30, 20))
    wait_saved(page, 1)


def test_an_angle_by_a_drag_and_a_click(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("Shift+V")
    drag(page, (40, 20), (20, 20))
    page.mouse.move(*point(page, 20, 40))
    click(page, (20, 40))
    expect(page.locator(".measure-label-main")).to_have_text(re.compile(r"^(89\.\d|90\.\d)°$"))
    wait_saved(page, 1)
    page.reload()
    expect(page.locator(".measure-label-main")).to_have_text(re.compile(r"^(89\.\d|90\.\d)°$"))


def test_areas_freehand_and_by_corners(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("q")
    circle = [
        (30 + 15 * math.cos(k * math.pi / 18), 30 + 15 * math.sin(k * math.pi / 18))
        for k in range(36)
    ]
    drag(page, *circle)
    expect(page.locator(".measure-label-main")).to_have_count(1)
    assert number(labels(page)[0]) == pytest.approx(math.pi * 2.25, rel=0.03)
    assert labels(page)[0].endswith(" cm²")
    assert len(page.evaluate(ITEMS)[0]["points"]) < 60
    for corner in [(50, 50), (60, 50), (60, 55)]:
        click(page, corner)
    page.mouse.dblclick(*point(page, 50, 55))
    expect(page.locator(".measure-label-main")).to_have_count(2)
    assert number(labels(page)[1]) == pytest.approx(50, abs=1.5)
    assert labels(page)[1].endswith(" mm²")
    for corner in [(4, 50), (14, 50), (14, 60)]:
        click(page, corner)
    page.keyboard.press("Enter")  # closes, and does not go to the next study
    wait_saved(page, 3)
    assert number(labels(page)[2]) == pytest.approx(50, abs=1.5)


def test_an_ellipse_shows_statistics_of_the_series_in_view(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("o")
    drag(page, (12, 12), (32, 28))
    texts = page.locator("#viewer-screen .measure-label text")
    expect(texts).to_have_text(
        [re.compile(r"^2\.5\d cm²$"), "Mean 46.00  SD 0.00", "Min 46  Max 46", "FLAIR"]
    )
    expect(page.locator(".measure-value")).to_have_text(re.compile(r"^2\.5\d cm²$"))
    expect(page.locator(".measure-more")).to_have_text("Mean 46.00, SD 0.00")
    wait_saved(page, 1)
    drag(page, (32, 20), (62, 20))  # its right end, over the edge of the brain
    expect(texts.nth(2)).to_have_text("Min 0  Max 46")
    points = page.evaluate(ITEMS)[0]["points"]
    assert points[1][0] == pytest.approx(62, abs=0.6)
    assert points[0] == pytest.approx([12, 12], abs=0.3)


def test_measurements_by_keys_alone(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("k")
    page.locator("#measure-place").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".measure-label-main")).to_have_count(1)
    ((left, top), right) = page.evaluate(ITEMS)[0]["points"]
    page.locator("body").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+o")
    page.keyboard.press("Shift+ArrowLeft")
    points = page.evaluate(ITEMS)[0]["points"]
    assert points[0] == pytest.approx([left - 1, top + 1])
    assert points[1] == pytest.approx([right[0], right[1] + 1])
    expect(page.locator(".measure-end--strong")).to_have_count(1)
    page.keyboard.press("Shift+k")
    page.keyboard.press("Delete")
    expect(page.locator("#measure-list .measure-row")).to_have_count(0)
    page.keyboard.press("Control+z")
    wait_saved(page, 1)


def test_the_list_goes_to_the_slice_and_deletes(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("k")
    drag(page, (10, 10), (30, 10))
    page.keyboard.press("ArrowDown")
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "3")
    expect(page.locator("#viewer-screen .measure-label")).to_have_count(0)
    drag(page, (10, 40), (30, 40))
    wait_saved(page, 2)
    page.locator(".measure-go").first.click()
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", "2")
    expect(page.locator("#viewer-screen .measure--selected")).to_have_count(1)
    page.locator(".measure-delete").last.click()  # the one on slice 3
    wait_saved(page, 1)
    page.keyboard.press(" ")
    expect(page.locator("#viewer-screen .measure")).to_have_count(0)
    page.keyboard.press(" ")
    expect(page.locator("#viewer-screen .measure")).to_have_count(1)


def test_labels_keep_their_size_and_off_the_lesion(page, study):
    open_study(page, study, 6, ready=MEASUREMENTS)
    page.keyboard.press("k")
    drag(page, (10, 26), (22, 26))  # towards the lesion's middle
    label = page.locator("#viewer-screen .measure-label rect")
    before = label.bounding_box()
    middle = point(
        page,
        *page.evaluate(
            with_modules("() => modules.bidimensional.place(modules.viewer.now).middle")
        ),
    )
    inside = (
        before["x"] < middle[0] < before["x"] + before["width"]
        and before["y"] < middle[1] < before["y"] + before["height"]
    )
    assert not inside
    page.keyboard.press("+")
    page.keyboard.press("+")
    wait_until(page, "() => modules.viewer.now.view.zoom > 1.3")
    page.evaluate(  # labels are drawn again with the next frame
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    after = label.bounding_box()
    assert (after["width"], after["height"]) == pytest.approx(
        (before["width"], before["height"]), abs=1
    )


def side_of_label(page: Page, line: int) -> str:
    """Where the middle of a label stands to the middle of its line."""
    shape = page.locator("#viewer-screen .measure--ruler").nth(line)
    label, drawn = (
        shape.locator(part).bounding_box() for part in (".measure-label rect", ".measure-line")
    )
    across = label["x"] + label["width"] / 2 - drawn["x"] - drawn["width"] / 2
    down = label["y"] + label["height"] / 2 - drawn["y"] - drawn["height"] / 2
    return f"{np.sign(round(across / 8)):.0f} {np.sign(round(down / 8)):.0f}"


def test_labels_stay_on_their_side_whatever_the_tool(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("k")
    expect(page.locator("#tools-measure")).to_be_visible()
    for x in (30.0, 39.7):  # the second stands where the first one's label would end
        drag(page, (x, 12), (x, 30))
    wait_saved(page, 2)
    sides = [side_of_label(page, line) for line in (0, 1)]
    boxes = page.locator("#viewer-screen .measure-label rect")
    first, second = (boxes.nth(line).bounding_box() for line in (0, 1))
    assert (
        first["x"] + first["width"] <= second["x"]
        or second["x"] + second["width"] <= first["x"]
        or first["y"] + first["height"] <= second["y"]
        or second["y"] + second["height"] <= first["y"]
    )
    for key in ("w", "k", "w"):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        assert [side_of_label(page, line) for line in (0, 1)] == sides, key


def test_two_windows_lose_nothing(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    other = page.context.new_page()
    open_study(other, study, 2, ready=MEASUREMENTS)
    page.keyboard.press("k")
    drag(page, (10, 10), (30, 10))
    wait_saved(page, 1)
    other.keyboard.press("k")
    drag(other, (10, 40), (30, 40))
    wait_saved(other, 2)
    expect(other.locator("#measure-state")).to_have_attribute("data-merged", "1")
    expect(other.locator("#measure-state")).not_to_be_empty()
    page.reload()
    wait_saved(page, 2)
    other.close()


def test_saving_is_retried(page, study):
    open_study(page, study, 2, ready=MEASUREMENTS)
    page.route("**/measurements", lambda route: route.abort())
    page.keyboard.press("k")
    drag(page, (10, 10), (30, 10))
    expect(page.locator("#measure-state")).not_to_be_empty()
    page.unroute("**/measurements")
    wait_saved(page, 1)
    expect(page.locator("#measure-state")).to_have_text("")


def test_spacing_of_rows_and_columns_counts_apart(page, site, tmp_path):
    """Pixels of 0.5 mm from row to row and of 2 mm from column to column."""
    volume = np.zeros((40, 40, 4), np.uint8)
    volume[4:36, 4:36] = 90
    affine = np.diag([-2.0, -0.5, 3.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume, affine), tmp_path / "stretched_flair.nii.gz")
    study_id = site.add_folder(tmp_path, slices=4)
    open_study(page, study_id, 2, ready=MEASUREMENTS)
    page.keyboard.press("k")
    drag(page, (10, 10), (20, 10))
    drag(page, (10, 16), (10, 36))
    expect(page.locator(".measure-label-main")).to_have_count(2)
    wide, tall = (number(text) for text in labels(page))
    assert wide == pytest.approx(20, abs=0.4)
    assert tall == pytest.approx(10, abs=0.2)
    page.keyboard.press("Shift+V")
    drag(page, (25, 20), (20, 20))
    click(page, (25, 40))  # 10 mm to the right and 10 mm down
    expect(page.locator(".measure-label-main")).to_have_text(
        [re.compile("mm"), re.compile("mm"), re.compile(r"^(44\.\d|45\.\d)\u00b0$")]
    )


def test_an_arrow_has_a_text_that_is_stored_changed_and_copied(page, study):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_study(page, study, 3, ready=MEASUREMENTS)
    page.keyboard.press("Shift+T")
    expect(page.locator("#measure-tool-arrow")).to_have_attribute("aria-pressed", "true")
    drag(page, (20, 20), (40, 30), steps=4)
    expect(page.locator("#arrow-text")).to_be_focused()
    page.keyboard.type("edema <b>")
    page.keyboard.press("Enter")
    expect(page.locator("#arrow-dialog")).to_be_hidden()
    expect(page.locator(MAIN_LABEL)).to_have_text(["edema <b>"])
    wait_saved(page, 1)

    page.reload()
    expect(page.locator("#viewer-screen .measure-label-main")).to_have_text("edema <b>")
    page.wait_for_selector(MEASUREMENTS)
    page.click(".measure-go")
    page.keyboard.press("Shift+T")
    page.click("#measure-text")
    page.fill("#arrow-text", "gliosis")
    page.click("#arrow-save")
    wait_saved(page, 1)
    expect(page.locator(MAIN_LABEL)).to_have_text(["gliosis"])
    assert page.locator("#measure-state").get_attribute("data-merged") == "0"

    page.click("#measure-copy")
    expect(page.locator("#stage-note")).to_have_attribute("data-code", "copied")
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    name = page.evaluate(with_modules("modules.viewer.now.study.case_id"))
    assert name in copied[0]
    assert page.inner_text("#finding-volume-line") in copied[1]
    assert "gliosis" in copied[2] and re.findall(r"\d+", copied[2]) == ["3"]
