"""A worker's two processes where ``REDIS_URL`` is set: this one computes, its child follows.

Celery takes one wake-up message at a time (pool ``solo``: in this process, whose models are loaded
once) and acknowledges it when the job it claimed has ended. Beside it a thread looks every few
seconds for what fell through: leases that ran out, rows whose message was lost, a child that died.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Protocol

from celery import Celery
from celery.signals import setup_logging, worker_shutting_down
from celery.worker import state
from sqlalchemy.exc import SQLAlchemyError

from dashboard.broker import ANALYSE_NEXT, ANALYSES, BROKER_ERRORS, WakeUp, waiting_messages
from dashboard.jobs import table
from dashboard.store import Store
from dashboard.supervisor import Child

_LOG = logging.getLogger(__name__)
_LOOK_S = 3.0
_DATABASE_PAUSE_S = 2.0
#: Messages sent at once for rows that have none.
_MOST_MESSAGES = 64
_CHILD_ENDS_WITHIN_S = 5.0


class JobRunner(Protocol):
    """What Celery's task needs of `dashboard.worker.Worker`."""

    stopping: threading.Event
    owner: str

    def run_one(self) -> bool:
        """Run the next job, if one waits. Returns whether there was one."""
        ...

    def prepare(self) -> None:
        """Load the models before anybody waits for them."""
        ...


def run_celery_worker(app: Celery, store: Store, runner: JobRunner, *, follow: bool = True) -> None:
    """Take wake-up messages until told to stop.

    Args:
        app: As of `dashboard.broker.build_celery`.
        store: The review database.
        runner: Claims and runs one job.
        follow: Whether background callbacks are run too, in a child process.
    """
    task = make_task(runner)
    app.task(name=ANALYSE_NEXT, ignore_result=True)(task)
    stop_with_celery(runner.stopping)
    lookout = Lookout(app, store, runner.stopping, follow=follow)
    thread = threading.Thread(target=lookout.run, name="lookout", daemon=True)
    thread.start()
    try:
        # a job that waits already shows the preparation as its own
        if not _ran_one(runner):
            runner.prepare()
        if not runner.stopping.is_set():
            worker = app.Worker(
                pool="solo",
                queues=[ANALYSES],
                hostname=f"analyses@{runner.owner}",
                without_gossip=True,
                without_mingle=True,
                quiet=True,
            )
            worker.start()
    finally:
        runner.stopping.set()
        thread.join()


def stop_with_celery(stopping: threading.Event) -> None:
    """Set an event when Celery is told to end; until it runs, when the process is."""
    worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)
    setup_logging.connect(lambda **_: None, weak=False)  # the log stays as the process set it up
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())


def make_task(runner: JobRunner) -> Callable[[], None]:
    """The task behind `ANALYSE_NEXT`: one job, the next by priority."""

    def analyse_next() -> None:
        _ran_one(runner)

    return analyse_next


def _ran_one(runner: JobRunner) -> bool:
    """Run the next job; a database that is away is left to the lookout, which asks again."""
    if runner.stopping.is_set():
        return False
    try:
        return runner.run_one()
    except SQLAlchemyError:
        _LOG.exception("The database did not answer.")
        runner.stopping.wait(_DATABASE_PAUSE_S)
        return False


class Lookout:
    """Looks for what fell through, again and again.

    Args:
        app: As of `dashboard.broker.build_celery`.
        store: The review database.
        stopping: Ends it.
        follow: Whether a child for background callbacks is kept running.
    """

    def __init__(
        self, app: Celery, store: Store, stopping: threading.Event, *, follow: bool
    ) -> None:
        self._app, self._store, self._stopping = app, store, stopping
        self._wake_up = WakeUp(app)
        self._followers = Child("dashboard.followers") if follow else None

    def run(self) -> None:
        """Look until told to stop."""
        try:
            while True:
                self._keep_followers()
                try:
                    self.look()
                except (SQLAlchemyError, *BROKER_ERRORS) as error:
                    _LOG.warning("Waiting jobs could not be looked for: %s", error)
                if self._stopping.wait(_LOOK_S):
                    return
        finally:
            state.should_stop = 0  # told to end before Celery listened
            self._end_followers()

    def look(self) -> None:
        """Offer lost workers' jobs again; send messages for rows that have none."""
        table.release_expired(self._store)
        missing = table.count_waiting(self._store) - waiting_messages(self._app)
        for _ in range(min(missing, _MOST_MESSAGES)):
            self._wake_up()

    def _keep_followers(self) -> None:
        child = self._followers
        if child is None:
            return
        if child.process is not None and not child.running:
            child.note_end()
        if child.process is None and time.monotonic() >= child.next_start:
            child.start()

    def _end_followers(self) -> None:
        child = self._followers
        if child is None or child.process is None:
            return
        child.signal_group(signal.SIGTERM)
        try:
            child.process.wait(_CHILD_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            _LOG.warning("The followers do not end and are killed.")
        child.signal_group(signal.SIGKILL)
        child.process.wait()
