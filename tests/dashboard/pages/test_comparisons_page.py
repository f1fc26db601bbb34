"""The comparisons page: its contents, and its callbacks as plain functions."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dash import html, no_update
from dash.exceptions import PreventUpdate
from fake_images import (
    TASK,
    make_answer,
    make_image_evaluation,
    make_png,
    write_image_model,
)
from fake_server import make_services
from flask import Flask
from page_calls import find, of_type, rows_of, text, with_class, words_of

from dashboard.comparisons.answers import MAX_BYTES, ImageAnswers
from dashboard.figures.chart_data import data_of
from dashboard.figures.probabilities import make_probability_figure
from dashboard.figures.template import DARK
from dashboard.jobs import tasks
from dashboard.jobs.callbacks import read_request
from dashboard.jobs.execution import Worker
from dashboard.pages.comparisons import page as comparisons
from dashboard.pages.comparisons import view
from dashboard.workspace import services
from dashboard.workspace.services import Services
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Services]:
    write_image_model(tmp_path / "models", evaluation=make_image_evaluation())
    parts = make_services(tmp_path / "home", models=False)
    server = Flask("test")
    services.attach(server, parts)
    with server.app_context():
        yield parts


def numbers_in(words: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", words)]


def page(**query: Any) -> str:
    return text(comparisons.layout(**query))


def cautions_in(component: Any) -> list[str]:
    return [words_of(one) for one in with_class(component, "notice--warning")]


def test_page_of_a_task_shows_cautions_figures_matrix_and_cases(served):
    layout = comparisons.layout(task=TASK)
    task = IMAGE_TASKS[TASK]
    assert cautions_in(layout)[: len(task.cautions)] == list(task.cautions)
    assert len(with_class(layout, "chip--warning")) == 1
    rows = rows_of(layout)
    assert ["0.842", "0.800 to 0.880"] in [row[1:] for row in rows]
    chart = view.matrix_id(TASK)
    assert find(layout, chart) is not None
    (figure,) = comparisons.draw_matrix("dark", [chart])
    assert data_of(figure)["Images"].tolist() == np.diag([7] * 4).ravel().tolist()
    assert len(figure.layout.xaxis.ticktext) == 4
    titles = dict(zip(task.classes, task.class_titles, strict=True))
    (first, *_) = rows_of(with_class(layout, "patient-rows"))[1:]
    assert first[:4] == [
        "pneumonia_bac/2.png",
        titles["pneumonia_bac"],
        titles["pneumonia_vir"],
        "70%",
    ]
    assert find(layout, "comparisons-choose") is not None


@pytest.mark.parametrize("charts", [None, ["x"], [{"which": []}]])
def test_charts_that_no_page_has_are_not_drawn(served, charts):
    with pytest.raises(PreventUpdate):
        comparisons.draw_matrix("dark", charts)


def test_a_matrix_of_no_task_is_not_drawn(served):
    assert comparisons.draw_matrix("dark", [{"which": "other"}]) == [no_update]


def test_upload_limit_of_the_page_is_the_server_s(served):
    button = find(comparisons.layout(task=TASK), "comparisons-choose")
    assert int(getattr(button, "data-max-bytes")) == MAX_BYTES


def test_numbers_of_answers_and_images_add_up(served, monkeypatch):
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
    found = write_image_model(served.settings.models, evaluation=made).evaluation
    assert found is not None and (found.answers, found.repeats) == (8, 2)
    assert numbers_in(view.predictions_words(found)) == [8, 4]
    assert view.count_misclassified(found) == 2
    assert numbers_in(view.averaged_words(found)) == [2, 2, 4, 5, 8]
    shown = page(task=TASK)
    assert view.predictions_words(found) in shown and view.averaged_words(found) in shown
    assert "first 3" not in shown
    monkeypatch.setattr(view, "MAX_CASES", 3)  # of four
    assert "first 3" in page(task=TASK)


def test_a_single_answer_per_image_needs_no_explanation(served):
    made = make_image_evaluation()
    made["confusion"]["counts"] = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    found = write_image_model(served.settings.models, evaluation=made).evaluation
    assert found is not None and view.averaged_words(found) == ""
    assert numbers_in(view.predictions_words(found)) == [4]
    assert view.predictions_words(found) in page(task=TASK)


def test_task_without_a_model_names_the_command_that_trains_one(served):
    layout = comparisons.layout(task="brain-mri")
    (error,) = with_class(layout, "notice--error")
    (command,) = with_class(error, "command")
    assert words_of(command) == comparisons.TRAIN_COMMAND.format(task="brain-mri")
    assert cautions_in(layout) == list(IMAGE_TASKS["brain-mri"].cautions)
    assert find(layout, "comparisons-choose") is None


@pytest.mark.parametrize("task", [None, "", "other", "../x", ["chest-xray"]])
def test_unknown_task_is_the_first_one(served, task):
    (chosen,) = with_class(comparisons.layout(task=task), "view--chosen")
    assert chosen.href == f"/comparisons?task={next(iter(IMAGE_TASKS))}"


def test_model_without_evaluation_names_the_command(served):
    folder = served.settings.models / TASK / "mobilenetv2"
    (folder / "evaluation.json").unlink()
    assert comparisons.TRAIN_COMMAND.format(task=TASK) in page(task=TASK)
    (folder / "evaluation.json").write_text(json.dumps(make_image_evaluation(figures=3)))
    assert comparisons.TRAIN_COMMAND.format(task=TASK) in page(task=TASK)


def ask(parts: Services) -> comparisons.ImageRequest:
    """A request for the answer to an image that was sent."""
    content = make_png()
    image_id = ImageAnswers.of(parts).receive("chest.png", io.BytesIO(content), length=len(content))
    return comparisons.ImageRequest(task=TASK, image=image_id, asked=7, again=False)


def work(parts: Services, monkeypatch: pytest.MonkeyPatch, answer: Any) -> Callable[[Any], None]:
    """A relay at which a worker does the job."""
    info = write_image_model(parts.settings.models)
    classifier = SimpleNamespace(info=info)
    monkeypatch.setattr(tasks, "open_classifier", lambda *_: classifier)
    monkeypatch.setattr(tasks, "answer_image", answer)
    worker = Worker(parts)

    def relay(state: dict[str, Any]) -> None:
        assert (state["asked"], state["state"]) == (7, "queued")
        assert worker.run_one()

    return relay


def test_request_is_answered_with_picture_class_and_bars(served, monkeypatch):
    request = ask(served)
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    shown, outcome = comparisons.follow_answer(served, request, relay)
    assert "Viral pneumonia 70%" in words_of(shown)
    (picture,) = of_type(shown, html.Img)
    assert picture.src.startswith(f"/data/comparisons/{TASK}/{request.image}/")
    assert cautions_in(shown) == []  # the page has said them already
    assert cautions_in(comparisons.layout(task=TASK)) == list(IMAGE_TASKS[TASK].cautions)
    assert (outcome["state"], outcome["asked"]) == ("done", 7)
    assert outcome["probabilities"][0] == ["Covid-19", 0.02]
    bars = comparisons.draw_bars(outcome, "dark").data[0]
    assert list(bars.x) == [0.02, 0.08, 0.2, 0.7]
    assert list(bars.y) == ["Covid-19", "Healthy", "Bacterial pneumonia", "Viral pneumonia"]
    again, _ = comparisons.follow_answer(served, request, pytest.fail)  # after a reload
    assert text(again) == text(shown)


def test_image_that_cannot_be_read_is_an_error(served, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise InputError("chest.png", "It is cut short.")

    request = ask(served)
    relay = work(served, monkeypatch, refuse)
    for shown, outcome in (
        comparisons.follow_answer(served, request, relay),
        comparisons.follow_answer(served, request, pytest.fail),  # after a reload
    ):
        assert words_of(shown) == "It is cut short."
        assert outcome["state"] == "failed"
        with pytest.raises(PreventUpdate):
            comparisons.draw_bars(outcome, "dark")


def test_answer_that_was_removed_is_computed_again_from_its_image(served, monkeypatch):
    request = ask(served)
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    comparisons.follow_answer(served, request, relay)
    (folder,) = (ImageAnswers.of(served).folder / request.image).glob("chest-xray-*")
    shutil.rmtree(folder)
    _, outcome = comparisons.follow_answer(served, request, relay)
    assert outcome["state"] == "done"
    shutil.rmtree(ImageAnswers.of(served).folder / request.image)
    shown, outcome = comparisons.follow_answer(served, request, relay)
    assert (shown.role, outcome["state"]) == ("alert", "failed")


def test_cancelled_answer_leaves_the_page_until_it_is_requested_again(served, monkeypatch):
    request = ask(served)
    comparisons.cancel_answer(served, request)  # nothing has been requested yet
    cancelled = comparisons.follow_answer(
        served, request, lambda state: comparisons.cancel_answer(served, request)
    )
    assert (cancelled[0], cancelled[1]["state"]) == (no_update, "cancelled")
    assert comparisons.follow_answer(served, request, pytest.fail)[0] == no_update
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    _, outcome = comparisons.follow_answer(
        served, request.model_copy(update={"again": True}), relay
    )
    assert outcome["state"] == "done"


def test_worker_with_another_model_than_the_page_is_an_error(served, monkeypatch):
    request = ask(served)
    relay = work(served, monkeypatch, lambda *_, **__: make_answer())
    other = SimpleNamespace(info=SimpleNamespace(digest="f" * 64))
    monkeypatch.setattr(tasks, "open_classifier", lambda *_: other)
    shown, outcome = comparisons.follow_answer(served, request, relay)
    assert (shown.role, outcome["state"]) == ("alert", "failed")


@pytest.mark.parametrize(
    ("changes", "is_valid"),
    [
        ({}, True),
        ({"task": "other"}, False),
        ({"task": [TASK]}, False),
        ({"image": "../" + "a" * 29}, False),
        ({"image": ["a" * 32]}, False),
    ],
)
def test_request_names_a_task_and_an_image(changes, is_valid):
    value = {"task": TASK, "image": "a" * 32, "asked": 7, "again": False} | changes
    assert (read_request(comparisons.ImageRequest, value) is not None) == is_valid


@pytest.mark.parametrize(
    "outcome",
    [
        None,
        {},
        {"probabilities": []},
        {"probabilities": [["A", 1.5]]},
        {"probabilities": [["A", float("nan")]]},
        {"probabilities": [["A" * 81, 0.5]]},
        {"probabilities": [["A", 0.5]] * 33},
    ],
)
def test_bars_of_what_is_not_an_answer_stay_as_they_are(outcome):
    with pytest.raises(PreventUpdate):
        comparisons.draw_bars(outcome, "dark")


def test_most_probable_class_has_the_ai_colour():
    figure = make_probability_figure([("A", 0.004), ("B", 0.996)], theme="dark")
    bars = figure.data[0]
    assert list(bars.text) == ["<1%", "100%"]
    assert list(bars.marker.color) == [DARK.muted, DARK.ai]
    assert figure.layout.xaxis.range == (0, 1)
