"""Digests of studies' files and of readers' masks, by which altered ones are found."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "v9"
down_revision = "v8"


def upgrade() -> None:
    """Add the columns; `dashboard.prepare` fills that of studies that are stored already."""
    for table, name in (
        ("studies", "files_digest"),
        ("mask_versions", "digest"),
        ("mask_drafts", "digest"),
    ):
        column = sa.Column(name, sa.String(64), nullable=False, server_default="")
        op.add_column(table, column)
    _fill("mask_versions", ["version_id"])
    _fill("mask_drafts", ["study_id", "reader_id"])


def _fill(name: str, keys: list[str]) -> None:
    columns: list[sa.ColumnClause[object]] = [sa.column(key) for key in keys]
    content, ai = sa.column("content", sa.LargeBinary), sa.column("ai_content", sa.LargeBinary)
    table = sa.table(name, *columns, content, ai, sa.column("digest"))
    connection = op.get_bind()
    for key in connection.execute(sa.select(*columns)).all():
        row = sa.and_(*(column == value for column, value in zip(columns, key, strict=True)))
        masks = connection.execute(sa.select(content, ai).where(row)).one()
        digest = hashlib.sha256()
        for mask in masks:
            digest.update(b"-" if mask is None else b"%d:%b" % (len(mask), mask))
        connection.execute(sa.update(table).where(row).values(digest=digest.hexdigest()))
