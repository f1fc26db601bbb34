"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"


def upgrade() -> None:
    """${message}."""
    ${"\n".join(line for line in (upgrades or "").splitlines() if "###" not in line).strip() or "pass"}
