"""The performance page: its matrix follows the operating point, its charts have table and CSV."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from chart_frames import check_frame, drawn_frames
from playwright.sync_api import Locator, Page, expect
from running_site import Site

from dashboard.pages.performance.evidence import EVALUATE_COMMAND
from dashboard.pages.performance.frame import VIEWS

MATRIX, ROC = "[id*=performance-matrix]", "#performance-roc"
#: Tables that do not fit their place and would be scrolled sideways.
CUT_TABLES = """[...document.querySelectorAll(".table-wrap")]
  .filter((box) => box.clientWidth && box.scrollWidth > box.clientWidth + 1)
  .map((box) => box.textContent.slice(0, 80))"""
#: Whether the page is as wide as its window.
FITS = "(width) => innerWidth === width && document.querySelector('.page').scrollWidth <= width"
#: Sizes of the windows that each view fits into.
WIDTHS = (1440, 1024, 960, 820)


def frame_of(page: Page, graph: str) -> Locator:
    """The frame of a chart."""
    return page.locator(".chart-frame", has=page.locator(graph))


def open_table(page: Page, graph: str) -> Locator:
    """Open the table behind a chart, by keyboard; returns its rows."""
    frame = frame_of(page, graph)
    frame.locator(".js-plotly-plot .main-svg").first.wait_for()
    frame.locator(".chart-data > summary").focus()
    page.keyboard.press("Enter")
    return frame.locator(".chart-table tbody tr")


def slices_in(rows: Locator) -> list[int]:
    """The counts of the matrix's table, in the order of its cells."""
    expect(rows).to_have_count(4)
    return [
        int(words.replace(",", "")) for words in rows.locator("td:nth-child(3)").all_inner_texts()
    ]


def save(page: Page, graph: str, kind: str) -> tuple[str, bytes]:
    """Download a chart; returns the name of the file and its content."""
    with page.expect_download() as started:
        frame_of(page, graph).locator(f"[data-chart-save={kind}]").click()
    return started.value.suggested_filename, Path(started.value.path()).read_bytes()


def click_cell(page: Page, *, column: int, row: int) -> None:
    """Click the middle of a cell of the matrix."""
    plot = page.locator(f"{MATRIX} .nsewdrag").first
    box = plot.bounding_box()
    assert box is not None
    place = {"x": (column + 0.5) * box["width"] / 2, "y": (row + 0.5) * box["height"] / 2}
    plot.hover(position=place)
    plot.click(position=place)


def test_without_evaluation_the_page_names_the_command(page: Page) -> None:
    page.goto("/performance")
    expect(page.locator(".empty .command")).to_have_text(EVALUATE_COMMAND)


@pytest.mark.usefixtures("evaluated")
def test_the_matrix_follows_the_operating_point_and_opens_its_slices(page: Page) -> None:
    page.goto("/performance")
    rows = open_table(page, MATRIX)
    before = slices_in(rows)
    click_cell(page, column=1, row=0)  # false negatives
    expect(page.locator(".case-panel tbody tr")).to_have_count(before[1])
    page.locator("#performance-threshold").focus()
    page.keyboard.press("End")
    expect(rows.nth(1).locator("td").nth(2)).not_to_have_text(str(before[1]))
    moved = slices_in(rows)
    assert moved[1] > before[1] and moved[0] + moved[1] == before[0] + before[1]
    expect(page.locator(".case-panel tbody tr")).to_have_count(moved[1])
    name, content = save(page, MATRIX, "csv")
    saved = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
    assert name.endswith(".csv")
    assert [int(row["Slices"]) for row in saved] == moved
    page.click("#performance-reset")
    expect(rows.nth(1).locator("td").nth(2)).to_have_text(str(before[1]))
    expect(page.locator(".case-panel tbody tr")).to_have_count(before[1])
    page.locator(".case-panel [id*=performance-close]").click()
    expect(page.locator(".case-panel")).to_have_count(0)
    button = page.locator(".cell-openers button").nth(3)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".case-panel tbody tr")).to_have_count(before[3])


@pytest.mark.usefixtures("evaluated")
def test_slices_of_a_cell_that_are_here_are_shown_as_pictures(page: Page, site: Site) -> None:
    study = site.add_study("FAKE_HT_0000", shift=3)
    page.goto("/performance")
    page.locator(".cell-openers button").nth(3).click()
    pictures = page.locator(".slice-picture")
    expect(pictures.first).to_be_visible()
    assert pictures.first.locator("img").evaluate("image => image.decode().then(() => true)")
    pictures.first.click()
    expect(page).to_have_url(re.compile(rf"/review\?study={study}&slice="))


@pytest.mark.usefixtures("evaluated")
def test_charts_are_saved_as_pictures(page: Page) -> None:
    page.goto("/performance")
    open_table(page, ROC)
    assert save(page, ROC, "png")[1].startswith(b"\x89PNG")
    name, content = save(page, ROC, "svg")
    assert name.endswith(".svg") and b"</svg>" in content


@pytest.mark.usefixtures("evaluated")
def test_a_dot_opens_its_case(page: Page) -> None:
    page.goto("/performance?view=outlines")
    page.locator("[id*=performance-dice] .points path").last.click(force=True)
    expect(page.locator(".case-panel tbody tr, #viewer-screen").first).to_be_visible()


@pytest.mark.usefixtures("evaluated")
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_and_every_chart_is_drawn_in_its_frame(page: Page, view: str) -> None:
    page.goto(f"/performance?view={view}")
    page.wait_for_selector(".performance .views")
    page.wait_for_load_state("networkidle")
    frames = drawn_frames(page)
    for width in (*WIDTHS, WIDTHS[0]):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_function(FITS, arg=width)  # charts are drawn again at their new width
        assert page.evaluate(CUT_TABLES) == [], width
    for frame in frames:
        check_frame(page, frame)


@pytest.mark.usefixtures("evaluated")
def test_runs_of_the_training_are_switched_by_keyboard(page: Page) -> None:
    page.goto("/performance?view=training")
    rows = open_table(page, "[id*=performance-training][id*='\"loss\"']")
    expect(rows.first).to_be_visible()
    page.locator(".run-switches input").first.focus()
    page.keyboard.press("Space")
    expect(rows).to_have_count(0)
    page.keyboard.press("Space")
    expect(rows.first).to_be_visible()


@pytest.mark.usefixtures("evaluated")
def test_lists_fit_and_the_slider_shows_its_focus(page: Page) -> None:
    page.set_viewport_size({"width": 1024, "height": 800})
    page.goto("/performance")
    page.locator(".cell-openers button").nth(3).click()
    rows = page.locator(".case-rows")
    expect(rows.locator("tbody tr").nth(8)).to_be_attached()
    if page.locator(".slice-picture").count():
        page.locator(".case-panel summary").click()
    assert rows.evaluate(
        "box => box.querySelectorAll('tr')[8].getBoundingClientRect().bottom"
        " <= box.getBoundingClientRect().bottom"
    )
    inside = page.evaluate(
        "[...document.querySelectorAll('.case-rows th')].find(th => th.textContent === 'Dice')"
        ".getBoundingClientRect().right"
        " <= document.querySelector('.case-rows').getBoundingClientRect().right"
    )
    assert inside  # Dice is in view without scrolling sideways
    page.focus("#performance-threshold")
    page.keyboard.press("ArrowRight")
    accent = page.evaluate(
        "getComputedStyle(document.querySelector('.chart-data > summary')).color"
    )
    expect(page.locator("#performance-threshold")).to_have_css("outline-color", accent)
    expect(page.locator(".threshold-slider")).to_have_css("outline-style", "none")
    expect(page.locator(".threshold-slider")).to_have_css("border-top-width", "0px")


@pytest.mark.usefixtures("evaluated")
def test_charts_follow_the_theme(page: Page) -> None:
    page.goto("/performance")
    dot = page.locator("[id*=performance-dice] .points path").first
    expect(dot).to_have_css("fill", "rgb(242, 169, 59)")
    page.click("#theme-switch")
    expect(dot).to_have_css("fill", "rgb(163, 92, 0)")
