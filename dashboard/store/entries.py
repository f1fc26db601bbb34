"""What readers enter for a study beside its files: its label, a spacing, a reference.

A reader who has not seen what another one entered gets an `EntriesConflict` and changes nothing. Of
a signed study, only the reader who amends it changes the spacing or the reference; its label is a
name on screen, which the signed record does not depend on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import undefer

from dashboard.store.claims import check_study_open
from dashboard.store.rows import StudyRow, value_of
from dashboard.store.schema import JobRecord, StudyEntriesRecord, StudyRecord
from dashboard.store.store import Store
from dashboard.store.stored_json import Entries, Entry


@dataclass(frozen=True, kw_only=True)
class StudyChange:
    """What a study becomes; attributes as in `StudyRow`.

    Attributes:
        reference: The attached mask (`dashboard.masks.encoding`), or None.
    """

    label: str
    entries: Entries
    reference: bytes | None
    content_digest: str
    data_digest: str
    has_reference: bool
    warnings: tuple[str, ...]


class EntriesConflict(Exception):
    """Another reader has changed the study.

    Attributes:
        last: Who changed it last; None if that is unknown.
    """

    def __init__(self, last: Entry | None) -> None:
        super().__init__("another reader has changed the study")
        self.last = last


def write_entries(
    store: Store, study_id: str, change: StudyChange, *, revision: int, reader_id: str
) -> None:
    """Change what a study is called and what was entered for it.

    Analyses of a content that no study has any more are deleted; that of the content which the
    files state remains.

    Args:
        store: The review database.
        study_id: The study.
        change: What it becomes.
        revision: `StudyRow.entries_revision` that the reader has seen.
        reader_id: Who changes it.

    Raises:
        LookupError: The study was deleted.
        EntriesConflict: Another reader has changed it since.
        AmendmentNeeded: It is signed, the change is of more than the label, and the reader has no
            amendment of it open.
    """
    try:
        _write(store, study_id, change, revision, reader_id)
    except IntegrityError:  # another reader wrote the first entry at the same time
        _write(store, study_id, change, revision, reader_id)


def read_reference(store: Store, study_id: str) -> bytes | None:
    """The attached mask of a study (`dashboard.masks.encoding`), or None."""
    query = select(StudyEntriesRecord.reference).where(StudyEntriesRecord.study_id == study_id)
    with store.reading() as session:
        return session.scalar(query)


def stated_digest(store: Store, row: StudyRow) -> str:
    """Digest of a study's content as its files state it, without an entered spacing."""
    with store.reading() as session:
        record = session.get(StudyEntriesRecord, row.study_id)
        return row.content_digest if record is None else str(value_of(record, "stated_digest"))


def _write(store: Store, study_id: str, change: StudyChange, revision: int, reader_id: str) -> None:
    with store.writing() as session:
        study = session.get(StudyRecord, study_id, with_for_update=True)
        if study is None or study.deleted_at is not None:
            raise LookupError("the study was deleted")
        record = session.get(
            StudyEntriesRecord, study_id, options=[undefer(StudyEntriesRecord.reference)]
        )
        if (0 if record is None else value_of(record, "revision")) != revision:
            raise EntriesConflict(None if record is None else _last(value_of(record, "entries")))
        before_change = Entries() if record is None else value_of(record, "entries")
        if replace(change.entries, label_by=None) != replace(before_change, label_by=None):
            check_study_open(session, study_id, reader_id, store.clock())
        if record is None:
            record = StudyEntriesRecord(study_id=study_id, stated_digest=study.content_digest)
            session.add(record)
        record.revision = revision + 1
        record.label, record.entries, record.reference = (
            change.label,
            change.entries,
            change.reference,
        )
        record.changed_at = store.clock()
        before = study.content_digest
        study.content_digest, study.data_digest = change.content_digest, change.data_digest
        study.has_reference, study.warnings = change.has_reference, change.warnings
        session.flush()
        if before in (change.content_digest, record.stated_digest):
            return
        still = select(StudyRecord.study_id).where(
            StudyRecord.content_digest == before, StudyRecord.deleted_at.is_(None)
        )
        if session.scalar(still.limit(1)) is None:
            session.execute(delete(JobRecord).where(JobRecord.content_digest == before))


def _last(entries: Entries) -> Entry | None:
    found = (entries.label_by, entries.spacing_by, entries.reference_by)
    return max((one for one in found if one), key=lambda one: one.at, default=None)
