"""Dash's background callbacks: threads of the web process that follow a job for a page.

Dash forks a process per background callback. Ours only follow a row of the jobs table, and to fork
a server with threads is the wrong tool for that: SQLite's locks do not survive it, Python 3.12
warns of deadlocks, and each open study would cost a process. A thread dies with its web process;
the page then asks again, whichever web process answers (`assets/js/job_channel.js`).

Progress and outputs pass through a folder as JSON. diskcache would pickle what is not text, bytes
or a number, and unpickling a row that somebody else wrote runs it as code (CVE-2025-69872).

Only this module uses names of Dash that are not documented.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diskcache
from dash import DiskcacheManager
from plotly.utils import PlotlyJSONEncoder

from pipeline import BytesDisk

_SIZE_LIMIT = 64 * 2**20


class JsonDisk(BytesDisk):
    """Text keys, JSON values."""

    def store(self, value: Any, read: bool, key: Any = diskcache.core.UNKNOWN) -> Any:
        """Keep a value as JSON; Dash components and figures become what the browser gets."""
        return super().store(json.dumps(value, cls=PlotlyJSONEncoder).encode(), read, key=key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Read JSON; refuse everything else."""
        return json.loads(super().fetch(mode, filename, value, read))


class _Ended(BaseException):
    """Raised in a background callback that was ended, when it next has something to report.

    Not an `Exception`: Dash's wrapper would take it for the callback's own failure.
    """


class _Thread(threading.Thread):
    """A background callback."""

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...]) -> None:
        super().__init__(target=target, args=args, daemon=True)
        self.number = secrets.randbits(53)
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            super().run()
        except _Ended:
            pass


class _Messages(diskcache.Cache):
    """What callbacks report; one that was ended reports no more."""

    def set(self, key: Any, value: Any, *arguments: Any, **options: Any) -> bool:
        """Leave progress or a result for the browser.

        Raises:
            _Ended: Nobody wants it any more.
        """
        thread = threading.current_thread()
        if isinstance(thread, _Thread) and thread.ended.is_set():
            raise _Ended
        return bool(super().set(key, value, *arguments, **options))


class ThreadManager(DiskcacheManager):
    """Dash's diskcache manager with threads for processes.

    A callback that is ended (called again) goes on until it next reports progress; nothing that it
    reports after that reaches the browser.

    Args:
        folder: Where callbacks leave what they report; made readable by its owner only.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        super().__init__(_Messages(str(folder), disk=JsonDisk, size_limit=_SIZE_LIMIT))
        self._threads: dict[int, _Thread] = {}
        self._lock = threading.Lock()

    def call_job_fn(self, key: str, job_fn: Any, args: Any, context: Mapping[str, Any]) -> int:
        """Start a callback. Returns its handle, which no other server knows."""
        thread = _Thread(job_fn, (key, self._make_progress_key(key), args, context))
        with self._lock:
            self._threads = {n: one for n, one in self._threads.items() if one.is_alive()}
            self._threads[thread.number] = thread
            thread.start()
        return thread.number

    def terminate_job(self, job: Any) -> None:
        """End a callback; one that is not known is no error."""
        thread = self._find(job)
        if thread is not None:
            thread.ended.set()

    def terminate_unhealthy_job(self, job: Any) -> bool:
        """Threads are never found unhealthy: they are alive or gone."""
        return False

    def job_running(self, job: Any) -> bool:
        """Whether a callback is at work and still wanted."""
        thread = self._find(job)
        return thread is not None and thread.is_alive() and not thread.ended.is_set()

    def _find(self, job: Any) -> _Thread | None:
        try:
            return self._threads.get(int(job))
        except (TypeError, ValueError):
            return None
