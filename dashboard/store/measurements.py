"""Readers' measurements: one document for each study and reader, with a revision.

A window that has not seen what another wrote gets a `MeasurementConflict` and changes nothing. Of a
signed study, only the reader who amends it changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from dashboard.store.claims import lock_open_study
from dashboard.store.database import Database
from dashboard.store.rows import value_of
from dashboard.store.schema import MeasurementRecord
from dashboard.store.stored_json import Measurement, Measurements


@dataclass(frozen=True)
class MeasurementsRow:
    """The measurements of a reader on a study.

    Attributes:
        revision: Increases with each change; 0 before the first one.
        items: The measurements.
    """

    revision: int = 0
    items: tuple[Measurement, ...] = ()


class MeasurementConflict(Exception):
    """Another window has changed the measurements.

    Args:
        row: What it wrote.
    """

    def __init__(self, row: MeasurementsRow) -> None:
        super().__init__(f"the measurements are at revision {row.revision}")
        self.row = row


def read_measurements(store: Database, study_id: str, reader_id: str) -> MeasurementsRow:
    """A reader's measurements on a study; without items before the first one."""
    with store.reading() as session:
        return _row(session.get(MeasurementRecord, (study_id, reader_id)))


def write_measurements(
    store: Database,
    study_id: str,
    reader_id: str,
    *,
    revision: int,
    items: Sequence[Measurement],
) -> MeasurementsRow:
    """Replace the measurements of a revision.

    Raises:
        LookupError: The study was deleted.
        MeasurementConflict: The stored measurements are of another revision.
        AmendmentNeeded: The study is signed, and the reader has no amendment of it open.
    """
    try:
        return _write(store, (study_id, reader_id), revision, items)
    except IntegrityError:  # another window wrote the first ones at the same time
        return _write(store, (study_id, reader_id), revision, items)


def _write(
    store: Database, key: tuple[str, str], revision: int, items: Sequence[Measurement]
) -> MeasurementsRow:
    with store.writing() as session:
        lock_open_study(session, *key, store.clock())
        record = session.get(MeasurementRecord, key, with_for_update=True)
        stored = _row(record)
        if stored.revision != revision:
            raise MeasurementConflict(stored)
        if record is None:
            record = MeasurementRecord(study_id=key[0], reader_id=key[1])
            session.add(record)
        record.revision = revision + 1
        record.content = Measurements(tuple(items))
        record.changed_at = store.clock()
        session.flush()
        return _row(record)


def _row(record: MeasurementRecord | None) -> MeasurementsRow:
    if record is None:
        return MeasurementsRow()
    stored: Measurements = value_of(record, "content")
    return MeasurementsRow(value_of(record, "revision"), stored.items)
