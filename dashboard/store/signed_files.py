"""Files that are stored with a signed record, such as its report: the same bytes at any later time.

The first file of a kind is the one; who makes another one receives the first. A file that was
altered in the database is not returned.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.store.database import Database
from dashboard.store.schema import SignedFileRecord, SignedRecord
from pipeline import InputError, sha256

ALTERED = (
    "The stored file of this signed record was altered in the database and is not given out; its"
    " administrator finds the original in a backup."
)


class SignedFile(StrEnum):
    """What is stored with a signed record."""

    REPORT = "report.html"
    REPORT_PDF = "report.pdf"
    FINDINGS = "findings.txt"


def add_signed_file(
    session: Session, record: SignedRecord, kind: SignedFile, content: bytes, *, at: datetime
) -> None:
    """Store a file with a record, in the transaction of the caller."""
    session.add(
        SignedFileRecord(
            record_id=record.record_id,
            kind=str(kind),
            content=content,
            digest=sha256(content),
            stored_at=at,
        )
    )


def read_signed_file(store: Database, study_id: str, number: int, kind: SignedFile) -> bytes | None:
    """The file of a record; None where none is stored.

    Raises:
        InputError: It was altered.
    """
    query = (
        select(SignedFileRecord)
        .join(SignedRecord, SignedRecord.record_id == SignedFileRecord.record_id)
        .where(
            SignedRecord.study_id == study_id,
            SignedRecord.number == number,
            SignedFileRecord.kind == str(kind),
        )
    )
    with store.reading() as session:
        found = session.scalar(query)
        if found is None:
            return None
        if not isinstance(found.content, bytes) or sha256(found.content) != found.digest:
            raise InputError("", ALTERED)
        return found.content


def keep_signed_file(
    store: Database, study_id: str, number: int, kind: SignedFile, content: bytes
) -> bytes:
    """Store a file with a record that has none of its kind.

    Returns:
        The stored file: another one where another process was first.

    Raises:
        LookupError: No record has this number.
    """
    query = select(SignedRecord).where(
        SignedRecord.study_id == study_id, SignedRecord.number == number
    )
    try:
        with store.writing() as session:
            record = session.scalar(query)
            if record is None:
                raise LookupError("no such record")
            add_signed_file(session, record, kind, content, at=store.clock())
    except IntegrityError:
        pass
    return read_signed_file(store, study_id, number, kind) or content
