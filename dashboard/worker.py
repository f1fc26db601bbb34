"""The worker: claims jobs from the table and runs the models, loaded once.

``python -m dashboard.worker``; any number may run at the same time, on one database: they look into
the table, or are woken up through Redis where there is one (`dashboard.celery_worker`). It ends
cleanly on SIGTERM or SIGINT and gives its job back; when it dies otherwise, the job's lease runs
out and another worker takes it over. Only this process holds a model runtime, never TensorFlow.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dashboard.bell import Bell
from dashboard.engine_files import export_models
from dashboard.jobs import table
from dashboard.lease import HEARTBEAT_S, Lease
from dashboard.logs import set_up_logging
from dashboard.parent import end_with_parent
from dashboard.services import Services, build_services
from dashboard.settings import SettingsError, read_settings
from dashboard.storage_upkeep import keep_storage_tidy
from dashboard.store import DatabaseError, JobRow, JobState, ResultSummary
from pipeline import (
    Analyser,
    Cancelled,
    Case,
    CaseResult,
    InputError,
    ProgressCallback,
)

_LOG = logging.getLogger("dashboard.worker")  # also as __main__
#: An idle worker looks into the jobs table that often; the bell wakes it before.
_POLL_S = 0.2
_LOOK_FOR_LOST_S = 2.0
_DATABASE_PAUSE_S = 2.0
_END_PAUSE_S = 0.5

_UNEXPECTED = (
    "The analysis stopped because of an unexpected error. Start it again; if it stops again, the"
    " server's log has the details."
)
_NOT_SHARED = (
    "The result could not be stored: the shared storage did not take it. Start the analysis again."
)
_NO_MEMORY = "This study needs more memory than the server has."


class CaseAnalyser(Protocol):
    """What the worker needs of `pipeline.Analyser`."""

    def analyse(self, case: Case, *, progress: ProgressCallback | None = None) -> CaseResult:
        """Answer a case; ``progress`` may raise `Cancelled`."""
        ...


#: Makes the analyser, ready to answer. Raises `InputError` where the models cannot be used.
AnalyserFactory = Callable[[Services, threading.Event], CaseAnalyser]


class Worker:
    """Claims and runs jobs until it is told to stop.

    Args:
        services: The server's parts.
        make_analyser: Makes the analyser when the first job needs it; tests give their own.
        owner: Its name in the jobs table, unique among all workers.
        heartbeat_s: Seconds between two heartbeats.

    Attributes:
        stopping: Set it to end the worker; a running job is given back.
        owner: As given, or made up.
    """

    def __init__(
        self,
        services: Services,
        *,
        make_analyser: AnalyserFactory | None = None,
        owner: str = "",
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self.stopping = threading.Event()
        self._services = services
        self._store = services.store
        self._make_analyser = make_analyser or prepare_analyser
        self.owner = owner or f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._heartbeat_s = heartbeat_s
        self._analyser: CaseAnalyser | None = None
        self._looked_for_lost = 0.0
        self._bell = Bell(services.settings.bell)

    def run(self) -> None:
        """Work until told to stop."""
        idle_before = False
        while not self.stopping.is_set():
            try:
                if self.run_one():
                    continue
                if not idle_before:  # a job that waits already shows the preparation as its own
                    idle_before = True
                    self.prepare()
                self._bell.wait(_POLL_S)
            except SQLAlchemyError:
                _LOG.exception("The database did not answer.")
                self.stopping.wait(_DATABASE_PAUSE_S)

    def run_one(self) -> bool:
        """Run the next job, if one waits. Returns whether there was one."""
        if time.monotonic() - self._looked_for_lost > _LOOK_FOR_LOST_S:
            self._looked_for_lost = time.monotonic()
            table.release_expired(self._store)
        job = table.claim(self._store, self.owner)
        if job is None:
            return False
        _LOG.info("Job %d begins (attempt %d).", job.job_id, job.attempts)
        began = time.monotonic()
        try:
            self._run(job)
            _LOG.info("Job %d: %.1f s.", job.job_id, time.monotonic() - began)
        except table.LeaseLost:
            _LOG.warning("Job %d is no longer this worker's; its work was left.", job.job_id)
        return True

    def _run(self, job: JobRow) -> None:
        """Run a claimed job to one of its ends. Whatever happens, the worker goes on."""
        lease = Lease(
            self._store,
            job.job_id,
            self.owner,
            stopping=self.stopping,
            heartbeat_s=self._heartbeat_s,
        )
        sentence = ""
        result: CaseResult | None = None
        with lease:
            try:
                result = self._analyse(job, lease)
            except Cancelled:
                pass
            except InputError as error:
                sentence = error.message
            except OperationalError:  # no fault of the study: it is given back
                _LOG.exception("Job %d was interrupted: the database did not answer.", job.job_id)
            except MemoryError:
                _LOG.exception("Job %d ran out of memory.", job.job_id)
                sentence = _NO_MEMORY
            except Exception:
                _LOG.exception("Job %d failed.", job.job_id)
                sentence = _UNEXPECTED
        self._end_surely(job, lease, result, sentence)

    def _end_surely(
        self, job: JobRow, lease: Lease, result: CaseResult | None, sentence: str
    ) -> None:
        """Note how a job ended; a database that restarts meanwhile is waited for."""
        deadline = time.monotonic() + self._store.lease.total_seconds()
        while True:
            try:
                return self._end(job, lease, result, sentence)
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                _LOG.warning("The end of job %d could not be noted yet.", job.job_id)
                time.sleep(_END_PAUSE_S)

    def _end(self, job: JobRow, lease: Lease, result: CaseResult | None, sentence: str) -> None:
        if lease.lost:
            raise table.LeaseLost
        if result is not None:
            table.end(self._store, job.job_id, self.owner, JobState.DONE, summary=summarise(result))
        elif lease.cancelled:
            table.end(self._store, job.job_id, self.owner, JobState.CANCELLED)
        elif sentence:
            table.end(self._store, job.job_id, self.owner, JobState.FAILED, error=sentence)
        else:  # this worker is told to end
            table.end(self._store, job.job_id, self.owner, JobState.QUEUED)

    def _analyse(self, job: JobRow, lease: Lease) -> CaseResult:
        row = self._store.study_with_content(job.content_digest)
        if row is None:
            raise InputError("", "The study is no longer there.")
        case = self._services.files.load(row.study_id)
        if self._analyser is None:
            lease.progress(0, max(job.total, 1), "Preparing the models")
            self._analyser = self._make_analyser(self._services, self.stopping)
        result = self._analyser.analyse(case, progress=lease.progress)
        key = self._services.result_key(job.content_digest)
        if key is not None and not self._services.results.share(key):
            raise InputError("", _NOT_SHARED)
        return result

    def prepare(self) -> None:
        """Load the models before anybody waits for them; a failure is told with the first job."""
        if self._analyser is not None:
            return
        if self._services.models is None:
            _LOG.warning("%s", self._services.models_error)
            return
        try:
            self._analyser = self._make_analyser(self._services, self.stopping)
            _LOG.info("The models are ready.")
        except Cancelled:
            pass
        except InputError as error:
            _LOG.error("%s", error.message)
        except Exception:
            _LOG.exception("The models could not be prepared.")


def prepare_analyser(services: Services, stopping: threading.Event) -> CaseAnalyser:
    """The pipeline's analyser with its models loaded; exports them first where that is needed.

    Raises:
        InputError: The models are missing, or cannot be exported or loaded.
        Cancelled: The worker was told to end meanwhile.
    """
    settings = services.settings
    analyser = Analyser(
        settings.models,
        engine=settings.engine,
        precision=services.precision,
        engine_dir=settings.engine_files,
        cache=services.results,
        threads=settings.threads,
    )
    try:
        analyser.load()
    except InputError:
        if settings.engine == "keras":
            raise
        _LOG.info("The models are prepared for this machine; this is done once.")
        export_models(settings, stopping=stopping)
        if stopping.is_set():
            raise Cancelled from None
        analyser.load()
    return analyser


def summarise(result: CaseResult) -> ResultSummary:
    """What the worklist shows of a result."""
    return ResultSummary(
        highest_score=float(max((s.tumor_probability for s in result.slices), default=0.0)),
        volume_ml=result.volume_ml,
        called_slices=int(sum(s.tumor for s in result.slices)),
        mask_slices=int(sum(s.mask_area_px > 0 for s in result.slices)),
        engine=result.network.engine,
    )


def main() -> int:
    """Run a worker until SIGTERM or SIGINT."""
    set_up_logging()
    try:
        services = build_services(read_settings())
    except (SettingsError, DatabaseError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    end_with_parent()
    run_worker(Worker(services), services)
    return 0


def run_worker(worker: Worker, services: Services) -> None:
    """Run a worker until SIGTERM or SIGINT: on the table alone, or woken up through Redis."""
    if services.storage is not None:
        keep_storage_tidy(services, worker.stopping)
    if services.celery is not None:
        from dashboard.celery_worker import run_celery_worker  # without Redis: no Celery

        run_celery_worker(services.celery, services.store, worker)
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    worker.run()


if __name__ == "__main__":
    sys.exit(main())
