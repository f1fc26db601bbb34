"""The steps that bring a database's tables to those of `dashboard.store.schema`, run by Alembic.

They run when the database is opened. `docs/development.md` says how to add one.
"""

from __future__ import annotations

import logging
import threading
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

_LOG = logging.getLogger(__name__)
#: Alembic stores its present work in module globals: one thread at a time, whatever the database.
_ONE_AT_A_TIME = threading.Lock()
#: The table that held the version before Alembic did, and its columns.
_OLD_TABLE, _OLD_COLUMNS = "schema", {"row", "version"}
_OLD_VERSIONS = {1: "v1", 2: "v2", 3: "v3"}


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
    present, newest = _find_revision(connection), _scripts().get_current_head()
    if present == newest:
        return
    config = _make_config()
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
    stamped = MigrationContext.configure(connection).get_current_heads()
    if stamped:
        if "studies" not in tables:
            raise ForeignTables
        if not set(stamped) <= {one.revision for one in _scripts().walk_revisions()}:
            raise NewerTables
        return stamped[0]
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


def _make_config() -> Config:
    config = Config()
    config.set_main_option("script_location", "dashboard.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_make_config())
