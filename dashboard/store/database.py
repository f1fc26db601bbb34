"""Opens the review database: one transaction per call, safe with threads and processes.

Connections stay open, and no thread waits for another's: opening SQLite for each transaction took
a quarter of the web process's time with 50 readers. Writers lock the database when they begin
(``BEGIN IMMEDIATE``), so that two of them queue instead of failing half-way. PostgreSQL has a
module of its own (`dashboard.store.postgres`).

What is committed is on the disk: a power cut loses no draft, version or measurement that a browser
was shown as stored (``synchronous = FULL``). A job's progress and heartbeat may be lost.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from dashboard.store import migrations
from dashboard.store.postgres import ServerClock, driver_url, lock_upgrade, open_postgres
from dashboard.store.schema import Base, keep_json_text

_BUSY_MS = 15_000
_OPEN_ATTEMPTS = 20
_OPEN_CONNECTIONS = 8
#: PostgreSQL's code of an error that a function of this schema raises, in its own fixed words.
_RAISED = "P0001"


#: The way out of a database that is lost.
REBUILD = (
    "restore a backup, or run python -m dashboard rebuild to list the stored studies again without"
    " readers' work on them."
)
_DAMAGED = f"is damaged; {REBUILD}"


class DatabaseError(Exception):
    """The database cannot be used; the message is one plain sentence."""


class LostDatabase(DatabaseError):
    """What was stored in it is lost, and the list of studies can be rebuilt."""


class _Lost(Exception):
    """Why a database is lost, to be read after its name."""


def keep_values_out(engine: Engine) -> None:
    """Keep the values of rows out of the errors of an engine.

    ``hide_parameters`` leaves out what was sent. What a driver says may quote a value or the whole
    row ("Failing row contains ..."): its type, its code and the names of the schema remain.
    """

    @event.listens_for(engine, "handle_error")
    def clean(context: ExceptionContext) -> None:
        original = context.original_exception
        if not context.is_disconnect and isinstance(context.sqlalchemy_exception, DBAPIError):
            words = _describe_driver_error(original)
            original.args = (words,)
            kind = f"{type(original).__module__}.{type(original).__name__}"
            context.sqlalchemy_exception.args = (f"({kind}) {words}",)


def _describe_driver_error(error: BaseException) -> str:
    """The code of a driver's error, and what of the schema it is about."""
    if isinstance(error, sqlite3.Error):
        return str(error)  # names of the schema only
    found = getattr(error, "diag", None)
    if found is not None and found.sqlstate == _RAISED:
        return str(found.message_primary)
    names = ("sqlstate", "table_name", "column_name", "constraint_name")
    return ", ".join(
        f"{name} {value}" for name in names if (value := getattr(found, name, None)) is not None
    )


def now_utc() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Database:
    """The review database.

    Args:
        url: SQLAlchemy URL.
        clock: Returns the time in UTC; tests set their own. PostgreSQL's own time by default.
        file: The workspace's own file, where no URL is set.
        stored_studies: Counts the studies whose files are stored; asked where the database is new.
        check: Whether to look for damage first, which reads the whole of an SQLite file.

    Attributes:
        clock: Returns the time in UTC; the same in all processes that share the database.

    Raises:
        DatabaseError: It cannot be opened, another program or a newer version wrote it, it is
            damaged, or it is empty although studies are stored.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime] = now_utc,
        file: Path | None = None,
        stored_studies: Callable[[], int] = lambda: 0,
        check: bool = False,
    ) -> None:
        self.clock = clock
        try:
            self._engine = self._open_engine(url)
            keep_values_out(self._engine)
            self._writer = self._engine.execution_options(overread_writes="FULL")
            self._passing_writer = self._engine.execution_options(overread_writes="NORMAL")
            if check and self._engine.dialect.name == "sqlite":
                self._check_file()
            self._prepare(stored_studies)
            if check:
                self._check_tables()
        except migrations.UnknownTables as error:
            raise DatabaseError(describe_unknown_tables(url, error, file)) from error
        except _Lost as error:
            raise LostDatabase(f"The review database {file or _shown(url)} {error}") from None
        except (ArgumentError, ImportError, OSError, SQLAlchemyError) as error:
            if _is_damage(error):
                message = f"The review database {file or _shown(url)} {_DAMAGED}"
                raise LostDatabase(message) from error
            raise DatabaseError(_why_not(url, file)) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Session]:
        """A transaction that writes: committed at the end, rolled back on any error.

        Args:
            durable: Whether it must survive a power cut once it is committed.
        """
        writer = self._writer if durable else self._passing_writer
        with Session(writer, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _open_engine(self, url: str) -> Engine:
        if url.startswith("postgres"):
            server = ServerClock(self.clock)
            if self.clock is now_utc:
                self.clock = server
            return open_postgres(driver_url(url), server)
        if make_url(url).get_backend_name() != "sqlite":
            raise ArgumentError("only SQLite and PostgreSQL are supported")
        return _open_sqlite(url)

    def _check_file(self) -> None:
        """Look for damage of an SQLite file.

        Raises:
            _Lost: It is damaged.
            DatabaseError: It is no database at all.
        """
        with self._engine.connect() as connection:
            if connection.exec_driver_sql("PRAGMA quick_check(1)").scalars().all() != ["ok"]:
                raise _Lost(_DAMAGED)

    def _check_tables(self) -> None:
        """Look for tables and columns that are missing although the version says that they exist.

        Raises:
            _Lost: One is missing.
        """
        inspector = inspect(self._engine)
        tables = set(inspector.get_table_names())
        for table in Base.metadata.sorted_tables:
            known = inspector.get_columns(table.name) if table.name in tables else []
            missing = {column.name for column in table.columns} - {one["name"] for one in known}
            if missing:
                raise _Lost(f"lacks {table.name}.{min(missing)}; {REBUILD}")

    def _prepare(self, stored_studies: Callable[[], int]) -> None:
        """Bring the tables up to date; several processes may do so at once.

        Raises:
            _Lost: The tables are missing, although studies are stored.
        """
        for attempt in range(_OPEN_ATTEMPTS):
            try:
                with self._writer.begin() as connection:
                    if self._engine.dialect.name == "postgresql":
                        lock_upgrade(connection)
                    if migrations.is_empty(connection) and (count := stored_studies()):
                        are = "study is" if count == 1 else "studies are"
                        raise _Lost(f"is missing or empty, but {count:,} {are} stored; {REBUILD}")
                    migrations.upgrade(connection)
                return
            except (IntegrityError, OperationalError):
                if attempt == _OPEN_ATTEMPTS - 1:
                    raise
                time.sleep(0.05)


def describe_unknown_tables(
    url: str, error: migrations.UnknownTables, file: Path | None = None
) -> str:
    """Why the tables of a database are left alone and the way out, in one sentence."""
    way_out = (
        "OVERREAD_DATABASE_URL to an empty database"
        if file is None
        else "OVERREAD_HOME to a new folder"
    )
    if isinstance(error, migrations.NewerTables):
        return (
            f"A newer version of Overread wrote the review database {file or _shown(url)}; use that"
            f" version, or set {way_out}."
        )
    return f"{file or _shown(url)} is not a review database of Overread; set {way_out}."


def _shown(url: str) -> str:
    return url.partition("?")[0].rsplit("@", 1)[-1]  # a query may hold a password


def _needs(url: str) -> str:
    """What a database must allow to be opened."""
    if url.startswith("sqlite"):
        return "its folder can be written"
    return "the server runs and lets this user in"


def _is_damage(error: Exception) -> bool:
    """Whether a file is no database, or one whose content does not hold together."""
    return (
        isinstance(error, DBAPIError)
        and isinstance(error.orig, sqlite3.DatabaseError)
        and not isinstance(error, OperationalError | IntegrityError)
    )


def _why_not(url: str, file: Path | None) -> str:
    """Why the database cannot be opened and the way out, in one sentence."""
    if file is None:
        return (
            f"The review database {_shown(url)} cannot be opened; check OVERREAD_DATABASE_URL"
            f" and that {_needs(url)}."
        )
    return (
        f"The review database {file} cannot be written; let this user write the file and its"
        " folder, or set OVERREAD_HOME to a folder that can be written."
    )


def _open_sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        json_deserializer=keep_json_text,
        poolclass=QueuePool,
        pool_size=_OPEN_CONNECTIONS,
        max_overflow=-1,
        connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False},
    )
    # a forked child must not use its parent's connections
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).touch(mode=0o600)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event begins, not the driver
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    synchronous = connection.get_execution_options().get("overread_writes")
    if synchronous:
        connection.exec_driver_sql(f"PRAGMA synchronous = {synchronous}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if synchronous else "BEGIN")
