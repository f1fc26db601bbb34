"""The product as ``python -m dashboard`` runs it, with workers that answer by rule.

A restart waits two seconds at most, because chaos kills more often than any machine does.
"""

from __future__ import annotations

import signal
import sys

from dashboard.processes.logs import set_up_logging
from dashboard.processes.supervisor import RestartRule, Supervisor
from dashboard.workspace.settings import open_workspace

_RULE = RestartRule(most_early_ends=1000, shortest_pause_s=0.1, longest_pause_s=2.0)


def main() -> int:
    """Run until asked to stop; returns the exit status."""
    set_up_logging()
    supervisor = Supervisor(open_workspace(), worker="tests.chaos.worker", rule=_RULE)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
