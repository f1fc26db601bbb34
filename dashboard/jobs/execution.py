"""A worker: claims jobs, renews their lease while they run, and ends them.

Any number may run at the same time on one database. When one dies, the lease of its job expires and
another worker takes the job over.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from dashboard.jobs import table
from dashboard.jobs.tasks import AnalyserFactory, Tasks, open_analyser
from dashboard.store import JobRow, JobState, ResultSummary, Store
from dashboard.workspace.faults import NO_DATABASE, find_fault
from dashboard.workspace.services import Services
from pipeline import Cancelled, InputError

_LOG = logging.getLogger(__name__)
HEARTBEAT_S = 3.0
#: How often an idle worker polls the table.
_POLL_S = 0.2
#: Progress is written at most this often: readers see no more, and writers share one lock.
_REPORT_S = 0.2
_DATABASE_PAUSE_S = 2.0

UNEXPECTED = (
    "The analysis stopped because of an unexpected error. Start it again; if it stops again, the"
    " server's log has the details."
)
NO_MEMORY = "The analysis needs more memory than the server has."


class Lease:
    """Renews the lease of a claimed job while it runs; use it as a context manager.

    Args:
        store: The review database.
        job_id: The job, claimed by ``owner``.
        owner: The worker.
        stopping: Set when the worker must end.
        heartbeat_s: Seconds between two heartbeats.

    Attributes:
        cancelled: Whether the job was asked to stop.
        lost: Whether the worker no longer has the lease.
    """

    def __init__(
        self,
        store: Store,
        job_id: int,
        owner: str,
        *,
        stopping: threading.Event,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self.cancelled = self.lost = False
        self._store, self._job_id, self._owner = store, job_id, owner
        self._stopping, self._heartbeat_s = stopping, heartbeat_s
        self._ended = threading.Event()
        self._reported = 0.0
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def progress(self, done: int, total: int, message: str) -> None:
        """Record progress; a `pipeline.ProgressCallback`.

        Raises:
            Cancelled: The work must stop: on request, because the worker ends, or because the
                lease was lost.
        """
        now = time.monotonic()
        if now - self._reported >= _REPORT_S or done >= total:
            self._reported = now
            self._renew((done, total, message))
        if self.cancelled or self.lost or self._stopping.is_set():
            raise Cancelled

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat_s):
            self._renew(None)

    def _renew(self, progress: tuple[int, int, str] | None) -> None:
        try:
            asked = table.renew(self._store, self._job_id, self._owner, progress=progress)
            self.cancelled = self.cancelled or asked
        except table.LeaseLost:
            self.lost = True
        except SQLAlchemyError:  # the next one may succeed; if none does, the lease expires
            _LOG.warning("The lease of job %d could not be renewed.", self._job_id, exc_info=True)


@dataclass(frozen=True)
class _End:
    """How a job ended: arguments of `table.end`."""

    outcome: JobState
    error: str = ""
    summary: ResultSummary | None = None


class Worker:
    """Claims and runs jobs, one at a time, until it must stop.

    Args:
        services: The server's parts.
        make_analyser: Creates the analyser when the first study needs it; tests pass their own.
        owner: Its name in the jobs table, unique among all workers.
        heartbeat_s: Seconds between two heartbeats.

    Attributes:
        stopping: Set it to end the worker; a running job is queued again.
        owner: As given, or a generated name.
    """

    def __init__(
        self,
        services: Services,
        *,
        make_analyser: AnalyserFactory = open_analyser,
        owner: str = "",
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self.stopping = threading.Event()
        self.owner = owner or f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._store = services.store
        self._tasks = Tasks(services, self.stopping, make_analyser)
        self._heartbeat_s = heartbeat_s

    def run(self) -> None:
        """Poll the table and run queued jobs."""
        self.prepare()
        while not self.stopping.is_set():
            try:
                if not self.run_one():
                    self.stopping.wait(_POLL_S)
            except SQLAlchemyError as error:
                if fault := find_fault(error):
                    _LOG.error("%s", fault.sentence)
                else:
                    _LOG.exception("The database did not answer.")
                self.stopping.wait(_DATABASE_PAUSE_S)

    def prepare(self) -> None:
        """Start loading the models in the background, before a job needs them."""
        threading.Thread(target=self._tasks.prepare, name="prepare", daemon=True).start()

    def run_one(self, job_id: int | None = None) -> bool:
        """Run the next job, or a given one. Returns whether it was queued.

        Raises:
            SQLAlchemyError: The database does not answer. A job that has ended without being
                recorded is taken over when its lease expires; its result is then in the cache.
        """
        job = table.claim(self._store, self.owner, job_id=job_id)
        if job is None:
            return False
        _LOG.info("Job %d started (attempt %d).", job.job_id, job.attempts)
        began = time.monotonic()
        lease = Lease(
            self._store,
            job.job_id,
            self.owner,
            stopping=self.stopping,
            heartbeat_s=self._heartbeat_s,
        )
        with lease:
            end = self._work(job, lease)
        try:
            table.end(self._store, job.job_id, self.owner, **vars(end))
            _LOG.info("Job %d: %s, %.1f s.", job.job_id, end.outcome, time.monotonic() - began)
        except table.LeaseLost:
            _LOG.warning(
                "Job %d was taken over or deleted; its outcome is not recorded.", job.job_id
            )
        return True

    def _work(self, job: JobRow, lease: Lease) -> _End:
        """Run a claimed job; an error ends the job, not the worker."""
        try:
            return _End(JobState.DONE, summary=self._tasks.run(job, lease.progress))
        except Cancelled:
            return _End(JobState.CANCELLED if lease.cancelled else JobState.QUEUED)
        except InputError as error:
            return _End(JobState.FAILED, error.message)
        except MemoryError:
            _LOG.exception("Job %d ran out of memory.", job.job_id)
            return _End(JobState.FAILED, NO_MEMORY)
        except Exception as error:
            fault = find_fault(error)
            if fault is NO_DATABASE:  # not the study's fault: queued again
                _LOG.warning("Job %d was interrupted: %s", job.job_id, fault.sentence)
                return _End(JobState.QUEUED)
            if fault:
                return _End(JobState.FAILED, fault.sentence)
            _LOG.exception("Job %d failed.", job.job_id)
            return _End(JobState.FAILED, UNEXPECTED)
