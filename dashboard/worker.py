"""The worker process: ``python -m dashboard.worker``.

It polls the jobs table, or Celery delivers its jobs if ``REDIS_URL`` is set. On SIGTERM or SIGINT
it returns its job to the queue and ends. Only this process loads a model runtime, never TensorFlow.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from dashboard.jobs.execution import Worker
from dashboard.processes.logs import set_up_logging
from dashboard.processes.parent import end_with_parent
from dashboard.storage_upkeep import keep_storage_tidy
from dashboard.store.readings import release_silent
from dashboard.workspace.services import Services, build_services, start_services

_LOG = logging.getLogger("dashboard.worker")  # also as __main__
_RELEASE_EVERY_S = 60.0


def main() -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit status."""
    set_up_logging()
    services = start_services()
    end_with_parent()
    run_worker(services)
    return 0


def run_worker(services: Services, make_worker: Callable[[Services], Worker] = Worker) -> None:
    """Run a worker until SIGTERM or SIGINT, by polling or with Celery.

    Args:
        services: The server's parts.
        make_worker: Makes the worker; tests pass their own.
    """
    keep_storage_tidy(services)
    keep_worklist_current(services)
    if services.celery is not None:
        from dashboard.jobs.delivery import serve  # Celery is imported only with Redis

        # the process that runs jobs opens storage and database itself: neither survives a fork
        serve(
            services.celery, services.store, lambda: make_worker(build_services(services.settings))
        )
        return
    worker = make_worker(services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    worker.run()


def keep_worklist_current(
    services: Services, *, every_s: float = _RELEASE_EVERY_S
) -> threading.Thread:
    """Return studies to the worklist whose reader's claim has expired, in a daemon thread.

    Until then they read "in review", although anybody may take them. Pages that have not been heard
    of are closed, so that the history has how long each reader had a study open. Lines of the
    worklist are written again that a process of an older release wrote. Several workers may do it
    at the same time.

    Args:
        services: The server's parts.
        every_s: Seconds between two rounds.
    """

    def work() -> None:
        while True:
            time.sleep(every_s)
            try:
                release_silent(services.store)
                services.store.write_stale_lines(only_earlier=True)
            except SQLAlchemyError:
                _LOG.warning("The worklist could not be brought up to date.", exc_info=True)

    thread = threading.Thread(target=work, name="worklist", daemon=True)
    thread.start()
    return thread


if __name__ == "__main__":
    sys.exit(main())
