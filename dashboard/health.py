"""Health checks: ``python -m dashboard.health`` checks what all machines share.

``python -m dashboard.health --web`` checks this machine's web process at the configured port.
"""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dashboard.store import DatabaseError
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import SettingsError, read_settings
from pipeline import StorageError

if TYPE_CHECKING:
    from celery import Celery

_TIMEOUT_S = 4


def find_troubles(services: Services) -> list[str]:
    """Return one sentence for each part that does not answer.

    Args:
        services: The server's parts; their database has already answered.
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
    from kombu.exceptions import OperationalError  # Celery is imported only with Redis

    try:
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1)
    except OperationalError as error:
        raise ConnectionError("Redis does not answer") from error


def find_web_troubles(port: int) -> list[str]:
    """Return a sentence if this machine's web process does not answer."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=_TIMEOUT_S).close()
    except OSError:
        return [f"The web process does not answer on port {port}."]
    return []


def main(argv: Sequence[str] = ()) -> int:
    """Check once; returns the exit status."""
    try:
        settings = read_settings()
        if "--web" in argv:
            troubles = find_web_troubles(settings.port)
        else:
            troubles = find_troubles(build_services(settings))
    except (SettingsError, DatabaseError) as error:
        troubles = [str(error)]
    sys.stdout.write("".join(f"{sentence}\n" for sentence in troubles or ["All parts answer."]))
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
