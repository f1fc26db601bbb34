"""The manager of Dash's background callbacks: on diskcache without pickle, in threads.

diskcache pickles whatever is not text, bytes or a number, and unpickling a row that somebody else
wrote runs it as code (CVE-2025-69872, unpatched). What passes through here is small (progress, the
outputs of a callback), so that JSON does.

Dash forks a process per background callback. Ours only follow a job that the worker runs, and to
fork a server with threads is the wrong tool for that: SQLite's locks do not survive it (the child
meets a "disk I/O error" when another thread was in the database), Python 3.12 warns of deadlocks,
and each open study would cost a process.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diskcache
from dash import DiskcacheManager
from dash.background_callback.managers import BaseBackgroundCallbackManager, diskcache_manager
from diskcache.core import MODE_RAW, MODE_TEXT, UNKNOWN
from plotly.utils import PlotlyJSONEncoder

if TYPE_CHECKING:
    from celery import Celery

_VALUE_FILE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")
_SIZE_LIMIT = 64 * 2**20


class ForeignEntry(ValueError):
    """The folder holds something that this program did not write."""


class JsonDisk(diskcache.Disk):
    """Text keys, JSON values; nothing is ever pickled or unpickled."""

    def put(self, key: Any) -> tuple[Any, bool]:
        """Keep text keys as they are; refuse others."""
        if not isinstance(key, str):
            raise TypeError(f"keys must be text, got {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        """Give back a text key; refuse a pickled one."""
        if not raw or not isinstance(key, str):
            raise ForeignEntry("the folder holds a key that is no text")
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> Any:
        """Keep a value as JSON; Dash components and figures become what the browser gets."""
        if read:
            raise TypeError("values must be JSON, got a file")
        return super().store(json.dumps(value, cls=PlotlyJSONEncoder), False, key=key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Read JSON from a row or from the folder's own files; refuse pickles and other files."""
        if read or mode not in (MODE_RAW, MODE_TEXT):
            raise ForeignEntry("the folder holds a value that is no JSON")
        if filename is not None and _VALUE_FILE.fullmatch(filename) is None:
            raise ForeignEntry("the folder names a file that is not its own")
        text = super().fetch(mode, filename, value, False)
        if not isinstance(text, str):
            raise ForeignEntry("the folder holds a value that is no JSON")
        return json.loads(text)

    def remove(self, file_path: str) -> None:
        """Delete one of the folder's own files."""
        if _VALUE_FILE.fullmatch(file_path):
            super().remove(file_path)


class JobEnded(BaseException):
    """Raised in a background callback that was ended, when it next has something to tell.

    Not an `Exception`: Dash's wrapper would take it for the callback's own failure.
    """


@dataclass(frozen=True, eq=False)
class _Job:
    """A background callback that runs, or did."""

    thread: threading.Thread
    ended: threading.Event = field(default_factory=threading.Event)


class _Mailbox:
    """The cache as a running callback sees it: it tells no more once it was ended."""

    def __init__(self, cache: diskcache.Cache, is_ended: Callable[[], bool]) -> None:
        self._cache, self._is_ended = cache, is_ended

    def set(self, key: str, value: Any) -> bool:
        """Leave progress or a result for the browser.

        Raises:
            JobEnded: Nobody wants it any more.
        """
        if self._is_ended():
            raise JobEnded
        return bool(self._cache.set(key, value))


class ThreadManager(DiskcacheManager):
    """Dash's diskcache manager with threads for processes.

    A callback that is ended (cancelled, or called again) goes on until it next reports progress;
    nothing that it says after that reaches the browser.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        super().__init__(cache)
        self._jobs: dict[int, _Job] = {}
        self._lock = threading.Lock()

    def make_job_fn(self, fn: Any, progress: Any, key: Any = None) -> Any:
        """Wrap a callback as Dash does, with a mailbox for the cache."""
        mailbox = _Mailbox(self.handle, self._is_current_ended)
        return diskcache_manager._make_job_fn(fn, mailbox, progress)

    def call_job_fn(self, key: str, job_fn: Any, args: Any, context: Mapping[str, Any]) -> int:
        """Start a callback in a thread. Returns its handle, which no other server knows."""
        job_id = secrets.randbits(53)
        arguments = (job_fn, (key, self._make_progress_key(key), args, context))
        thread = threading.Thread(
            target=_run, args=arguments, name=f"callback-{job_id}", daemon=True
        )
        with self._lock:
            self._jobs = {n: job for n, job in self._jobs.items() if job.thread.is_alive()}
            self._jobs[job_id] = _Job(thread)
            thread.start()
        return job_id

    def terminate_job(self, job: Any) -> None:
        """End a callback; one that is not known is no error."""
        found = self._find(job)
        if found is not None:
            found.ended.set()

    def terminate_unhealthy_job(self, job: Any) -> bool:
        """Threads are never found unhealthy: they are alive or gone."""
        return False

    def job_running(self, job: Any) -> bool:
        """Whether a callback is at work and still wanted."""
        found = self._find(job)
        return found is not None and found.thread.is_alive() and not found.ended.is_set()

    def _find(self, job: Any) -> _Job | None:
        try:
            return self._jobs.get(int(job))
        except (TypeError, ValueError):
            return None

    def _is_current_ended(self) -> bool:
        current = threading.current_thread()
        jobs = list(self._jobs.values())
        return any(job.thread is current and job.ended.is_set() for job in jobs)


def _run(job_fn: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        job_fn(*arguments)
    except JobEnded:
        pass


def build_background_manager(
    folder: Path, celery: Celery | None = None
) -> BaseBackgroundCallbackManager:
    """The manager: on a folder that its owner only may read, or on Celery where there is one."""
    if celery is not None:
        # named here: without Redis nothing of Celery is imported
        from dashboard.celery_manager import FollowerManager

        return FollowerManager(celery)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return ThreadManager(diskcache.Cache(str(folder), disk=JsonDisk, size_limit=_SIZE_LIMIT))
