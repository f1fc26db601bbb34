"""Files that are stored with signed records: the report as it was signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v11"
down_revision = "v10"

_TABLE = "signed_files"


def upgrade() -> None:
    """Create the table; the database itself refuses to change or delete its rows."""
    op.create_table(
        _TABLE,
        sa.Column("file_id", sa.Integer, primary_key=True),
        sa.Column(
            "record_id",
            sa.Integer,
            sa.ForeignKey("signed_records.record_id", ondelete="RESTRICT"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("record_id", "kind"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {_TABLE}_no_{change.lower()} BEFORE {change} ON {_TABLE}"
                f" BEGIN SELECT RAISE(ABORT, '{_TABLE} can only be added to'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {_TABLE}_only_added() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_TABLE} can only be added to'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {_TABLE}_only_added BEFORE UPDATE OR DELETE ON {_TABLE}"
        f" FOR EACH ROW EXECUTE FUNCTION {_TABLE}_only_added()"
    )
