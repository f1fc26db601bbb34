"""Readings, signed records and the history of each study."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v7"
down_revision = "v6"

_TIME = sa.DateTime(timezone=True)


def _study(ondelete: str, *, primary_key: bool = False) -> sa.Column[str]:
    target = sa.ForeignKey("studies.study_id", ondelete=ondelete)
    return sa.Column("study_id", sa.String(16), target, primary_key=primary_key, nullable=False)


def upgrade() -> None:
    """Create the tables; the history can only be added to."""
    op.create_table(
        "readings",
        _study("CASCADE", primary_key=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("claimed_by", sa.String(64), nullable=False),
        sa.Column("claimed_author", sa.Text, nullable=False),
        sa.Column("claimed_until", _TIME, index=True),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.Column("changed_author", sa.Text, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )
    op.create_table(
        "openings",
        _study("CASCADE", primary_key=True),
        sa.Column("reader_id", sa.String(64), primary_key=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("first_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("open_s", sa.Double, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
    )
    op.create_table(
        "signed_records",
        sa.Column("record_id", sa.Integer, primary_key=True),
        _study("RESTRICT"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("reader_id", sa.String(64), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("signed_at", _TIME, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("mask", sa.LargeBinary, nullable=False),
        sa.Column("ai_mask", sa.LargeBinary),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.UniqueConstraint("study_id", "number"),
        sa.UniqueConstraint("study_id", "token"),
    )
    op.create_index("ix_signed_records_study_id", "signed_records", ["study_id"])
    op.create_table(
        "history",
        sa.Column("event_id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.String(16), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reader_id", sa.String(64), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_index("history_by_study", "history", ["study_id", "event_id"])
    for table in ("history", "signed_records"):
        _refuse_changes(table)


def _refuse_changes(table: str) -> None:
    """Let the database refuse to change or delete rows, whichever program asks."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} can only be added to'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_only_added() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{table} can only be added to'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_only_added()"
    )
