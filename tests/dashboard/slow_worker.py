"""A worker process for tests: half a second per slice. Argument: the workspace."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from fake_server import fake_factory, make_settings

from dashboard.logs import set_up_logging
from dashboard.services import build_services
from dashboard.worker import Worker

if __name__ == "__main__":
    set_up_logging()
    parts = build_services(make_settings(Path(sys.argv[1])))
    seconds = float(sys.argv[2])
    one = Worker(parts, make_analyser=fake_factory(lambda k: time.sleep(seconds)))
    signal.signal(signal.SIGTERM, lambda *_: one.stopping.set())
    one.run()
