"""Studies, jobs, results and sources: the tables of version 1."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v1"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "studies",
        sa.Column("study_id", sa.String(16), primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False, index=True),
        sa.Column("identity", sa.String(64), nullable=False, unique=True),
        sa.Column("content_digest", sa.String(64), nullable=False, index=True),
        sa.Column("data_digest", sa.String(64), nullable=False),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("study_date", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("synthetic", sa.Boolean, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False, index=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("sequences", sa.JSON, nullable=False),
        sa.Column("indices", sa.JSON, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("has_reference", sa.Boolean, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("display", sa.JSON, nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.Integer, primary_key=True),
        sa.Column("content_digest", sa.String(64), nullable=False),
        sa.Column("model_digest", sa.String(64), nullable=False),
        sa.Column("precision", sa.String(8), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("lease_until", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("queued_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.UniqueConstraint("content_digest", "model_digest", "precision"),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "priority", "queued_at"])
    op.create_table(
        "results",
        sa.Column(
            "job_id",
            sa.Integer,
            sa.ForeignKey("jobs.job_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("highest_score", sa.Double, nullable=False),
        sa.Column("volume_ml", sa.Double),
        sa.Column("called_slices", sa.Integer, nullable=False),
        sa.Column("mask_slices", sa.Integer, nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("stored_at", _TIME, nullable=False),
    )
    op.create_table(
        "sources",
        sa.Column("origin", sa.String(16), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("errors", sa.JSON, nullable=False),
        sa.Column("read_at", _TIME, nullable=False),
    )
