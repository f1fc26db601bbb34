"""A worker process for tests. Arguments: seconds a slice, seconds of a lease."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from fake_server import fake_factory

from dashboard.jobs.execution import Worker
from dashboard.processes.logs import set_up_logging
from dashboard.worker import run_worker
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import read_settings

if __name__ == "__main__":
    set_up_logging()
    seconds, lease = float(sys.argv[1]), float(sys.argv[2])

    def make_worker(services: Services) -> Worker:
        services.store.lease = timedelta(seconds=lease)
        make = fake_factory(lambda k: time.sleep(seconds))
        return Worker(services, make_analyser=make, heartbeat_s=lease / 5)

    run_worker(build_services(read_settings()), make_worker)
