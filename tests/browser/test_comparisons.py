"""The comparisons page in use; the workspace holds the answer to the image already."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

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
from pipeline.image_tasks.facade import IMAGE_TASKS


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
    expect(answer.locator(".notice--warning")).to_have_text(IMAGE_TASKS[TASK].cautions)
    expect(page.locator("#comparisons-bars .bars path")).to_have_count(4)
    expect(page).to_have_url(re.compile(f"image={answered}"))

    heat = page.locator(".heat")
    expect(heat).to_have_css("mask-image", re.compile("heat.png"))
    assert page.evaluate("document.querySelector('.heat-frame img').naturalWidth") == 32
    page.locator("#heat-strength").fill("0")
    expect(heat).to_have_css("opacity", "0")

    page.reload()
    expect(answer).to_contain_text("Viral pneumonia", timeout=60_000)
    page.goto("/")
    assert page.locator(".study-link", has_text="chest").count() == 0  # in no worklist


@pytest.mark.usefixtures("answered")
def test_large_file_is_refused_before_it_is_sent(page: Page) -> None:
    page.goto(f"/comparisons?task={TASK}")
    page.locator("#comparisons-choose").evaluate("button => { button.dataset.maxBytes = '10'; }")
    with page.expect_file_chooser() as chooser:
        page.click("#comparisons-choose")
    chooser.value.set_files({"name": "chest.png", "mimeType": "image/png", "buffer": make_png()})
    expect(page.locator("#comparisons-status")).to_have_class(re.compile("notice--error"))
