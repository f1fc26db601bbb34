"""Who has a study, and who may change it.

A study that is not signed is claimed by the reader who has it open. A signed study is claimed only
while a reader amends it: that claim is the open amendment, and ends as every claim does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from dashboard.store.rows import value_of
from dashboard.store.schema import ReadingRecord, StudyRecord

#: How long a claim lasts after the last request of the reader's page.
CLAIM: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Claim:
    """A reader who has a study.

    Attributes:
        reader_id, author: Who.
        until: When the claim ends without a further request; UTC.
    """

    reader_id: str
    author: str
    until: datetime


class Claimed(Exception):
    """Another reader has the study.

    Attributes:
        claim: Who.
    """

    def __init__(self, claim: Claim) -> None:
        super().__init__("another reader has the study")
        self.claim = claim


class AmendmentNeeded(Exception):
    """The study is signed, and the reader has no amendment of it open."""

    def __init__(self) -> None:
        super().__init__("This study is signed. Start an amendment to change it.")


def find_claim(record: ReadingRecord, now: datetime) -> Claim | None:
    """The claim on a study; None where nobody has it, or it has expired."""
    until: datetime | None = value_of(record, "claimed_until")
    if not record.claimed_by or until is None or until <= now:
        return None
    return Claim(record.claimed_by, value_of(record, "claimed_author"), until)


def check_open(record: ReadingRecord, reader_id: str, now: datetime) -> None:
    """Refuse a change of a signed study that its reader does not amend.

    Raises:
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """
    if not value_of(record, "state").is_signed:
        return
    claim = find_claim(record, now)
    if claim is None or claim.reader_id != reader_id:
        raise AmendmentNeeded


def check_study_open(session: Session, study_id: str, reader_id: str, now: datetime) -> None:
    """Refuse a change of a signed study as `check_open` does; the study must be locked.

    Raises:
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """
    record = session.get(ReadingRecord, study_id)
    if record is not None:
        check_open(record, reader_id, now)


def lock_open_study(session: Session, study_id: str, reader_id: str, now: datetime) -> None:
    """Lock a study that a reader may change, so that nobody signs or deletes it meanwhile.

    Raises:
        LookupError: It was deleted.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """
    study = session.get(StudyRecord, study_id, with_for_update=True)
    if study is None or study.deleted_at is not None:
        raise LookupError("the study was deleted")
    check_study_open(session, study_id, reader_id, now)
