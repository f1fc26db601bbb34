"""A worker process for tests. Arguments: seconds a slice, seconds of a lease."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from fake_server import fake_factory

from dashboard.jobs.execution import Worker
from dashboard.logs import set_up_logging
from dashboard.services import build_services
from dashboard.settings import read_settings
from dashboard.worker import run_worker

if __name__ == "__main__":
    set_up_logging()
    parts = build_services(read_settings())
    seconds, lease = float(sys.argv[1]), float(sys.argv[2])
    parts.store.lease = timedelta(seconds=lease)
    make = fake_factory(lambda k: time.sleep(seconds))
    run_worker(Worker(parts, make_analyser=make, heartbeat_s=lease / 5), parts)
