"""Models are exported where they are not, once, and a failure is one sentence."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from fake_server import add_case, make_case

from dashboard.jobs import tasks
from dashboard.jobs.execution import Worker
from dashboard.services import Services
from dashboard.store import JobState
from pipeline import Cancelled, InputError


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


def test_export_that_fails_is_told_with_the_job(parts: Services) -> None:
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
