"""Jobs delivered by Celery over Redis, where ``REDIS_URL`` is set.

One message per job, with its number and priority, acknowledged when the job has ended. A message
decides nothing: its receiver claims exactly that row of the table, and ignores the message where
the row is done, running elsewhere or deleted. Lost messages of queued rows are sent again.

Celery's main process talks to Redis, so that ``celery inspect`` is answered at any time; its single
child process runs the jobs and loads the models once. Messages are JSON, never pickle.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from billiard import active_children
from celery import Celery, bootsteps
from celery.signals import setup_logging, worker_process_init, worker_shutting_down
from sqlalchemy.exc import SQLAlchemyError

from dashboard.jobs import table
from dashboard.store import Store
from dashboard.workspace.broker import BROKER_ERRORS, QUEUE, RUN_JOB, send

if TYPE_CHECKING:  # a web process runs no jobs
    from dashboard.jobs.execution import Worker

_LOG = logging.getLogger(__name__)
_RESEND_EVERY_S = 2.0
#: A message counts as lost when it was sent this long ago and the queue is shorter than the table.
_SENT_AGAIN_AFTER = timedelta(seconds=10)


def resend(app: Celery, store: Store) -> None:
    """Send the missing messages of queued jobs; any number of processes may do so."""
    try:
        table.release_expired(store)
        for job in table.take_unsent(store):
            send(app, job.job_id, job.priority, again=True)
        lost = table.count_waiting(store) - _count_messages(app)
        before = store.clock() - _SENT_AGAIN_AFTER
        for job in table.take_unsent(store, sent_before=before, limit=max(0, lost)):
            send(app, job.job_id, job.priority, again=True)
    except (SQLAlchemyError, *BROKER_ERRORS) as error:
        _LOG.warning("Queued jobs could not be checked: %s", error)


def serve(app: Celery, store: Store, make_worker: Callable[[], Worker]) -> None:
    """Receive and run jobs until SIGTERM or SIGINT.

    Args:
        app: From `dashboard.workspace.broker.build_celery`.
        store: The review database.
        make_worker: Creates the worker, in the process that runs the jobs.
    """
    open_worker = cache(make_worker)  # used in the child process only

    def run_job(job_id: int) -> None:
        worker = open_worker()
        signal.signal(signal.SIGTERM, lambda *_: worker.stopping.set())
        if worker.stopping.is_set():  # no more jobs here: another process gets the message
            raise SystemExit
        worker.run_one(job_id)

    class Resend(bootsteps.StartStopStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, consumer: Any) -> None:  # again after each loss of the connection
            resend(app, store)
            consumer.timer.call_repeatedly(_RESEND_EVERY_S, resend, (app, store))

    app.task(name=RUN_JOB)(run_job)
    app.steps["consumer"].add(Resend)
    setup_logging.connect(lambda **_: None, weak=False)  # our own logging stays as it is
    worker_process_init.connect(lambda **_: open_worker().prepare(), weak=False)
    worker_shutting_down.connect(_stop_child, weak=False)
    app.Worker(
        concurrency=1,
        hostname=f"overread@{socket.gethostname()}-{os.getpid()}",
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    ).start()


def _count_messages(app: Celery) -> int:
    """How many messages have not been received yet, of any priority."""
    with app.connection_for_read() as connection:
        return int(connection.default_channel.queue_declare(QUEUE).message_count)


def _stop_child(**_: Any) -> None:
    """Have the running job queued again instead of waiting for its end."""
    for child in active_children():
        os.kill(child.pid, signal.SIGTERM)
