"""A workspace, models' metadata, cases and an analyser that answers by rule, without a runtime."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
from fake_evaluation import make_metadata
from flask import Flask, Response, current_app, request
from PIL import Image
from ready_databases import write_database

from dashboard import api
from dashboard.api import security
from dashboard.api.endpoint import Endpoint
from dashboard.store import NewStudy, Origin, Store
from dashboard.store.stored_json import Display
from dashboard.studies import intake
from dashboard.worker import Worker
from dashboard.workspace import services
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import Settings, read_settings
from pipeline import Case, CaseResult, ProgressCallback, ResultCache, TaskInfo, result_key
from pipeline.analysis.answer import Answer, bind_answer, reference
from pipeline.data.case import Orientation, SequenceName, SourceKind, StudyLabels
from pipeline.data.cautions import Caution

_OPEN: list[Services] = []


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def make_environment(home: Path, **variables: str) -> dict[str, str]:
    environment = {"OVERREAD_HOME": str(home), "OVERREAD_MODELS": str(home.parent / "models")}
    return environment | variables


def make_settings(home: Path, **variables: str) -> Settings:
    return read_settings(make_environment(home, **variables))


def make_services(home: Path, *, models: bool = True, **variables: str) -> Services:
    """The parts of a server on a workspace, which the test's end closes."""
    if models:
        write_models(home.parent / "models")
    settings = make_settings(home, **variables)
    if not settings.database_url:
        settings.prepare_workspace()
        write_database(settings.database_file)
    services = build_services(settings)
    _OPEN.append(services)
    return services


def close_services() -> None:
    """Close what `make_services` opened and is still open."""
    while _OPEN:
        services = _OPEN.pop()
        services.store.close()
        services.results.close()


def write_models(folder: Path, *, digest: str = "0" * 64) -> None:
    """metadata.json of the network; there are no weights."""
    path = folder / "brain-tumor" / "resunet-resnet18" / "metadata.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(make_metadata(digest=digest)), encoding="utf-8")


def make_server(parts: Services) -> Flask:
    """The endpoints and guards on a server without Dash."""
    server = Flask("test")
    services.attach(server, parts)
    api.register(server, parts)
    security.protect(server, parts.settings, script_hashes=lambda: ["'sha256-x'"])
    server.after_request(check_described)
    return server


def check_described(response: Response) -> Response:
    """Refuse an answer that its endpoint does not declare."""
    view = current_app.view_functions.get(request.endpoint or "")
    declared = getattr(view, "declared", None)
    if isinstance(declared, Endpoint) and response.status_code != HTTPStatus.NOT_MODIFIED:
        content = declared.answers(response.status_code)
        if isinstance(content, str):
            assert response.mimetype == content
        else:
            body = response.get_data()
            packed = response.headers.get("Content-Encoding") == "gzip"
            content.model_validate_json(gzip.decompress(body) if packed else body, strict=True)
    return response


def make_case(n: int = 3, *, seed: int = 0, masks: bool = True, **changes: Any) -> Case:
    """n slices of 6 x 5 pixels, FLAIR and a T1 that is the same picture, brighter."""
    rng = np.random.default_rng(seed)
    flair = rng.integers(0, 200, (n, 6, 5, 1), dtype=np.uint8)
    reference = np.zeros((n, 6, 5), bool)
    reference[1, 2:4, 1:3] = True
    fields: dict[str, Any] = {
        "case_id": f"case{seed}",
        "kind": SourceKind.IMAGES,
        "pixels": np.concatenate([flair + 5, flair], axis=-1),
        "sequences": (SequenceName.PRE, SequenceName.FLAIR),
        "indices": tuple(range(1, n + 1)),
        "sources": tuple(f"case_{k}.png" for k in range(1, n + 1)),
        "spacing_mm": (5.0, 1.0, 1.0),
        "orientation": Orientation("R", "L", "A", "P"),
        "masks": reference if masks else None,
        "labels": StudyLabels(patient=f"P{seed}", study_date="2026-01-02"),
        "cautions": (Caution("A warning of the case."),),
    }
    return Case(**(fields | changes))


def add_case(services: Services, case: Case, origin: Origin = Origin.UPLOAD) -> str:
    """Store a case as the readers' answer would be; returns the study's id."""
    row, _ = intake.add_case(services, case, origin, "")
    return row.study_id


def add_row(store: Store, number: int, **changes: Any) -> str:
    """List a study without any files; returns its id."""
    study_id = f"{number:016x}"
    fields: dict[str, Any] = {
        "study_id": study_id,
        "case_id": f"case{number}",
        "identity": hashlib.sha256(str(number).encode()).hexdigest(),
        "content_digest": f"{number:064x}",
        "data_digest": f"{number:032x}",
        "patient": f"P{number}",
        "study_date": "2026-01-02",
        "description": "Brain MRI",
        "synthetic": False,
        "origin": Origin.UPLOAD,
        "source": "",
        "sequences": ("flair",),
        "indices": (1, 2, 3),
        "height": 6,
        "width": 5,
        "has_reference": False,
        "warnings": (),
        "display": make_display(len(changes.get("sequences", ("flair",)))),
        "reader_id": "",
    }
    store.add_study(NewStudy(**(fields | changes)))
    return study_id


def make_display(channels: int = 1) -> Display:
    """How 8-bit channels without windows of their own are shown."""
    whole = ((0.0, 255.0),) * channels
    return Display("uint8", 1.0, 0.0, whole, (None,) * channels, 0, whole)


def write_png(path: Path, *, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 10), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


class FakeAnalyser:
    """Calls the second slice tumor, outlines one corner; ``on_slice`` runs before each slice."""

    def __init__(
        self,
        models: TaskInfo,
        cache: ResultCache,
        *,
        on_slice: Callable[[int], None] = lambda k: None,
    ) -> None:
        self._models, self._cache, self._on_slice = models, cache, on_slice

    def analyse(self, case: Case, *, progress: ProgressCallback | None = None) -> CaseResult:
        n = case.n_slices
        for k in range(n):
            if progress is not None:
                progress(k, n, f"Classifying slice {k + 1} of {n}")
            self._on_slice(k)
        probability = np.zeros(case.pixels.shape[:3], np.uint8)
        probability[1, :2, :2] = 200
        lesion = [k == 1 for k in range(n)]
        answer = Answer(
            network=reference(self._models.network, engine="fake", precision="f32"),
            scores=tuple(0.9 if found else 0.1 for found in lesion),
            classifier_scores=tuple(0.4 if found else 0.01 for found in lesion),
            outline_evidence=tuple(0.8 if found else None for found in lesion),
            decided_by=tuple("outline" if found else "gate" for found in lesion),
            probability=probability,
            uncertainty=probability // 10,
            operating_point=0.5,
            mask_threshold=0.5,
        )
        self._cache.put(result_key(case.content_digest(), self._models), answer)
        return bind_answer(answer, case)


def fake_factory(on_slice: Callable[[int], None] = lambda k: None) -> Any:
    """What `Worker` takes as ``make_analyser``."""

    def make(services: Services, stopping: threading.Event) -> FakeAnalyser:
        assert services.models is not None
        return FakeAnalyser(services.models, services.results, on_slice=on_slice)

    return make


def run_jobs(services: Services) -> None:
    """Let a worker run what is queued."""
    worker = Worker(services, make_analyser=fake_factory())
    while worker.run_one():
        pass


def wait_for(condition: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    """Wait until something is true; gives it back."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
