"""What amendments of signed studies started from, so that they can be discarded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v12"
down_revision = "v11"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "amendments",
        sa.Column(
            "study_id",
            sa.String(16),
            sa.ForeignKey("studies.study_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("reader_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("reading", sa.JSON, nullable=False),
        sa.Column("entries", sa.JSON, nullable=False),
        sa.Column("reference", sa.LargeBinary),
        sa.Column("measurements", sa.JSON, nullable=False),
        sa.Column("draft_base", sa.JSON, nullable=False),
        sa.Column("draft", sa.LargeBinary),
        sa.Column("draft_ai", sa.LargeBinary),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
    )
