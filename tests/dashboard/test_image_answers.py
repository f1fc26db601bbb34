"""Images of the comparison tasks: received, answered in another process, kept and forgotten."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_images import DIGEST, TASK, make_answer, make_png, program, write_image_model
from flask.testing import FlaskClient

from dashboard import image_answers, image_routes
from dashboard.image_answers import ImageAnswers
from dashboard.services import Services
from dashboard.uploads import UploadRefused
from pipeline import InputError, SharedStorage

HEADERS = {"X-Overread": "1"}


@pytest.fixture
def answers(tmp_path: Path) -> ImageAnswers:
    write_image_model(tmp_path / "models")
    return ImageAnswers(
        folder=tmp_path / "comparisons",
        models=tmp_path / "models",
        engine_files=tmp_path / "engine",
        program=program(json.dumps(make_answer())),
    )


def receive(answers: ImageAnswers, content: bytes, name: str = "chest.png") -> str:
    return answers.receive(name, io.BytesIO(content), length=len(content))


def test_image_is_answered_once_and_then_found(answers: ImageAnswers) -> None:
    info = write_image_model(answers.models)
    image_id = receive(answers, make_png())
    told: list[str] = []
    record = answers.answer(info, image_id, told.append)
    assert record.answer == "pneumonia_vir"
    assert record.probabilities[0] == ("covid", 0.02)
    assert (record.width, record.height) == (32, 24)
    assert record.heat_url == f"/data/comparisons/{TASK}/{image_id}/{DIGEST[:16]}/heat.png"
    assert told and all(words.startswith("Answering, ") for words in told)
    picture = answers.picture(info, image_id, "heat")
    assert picture is not None and picture.read_bytes() == make_png()
    arguments = json.loads((answers.folder / image_id / "upload.arguments").read_text())
    assert arguments[0] == TASK
    assert "--source=chest.png" in arguments

    silent = replace(answers, program=("false",))
    assert silent.answer(info, receive(answers, make_png()), told.append) == record


def test_one_machine_answers_what_another_received(answers: ImageAnswers, tmp_path: Path) -> None:
    info = write_image_model(answers.models)
    storage = SharedStorage(str(tmp_path / "shared"))
    web, follower, other = (
        replace(answers, folder=tmp_path / name, storage=storage)
        for name in ("web", "follower", "other")
    )
    image_id = receive(web, make_png())
    assert web.find(info, image_id) is None and web.picture(info, image_id, "heat") is None
    record = follower.answer(info, image_id, lambda words: None)
    assert web.find(info, image_id) == record
    picture = other.picture(info, image_id, "heat")
    assert picture is not None and picture.read_bytes() == make_png()
    with pytest.raises(InputError, match="no longer on the server"):
        other.answer(info, "0" * 32, lambda words: None)
    assert not (other.folder / ("0" * 32)).exists()


def test_another_model_does_not_show_this_one_s_answer(answers: ImageAnswers) -> None:
    info = write_image_model(answers.models)
    image_id = receive(answers, make_png())
    answers.answer(info, image_id, lambda _: None)
    other = replace(info, digest="f" * 64)
    assert answers.find(other, image_id) is None
    assert answers.picture(other, image_id, "heat") is None
    assert answers.picture(info, image_id, "answer.json") is None


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ('{"error": "chest.png is cut short. Export it again."}', "chest.png is cut short."),
        ("", "unexpected error"),
        ("[]", "unexpected error"),
        (json.dumps(make_answer(image_png="%%%")), "unexpected error"),
        (json.dumps({"task": TASK}), "unexpected error"),
        (json.dumps(make_answer(probabilities={"covid": 1.0})), "unexpected error"),
        (json.dumps(make_answer(**{"class": "healthy"})), "unexpected error"),
    ],
)
def test_failure_is_one_plain_sentence(answers: ImageAnswers, output: str, sentence: str) -> None:
    failing = replace(answers, program=program(output))
    info = write_image_model(answers.models)
    image_id = receive(answers, make_png())
    with pytest.raises(InputError, match=sentence):
        failing.answer(info, image_id, lambda _: None)
    assert failing.turn.acquire(blocking=False)


def test_work_ends_with_whoever_asked_for_it(answers: ImageAnswers) -> None:
    slow = replace(answers, program=program("{}", seconds=60))
    image_id = receive(answers, make_png())

    class Ended(BaseException):
        pass

    def end(words: str) -> None:
        raise Ended

    began = time.monotonic()
    with pytest.raises(Ended):
        slow.answer(write_image_model(answers.models), image_id, end)
    assert time.monotonic() - began < 30
    assert slow.turn.acquire(blocking=False)


def test_answer_that_takes_too_long_is_given_up(
    answers: ImageAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_answers, "_TIMEOUT_S", 0.0)
    slow = replace(answers, program=program("{}", seconds=60))
    image_id = receive(answers, make_png())
    with pytest.raises(InputError, match="took longer than five minutes"):
        slow.answer(write_image_model(answers.models), image_id, lambda _: None)


def test_second_image_waits_for_its_turn(answers: ImageAnswers) -> None:
    info = write_image_model(answers.models)
    image_id = receive(answers, make_png())
    told: list[str] = []
    answers.turn.acquire()
    threading.Timer(0.6, answers.turn.release).start()
    answers.answer(info, image_id, told.append)
    assert told[0] == "Waiting: another image is being answered"


@pytest.mark.parametrize("content", [b"", b"x" * 11])
def test_empty_and_large_files_are_refused(
    answers: ImageAnswers, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_answers, "MAX_BYTES", 10)
    with pytest.raises(UploadRefused, match=r"empty or cut short|larger than"):
        receive(answers, content)
    assert list(answers.folder.iterdir()) == []


def test_images_are_forgotten_after_a_day_and_when_there_are_too_many(
    answers: ImageAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, kept = receive(answers, b"old"), receive(answers, b"kept")
    long_ago = time.time() - 25 * 3600
    os.utime(answers.folder / old, (long_ago, long_ago))
    answers.forget_old()
    assert [path.name for path in answers.folder.iterdir()] == [kept]
    monkeypatch.setattr(image_answers, "_KEPT_IMAGES", 0)
    answers.forget_old()
    assert list(answers.folder.iterdir()) == []


@pytest.mark.parametrize("image_id", ["", "..", "../../secret", "g" * 32, "a" * 31])
def test_id_that_is_none_leads_nowhere(answers: ImageAnswers, image_id: str) -> None:
    info = write_image_model(answers.models)
    with pytest.raises(InputError, match="There is no such image"):
        answers.find(info, image_id)


def test_image_that_is_gone_says_so(answers: ImageAnswers) -> None:
    with pytest.raises(InputError, match="no longer on the server"):
        answers.answer(write_image_model(answers.models), "a" * 32, lambda _: None)


@pytest.fixture
def served(client: FlaskClient, parts: Services) -> FlaskClient:
    image_routes.register(client.application, parts)
    return client


def put(client: FlaskClient, content: bytes, name: str = "a.png", **headers: str) -> Any:
    return client.put(
        f"/api/comparisons/images?name={name}", data=content, headers=HEADERS | headers
    )


def test_image_goes_in_and_pictures_come_out(served: FlaskClient, parts: Services) -> None:
    info = write_image_model(parts.settings.models)
    image_id = put(served, make_png()).json["image"]
    kept = image_routes.image_answers(served.application)
    answered = replace(kept, program=program(json.dumps(make_answer())))
    record = answered.answer(info, image_id, lambda _: None)
    response = served.get(record.image_url)
    assert response.data == make_png()
    assert response.mimetype == "image/png"
    assert "immutable" in response.headers["Cache-Control"]
    for wrong in (
        record.image_url.replace(DIGEST[:16], "0" * 16),
        record.image_url.replace(TASK, "brain-mri"),
        record.image_url.replace(TASK, "other"),
        record.image_url.replace(image_id, "b" * 32),
        record.image_url.replace(image_id, "x"),
        record.image_url.replace("image.png", "upload"),
    ):
        answer = served.get(wrong)
        assert answer.status_code == 404
        assert answer.json["error"].endswith(".")


def test_image_is_refused_as_other_uploads_are(
    served: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_answers, "MAX_BYTES", 10)
    assert put(served, b"x" * 11).status_code == 413
    assert "larger than" in put(served, b"x" * 11).json["error"]
    assert put(served, b"x", name="../../a").status_code == 400
    assert put(served, b"x", Origin="http://evil.example").status_code == 403
    without = served.put("/api/comparisons/images?name=a", data=b"x")
    assert without.status_code == 403
