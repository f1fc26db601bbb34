"""A job's task and when its message was sent: the columns that version 3 added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v3"
down_revision = "v2"


def upgrade() -> None:
    """Add the columns; all earlier jobs are analyses of studies."""
    task = sa.Column("task", sa.String(32), nullable=False, server_default="brain-tumor")
    op.add_column("jobs", task)
    op.add_column("jobs", sa.Column("sent_at", sa.DateTime(timezone=True)))
