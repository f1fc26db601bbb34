"""Images that are sent, their answers as files, and the routes that carry both."""

from __future__ import annotations

import io
import json
import os
import time
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from fake_images import DIGEST, TASK, make_answer, make_png, write_image_model
from flask.testing import FlaskClient

from dashboard.comparisons import answers as image_answers
from dashboard.comparisons.answers import ImageAnswers
from dashboard.jobs import table
from dashboard.store import ModelKey
from dashboard.store.database import now_utc
from dashboard.workspace.received import UploadRefused
from dashboard.workspace.services import Services
from pipeline import InputError, SharedStorage, seal, unseal
from pipeline.image_tasks.facade import ImageModelInfo, find_image_task

CLASSES = find_image_task(TASK).classes
HEADERS = {"X-Overread": "1"}


@pytest.fixture
def info(tmp_path: Path) -> ImageModelInfo:
    return write_image_model(tmp_path / "models")


@pytest.fixture
def answers(tmp_path: Path) -> ImageAnswers:
    return ImageAnswers(tmp_path / "comparisons")


def receive(answers: ImageAnswers, content: bytes, name: str = "chest.png") -> str:
    return answers.receive(name, io.BytesIO(content), length=len(content))


def test_answer_is_found_with_its_pictures(answers: ImageAnswers, info: ImageModelInfo) -> None:
    image_id = receive(answers, make_png())
    assert receive(answers, make_png()) == image_id  # the same image
    assert answers.read(image_id) == (make_png(), "chest.png")
    assert answers.find(info, image_id) is None
    answers.store(image_id, info, make_answer())
    record = answers.find(info, image_id)
    assert record is not None
    assert (record.answer, record.width, record.height) == ("pneumonia_vir", 32, 24)
    assert record.probabilities[0] == ("covid", 0.02)
    assert record.heat_url == f"/data/comparisons/{TASK}/{image_id}/{DIGEST[:16]}/heat.png"
    picture = answers.picture(info, image_id, "heat")
    assert picture == make_answer().heat_png()


def test_one_machine_answers_what_another_received(
    answers: ImageAnswers, info: ImageModelInfo, tmp_path: Path
) -> None:
    storage = SharedStorage(str(tmp_path / "shared"))
    web, worker, other = (
        replace(answers, folder=tmp_path / name, storage=storage)
        for name in ("web", "worker", "other")
    )
    image_id = receive(web, make_png())
    assert web.find(info, image_id) is None and web.picture(info, image_id, "heat") is None
    assert worker.read(image_id) == (make_png(), "chest.png")
    worker.store(image_id, info, make_answer())
    assert web.find(info, image_id) == worker.find(info, image_id) != None  # noqa: E711
    picture = other.picture(info, image_id, "heat")
    assert picture == make_answer().heat_png()
    with pytest.raises(InputError):
        other.read("0" * 32)
    assert not (other.folder / ("0" * 32)).exists()


def test_another_model_does_not_show_this_one_s_answer(
    answers: ImageAnswers, info: ImageModelInfo
) -> None:
    image_id = receive(answers, make_png())
    answers.store(image_id, info, make_answer())
    other = replace(info, digest="f" * 64)
    assert answers.find(other, image_id) is None
    assert answers.picture(other, image_id, "heat") is None
    assert answers.picture(info, image_id, "answer.json") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "brain-mri"},
        {"class": "healthy"},
        {"probabilities": {"covid": 1.0}},
        {"probabilities": [1.0]},
        {"probabilities": {"covid": 0.1, "normal": 0.1, "pneumonia_bac": 0.1, "other": 0.7}},
        {"probabilities": dict.fromkeys(CLASSES, 1.5)},
        {"probabilities": dict.fromkeys(CLASSES, "0.5")},
        {"probabilities": dict.fromkeys(CLASSES, True)},
        {"model": {"digest": DIGEST}},
        {"model": None},
        {"width": 0},
        {"height": "24"},
        {"source": "x" * 300},
        {"another": 1},
    ],
)
def test_files_that_do_not_fit_are_no_answer(
    answers: ImageAnswers, info: ImageModelInfo, changes: dict[str, Any]
) -> None:
    image_id = receive(answers, make_png())
    answers.store(image_id, info, make_answer())
    (path,) = answers.folder.glob("*/*/answer.sealed")
    content = path.read_bytes()
    magic = content[: content.index(b"{") - 32]
    stored = json.loads(bytes(unseal(magic, content)))
    assert answers.find(info, image_id) is not None
    for text in (json.dumps(stored | changes), "[]", "", "\x00"):
        answers.store(image_id, info, make_answer())
        path.write_bytes(seal(magic, text.encode()))
        assert answers.find(info, image_id) is None


@pytest.mark.parametrize("name", ["answer.sealed", "image.png", "heat.png"])
def test_an_altered_answer_is_no_answer(
    answers: ImageAnswers, info: ImageModelInfo, name: str
) -> None:
    image_id = receive(answers, make_png())
    answers.store(image_id, info, make_answer())
    (path,) = answers.folder.glob(f"*/*/{name}")
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert answers.picture(info, image_id, "heat") is None
    assert answers.find(info, image_id) is None
    answers.store(image_id, info, make_answer())
    assert answers.find(info, image_id) is not None


def test_an_altered_image_is_not_answered(answers: ImageAnswers) -> None:
    image_id = receive(answers, make_png())
    path = answers.folder / image_id / "upload"
    path.write_bytes(make_png()[:-1] + b"x")
    with pytest.raises(InputError, match="altered"):
        answers.read(image_id)
    assert receive(answers, make_png()) == image_id
    assert answers.read(image_id)[0] == make_png()


def test_answer_that_cannot_be_stored_is_a_sentence_and_leaves_nothing(
    answers: ImageAnswers, info: ImageModelInfo
) -> None:
    image_id = receive(answers, make_png())
    (answers.folder / image_id / "upload").unlink()
    (answers.folder / image_id / "name.txt").unlink()
    (answers.folder / image_id).rmdir()
    with pytest.raises(InputError):
        answers.store(image_id, info, make_answer())
    assert list(answers.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", HTTPStatus.BAD_REQUEST), (b"x" * 11, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)],
)
def test_empty_and_large_files_are_refused(
    answers: ImageAnswers, content: bytes, status: HTTPStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_answers, "MAX_BYTES", 10)
    with pytest.raises(UploadRefused) as caught:
        receive(answers, content)
    assert caught.value.status == status
    assert list(answers.folder.iterdir()) == []


def test_images_are_forgotten_after_a_day_and_when_there_are_too_many(
    answers: ImageAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, kept = receive(answers, b"old"), receive(answers, b"kept")
    long_ago = time.time() - 25 * 3600
    os.utime(answers.folder / old, (long_ago, long_ago))
    answers.forget_old()
    assert [path.name for path in answers.folder.iterdir()] == [kept]
    monkeypatch.setattr(image_answers, "MOST_IMAGES", 0)
    answers.forget_old()
    assert list(answers.folder.iterdir()) == []


@pytest.mark.parametrize("image_id", ["", "..", "../../secret", "g" * 32, "a" * 31])
def test_id_that_is_none_leads_nowhere(
    answers: ImageAnswers, info: ImageModelInfo, image_id: str
) -> None:
    with pytest.raises(InputError):
        answers.find(info, image_id)
    with pytest.raises(InputError):
        answers.read(image_id)


def put(client: FlaskClient, content: bytes, name: str = "a.png", **headers: str) -> Any:
    return client.put(
        f"/api/comparisons/images?name={name}", data=content, headers=HEADERS | headers
    )


def test_image_goes_in_and_pictures_come_out(client: FlaskClient, parts: Services) -> None:
    info = write_image_model(parts.settings.models)
    image_id = put(client, make_png()).json["image"]
    ImageAnswers.of(parts).store(image_id, info, make_answer())
    record = ImageAnswers.of(parts).find(info, image_id)
    assert record is not None
    response = client.get(record.image_url)
    assert response.data == make_answer().image_png()
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
        answer = client.get(wrong)
        assert answer.status_code == 404


def test_jobs_of_images_are_forgotten_with_them(client: FlaskClient, parts: Services) -> None:
    def ask(image_id: str) -> int:
        model = ModelKey(TASK, DIGEST)
        return table.submit_image(parts.store, image_id, model, restart=True)

    old = ask("a" * 32)
    parts.store.clock = lambda: now_utc() + timedelta(hours=25)
    new = ask("b" * 32)
    put(client, make_png())
    assert table.state(parts.store, old) is None
    assert table.state(parts.store, new) is not None


def test_image_is_refused_as_other_uploads_are(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_answers, "MAX_BYTES", 10)
    assert put(client, b"x" * 11).status_code == 413
    assert put(client, b"x", name="../../a").status_code == 400
    assert put(client, b"x", Origin="http://evil.example").status_code == 403
    without = client.put("/api/comparisons/images?name=a", data=b"x")
    assert without.status_code == 403
