"""Who the patient of each study is, and how studies of one patient are registered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v10"
down_revision = "v9"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "patients",
        sa.Column(
            "study_id",
            sa.String(16),
            sa.ForeignKey("studies.study_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("patient_id", sa.Text, nullable=False, index=True),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sex", sa.String(1), nullable=False),
        sa.Column("birth_date", sa.String(10), nullable=False),
    )
    op.create_table(
        "registrations",
        sa.Column("fixed_digest", sa.String(64), primary_key=True),
        sa.Column("moving_digest", sa.String(64), primary_key=True),
        sa.Column("version", sa.String(8), primary_key=True),
        sa.Column("found", sa.JSON, nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
    )
