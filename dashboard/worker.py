"""The worker process: ``python -m dashboard.worker``.

It looks into the jobs table, or has its jobs delivered by Celery where ``REDIS_URL`` is set. It
ends cleanly on SIGTERM or SIGINT and gives its job back. Only this process holds a model runtime,
never TensorFlow.
"""

from __future__ import annotations

import signal
import sys

from dashboard.jobs.execution import Worker
from dashboard.logs import set_up_logging
from dashboard.parent import end_with_parent
from dashboard.services import Services, build_services
from dashboard.settings import SettingsError, read_settings
from dashboard.storage_upkeep import keep_storage_tidy
from dashboard.store import DatabaseError


def main() -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit status."""
    set_up_logging()
    try:
        services = build_services(read_settings())
    except (SettingsError, DatabaseError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    end_with_parent()
    run_worker(Worker(services), services)
    return 0


def run_worker(worker: Worker, services: Services) -> None:
    """Run a worker until SIGTERM or SIGINT: on the table alone, or woken up through Redis."""
    if services.storage is not None:
        keep_storage_tidy(services, worker.stopping)
    if services.celery is not None:
        from dashboard.celery_worker import run_celery_worker  # without Redis: no Celery

        run_celery_worker(services.celery, services.store, worker)
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    worker.run()


if __name__ == "__main__":
    sys.exit(main())
