"""The comparisons page: what it says, and its callbacks as plain functions."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dash import no_update
from dash.exceptions import PreventUpdate
from fake_images import (
    TASK,
    make_answer,
    make_image_evaluation,
    make_png,
    write_image_model,
)
from fake_server import make_settings
from flask import Flask
from page_calls import text

from dashboard.comparisons.answers import ImageAnswers
from dashboard.figures.probabilities import make_probability_figure
from dashboard.figures.template import DARK
from dashboard.jobs import tasks
from dashboard.jobs.execution import Worker
from dashboard.pages.comparisons import page as comparisons
from dashboard.workspace import services
from dashboard.workspace.services import Services, build_services
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Services]:
    write_image_model(tmp_path / "models", evaluation=make_image_evaluation())
    parts = build_services(make_settings(tmp_path / "home"))
    server = Flask("test")
    services.attach(server, parts)
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
            "group": k,
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
    assert "python -m pipeline train-image-task chest-xray" in page(task=TASK)


def ask(parts: Services, *, again: bool = False) -> dict[str, Any]:
    """A request for the answer to an image that was sent."""
    content = make_png()
    image_id = ImageAnswers.of(parts).receive("chest.png", io.BytesIO(content), length=len(content))
    return {"task": TASK, "image": image_id, "asked": 7, "again": again}


def work(parts: Services, monkeypatch: pytest.MonkeyPatch, answer: Any) -> Callable[[Any], None]:
    """A relay at which a worker does the job; also collects what is relayed."""
    info = write_image_model(parts.settings.models)
    classifier = SimpleNamespace(info=info)
    monkeypatch.setattr(tasks, "open_classifier", lambda *_: classifier)
    monkeypatch.setattr(tasks, "answer_image", answer)
    worker = Worker(parts)

    def relay(state: dict[str, Any]) -> None:
        assert (state["asked"], state["state"]) == (7, "queued")
        assert worker.run_one()

    return relay


def test_request_is_answered_with_picture_words_and_bars(served, monkeypatch):
    request = ask(served)
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    shown, outcome = comparisons.follow_answer(served, request, relay)
    words = text(shown)
    assert "Viral pneumonia" in words and "70%" in words
    assert f"/data/comparisons/{TASK}/{request['image']}/" in words
    assert "telling the sources apart" in words
    assert (outcome["state"], outcome["asked"]) == ("done", 7)
    assert outcome["probabilities"][0] == ["Covid-19", 0.02]
    bars = comparisons.draw_bars(outcome, "dark").data[0]
    assert list(bars.x) == [0.02, 0.08, 0.2, 0.7]
    assert list(bars.y) == ["Covid-19", "Healthy", "Bacterial pneumonia", "Viral pneumonia"]
    again, _ = comparisons.follow_answer(served, request, pytest.fail)  # after a reload
    assert text(again) == words


def test_image_that_cannot_be_read_is_told_in_a_sentence(served, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise InputError("chest.png", "It is cut short.")

    request = ask(served)
    relay = work(served, monkeypatch, refuse)
    for shown, outcome in (
        comparisons.follow_answer(served, request, relay),
        comparisons.follow_answer(served, request, pytest.fail),  # after a reload
    ):
        assert "It is cut short." in text(shown)
        assert outcome["state"] == "failed"
        with pytest.raises(PreventUpdate):
            comparisons.draw_bars(outcome, "dark")


def test_answer_that_was_forgotten_is_computed_again_while_the_image_is_there(served, monkeypatch):
    request = ask(served)
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    comparisons.follow_answer(served, request, relay)
    (folder,) = (ImageAnswers.of(served).folder / request["image"]).glob("chest-xray-*")
    shutil.rmtree(folder)
    shown, _ = comparisons.follow_answer(served, request, relay)
    assert "Viral pneumonia" in text(shown)
    shutil.rmtree(ImageAnswers.of(served).folder / request["image"])
    shown, outcome = comparisons.follow_answer(served, request, relay)
    assert "The image is no longer on the server. Choose it again." in text(shown)
    assert outcome["state"] == "failed"


def test_cancelled_answer_leaves_the_page_as_it_is_until_it_is_asked_for_anew(served, monkeypatch):
    request = ask(served)
    comparisons.cancel_answer(served, request)  # nothing was asked for yet
    cancelled = comparisons.follow_answer(
        served, request, lambda state: comparisons.cancel_answer(served, request)
    )
    assert (cancelled[0], cancelled[1]["state"]) == (no_update, "cancelled")
    assert comparisons.follow_answer(served, request, pytest.fail)[0] == no_update
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    shown, _ = comparisons.follow_answer(served, request | {"again": True}, relay)
    assert "Viral pneumonia" in text(shown)


def test_worker_with_another_model_than_the_page_says_so(served, monkeypatch):
    request = ask(served)
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    other = SimpleNamespace(info=SimpleNamespace(digest="f" * 64))
    monkeypatch.setattr(tasks, "open_classifier", lambda *_: other)
    shown, _ = comparisons.follow_answer(served, request, relay)
    assert "install the same everywhere" in text(shown)


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
def test_request_that_is_none_is_left_alone(request_):
    assert comparisons.parse_request(request_) is None


def test_most_probable_class_has_the_ai_s_colour():
    figure = make_probability_figure([("A", 0.004), ("B", 0.996)], theme="dark")
    bars = figure.data[0]
    assert list(bars.text) == ["<1%", "100%"]
    assert list(bars.marker.color) == [DARK.muted, DARK.ai]
    assert figure.layout.xaxis.range == (0, 1)
