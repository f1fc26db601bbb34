"""PostgreSQL as the review database of several machines.

READ COMMITTED is enough: a process that changes a job locks its row (``FOR UPDATE``), and claims
skip rows that another process has locked. Times are the database server's, so that a machine whose
clock is wrong neither takes a lease too early nor holds one too long.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url

from dashboard.store.schema import keep_json_text

#: Locked while the tables are upgraded, so that processes that start together do not collide.
_UPGRADE = 0x6F7665727265
_POOL_SIZE, _POOL_MORE = 8, 24
#: Connections are renewed after this time, and the difference of the clocks is measured again.
_RECYCLE_S = 300
#: A lost server is noticed within seconds instead of the system's two hours; waiting for a lock
#: ends after the same time as in SQLite.
_CONNECT_ARGS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "options": "-c lock_timeout=15s -c idle_in_transaction_session_timeout=60s",
}


class ServerClock:
    """The database server's time, as measured when the last connection was opened."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """The time, in UTC."""
        return self._clock() + self._ahead

    def measure(self, connection: Any) -> None:
        """Compare the clocks over a driver's connection."""
        with connection.cursor() as cursor:
            before = self._clock()
            cursor.execute("SELECT clock_timestamp()")
            server = cursor.fetchone()[0].astimezone(UTC)
            after = self._clock()
        connection.rollback()
        self._ahead = server - (before + (after - before) / 2)


def driver_url(url: str) -> URL:
    """The URL with the installed driver; ``postgres://`` is accepted too."""
    if url.startswith("postgres://"):
        url = f"postgresql://{url.removeprefix('postgres://')}"
    parsed = make_url(url)
    return parsed.set(drivername="postgresql+psycopg") if "+" not in parsed.drivername else parsed


def open_postgres(url: URL, clock: ServerClock) -> Engine:
    """An engine whose connections are tested before use and never shared across a fork.

    Args:
        url: As of `driver_url`.
        clock: Measured with each new connection.
    """
    arguments: dict[str, Any] = {k: v for k, v in _CONNECT_ARGS.items() if k not in url.query}
    engine = create_engine(
        url,
        hide_parameters=True,
        json_deserializer=keep_json_text,
        pool_pre_ping=True,
        pool_recycle=_RECYCLE_S,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_MORE,
        connect_args=arguments,
    )
    event.listen(engine, "connect", lambda connection, record: clock.measure(connection))
    # a forked child must not use its parent's connections
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    return engine


def lock_upgrade(connection: Connection) -> None:
    """Let one process at a time upgrade the tables; released with the transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE})
