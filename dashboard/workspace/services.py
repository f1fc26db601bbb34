"""The server's parts, built once from the settings: ``services.get(app)`` in pages and routes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pipeline
from dashboard.store import DatabaseError, ModelKey, Origin, Store, StudyRow
from dashboard.workspace.faults import find_fault
from dashboard.workspace.received import NO_STUDY
from dashboard.workspace.settings import Settings, SettingsError, open_workspace
from dashboard.workspace.study_files import AlteredStudy, StudyFiles
from pipeline import (
    Case,
    InputError,
    ResultCache,
    SharedStorage,
    StorageError,
    TaskInfo,
    choose_precision,
    read_model_info,
    result_key,
)

if TYPE_CHECKING:  # the worker needs neither Dash nor Flask
    from celery import Celery
    from dash import Dash
    from flask import Flask

_KEY = "overread"
_READ_AGAIN = (
    "The stored images of this study are damaged or were altered; they were set aside and are not"
    " shown. Start Overread again: it reads the study from its folder again."
)


@dataclass(frozen=True, eq=False)
class Services:
    """The server's parts.

    Attributes:
        settings: How the server runs.
        store: The review database.
        results: Results of analyses.
        files: The studies' pixels.
        models: The installed models, or None.
        storage: Storage that all machines share, or None.
        celery: The Celery app, or None without Redis.
        models_error: Why no models are installed, in one sentence, or "".
        precision: Precision at which the models run.
    """

    settings: Settings
    store: Store
    results: ResultCache
    files: StudyFiles
    models: TaskInfo | None
    storage: SharedStorage | None = None
    celery: Celery | None = None
    models_error: str = ""
    precision: str = "f32"

    def result_key(self, content_digest: str) -> str | None:
        """Return the key of a study's result by the present models, or None without models."""
        if self.models is None:
            return None
        return result_key(content_digest, self.models, precision=self.precision)

    def load_case(self, row: StudyRow) -> Case:
        """Return a study's case as it is analysed: with the spacing that a reader entered.

        Raises:
            InputError: Its files are damaged or altered, or the shared storage does not answer.
        """
        case = self.load_stated(row)
        spacing_mm, by = row.entries.spacing_mm, row.entries.spacing_by
        if spacing_mm is None or by is None:
            return case
        # through the facade, which loads the geometry of NIfTI on first use
        return pipeline.enter_spacing(case, spacing_mm, entered_by=by.author)

    def load_stated(self, row: StudyRow) -> Case:
        """Return a study's case as its files state it; altered files are set aside.

        Raises:
            InputError: As `load_case`.
        """
        try:
            return self.files.load(row.study_id, digest=row.files_digest)
        except AlteredStudy:
            latest = self.store.study(row.study_id)
            if latest is None:
                raise InputError("", NO_STUDY) from None
            if latest.files_digest != row.files_digest:  # it was added again meanwhile
                return self.files.load(row.study_id, digest=latest.files_digest)
            self.files.set_aside(row.study_id, digest=row.files_digest)
            if self.storage is not None:
                with contextlib.suppress(AlteredStudy):  # only this machine's copy may be altered
                    return self.files.load(row.study_id, digest=row.files_digest)
            if row.origin is Origin.UPLOAD:
                raise
            # its folder is read again by the next `dashboard.prepare`
            self.store.forget_source(row.origin, row.source)
            raise InputError(row.study_id, _READ_AGAIN) from None


def start_services(*, check: bool = False) -> Services:
    """Build the parts of a process that starts, from its environment.

    Args:
        check: As of `build_services`.

    Raises:
        SystemExit: A setting is not valid, the database cannot be opened, or the disk is full
            (status 2); the sentence is on standard error.
    """
    try:
        settings = open_workspace()
        settings.signing_secret()  # made now, when a sentence can still say why it cannot be
        return build_services(settings, check=check)
    except (SettingsError, DatabaseError) as error:
        sentence = str(error)
    except Exception as error:
        fault = find_fault(error)
        if fault is None:
            raise
        sentence = fault.sentence
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(2)


def build_services(
    settings: Settings, *, check: bool = False, may_be_lost: bool = False
) -> Services:
    """Build the server's parts.

    Args:
        settings: How the server runs.
        check: Whether to look for damage of the database first.
        may_be_lost: Whether the database may be empty although studies are stored.

    Raises:
        SettingsError: The workspace cannot be written, or the shared storage is unknown.
        DatabaseError: The database cannot be opened, or it is lost (`LostDatabase`).
    """
    settings.prepare_workspace()
    models, precision, error = _read_models(settings)
    celery, send = _open_celery(settings)
    storage = _open_storage(settings)
    files = StudyFiles(settings.studies, storage=storage, copies_bytes=settings.storage_local_bytes)
    return Services(
        settings=settings,
        store=Store(
            settings.database,
            model=model_key(models, precision),
            no_model=error,
            file=None if settings.database_url else settings.database_file,
            stored_studies=(lambda: 0) if may_be_lost else lambda: len(files.list_stored()),
            check=check,
            on_queued=send,
        ),
        results=ResultCache(
            settings.results, size_limit_bytes=settings.cache_bytes, shared=storage
        ),
        files=files,
        models=models,
        storage=storage,
        celery=celery,
        models_error=error,
        precision=precision,
    )


def model_key(models: TaskInfo | None, precision: str) -> ModelKey | None:
    """Return what jobs are keyed by: the key that a result without pixels would have."""
    if models is None:
        return None
    digest = result_key("", models, precision=precision)
    return ModelKey(task=models.task, digest=digest, precision=precision)


def attach(server: Flask, services: Services) -> None:
    """Attach the services to a server, for `get`."""
    server.config[_KEY] = services


def get(app: Dash | Flask) -> Services:
    """Return the services of an app or of its server."""
    found: Services = getattr(app, "server", app).config[_KEY]
    return found


def _open_storage(settings: Settings) -> SharedStorage | None:
    """Open the storage that all machines share.

    Raises:
        SettingsError: No installed package supports the URL.
    """
    if not settings.storage_url:
        return None
    try:
        return SharedStorage(settings.storage_url)
    except StorageError as error:
        raise SettingsError(
            f"OVERREAD_STORAGE_URL cannot be used ({error}); for s3:// install s3fs."
        ) from None


def _open_celery(settings: Settings) -> tuple[Celery | None, Callable[[int, int], None] | None]:
    """Return the Celery app and the function that sends a job's message; None without Redis."""
    if not settings.redis_url:
        return None, None
    from dashboard.workspace import broker  # Celery is imported only with Redis

    app = broker.build_celery(settings.redis_url)
    return app, partial(broker.send, app)


def _read_models(settings: Settings) -> tuple[TaskInfo | None, str, str]:
    """Return the models, the precision at which they run, and why there are no models, or ""."""
    try:
        models = read_model_info(settings.models)
        wanted, engine = settings.precision, settings.engine
        return models, choose_precision(models.network, wanted, engine=engine), ""
    except InputError as error:
        return None, "f32", error.message
