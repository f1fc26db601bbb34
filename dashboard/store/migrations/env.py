"""Alembic's entry point: the connection of the program, or of a developer's ``-x url=...``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.types import TypeDecorator

from dashboard.store.schema import Base


def _render(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Write a column's type as SQLAlchemy's own: a step must not change with this program."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_item=_render)
    with context.begin_transaction():
        context.run_migrations()


if "connection" in context.config.attributes:
    _run(context.config.attributes["connection"])
else:
    engine = create_engine(context.get_x_argument(as_dictionary=True)["url"])
    with engine.connect() as opened:
        _run(opened)
