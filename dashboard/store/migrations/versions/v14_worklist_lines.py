"""The worklist's lines, the tags of studies, and the range of each result's volume."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v14"
down_revision = "v13"

_TIME = sa.DateTime(timezone=True)
_SORTED = (
    "need",
    "patient",
    "study_date",
    "sequences",
    "slices",
    "origin",
    "place",
    "volume_ml",
    "expected_dice",
    "conflicts",
    "cautions",
    "reader",
)


def upgrade() -> None:
    """Create the lines; those of known studies name no models, so that they are written again."""
    op.add_column("results", sa.Column("low_ml", sa.Double))
    op.add_column("results", sa.Column("high_ml", sa.Double))
    op.add_column("readings", sa.Column("tags", sa.JSON))
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
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
    )
    for name in _SORTED:
        op.create_index(f"worklist_by_{name}", "worklist_lines", [name, "added_at", "study_id"])
    op.create_index("worklist_by_added_at", "worklist_lines", ["added_at", "study_id"])
    op.create_index("worklist_by_state", "worklist_lines", ["place", "signed_at", "reader_id"])
    op.create_index("worklist_by_job", "worklist_lines", ["origin", "job_state"])
    op.execute(
        "INSERT INTO worklist_lines (study_id, model, revision, need, reasons, state, place,"
        " job_state, priority, origin, added_at, reader_id, reader, patient, study_date, sequences,"
        " slices, notes, tags, search) SELECT study_id, '', 1, 0, '', 'new', 0, '', 0, origin,"
        " added_at, '', '',"
        " substr(lower(CASE WHEN patient = '' THEN case_id ELSE patient END), 1, 200),"
        " substr(study_date, 1, 200), '', 0,"
        " '', '', lower(patient || ' ' || case_id) FROM studies WHERE deleted_at IS NULL"
    )
