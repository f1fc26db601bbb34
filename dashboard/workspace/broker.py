"""Celery over Redis, where ``REDIS_URL`` is set: the app, and the message of a job.

`dashboard.jobs.delivery` defines what a message means. Messages are JSON; nothing is pickled.
"""

from __future__ import annotations

import logging

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

_LOG = logging.getLogger(__name__)
QUEUE = "jobs"
RUN_JOB = "overread.run_job"
_CONNECT_S = 3
#: Errors of Redis, whichever library reports them.
BROKER_ERRORS = (OperationalError, RedisError, OSError)


def build_celery(url: str) -> Celery:
    """Return the Celery app.

    Args:
        url: URL of the Redis that carries the messages.
    """
    app = Celery("overread", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_send_sent_event=True,
        worker_send_task_events=True,
        worker_prefetch_multiplier=1,
        worker_proc_alive_timeout=60,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # a web process gives up soon: the job's row exists, and its message is sent again
        broker_transport_options={
            "priority_steps": list(range(10)),  # 0 is delivered first
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
            "socket_connect_timeout": _CONNECT_S,
            "socket_keepalive": True,
        },
    )
    return app


def send(app: Celery, job_id: int, priority: int, *, again: bool = False) -> None:
    """Send a job's message; if Redis does not accept it, a worker sends it again later.

    Args:
        app: From `build_celery`.
        job_id: The job.
        priority: Its priority in the table.
        again: Whether it has waited before; it then precedes others of its priority.
    """
    step = 9 - min(8, priority) - again
    try:
        app.send_task(RUN_JOB, (job_id,), priority=step, retry=False)
    except BROKER_ERRORS as error:
        _LOG.warning("Redis did not accept the message of job %d: %s", job_id, error)
