"""What may be claimed of a result: conflicts, expected Dice, cautions, and why nothing is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v6"
down_revision = "v5"


def upgrade() -> None:
    """Add the columns; a worker fills those of earlier results."""
    op.add_column("results", sa.Column("conflicts", sa.Integer))
    op.add_column("results", sa.Column("expected_dice", sa.Double))
    op.add_column("results", sa.Column("cautions", sa.Integer))
    op.add_column("results", sa.Column("unfit", sa.Text))
