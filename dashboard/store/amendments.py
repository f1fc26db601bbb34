"""What an amendment of a signed study started from, so that it can be discarded.

The first request that opens an amendment stores it: the reading and the entries of the study, the
reader's measurements and draft. It stays until the amendment is signed or discarded, also where a
reader leaves the amendment and opens it again. Reading and entries belong to the study: of several
readers who open an amendment of one record, the first one's are those as signed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dashboard.store.corrections import digest_masks
from dashboard.store.rows import value_of
from dashboard.store.schema import (
    AmendmentRecord,
    MaskDraftRecord,
    MaskVersionRecord,
    MeasurementRecord,
    ReadingRecord,
    StudyEntriesRecord,
)
from dashboard.store.stored_json import Entries, MaskBase, Measurements

#: Who writes a draft that is restored: no window.
_RESTORED = "0" * 16


class AmendedPart(StrEnum):
    """What an amendment can change."""

    DECISION = "decision"
    LESIONS = "lesions"
    NOTES = "notes"
    KEY_IMAGES = "key images"
    COMPARISON = "comparison"
    MASK = "mask"
    MEASUREMENTS = "measurements"
    SPACING = "spacing"
    REFERENCE = "reference"


def note_amendment(
    session: Session, reading: ReadingRecord, reader_id: str, number: int, now: datetime
) -> None:
    """Store what an amendment starts from, unless that is stored.

    Args:
        session: In which the study is locked.
        reading: Its reading.
        reader_id: The reader who amends it.
        number: Of the record that they amend.
        now: UTC.
    """
    study_id = reading.study_id
    record = session.get(AmendmentRecord, (study_id, reader_id))
    if record is not None and value_of(record, "number") == number:
        return
    first = _first(session, study_id, number)
    entered = session.get(StudyEntriesRecord, study_id)
    draft = session.get(MaskDraftRecord, (study_id, reader_id))
    record = record or AmendmentRecord(study_id=study_id, reader_id=reader_id)
    if first is not None:
        record.reading, record.entries = value_of(first, "reading"), value_of(first, "entries")
        record.reference = first.reference
    else:
        record.reading = value_of(reading, "content")
        record.entries = value_of(entered, "entries") if entered else Entries()
        record.reference = entered.reference if entered else None
    record.measurements = _measurements(session, study_id, reader_id)
    record.draft_base = value_of(draft, "based_on") if draft else MaskBase()
    record.draft = draft.content if draft else None
    record.draft_ai = draft.ai_content if draft else None
    record.number, record.opened_at = number, now
    session.add(record)


def find_amendment(session: Session, study_id: str, reader_id: str) -> AmendmentRecord | None:
    """What a reader's amendment started from; None where they have none."""
    return session.get(AmendmentRecord, (study_id, reader_id))


def list_changes(
    session: Session, begun: AmendmentRecord, reading: ReadingRecord
) -> list[AmendedPart]:
    """What is not as it was when an amendment began."""
    study_id, reader_id = begun.study_id, begun.reader_id
    old, new = value_of(begun, "reading"), value_of(reading, "content")
    entered = session.get(StudyEntriesRecord, study_id)
    before = value_of(begun, "entries")
    after = value_of(entered, "entries") if entered else Entries()
    draft = session.get(MaskDraftRecord, (study_id, reader_id))
    saved = select(MaskVersionRecord.number).where(
        MaskVersionRecord.study_id == study_id,
        MaskVersionRecord.reader_id == reader_id,
        MaskVersionRecord.saved_at >= value_of(begun, "opened_at"),
    )
    is_redrawn = (draft.content if draft else None) != begun.draft or (
        session.scalar(saved.limit(1)) is not None
    )
    measured = _measurements(session, study_id, reader_id)
    is_changed = {
        AmendedPart.DECISION: old.decision != new.decision,
        AmendedPart.LESIONS: old.lesions != new.lesions,
        AmendedPart.NOTES: old.notes != new.notes,
        AmendedPart.KEY_IMAGES: old.key_images != new.key_images,
        AmendedPart.COMPARISON: old.comparison != new.comparison,
        AmendedPart.MASK: is_redrawn,
        AmendedPart.MEASUREMENTS: measured != value_of(begun, "measurements"),
        AmendedPart.SPACING: before.spacing_mm != after.spacing_mm,
        AmendedPart.REFERENCE: before.reference != after.reference,
    }
    return [part for part in AmendedPart if is_changed[part]]


def restore_own_work(session: Session, begun: AmendmentRecord, now: datetime) -> None:
    """Return a reader's draft and measurements to what they were, and forget the amendment."""
    key = (begun.study_id, begun.reader_id)
    measured = session.get(MeasurementRecord, key, with_for_update=True)
    if measured is not None and value_of(measured, "content") != value_of(begun, "measurements"):
        measured.content = value_of(begun, "measurements")
        measured.revision = value_of(measured, "revision") + 1
        measured.changed_at = now
    draft = session.get(MaskDraftRecord, key, with_for_update=True)
    if begun.draft is None:
        if draft is not None:
            session.delete(draft)
    elif draft is None or draft.content != begun.draft:
        if draft is None:
            draft = MaskDraftRecord(study_id=key[0], reader_id=key[1], revision=0)
            session.add(draft)
        draft.revision = value_of(draft, "revision") + 1
        draft.writer, draft.step = _RESTORED, 0
        draft.based_on = value_of(begun, "draft_base")
        draft.content, draft.ai_content = begun.draft, begun.draft_ai
        draft.digest = digest_masks(begun.draft, begun.draft_ai)
        draft.changed_at = now
    session.delete(begun)


def forget_amendments(session: Session, study_id: str) -> None:
    """Forget what amendments of a study started from: one of them was signed."""
    session.execute(delete(AmendmentRecord).where(AmendmentRecord.study_id == study_id))


def _first(session: Session, study_id: str, number: int) -> AmendmentRecord | None:
    """The amendment of a record that was opened first."""
    found = select(AmendmentRecord).where(
        AmendmentRecord.study_id == study_id, AmendmentRecord.number == number
    )
    ordered = found.order_by(AmendmentRecord.opened_at, AmendmentRecord.reader_id)
    return session.scalar(ordered.limit(1))


def _measurements(session: Session, study_id: str, reader_id: str) -> Measurements:
    record = session.get(MeasurementRecord, (study_id, reader_id))
    found: Measurements = value_of(record, "content") if record else Measurements()
    return found
