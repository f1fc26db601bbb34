"""Two views side by side or with a swipe, and other operating points of the slice score."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from page_modules import wait_until, with_modules
from playwright.sync_api import Page, expect
from reading import in_view, numbers, open_study
from running_site import Site
from seen_pixels import AMBER, TEAL, count, extent, image, until

#: Rows of the view with the warning about a moved slider, in a colour similar to the AI's.
BADGE_PX = 140


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("linked", shift=2)


def colours(page: Page, selector: str) -> tuple[int, int]:
    picture = image(page, selector)
    return count(picture, AMBER), count(picture, TEAL)


def test_linked_views_show_the_ai_beside_the_reference_and_move_together(page, study):
    open_study(page, study, 5)
    page.click("#mode-linked")
    until(lambda: colours(page, "#viewer-second")[1] > 100)
    ai, reference = colours(page, "#viewer-screen"), colours(page, "#viewer-second")
    assert ai[0] > 100 and ai[1] == 0
    assert reference[0] == 0
    expect(page.locator("#pane-name-left")).to_be_visible()
    reference_name = page.inner_text("#second-content option[value='reference']")
    assert page.inner_text("#pane-name-right") == reference_name

    before = extent(image(page, "#viewer-second"), TEAL)
    page.locator("#viewer-screen .screen-surface").hover()
    for _ in range(2):
        page.keyboard.press("+")  # one view is zoomed, both follow
    until(lambda: extent(image(page, "#viewer-second"), TEAL) > 1.3 * before)
    ratio = extent(image(page, "#viewer-second"), TEAL) / extent(image(page), AMBER)
    assert ratio == pytest.approx(20 / 16, rel=0.06)  # of the phantom's masks

    page.locator("#viewer-second .screen-surface").hover()
    page.mouse.wheel(0, 120)
    in_view(page, 6)
    page.keyboard.press("Home")
    until(lambda: colours(page, "#viewer-second") == (0, 0))


def test_the_name_of_a_view_includes_the_correction_in_it(page, study):
    open_study(page, study, 5)
    page.click("#mode-linked")
    left = page.locator("#pane-name-left")
    expect(left).not_to_be_empty()
    alone = left.inner_text()
    wait_until(page, "() => modules.correction.mask(4)")
    page.evaluate(
        with_modules("""() => { const mask = modules.correction.mask(4); mask.fill(1, 0, 40);
             modules.correction.change("A test", [{ k: 4, mask }]); }""")
    )
    expect(left).not_to_have_text(alone)
    page.keyboard.press("Shift+M")
    expect(left).to_have_text(alone)


def test_the_second_view_can_be_chosen_by_key_and_by_list(page, study):
    open_study(page, study, 5)
    page.keyboard.press("v")
    expect(page.locator("#mode-linked")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("x")  # one series only: after the reference there is the bare image
    expect(page.locator("#second-content")).to_have_value("bare")
    until(lambda: colours(page, "#viewer-second") == (0, 0))
    until(lambda: min(colours(page, "#viewer-screen")) > 100)
    page.select_option("#second-content", "reference")
    until(lambda: colours(page, "#viewer-second")[1] > 100)
    page.click("#mode-linked")  # pressed again: one view
    expect(page.locator("#viewer-second")).to_be_hidden()
    expect(page.locator("#second-choice")).to_be_hidden()
    until(lambda: min(colours(page, "#viewer-screen")) > 100)


@pytest.fixture(scope="module")
def two_series(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("series") / "series"
    folder.mkdir()
    values = np.full((32, 32, 4), 90, np.uint8)
    values[8:24, 8:24] = np.arange(60, 220, 10, dtype=np.uint8)[:, None, None]
    for name, volume in (("flair", values), ("t1", 255 - values)):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / f"{name}.nii.gz")
    (study_id,) = site.add_files(folder)
    site.settle()
    return study_id


def test_each_series_keeps_the_window_that_is_dragged_on_its_own_view(page, two_series):
    open_study(page, two_series)
    page.click("#mode-linked")
    t1 = page.locator(".series-card .series-name").nth(1).inner_text()
    expect(page.locator("#pane-name-right")).to_have_text(t1)
    expect(page.locator("#corner-series-second")).to_have_text(t1)
    left, right = page.locator("#corner-window"), page.locator("#corner-window-second")
    before = left.inner_text(), right.inner_text()
    box = page.locator("#viewer-second").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 340, steps=4)
    page.mouse.up()
    expect(right).not_to_have_text(before[1])
    assert left.inner_text() == before[0]
    page.locator("#viewer-second .screen-surface").dblclick()
    expect(right).to_have_text(before[1])


@pytest.fixture(scope="module")
def three_series(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("series") / "three"
    folder.mkdir()
    values = np.full((32, 32, 4), 80, np.uint8)
    values[8:24, 8:24] = np.arange(60, 220, 10, dtype=np.uint8)[:, None, None]
    for name, volume in (("flair", values), ("t1", 250 - values), ("t1c", 240 - values)):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / f"{name}.nii.gz")
    (study_id,) = site.add_files(folder)
    site.settle()
    return study_id


def test_three_series_side_by_side_move_together_and_are_remembered(page, three_series, study):
    open_study(page, three_series, 2)
    names = page.locator(".series-card .series-name").all_inner_texts()
    page.click("#mode-linked")
    expect(page.locator("#pane-name-right")).to_have_text(names[2])  # T1 post-contrast
    with page.expect_request(
        lambda sent: sent.method == "PUT" and '"three"' in (sent.post_data or "")
    ) as saved:
        page.click("#mode-three")
    assert saved.value.response().json()["view_mode"] == "three"
    expect(page.locator("#corner-series-second")).to_have_text(names[1])
    expect(page.locator("#corner-series-third")).to_have_text(names[2])
    before = image(page, "#viewer-third")
    page.locator("#viewer-third .screen-surface").hover()
    page.mouse.wheel(0, 120)
    in_view(page, 3)
    page.keyboard.press("+")
    until(lambda: (image(page, "#viewer-third") != before).any())

    page.reload()
    expect(page.locator("#mode-three")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#corner-series-third")).to_have_text(names[2])
    open_study(page, study, 5)  # it has one series
    expect(page.locator("#mode-three")).to_be_disabled()
    page.wait_for_timeout(300)
    expect(page.locator("#viewer-third")).to_be_hidden()
    open_study(page, three_series, 2)
    page.click("#mode-one")
    expect(page.locator("#viewer-second")).to_be_hidden()


def test_the_edge_of_a_swipe_is_dragged_and_moved_by_keys(page, study):
    open_study(page, study, 5)
    page.click("#mode-swipe")
    edge = page.locator("#swipe-edge")
    expect(edge).to_have_attribute("aria-valuenow", "50")
    stage = page.locator("#viewer-stage").bounding_box()
    assert stage is not None

    def drag(share: float) -> None:
        box = edge.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(stage["x"] + share * stage["width"], box["y"] + 40, steps=4)
        page.mouse.up()

    drag(0.02)  # all of the image is the second view
    until(lambda: count(image(page, "#viewer-stage"), AMBER) == 0)
    assert count(image(page, "#viewer-stage"), TEAL) > 100
    drag(0.98)
    until(lambda: count(image(page, "#viewer-stage"), TEAL) == 0)
    assert count(image(page, "#viewer-stage"), AMBER) > 100

    page.keyboard.press("ArrowLeft")
    expect(edge).to_have_attribute("aria-valuenow", "96")
    in_view(page, 5)


def test_slices_that_change_with_the_operating_point_are_marked_on_the_strip(page, study):
    open_study(page, study, 5)
    note = page.locator("#operating-point-note")
    expect(note).to_have_attribute("data-above", "5")
    assert numbers(page, "#operating-point-note") == [5, 12]
    expect(page.locator("#finding-volume-line")).to_contain_text("5.1 mL")

    page.locator("#viewer-operating-point").fill("0.99")  # all scores are 0.97 or 0.02
    expect(note).to_have_attribute("data-fewer", "5")
    assert numbers(page, "#operating-point-note") == [0, 12, 5, 0.5]
    expect(page.locator("#strip-changed")).to_be_visible()
    expect(page.locator("#finding-above")).to_have_attribute("data-count", "0")
    expect(page.locator("#finding-volume-line")).to_contain_text("0 mL")
    until(lambda: count(image(page)[BADGE_PX:], AMBER) == 0)

    page.locator("body").press("t")
    expect(page.locator("#operating-point-value")).to_have_text("0.50")
    expect(page.locator("#strip-changed")).to_be_hidden()
    until(lambda: count(image(page), AMBER) > 100)

    for _ in range(10):
        page.keyboard.press("[")
    expect(page.locator("#operating-point-value")).to_have_text("0.01")
    expect(note).to_have_attribute("data-above", "12")
    expect(note).to_have_attribute("data-more", "7")
    page.click("#viewer-operating-point-default")
    expect(page.locator("#viewer-operating-point-default")).to_be_disabled()
