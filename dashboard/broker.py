"""Celery over Redis, where ``REDIS_URL`` is set: wakes workers up on any number of machines.

The jobs table stays the truth. A message says no more than "a job waits": whoever takes it claims
the next row by priority, so that studies that were opened go first, and a message that is lost or
comes twice does no harm. Messages are JSON; nothing is ever pickled.

Two queues, for two kinds of processes: analyses compute, one at a time in each worker; following a
job for a browser only waits, many at a time. In one queue, open pages would keep studies waiting.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

_LOG = logging.getLogger(__name__)

ANALYSES, CALLBACKS = "analyses", "callbacks"
ANALYSE_NEXT = "overread.analyse_next"
#: After this time a message that nobody has acknowledged is offered again. One whose analysis takes
#: longer comes twice, which costs one look into the table.
_VISIBILITY_S = 20
_CONNECT_S = 3
_RESULTS_KEPT_S = 3600
#: What Redis may answer with, however it is reached.
BROKER_ERRORS = (OperationalError, RedisError, OSError)


def build_celery(url: str) -> Celery:
    """The Celery app of this project.

    Args:
        url: Of Redis, which carries messages and what background callbacks say.
    """
    app = Celery("overread", broker=url, backend=url, set_as_current=False)
    connection = {"socket_connect_timeout": _CONNECT_S, "socket_keepalive": True}
    app.conf.update(
        accept_content=["json"],
        result_accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        result_expires=_RESULTS_KEPT_S,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue=ANALYSES,
        task_routes={"background_callback_*": {"queue": CALLBACKS}},
        worker_prefetch_multiplier=1,
        # nobody may end a process through the broker, and with it a neighbour's job
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # given up soon where a web process sends: the row is there, the workers look for it
        broker_transport_options={
            "visibility_timeout": _VISIBILITY_S,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
            **connection,
        },
        redis_socket_connect_timeout=_CONNECT_S,
        redis_socket_keepalive=True,
    )
    return app


class WakeUp:
    """Tells the workers that a job waits; never fails, since they look for themselves too.

    Args:
        app: As of `build_celery`.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app

    def __call__(self) -> None:
        """Send one message."""
        try:
            self._app.send_task(ANALYSE_NEXT, queue=ANALYSES, ignore_result=True, retry=False)
        except BROKER_ERRORS as error:
            _LOG.warning("Redis did not take a message (%s); the workers look themselves.", error)


def waiting_messages(app: Celery) -> int:
    """How many wake-up messages nobody has taken yet.

    Raises:
        RedisError: Redis does not answer.
    """
    client: Any = app.backend.client
    return int(client.llen(ANALYSES))
