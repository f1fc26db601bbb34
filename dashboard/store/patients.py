"""Who the patient of each study is: as its files state it, and what readers say beside that.

Whether two studies are of one patient is decided by `dashboard.decisions.patients`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dashboard.store.database import Database
from dashboard.store.history import Author, add_event
from dashboard.store.reading_content import Event, EventDetails
from dashboard.store.rows import columns_of, readable, value_of
from dashboard.store.schema import PatientLinkRecord, PatientRecord, StudyRecord, WorklistLine
from pipeline import PatientIdentity

#: Studies of one id that are compared: more are not one patient's.
_MOST = 500


@dataclass(frozen=True)
class PatientLink:
    """What a reader says of two studies, whatever their files state.

    Attributes:
        is_same: Whether they are of one patient.
        author: Who says so.
    """

    is_same: bool
    author: str


def put_patient(session: Session, study_id: str, patient: PatientIdentity) -> None:
    """Store who a study's patient is, in the transaction of the caller; nothing without an id."""
    if patient.patient_id:
        session.merge(PatientRecord(study_id=study_id, **vars(patient)))


def record_patient(store: Database, study_id: str, patient: PatientIdentity) -> None:
    """Store who the patient is of a study that an earlier version added, if it is still there."""
    if not patient.patient_id or read_patient(store, study_id) == patient:
        return
    with store.writing() as session:
        if session.get(StudyRecord, study_id, with_for_update=True) is not None:
            put_patient(session, study_id, patient)


def read_patient(store: Database, study_id: str) -> PatientIdentity | None:
    """Who a study's patient is; None where its files state no id."""
    with store.reading() as session:
        found = session.get(PatientRecord, study_id)
        return _row(found) if found else None


def list_same_id(store: Database, study_id: str) -> dict[str, PatientIdentity]:
    """The other studies in the worklist whose files state the same patient id, by study."""
    with store.reading() as session:
        own = session.get(PatientRecord, study_id)
        if own is None:
            return {}
        query = (
            select(PatientRecord)
            .join(StudyRecord, StudyRecord.study_id == PatientRecord.study_id)
            .where(
                PatientRecord.patient_id == own.patient_id,
                PatientRecord.study_id != study_id,
                StudyRecord.deleted_at.is_(None),
            )
            .order_by(StudyRecord.study_date.desc(), StudyRecord.study_id)
            .limit(_MOST)
        )
        found = readable(session.scalars(query), lambda one: (one.study_id, _row(one)))
        return dict(found)


@dataclass(frozen=True)
class DatedVolume:
    """The volume of a study in the worklist.

    Attributes:
        study_id: The study.
        patient: As its files state them.
        study_date: As "YYYY-MM-DD", "" where unknown.
        volume_ml: None where the worklist shows none.
    """

    study_id: str
    patient: PatientIdentity
    study_date: str
    volume_ml: float | None


def list_patients(store: Database, study_ids: Collection[str]) -> dict[str, PatientIdentity]:
    """Who the patients of some studies are, by study; studies that state no id are left out."""
    query = select(PatientRecord).where(PatientRecord.study_id.in_(study_ids))
    with store.reading() as session:
        return dict(readable(session.scalars(query), lambda one: (one.study_id, _row(one))))


def list_volumes(store: Database, patient_ids: Collection[str]) -> list[DatedVolume]:
    """The volumes of the studies whose files state one of some patient ids, the latest first."""
    query = (
        select(PatientRecord, StudyRecord.study_date, WorklistLine.volume_ml)
        .join(StudyRecord, StudyRecord.study_id == PatientRecord.study_id)
        .join(WorklistLine, WorklistLine.study_id == PatientRecord.study_id)
        .where(PatientRecord.patient_id.in_(patient_ids), StudyRecord.deleted_at.is_(None))
        .order_by(StudyRecord.study_date.desc(), StudyRecord.study_id)
        .limit(_MOST * 4)
    )
    with store.reading() as session:
        return list(readable(session.execute(query), lambda found: _dated(*found)))


def list_all_links(
    store: Database, study_ids: Collection[str]
) -> dict[tuple[str, str], PatientLink]:
    """What readers say of some studies and others, by both ids, the smaller one first."""
    record = PatientLinkRecord
    query = select(record).where(or_(record.study_a.in_(study_ids), record.study_b.in_(study_ids)))
    with store.reading() as session:
        found = session.scalars(query)
        return dict(readable(found, lambda one: ((one.study_a, one.study_b), _link(one))))


def list_links(store: Database, study_id: str) -> dict[str, PatientLink]:
    """What readers say of a study and others, by the other study."""
    query = select(PatientLinkRecord).where(
        or_(PatientLinkRecord.study_a == study_id, PatientLinkRecord.study_b == study_id)
    )
    with store.reading() as session:
        found = readable(session.scalars(query), lambda one: (_other(one, study_id), _link(one)))
        return dict(found)


def write_link(
    store: Database, study_id: str, other_id: str, *, is_same: bool | None, by: Author
) -> None:
    """Store what a reader says of two studies, with a line in the history of both.

    Args:
        store: The review database.
        study_id: One of the studies.
        other_id: The other one.
        is_same: Whether they are of one patient; None for what their files state.
        by: The reader.

    Raises:
        LookupError: One of them was deleted.
    """
    key = (min(study_id, other_id), max(study_id, other_id))
    with store.writing() as session:
        studies = [session.get(StudyRecord, one, with_for_update=True) for one in key]
        if any(one is None or one.deleted_at is not None for one in studies):
            raise LookupError("a study was deleted")
        record = session.get(PatientLinkRecord, key)
        if (None if record is None else value_of(record, "is_same")) == is_same:
            return
        now = store.clock()
        if record is not None and is_same is None:
            session.delete(record)
        elif is_same is not None:
            record = record or PatientLinkRecord(study_a=key[0], study_b=key[1])
            record.is_same, record.reader_id, record.author = is_same, by.reader_id, by.name
            record.linked_at = now
            session.add(record)
        for one, other in ((studies[0], studies[1]), (studies[1], studies[0])):
            if one is None or other is None:
                continue
            text = f"Study of {value_of(other, 'study_date') or 'unknown date'}: {_SAID[is_same]}"
            details = EventDetails(text=text)
            add_event(session, one.study_id, Event.CHANGED, by=by, at=now, details=details)


#: What the history says of a link.
_SAID = {
    True: "same patient, by hand",
    False: "another patient, by hand",
    None: "patient as its files state",
}


def _other(record: PatientLinkRecord, study_id: str) -> str:
    return record.study_b if record.study_a == study_id else record.study_a


def _link(record: PatientLinkRecord) -> PatientLink:
    return PatientLink(**columns_of(record, PatientLink))


def _dated(record: PatientRecord, study_date: object, volume_ml: object) -> DatedVolume:
    return DatedVolume(
        record.study_id,
        _row(record),
        study_date if isinstance(study_date, str) else "",
        volume_ml if isinstance(volume_ml, float) else None,
    )


def _row(record: PatientRecord) -> PatientIdentity:
    return PatientIdentity(**columns_of(record, PatientIdentity))
