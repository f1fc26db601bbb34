"""Studies that readers say are of one patient, or are not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v13"
down_revision = "v12"

_TABLE = "patient_links"


def _study(name: str) -> sa.Column[str]:
    key = sa.ForeignKey("studies.study_id", ondelete="CASCADE")
    return sa.Column(name, sa.String(16), key, primary_key=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        _TABLE,
        _study("study_a"),
        _study("study_b"),
        sa.Column("is_same", sa.Boolean, nullable=False),
        sa.Column("reader_id", sa.String(64), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_patient_links_study_b", _TABLE, ["study_b"])
