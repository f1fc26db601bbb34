"""How a page follows a job: Dash's background callbacks as threads of the web process.

Dash forks a process per background callback. Ours only follow a row of the jobs table, and forking
a server with threads is the wrong tool for that: SQLite's locks do not survive it, Python 3.12
warns of deadlocks, and each open study would cost a process. A thread dies with its web process;
the page then asks again, whichever web process answers (`assets/js/frame/job_channel.js`).

Progress and outputs pass through a folder as JSON. diskcache would pickle everything other than
text, bytes and numbers, and unpickling a row that somebody else wrote runs it as code
(CVE-2025-69872).

Only this module uses undocumented names of Dash.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import diskcache
from dash import ClientsideFunction, Dash, DiskcacheManager, Input, Output
from dash.background_callback.managers import BaseBackgroundCallbackManager
from dash.exceptions import PreventUpdate
from plotly.utils import PlotlyJSONEncoder
from pydantic import Field, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from dashboard.jobs import table
from dashboard.store import JobRow, JobState, Store
from pipeline import BytesDisk, DeclaredModel, InputError

_LOG = logging.getLogger(__name__)
_SIZE_LIMIT = 64 * 2**20
#: A callback that no browser has asked for in this time ends.
WANTED_S = 30.0
#: Time between two looks at the table; the analysis of a slice takes a few times as long.
_PAUSE_S = 0.1


class JobRequest(DeclaredModel):
    """A page's request to follow a job; pages add fields that identify the job.

    Attributes:
        asked: The page's mark for this request.
        again: Whether a job that failed or was cancelled starts again.
    """

    asked: Annotated[int, Field(ge=0, lt=2**53)]
    again: bool


class JobNews(DeclaredModel):
    """The state of a job, as a page receives it.

    Attributes:
        state: Its state.
        done, total: Its progress.
        message: A sentence on its progress or failure, or "".
        cancelling: Whether it was asked to stop.
    """

    state: JobState
    done: int = 0
    total: int = 0
    message: str = ""
    cancelling: bool = False

    def answer(self, request: JobRequest) -> dict[str, Any]:
        """Return the news with the values of the request that they answer."""
        return request.model_dump() | self.model_dump(mode="json")


_Request = TypeVar("_Request", bound=JobRequest)


def read_request(kind: type[_Request], value: object) -> _Request | None:
    """Return a page's request; None if it is not valid, such as before the page has sent one."""
    try:
        return kind.model_validate(value)
    except ValidationError:
        return None


def follow(
    store: Store,
    submit: Callable[[], int],
    report: Callable[[JobNews], None],
    *,
    pause_s: float = _PAUSE_S,
) -> JobNews:
    """Submit a job and report its state until it ends.

    Args:
        store: The review database.
        submit: Submits the job; raises `InputError` if it cannot be done.
        report: Called at each look: a callback that no page waits for ends then, and a page that
            receives nothing asks again.
        pause_s: Time between two looks.

    Returns:
        The last state.

    Raises:
        PreventUpdate: The database does not answer; the page asks again.
    """
    try:
        job_id = submit()
        while True:
            job = table.state(store, job_id)
            if job is None or job.finished:
                return _describe(job)
            report(_describe(job))
            time.sleep(pause_s)
    except InputError as error:
        return JobNews(state=JobState.FAILED, message=error.message)
    except SQLAlchemyError:
        _LOG.exception("The database did not answer.")
        raise PreventUpdate from None


def pass_to_browser(app: Dash, namespace: str, *, sink: str, sources: Iterable[str]) -> None:
    """Pass what a store holds of a job to ``job`` of the page's script.

    Args:
        app: The app.
        namespace: Of the script's clientside callbacks.
        sink: Id of the store for what a clientside callback must return.
        sources: Ids of the stores of progress and outcome. Each gets a callback of its own: Dash
            would hold back one with both as inputs until the outcome is there.
    """
    for source in sources:
        app.clientside_callback(
            ClientsideFunction(namespace, "job"),
            Output(sink, "data", allow_duplicate=True),
            Input(source, "data"),
            prevent_initial_call=True,
        )


def _describe(job: JobRow | None) -> JobNews:
    """Describe a job for the browser; a deleted one counts as cancelled."""
    if job is None:
        return JobNews(state=JobState.CANCELLED)
    return JobNews(
        state=job.state,
        done=job.done,
        total=job.total,
        message=job.error or job.message,
        cancelling=job.cancel_requested,
    )


class JsonDisk(BytesDisk):
    """Text keys, JSON values."""

    def store(self, value: Any, read: bool, key: Any = diskcache.core.UNKNOWN) -> Any:
        """Store a value as JSON; Dash components and figures become what the browser receives."""
        return super().store(json.dumps(value, cls=PlotlyJSONEncoder).encode(), read, key=key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Read JSON; refuse everything else."""
        return json.loads(super().fetch(mode, filename, value, read))


class _Unwanted(BaseException):
    """Raised in a background callback that no page waits for, when it next reports something.

    Not an `Exception`: Dash's wrapper would take it for a failure of the callback.
    """


class _Thread(threading.Thread):
    """A background callback; it runs for some time after a browser last asked for it."""

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...]) -> None:
        super().__init__(target=target, args=args, daemon=True)
        self.wanted_until = time.monotonic() + WANTED_S

    def run(self) -> None:
        with contextlib.suppress(_Unwanted):
            super().run()


class _Messages(diskcache.Cache):
    """The values that callbacks report."""

    def set(self, key: Any, value: Any, *arguments: Any, **options: Any) -> bool:
        """Store progress or a result for the browser.

        Raises:
            _Unwanted: No page waits for this callback any more.
        """
        thread = threading.current_thread()
        if isinstance(thread, _Thread) and time.monotonic() > thread.wanted_until:
            raise _Unwanted
        return bool(super().set(key, value, *arguments, **options))


class ThreadManager(DiskcacheManager):
    """Dash's diskcache manager with threads instead of processes.

    A callback whose page was closed, or that was called again, runs until it next reports progress;
    nothing that it reports after that reaches a browser.

    Args:
        folder: Where callbacks store what they report; made readable by its owner only.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        # not DiskcacheManager's own: it imports what starts processes
        BaseBackgroundCallbackManager.__init__(self, None)
        self.handle = _Messages(str(folder), disk=JsonDisk, size_limit=_SIZE_LIMIT)
        self.expire = None
        self._threads: dict[str, _Thread] = {}
        self._lock = threading.Lock()

    def call_job_fn(self, key: str, job_fn: Any, args: Any, context: Mapping[str, Any]) -> str:
        """Start a callback. Returns its handle, which no other web process knows."""
        job = secrets.token_hex(8)
        thread = _Thread(job_fn, (key, self._make_progress_key(key), args, context))
        with self._lock:
            self._threads = {n: one for n, one in self._threads.items() if one.is_alive()}
            self._threads[job] = thread
            thread.start()
        return job

    def terminate_job(self, job: Any) -> None:
        """End a callback; an unknown one is not an error."""
        thread = self._threads.get(job)
        if thread is not None:
            thread.wanted_until = 0.0

    def job_running(self, job: Any) -> bool:
        """Whether a callback runs; Dash asks whenever a browser does, which keeps it running."""
        thread = self._threads.get(job)
        if thread is None or not thread.is_alive() or time.monotonic() > thread.wanted_until:
            return False
        thread.wanted_until = time.monotonic() + WANTED_S
        return True
