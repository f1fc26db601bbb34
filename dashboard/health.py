"""Whether a machine reaches what all share: ``python -m dashboard.health``, for health checks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from dashboard.store import DatabaseError
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import SettingsError, read_settings
from pipeline import StorageError

if TYPE_CHECKING:
    from celery import Celery


def find_troubles(services: Services) -> list[str]:
    """What does not answer, one plain sentence each.

    Args:
        services: The server's parts; their database has answered already.
    """
    checks: dict[str, Callable[[], object]] = {}
    if services.celery is not None:
        checks["Redis does not answer; see REDIS_URL."] = partial(_ask_redis, services.celery)
    if services.storage is not None:
        storage = services.storage
        checks["The shared storage does not answer; see OVERREAD_STORAGE_URL."] = lambda: (
            storage.exists("results")
        )
    return [sentence for sentence, check in checks.items() if not _passes(check)]


def _passes(check: Callable[[], object]) -> bool:
    try:
        check()
    except (ConnectionError, StorageError):
        return False
    return True


def _ask_redis(app: Celery) -> None:
    from kombu.exceptions import OperationalError  # without Redis nothing of Celery is imported

    try:
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1)
    except OperationalError as error:
        raise ConnectionError("Redis does not answer") from error


def main() -> int:
    """Check once; returns the exit status."""
    try:
        troubles = find_troubles(build_services(read_settings()))
    except (SettingsError, DatabaseError) as error:
        troubles = [str(error)]
    sys.stdout.write("".join(f"{sentence}\n" for sentence in troubles or ["All answer."]))
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
