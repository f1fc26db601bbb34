"""A worker's hold on one job: heartbeat, progress, and word that it should stop."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from dashboard.jobs import table
from dashboard.store import Store
from pipeline import Cancelled

_LOG = logging.getLogger(__name__)
HEARTBEAT_S = 3.0
#: Progress is written at most this often: a reader sees no more, and writers share one lock.
_REPORT_S = 0.2


class Lease:
    """Keeps a claimed job alive while its work goes on; use it as a context.

    Args:
        store: The review database.
        job_id: The job, claimed by ``owner``.
        owner: The worker.
        stopping: Set when the worker is told to end.
        heartbeat_s: Seconds between two heartbeats.

    Attributes:
        cancelled: Whether somebody asked the job to stop.
        lost: Whether the job is no longer this worker's.
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
        self.cancelled = False
        self.lost = False
        self._store, self._job_id, self._owner = store, job_id, owner
        self._stopping = stopping
        self._heartbeat_s = heartbeat_s
        self._ended = threading.Event()
        self._reported = 0.0
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def progress(self, done: int, total: int, message: str) -> None:
        """Note progress; to be given to long work.

        Raises:
            Cancelled: The work is to stop: on request, because the worker ends, or because the job
                is no longer this worker's.
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
            if progress is None:
                asked = table.renew(self._store, self._job_id, self._owner)
            else:
                asked = table.renew(self._store, self._job_id, self._owner, progress=progress)
            self.cancelled = self.cancelled or asked
        except table.LeaseLost:
            self.lost = True
        except SQLAlchemyError:  # the next beat may get through; if none does, the lease runs out
            _LOG.warning("The heartbeat of job %d failed.", self._job_id, exc_info=True)
