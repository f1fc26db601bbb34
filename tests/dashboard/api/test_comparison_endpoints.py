"""Answers to several images at once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fake_images import TASK, make_answer, make_png, write_image_model
from fake_server import make_services
from flask import Flask
from flask.testing import FlaskClient

from dashboard import api
from dashboard.comparisons.answers import ImageAnswers
from dashboard.jobs import table
from dashboard.store import JobState
from dashboard.workspace import services
from dashboard.workspace.services import Services
from pipeline.image_tasks.facade import ImageModelInfo

OURS = {"X-Overread": "1"}


@pytest.fixture
def served(tmp_path: Path) -> Services:
    write_image_model(tmp_path / "models")
    return make_services(tmp_path / "home", models=False)


@pytest.fixture
def client(served: Services) -> FlaskClient:
    server = Flask("test")
    services.attach(server, served)
    api.register(server, served)
    return server.test_client()


@pytest.fixture
def info(served: Services) -> ImageModelInfo:
    return write_image_model(served.settings.models)


def receive(parts: Services, value: int) -> str:
    content = make_png(value)
    return ImageAnswers.of(parts).receive("a.png", io.BytesIO(content), length=len(content))


def ask(client: FlaskClient, *images: str) -> list[dict[str, object]]:
    answer = client.post(
        f"/api/comparisons/{TASK}/answers", json={"images": list(images)}, headers=OURS
    )
    assert answer.status_code == 200, answer.json
    outcomes: list[dict[str, object]] = answer.json["outcomes"]
    return outcomes


def test_images_without_an_answer_are_queued_once(
    client: FlaskClient, served: Services, info: ImageModelInfo
) -> None:
    first, second = receive(served, 1), receive(served, 2)
    ImageAnswers.of(served).store(second, info, make_answer())
    found = ask(client, first, second)
    assert [one["image"] for one in found] == [first, second]
    assert [one["state"] for one in found] == ["queued", "done"]
    assert (found[1]["answer"], found[1]["probability"]) == ("Viral pneumonia", 0.7)
    ask(client, first)
    assert table.count_waiting(served.store) == 1


def test_a_failed_image_says_why_and_is_not_repeated(client: FlaskClient, served: Services) -> None:
    image = receive(served, 3)
    ask(client, image)
    job = table.claim(served.store, "w")
    assert job is not None
    table.end(served.store, job.job_id, "w", JobState.FAILED, error="It is damaged.")
    (found,) = ask(client, image)
    assert (found["state"], found["message"]) == ("failed", "It is damaged.")
    assert table.count_waiting(served.store) == 0


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_an_image_that_is_sent_again_is_tried_again(
    client: FlaskClient, served: Services, how: str
) -> None:
    content = make_png(1)

    def send() -> str:
        url = "/api/comparisons/images?name=a.png"
        image: str = client.put(url, data=content, headers=OURS).json["image"]
        return image

    image = send()
    ask(client, image)
    if how == "failed":
        job = table.claim(served.store, "w")
        table.end(served.store, job.job_id, "w", JobState.FAILED, error="It is damaged.")
    else:
        client.post(f"/api/comparisons/{TASK}/cancel", json={"images": [image]}, headers=OURS)
    assert ask(client, image)[0]["state"] == how
    assert send() == image
    assert ask(client, image)[0]["state"] == "queued"


def test_images_are_cancelled_together(client: FlaskClient, served: Services) -> None:
    images = [receive(served, value) for value in (4, 5, 6)]
    ask(client, *images)
    sent = {"images": [*images, "0" * 32]}
    assert client.post(f"/api/comparisons/{TASK}/cancel", json=sent, headers=OURS).json == {}
    assert {one["state"] for one in ask(client, *images)} == {"cancelled"}


@pytest.mark.parametrize(
    ("task", "images", "status"),
    [
        ("unknown", [], 404),
        (TASK, ["../../etc"], 400),
        (TASK, ["0" * 32] * 201, 400),
        (TASK, "0" * 32, 400),
    ],
)
def test_what_is_refused(client: FlaskClient, task: str, images: object, status: int) -> None:
    for what in ("answers", "cancel"):
        sent = {"images": images}
        answer = client.post(f"/api/comparisons/{task}/{what}", json=sent, headers=OURS)
        assert answer.status_code == status
