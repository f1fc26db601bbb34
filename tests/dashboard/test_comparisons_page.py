"""The comparisons page: what it says, and its callbacks as plain functions."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dash import no_update
from dash.exceptions import PreventUpdate
from fake_images import (
    TASK,
    make_answer,
    make_image_evaluation,
    make_png,
    program,
    write_image_model,
)
from fake_server import make_settings
from flask import Flask, current_app
from page_calls import text

from dashboard import image_routes, services
from dashboard.figures.probabilities import make_probability_figure
from dashboard.figures.template import DARK
from dashboard.pages import comparisons
from dashboard.services import Services, build_services
from pipeline.image_tasks.facade import IMAGE_TASKS


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Services]:
    write_image_model(tmp_path / "models", evaluation=make_image_evaluation())
    parts = build_services(make_settings(tmp_path / "home"))
    server = Flask("test")
    services.attach(server, parts)
    image_routes.register(server, parts)
    with server.app_context():
        yield parts


def page(**query: Any) -> str:
    return text(comparisons.layout(**query))


@pytest.mark.parametrize(
    "words",
    [
        "Not for reading",
        "a model can score by telling the sources apart",
        "0.842",
        "0.800 to 0.880",
        "2 x 5 stratified folds by group, 316 images in 300 groups",
        "Cases: 1 of 4 answered wrongly, the surest of them first",
        "Choose an image",
        "up to 32 MB",
        "mobilenetv2 1.0.0",
        "answered Covid-19",
    ],
)
def test_page_of_a_task_says(served, words):
    assert words in page(task=TASK)


def test_numbers_of_answers_and_images_add_up(served):
    classes = IMAGE_TASKS[TASK].classes
    rows = [
        {
            "file": f"{k}.png",
            "label": classes[0],
            "class": classes[k % 2],
            "probabilities": dict(zip(classes, (0.6 - 0.2 * (k % 2), 0.4, 0.0, 0.0), strict=True)),
        }
        for k in range(4)
    ]
    counts = [[3, 5, 0, 0], *[[0] * 4] * 3]
    made = make_image_evaluation(rows=rows, confusion={"labels": list(classes), "counts": counts})
    write_image_model(served.settings.models, evaluation=made)
    shown = page(task=TASK)
    assert "8 answers: each of the 4 images was answered 2 times" in shown
    assert "Cases: 2 of 4 answered wrongly" in shown
    assert "2 of 4 images are wrong here, 5 of 8 answers in the matrix." in shown
    assert '"Mean probability"' in shown


def test_a_single_answer_per_image_needs_no_explanation(served):
    made = make_image_evaluation()
    made["confusion"]["counts"] = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    write_image_model(served.settings.models, evaluation=made)
    shown = page(task=TASK)
    assert "4 answers, by networks that had not seen the image." in shown
    assert '"Probability"' in shown and "in the matrix" not in shown


def test_task_without_a_model_names_what_is_missing(served):
    shown = page(task="brain-mri")
    assert "No image can be answered." in shown
    assert "no model of this task is installed" in shown
    assert "some of the labels are plainly wrong" in shown


@pytest.mark.parametrize("task", [None, "", "other", "../x", ["chest-xray"]])
def test_unknown_task_is_the_first_one(served, task):
    assert next(iter(IMAGE_TASKS.values())).title in page(task=task)


def test_model_without_evaluation_says_how_to_measure(served):
    folder = served.settings.models / TASK / "mobilenetv2"
    (folder / "evaluation.json").unlink()
    assert "python -m pipeline train-image-task chest-xray" in page(task=TASK)
    (folder / "evaluation.json").write_text(json.dumps(make_image_evaluation(figures=3)))
    assert "notice--error" in page(task=TASK)


def test_request_is_answered_with_picture_words_and_bars(served):
    answers = image_routes.image_answers(_server())
    answers = replace(answers, program=program(json.dumps(make_answer())))
    image_id = _receive(answers)
    told: list[Any] = []
    request = {"task": TASK, "image": image_id, "asked": 7}
    shown, outcome = comparisons.answer_request(
        answers, served.settings.models, request, told.append
    )
    words = text(shown)
    assert "Viral pneumonia" in words and "70%" in words
    assert f"/data/comparisons/{TASK}/{image_id}/" in words
    assert "telling the sources apart" in words
    assert told[0]["asked"] == 7
    assert outcome["probabilities"][0] == ["Covid-19", 0.02]
    bars = comparisons.draw_bars(outcome, "dark").data[0]
    assert list(bars.x) == [0.02, 0.08, 0.2, 0.7]
    assert list(bars.y) == ["Covid-19", "Healthy", "Bacterial pneumonia", "Viral pneumonia"]


def test_image_that_cannot_be_read_is_told_in_a_sentence(served):
    answers = replace(
        image_routes.image_answers(_server()), program=program('{"error": "It is cut short."}')
    )
    request = {"task": TASK, "image": _receive(answers), "asked": 7}
    shown, outcome = comparisons.answer_request(
        answers, served.settings.models, request, lambda _: None
    )
    assert "It is cut short." in text(shown)
    with pytest.raises(PreventUpdate):
        comparisons.draw_bars(outcome, "dark")


@pytest.mark.parametrize(
    "request_",
    [
        None,
        "x",
        {},
        {"task": "other", "image": "a" * 32},
        {"task": TASK, "image": "../" + "a" * 29},
        {"task": TASK, "image": ["a" * 32]},
        {"task": [TASK], "image": "a" * 32},
    ],
)
def test_request_that_is_none_does_nothing(served, request_):
    answers = image_routes.image_answers(_server())
    found = comparisons.answer_request(answers, served.settings.models, request_, lambda _: None)
    assert found == (no_update, no_update)


def test_most_probable_class_has_the_ai_s_colour():
    figure = make_probability_figure([("A", 0.004), ("B", 0.996)], theme="dark")
    bars = figure.data[0]
    assert list(bars.text) == ["<1%", "100%"]
    assert list(bars.marker.color) == [DARK.muted, DARK.ai]
    assert figure.layout.xaxis.range == (0, 1)


def _receive(answers: Any) -> str:
    content = make_png()
    return answers.receive("chest.png", io.BytesIO(content), length=len(content))


def _server() -> Flask:
    return current_app
