"""The worklist's lines, and the range of each result's volume."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v11"
down_revision = "v10"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the lines; those of known studies name no models, so that they are written again."""
    op.add_column("results", sa.Column("low_ml", sa.Double))
    op.add_column("results", sa.Column("high_ml", sa.Double))
    target = sa.ForeignKey("studies.study_id", ondelete="CASCADE")
    op.create_table(
        "worklist_lines",
        sa.Column("study_id", sa.String(16), target, primary_key=True),
        sa.Column("model", sa.String(80), nullable=False, index=True),
        sa.Column("revision", sa.Integer, nullable=False, index=True),
        sa.Column("need", sa.Integer, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("job_state", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("signed_at", _TIME),
        sa.Column("reader_id", sa.String(64), nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("study_date", sa.Text, nullable=False),
        sa.Column("sequences", sa.Text, nullable=False),
        sa.Column("slices", sa.Integer, nullable=False),
        sa.Column("volume_ml", sa.Double),
        sa.Column("expected_dice", sa.Double),
        sa.Column("conflicts", sa.Integer),
        sa.Column("cautions", sa.Integer),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
    )
    op.create_index("worklist_by_need", "worklist_lines", ["need", "added_at", "study_id"])
    op.create_index("worklist_by_state", "worklist_lines", ["place", "signed_at", "reader_id"])
    op.create_index("worklist_by_job", "worklist_lines", ["origin", "job_state"])
    op.execute(
        "INSERT INTO worklist_lines (study_id, model, revision, need, reasons, state, place,"
        " job_state, priority, origin, added_at, reader_id, reader, patient, study_date, sequences,"
        " slices, notes, search) SELECT study_id, '', 1, 0, '', 'new', 0, '', 0, origin, added_at,"
        " '', '', lower(CASE WHEN patient = '' THEN case_id ELSE patient END), study_date, '', 0,"
        " '', lower(patient || ' ' || case_id) FROM studies WHERE deleted_at IS NULL"
    )
