"""The comparisons page in use; the workspace holds the answer to the image already."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from chart_frames import check_frame, drawn_frames

# running_site has put the other tests' folder on the path
from fake_images import (
    TASK,
    make_answer,
    make_image_evaluation,
    make_png,
    write_image_model,
)
from playwright.sync_api import Page, expect
from running_site import Site

from dashboard.comparisons.answers import ImageAnswers
from pipeline.image_tasks.facade import IMAGE_TASKS, read_image_model


@pytest.fixture(scope="module")
def answered(site: Site) -> str:
    """A model and the answer to one picture; the fixture is the picture's id."""
    models = Path(site.environment["OVERREAD_MODELS"])
    info = write_image_model(models, evaluation=make_image_evaluation())
    home = Path(site.environment["OVERREAD_HOME"])
    images = ImageAnswers(home / "comparisons")
    content = make_png()
    image_id = images.receive("chest.png", io.BytesIO(content), length=len(content))
    images.store(image_id, info, make_answer())
    return image_id


def test_image_is_sent_answered_and_shown_with_its_heat_map(page: Page, answered: str) -> None:
    page.goto(f"/comparisons?task={TASK}")
    expect(page.locator(".page-head .chip--warning")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.click("#comparisons-choose")
    chooser.value.set_files({"name": "chest.png", "mimeType": "image/png", "buffer": make_png()})
    answer = page.locator(".comparison-answer")
    expect(answer).to_contain_text("Viral pneumonia", timeout=60_000)
    for caution in IMAGE_TASKS[TASK].cautions:  # once for the whole page
        expect(page.get_by_text(caution, exact=True)).to_have_count(1)
    expect(page.locator("#comparisons-bars .bars path")).to_have_count(4)
    expect(page).to_have_url(re.compile(f"image={answered}"))

    for frame in drawn_frames(page):
        check_frame(page, frame)

    heat = page.locator(".heat")
    expect(heat).to_have_css("mask-image", re.compile("heat.png"))
    assert page.evaluate("document.querySelector('.heat-frame img').naturalWidth") == 32
    page.locator("#heat-strength").fill("0")
    expect(heat).to_have_css("opacity", "0")

    page.reload()
    expect(answer).to_contain_text("Viral pneumonia", timeout=60_000)
    page.goto("/")
    assert page.locator(".study-link", has_text="chest").count() == 0  # in no worklist


def test_folder_is_listed_with_an_answer_for_each_image(
    page: Page, answered: str, site: Site, tmp_path: Path
) -> None:
    info = read_image_model(Path(site.environment["OVERREAD_MODELS"]), TASK)
    images = ImageAnswers(Path(site.environment["OVERREAD_HOME"]) / "comparisons")
    (tmp_path / "chests").mkdir()
    for value in (10, 20, 30):
        content = make_png(value)
        (tmp_path / "chests" / f"chest{value}.png").write_bytes(content)
        image_id = images.receive(f"chest{value}.png", io.BytesIO(content), length=len(content))
        images.store(image_id, info, make_answer(source=f"chest{value}.png"))
    (tmp_path / "chests" / "unanswered.png").write_bytes(make_png(40))  # there are no weights
    page.goto(f"/comparisons?task={TASK}")
    with page.expect_file_chooser() as chooser:
        page.click("#comparisons-choose-folder")
    chooser.value.set_files(tmp_path / "chests")
    rows = page.locator("#comparisons-list tbody tr")
    expect(rows).to_have_count(4)
    expect(page.locator("#comparisons-list [data-image]")).to_have_count(3)
    expect(page.locator("#comparisons-csv")).to_be_visible()
    expect(page.locator("#comparisons-cancel")).to_be_hidden()
    row = rows.filter(has_text="chest20.png")
    row.get_by_role("button").click()
    expect(row).to_have_attribute("aria-selected", "true")
    expect(page.locator(".comparison-answer")).to_contain_text("chest20.png")
    expect(rows).to_have_count(4)
    page.click("#nav-about")
    expect(page.get_by_role("heading", level=1)).to_have_text("About Overread")
    page.go_back()
    expect(rows).to_have_count(4)
    expect(row).to_have_attribute("aria-selected", "true")
    with page.expect_download() as download:
        page.click("#comparisons-csv")
    with Path(download.value.path()).open(newline="") as file:
        answers = [(row["prediction"], row["probability"]) for row in csv.DictReader(file)]
    assert len(answers) == 4
    assert answers.count(("Viral pneumonia", "0.7000")) == 3


@pytest.mark.usefixtures("answered")
def test_no_column_is_cut(page: Page) -> None:
    page.goto(f"/comparisons?task={TASK}")
    expect(page.locator(".data-table").first).to_be_visible()
    for width in (1440, 1024, 820):
        page.set_viewport_size({"width": width, "height": 900})
        cut = page.evaluate(
            "[...document.querySelectorAll('.table-wrap')]"
            ".filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.textContent)"
        )
        assert cut == [], width
        assert page.evaluate("document.querySelector('.comparisons').scrollWidth") <= width


@pytest.mark.usefixtures("answered")
def test_large_file_is_refused_before_it_is_sent(page: Page) -> None:
    page.goto(f"/comparisons?task={TASK}")
    page.locator("#comparisons-choose").evaluate("button => { button.dataset.maxBytes = '10'; }")
    with page.expect_file_chooser() as chooser:
        page.click("#comparisons-choose")
    chooser.value.set_files({"name": "chest.png", "mimeType": "image/png", "buffer": make_png()})
    expect(page.locator("#comparisons-status")).to_have_class(re.compile("notice--error"))
