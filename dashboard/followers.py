"""Runs background callbacks where ``REDIS_URL`` is set; a child of each worker.

``python -m dashboard.followers``: many threads that only wait, beside no model runtime.
"""

from __future__ import annotations

import os
import socket
import sys

from dashboard.parent import end_with_parent
from dashboard.settings import SettingsError, read_settings

#: Callbacks followed at once; the others wait until one ends.
_THREADS = 64


def main() -> int:
    """Run until told to end."""
    end_with_parent()
    try:
        if not read_settings().redis_url:
            sys.stderr.write("REDIS_URL is not set: the web process follows jobs itself.\n")
            return 2
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # the app's pages register their callbacks; Celery is known where there is a Redis only
    from dashboard.app import app
    from dashboard.broker import CALLBACKS
    from dashboard.celery_manager import FollowerManager
    from dashboard.celery_worker import stop_with_celery

    manager = app._background_manager
    assert isinstance(manager, FollowerManager)
    stop_with_celery(manager.ending)
    worker = manager.handle.Worker(
        pool="threads",
        concurrency=_THREADS,
        queues=[CALLBACKS],
        hostname=f"callbacks@{socket.gethostname()}-{os.getpid()}",
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    worker.start()
    return 0


if __name__ == "__main__":
    sys.exit(main())
