"""Who uploaded a study, and studies that were deleted and can be restored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v8"
down_revision = "v7"


def upgrade() -> None:
    """Add the columns; who uploaded the present studies is unknown."""
    # with defaults: a process of the earlier version may still add studies during an upgrade
    op.add_column(
        "studies", sa.Column("reader_id", sa.String(64), nullable=False, server_default="")
    )
    op.add_column("studies", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    op.add_column("studies", sa.Column("deleted_by", sa.Text, nullable=False, server_default=""))
