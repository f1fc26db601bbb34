"""Background callbacks on Celery for tests; run as a program, a process that follows them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from dashboard.broker import CALLBACKS, build_celery
from dashboard.celery_manager import FollowerManager
from dashboard.celery_worker import stop_with_celery


def count(set_progress: Callable[[Any], None], steps: int) -> dict[str, int]:
    """Tells a number ten times a second."""
    for step in range(steps):
        set_progress({"step": step})
        time.sleep(0.1)
    return {"steps": steps}


def fail(set_progress: Callable[[Any], None], steps: int) -> None:
    raise RuntimeError("why")


def build(url: str) -> FollowerManager:
    manager = FollowerManager(build_celery(url))
    for function in (count, fail):
        key = function.__name__
        manager.func_registry[key] = manager.make_job_fn(function, True, key)
    return manager


if __name__ == "__main__":
    manager = build(sys.argv[1])
    stop_with_celery(manager.ending)
    manager.handle.Worker(
        pool="threads", concurrency=8, queues=[CALLBACKS], without_mingle=True, quiet=True
    ).start()
