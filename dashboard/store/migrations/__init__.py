"""The steps that bring a database's tables to those of `dashboard.store.schema`, run by Alembic.

They run when the database is opened. `docs/development.md` says how to add one. Alembic is imported
only where a step has to run: nearly every start finds the present tables.
"""

from __future__ import annotations

import logging
import pkgutil
import re
import threading
from functools import cache

from sqlalchemy import Connection, inspect, text

from dashboard.store.migrations import versions

_LOG = logging.getLogger(__name__)
#: Alembic stores its present work in module globals: one thread at a time, whatever the database.
_ONE_AT_A_TIME = threading.Lock()
#: The table that held the version before Alembic did, and its columns.
_OLD_TABLE, _OLD_COLUMNS = "schema", {"row", "version"}
_OLD_VERSIONS = {1: "v1", 2: "v2", 3: "v3"}
#: Alembic's table of the step that a database is at, and its column.
_STAMP_TABLE, _STAMP_COLUMN = "alembic_version", "version_num"
#: The name of a step's module, which begins with the step.
_STEP = re.compile(r"(v(\d+))_\w+")


class UnknownTables(Exception):
    """Tables that this program must not change."""


class NewerTables(UnknownTables):
    """A newer version of the program wrote them."""


class ForeignTables(UnknownTables):
    """Another program wrote them."""


def is_empty(connection: Connection) -> bool:
    """Whether a database has no tables.

    Raises:
        UnknownTables: The tables are not of this program, or of a newer version.
    """
    return _find_revision(connection) is None


def upgrade(connection: Connection) -> None:
    """Bring a database to the present tables; an empty one gets all of them.

    Args:
        connection: In a transaction that no other process can enter at the same time.

    Raises:
        UnknownTables: The tables are not of this program, or of a newer version.
    """
    present, newest = _find_revision(connection), _steps()[-1]
    if present == newest:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "dashboard.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it reports each step at INFO
    with _ONE_AT_A_TIME:
        if present is not None:
            command.stamp(config, present)
        command.upgrade(config, "head")
    if present is not None:
        _LOG.info("The review database was upgraded from %s to %s.", present, newest)


def _find_revision(connection: Connection) -> str | None:
    """The step that a database is at; None where it is empty."""
    inspector = inspect(connection)
    tables = set(inspector.get_table_names())
    stamped = (
        connection.scalars(text(f"SELECT {_STAMP_COLUMN} FROM {_STAMP_TABLE}")).all()
        if _STAMP_TABLE in tables
        else ()
    )
    if stamped:
        if "studies" not in tables:
            raise ForeignTables
        if not set(stamped) <= set(_steps()):
            raise NewerTables
        return str(stamped[0])
    if not tables:
        return None
    found = (
        {column["name"] for column in inspector.get_columns(_OLD_TABLE)}
        if _OLD_TABLE in tables
        else set()
    )
    if found != _OLD_COLUMNS or "studies" not in tables:
        raise ForeignTables
    version = connection.scalar(text(f"SELECT version FROM {_OLD_TABLE}"))
    if version not in _OLD_VERSIONS:
        raise NewerTables
    return _OLD_VERSIONS[version]


@cache
def _steps() -> tuple[str, ...]:
    """The steps that there are, the newest last."""
    found = map(_STEP.fullmatch, (one.name for one in pkgutil.iter_modules(versions.__path__)))
    return tuple(step for _, step in sorted((int(one[2]), one[1]) for one in found if one))
