"""Alembic's own table holds the version: the table that held it up to version 3 goes."""

from __future__ import annotations

from alembic import op

revision = "v4"
down_revision = "v3"


def upgrade() -> None:
    """Drop the table where there is one."""
    op.drop_table("schema", if_exists=True)
