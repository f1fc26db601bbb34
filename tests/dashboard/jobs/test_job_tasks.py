"""Models are exported where they are not, opened once, and a failure is one sentence."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from fake_images import TASK, make_answer, make_png, write_image_model
from fake_server import add_case, make_case

from dashboard.comparisons.answers import ImageAnswers
from dashboard.jobs import table, tasks
from dashboard.jobs.execution import Worker
from dashboard.store import JobState, ModelKey
from dashboard.workspace.services import Services
from pipeline import Cancelled, InputError, ModelReference
from pipeline.image_tasks.facade import read_image_model


class ExportedLater:
    """Stands for `pipeline.Analyser`, whose models are not exported at first."""

    exported = False
    models = SimpleNamespace(task="brain-tumor")

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def load(self) -> None:
        if not ExportedLater.exported:
            raise InputError("", "The classifier is not exported yet.")


def test_models_are_exported_when_they_are_not(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "Analyser", ExportedLater)
    monkeypatch.setattr(ExportedLater, "exported", False)
    calls = []

    def export(settings: Any, task: str, *, stopping: threading.Event) -> None:
        calls.append((settings.models, task))
        ExportedLater.exported = True

    monkeypatch.setattr(tasks, "export_model", export)
    tasks.open_analyser(parts, threading.Event())
    assert calls == [(parts.settings.models, "brain-tumor")]


def test_a_failed_export_fails_the_job(parts: Services) -> None:
    study = add_case(parts, make_case())  # metadata without weights: the real export fails
    one = Worker(parts)
    assert one.run_one()
    row = parts.store.study(study)
    assert row is not None and row.job_state is JobState.FAILED
    assert row.job_error == (
        "The weights resunet-resnet18/model.keras of task brain-tumor cannot be read."
    )


def test_export_ends_with_the_worker(parts: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = subprocess.Popen
    started: list[subprocess.Popen[str]] = []

    def slow(command: list[str], **options: Any) -> subprocess.Popen[str]:
        process = genuine([sys.executable, "-c", "import time; time.sleep(60)"], **options)
        started.append(process)
        return process

    monkeypatch.setattr(tasks.subprocess, "Popen", slow)
    stopping = threading.Event()
    threading.Timer(0.3, stopping.set).start()
    with pytest.raises(Cancelled):
        tasks.export_model(parts.settings, "brain-tumor", stopping=stopping)
    assert started[0].poll() is not None


def test_a_classifier_is_opened_once_for_each_model(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_one(services: Services, task: str, stopping: threading.Event) -> Any:
        info = write_image_model(services.settings.models, digest=digests[-1])
        opened.append(info.digest)
        return SimpleNamespace(info=info)

    def answer(task: str, image: bytes, *, source: str, classifier: Any, **_: Any) -> Any:
        model = ModelReference("mobilenetv2", "1.0.0", classifier.info.digest, "openvino", "f32")
        return make_answer(source=source, model=model)

    monkeypatch.setattr(tasks, "open_classifier", open_one)
    monkeypatch.setattr(tasks, "answer_image", answer)
    worker, digests = Worker(parts), ["a" * 64]
    for number in range(4):
        if number == 2:
            digests.append("b" * 64)  # another model is installed
        content = make_png(number)
        image = ImageAnswers.of(parts).receive("a.png", io.BytesIO(content), length=len(content))
        model = ModelKey(TASK, digests[-1])
        job_id = table.submit_image(parts.store, image, model, restart=False)
        assert worker.run_one()
        job = table.state(parts.store, job_id)
        assert job is not None and job.state is JobState.DONE
        assert (
            ImageAnswers.of(parts).find(read_image_model(parts.settings.models, TASK), image)
            is not None
        )
    assert opened == digests
