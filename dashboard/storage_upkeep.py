"""Keeps shared storage within its limits and purges deleted studies: once an hour, or as a command.

``python -m dashboard.storage_upkeep`` does it once, for use with a timer. Two machines may do it at
the same time.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from dashboard.comparisons.answers import STORED_FOR
from dashboard.processes.logs import set_up_logging
from dashboard.studies import deletion
from dashboard.workspace.services import Services, start_services
from pipeline import StorageError

_LOG = logging.getLogger("dashboard.storage_upkeep")  # also as __main__
_EVERY_S = 3600.0
_IMAGES = "comparisons"


def tidy_storage(services: Services) -> tuple[int, int]:
    """Delete the oldest results above the limit, and images older than a day.

    Returns:
        How many results and how many objects of images were deleted.

    Raises:
        StorageError: The storage does not answer.
    """
    storage = services.storage
    if storage is None:
        return 0, 0
    results = services.results.trim_shared(services.settings.storage_results_bytes)
    before = datetime.now(UTC) - STORED_FOR
    old = [found.key for found in storage.list(_IMAGES) if found.changed < before]
    for key in old:
        storage.delete(key)
    return results, len(old)


def keep_storage_tidy(services: Services) -> threading.Thread:
    """Tidy up once an hour in a daemon thread; workers do so at different times."""

    def work() -> None:
        pause = random.uniform(60, _EVERY_S)
        while True:
            time.sleep(pause)
            pause = _EVERY_S
            try:
                deletion.purge_deleted(services)
                tidy_storage(services)
            except StorageError as error:
                _LOG.warning("The shared storage could not be tidied up: %s", error)
            except SQLAlchemyError:
                _LOG.warning("Deleted studies could not be purged.", exc_info=True)

    thread = threading.Thread(target=work, name="storage-upkeep", daemon=True)
    thread.start()
    return thread


def main() -> int:
    """Tidy up once; returns the exit status."""
    set_up_logging()
    try:
        services = start_services()
        deletion.purge_deleted(services)
        results, images = tidy_storage(services)
    except StorageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _LOG.info("%d results and %d objects of images were deleted.", results, images)
    return 0


if __name__ == "__main__":
    sys.exit(main())
