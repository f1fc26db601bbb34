"""Readers, corrected masks and measurements: the tables that version 2 added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v2"
down_revision = "v1"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "readers",
        sa.Column("reader_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )
    op.create_table(
        "mask_versions",
        sa.Column("version_id", sa.Integer, primary_key=True),
        _study(index=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("reader_id", sa.String(64), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("based_on", sa.JSON, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("ai_content", sa.LargeBinary),
        sa.Column("saved_at", _TIME, nullable=False),
        sa.UniqueConstraint("study_id", "number"),
    )
    op.create_table(
        "mask_drafts",
        _study(primary_key=True),
        sa.Column("reader_id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("writer", sa.String(64), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("based_on", sa.JSON, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("ai_content", sa.LargeBinary),
        sa.Column("changed_at", _TIME, nullable=False),
    )
    op.create_table(
        "measurements",
        _study(primary_key=True),
        sa.Column("reader_id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )


def _study(*, primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(
        "study_id",
        sa.String(16),
        sa.ForeignKey("studies.study_id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=index,
    )
