"""A worker that answers by rule, by polling or through Celery: ``python -m tests.chaos.worker``.

``CHAOS_SLICE_S`` and ``CHAOS_LEASE_S`` are seconds of a slice and of a lease.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta

from dashboard.jobs.execution import Worker
from dashboard.processes.logs import set_up_logging
from dashboard.processes.parent import end_with_parent
from dashboard.worker import run_worker
from dashboard.workspace.services import Services, start_services
from tests.load.rule_worker import RuleAnalyser

_SLICE_S = float(os.environ.get("CHAOS_SLICE_S", "0.05"))
_LEASE_S = float(os.environ.get("CHAOS_LEASE_S", "15"))


def make_worker(services: Services) -> Worker:
    """A worker with a lease of its own length."""

    def make_analyser(services: Services, stopping: threading.Event) -> RuleAnalyser:
        return RuleAnalyser(services, slice_s=_SLICE_S)

    services.store.lease = timedelta(seconds=_LEASE_S)
    return Worker(services, make_analyser=make_analyser, heartbeat_s=_LEASE_S / 5)


def main() -> int:
    """Work until SIGTERM."""
    set_up_logging()
    services = start_services()
    end_with_parent()
    run_worker(services, make_worker)
    return 0


if __name__ == "__main__":
    sys.exit(main())
