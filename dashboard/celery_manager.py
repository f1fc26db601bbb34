"""Dash's background callbacks on Celery: each only follows a row of the jobs table.

Dash ends a callback by having Celery kill the process that runs it (``revoke`` with ``terminate``),
and with it everything else in that process. Here a callback that is to end is marked in Redis and
stops when it reports next, as with the manager of one machine (`dashboard.background`).

A follower acknowledges its message at once: offered again while it still follows a long job, it
would run twice. Should its process die, its mark of life runs out, Dash is told that it ended, and
the page asks the server itself. A process that is told to end hands its callbacks to another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from celery import Celery, current_task
from dash import CeleryManager
from dash.background_callback.managers import celery_manager

from dashboard.background import JobEnded
from dashboard.broker import CALLBACKS

#: A callback that nobody began within this time is not begun any more.
_BEGUN_WITHIN_S = 300
_ALIVE_S = 15
_MARKS_KEPT_S = 3600


class _Mailbox:
    """Celery's result store as a callback sees it: it tells no more once it was ended."""

    def __init__(self, app: Celery, ending: threading.Event) -> None:
        self._app, self._ending = app, ending

    def set(self, key: str, value: Any) -> Any:
        """Leave progress or a result for the browser.

        Raises:
            JobEnded: Nobody wants it any more, or this process is to end.
        """
        self.show_life()
        return self._app.backend.set(key, value)

    def show_life(self) -> None:
        """Say that the callback is at work.

        Raises:
            JobEnded: Nobody wants it any more, or this process is to end.
        """
        job = str(current_task.request.id)
        client: Any = self._app.backend.client
        if self._ending.is_set() or client.get(_ended(job)) is not None:
            raise JobEnded
        with client.pipeline(transaction=False) as pipe:
            pipe.set(_begun(job), 1, ex=_MARKS_KEPT_S)
            pipe.set(_alive(job), 1, ex=_ALIVE_S)
            pipe.execute()


class _AppWithMailbox:
    """What Dash takes of a Celery app when it makes a task of a callback."""

    def __init__(self, app: Celery, ending: threading.Event) -> None:
        self.backend = _Mailbox(app, ending)
        self._app, self._ending = app, ending

    def task(self, *, name: str) -> Callable[[Callable[..., None]], Any]:
        """Celery's decorator, for a task that ends quietly and moves with its process' end."""

        def decorate(function: Callable[..., None]) -> Any:
            @wraps(function)
            def run(*arguments: Any) -> None:
                try:
                    self.backend.show_life()
                    function(*arguments)
                except JobEnded:
                    if self._ending.is_set():
                        same = str(current_task.request.id)
                        self._app.send_task(name, arguments, queue=CALLBACKS, task_id=same)

            return self._app.task(name=name, acks_late=False, ignore_result=True)(run)

        return decorate


class FollowerManager(CeleryManager):
    """Dash's Celery manager, in which ending a callback ends nothing else.

    Attributes:
        ending: Set it where callbacks run, to hand those that run to another process.
    """

    def __init__(self, app: Celery) -> None:
        self.ending = threading.Event()
        super().__init__(app)

    def make_job_fn(self, fn: Any, progress: Any, key: Any = None) -> Any:
        """Make a task of a callback as Dash does, with a mailbox for the result store."""
        mailbox = _AppWithMailbox(self.handle, self.ending)
        return celery_manager._make_job_fn(fn, mailbox, progress, key)

    def call_job_fn(self, key: str, job_fn: Any, args: Any, context: Mapping[str, Any]) -> str:
        """Send a callback to the followers. Returns its handle."""
        arguments = (key, self._make_progress_key(key), args, context)
        task = job_fn.apply_async(arguments, queue=CALLBACKS, expires=_BEGUN_WITHIN_S, retry=False)
        return str(task.task_id)

    def terminate_job(self, job: Any) -> None:
        """End a callback; one that is not known is no error."""
        if job:
            self.handle.backend.client.set(_ended(str(job)), 1, ex=_MARKS_KEPT_S)

    def terminate_unhealthy_job(self, job: Any) -> bool:
        """Followers are alive or gone."""
        return False

    def job_running(self, job: Any) -> bool:
        """Whether a callback waits or is at work, and is still wanted."""
        if not job:
            return False
        client: Any = self.handle.backend.client
        marks = [mark(str(job)) for mark in (_ended, _begun, _alive)]
        ended, begun, alive = client.mget(marks)
        return ended is None and (begun is None or alive is not None)


def _ended(job: str) -> str:
    return f"overread-ended-{job}"


def _begun(job: str) -> str:
    return f"overread-begun-{job}"


def _alive(job: str) -> str:
    return f"overread-alive-{job}"
