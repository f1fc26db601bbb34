"""Who the patient of each study is, as its files state it, and which studies share a patient's id.

Whether two studies are of one patient is decided by `dashboard.decisions.patients`.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.store.database import Database
from dashboard.store.rows import columns_of, readable
from dashboard.store.schema import PatientRecord, StudyRecord
from pipeline import PatientIdentity

#: Studies of one id that are compared: more are not one patient's.
_MOST = 500


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


def _row(record: PatientRecord) -> PatientIdentity:
    return PatientIdentity(**columns_of(record, PatientIdentity))
