"""Corrected masks: each reader's draft of a study, and the saved versions.

Several windows may write a draft. A window that has not seen what another wrote gets a
`DraftConflict` and changes nothing; versions are only ever added. Of a signed study, only the
reader who amends it changes anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from dashboard.store.claims import lock_open_study
from dashboard.store.database import Database
from dashboard.store.history import Author, add_event
from dashboard.store.reading_content import Event, EventDetails
from dashboard.store.rows import columns_of, damage_of, readable, value_of
from dashboard.store.schema import MaskDraftRecord, MaskVersionRecord
from dashboard.store.stored_json import MaskBase, MaskFacts

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Writer:
    """A browser window that writes, and what it has seen.

    Attributes:
        name: The window's own random name.
        step: Increases with each write of the window.
        revision: Revision of the draft that it saw last, 0 for none.
    """

    name: str
    step: int
    revision: int


@dataclass(frozen=True)
class DraftRow:
    """A correction that is not yet saved as a version.

    Attributes:
        revision: Increases with each change.
        writer, step: The window that wrote it, and its count of writes.
        based_on: What it starts from.
        content: The edited slices (`dashboard.masks.encoding`).
        ai_content: The AI mask that it starts from, or None.
        changed_at: UTC.
    """

    revision: int
    writer: str
    step: int
    based_on: MaskBase
    content: bytes
    ai_content: bytes | None
    changed_at: datetime


@dataclass(frozen=True)
class VersionLine:
    """A saved version, without its pixels.

    Attributes:
        number: From 1 within the study.
        reader_id, author: Who saved it, and their name at that time.
        based_on: What it starts from.
        facts: What was measured on it.
        saved_at: UTC.
    """

    number: int
    reader_id: str
    author: str
    based_on: MaskBase
    facts: MaskFacts
    saved_at: datetime


@dataclass(frozen=True)
class MaskVersion:
    """A saved version.

    Attributes:
        line: Everything but its pixels.
        content: The whole corrected mask (`dashboard.masks.encoding`).
        ai_content: The AI mask that it starts from, or None.
    """

    line: VersionLine
    content: bytes
    ai_content: bytes | None


@dataclass(frozen=True)
class NewVersion:
    """A version to save.

    Attributes:
        added, removed: Voxels that it adds to its base and removes from it.
        others: As in `VersionLine` and `MaskVersion`.
    """

    reader_id: str
    author: str
    based_on: MaskBase
    facts: MaskFacts
    content: bytes
    ai_content: bytes | None
    added: int = 0
    removed: int = 0


@dataclass(frozen=True)
class PlannedVersion:
    """What a version gets when it is saved; see `plan_version`.

    Attributes:
        version: The version.
        writer: The window that saves it.
        number, based_on: As in `VersionLine`.
    """

    version: NewVersion
    writer: Writer
    number: int
    based_on: MaskBase


def digest_masks(content: bytes, ai_content: bytes | None) -> str:
    """SHA-256 of both masks of a version or a draft, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for mask in (content, ai_content):
        digest.update(b"-" if mask is None else b"%d:%b" % (len(mask), mask))
    return digest.hexdigest()


class DraftConflict(Exception):
    """Another window has changed the draft.

    Attributes:
        draft: What it wrote.
    """

    def __init__(self, draft: DraftRow) -> None:
        super().__init__("another window has changed the draft")
        self.draft = draft


def read_draft(store: Database, study_id: str, reader_id: str) -> DraftRow | None:
    """A reader's draft of a study, or None."""
    with store.reading() as session:
        record = session.get(MaskDraftRecord, (study_id, reader_id))
        return _draft(record) if record else None


def write_draft(
    store: Database,
    study_id: str,
    reader_id: str,
    *,
    writer: Writer,
    based_on: MaskBase,
    content: bytes,
    ai_content: bytes | None,
) -> DraftRow:
    """Write a reader's draft.

    A later draft of the same window stays and is returned.

    Raises:
        LookupError: The study was deleted.
        DraftConflict: Another window has changed it since this one read it.
        DamagedRow: Another window has changed it, and it was altered since.
        AmendmentNeeded: The study is signed, and the reader has no amendment of it open.
    """

    def write() -> DraftRow:
        with store.writing() as session:
            lock_open_study(session, study_id, reader_id, store.clock())
            record = _lock(session, study_id, reader_id)
            if record is None:
                record = MaskDraftRecord(study_id=study_id, reader_id=reader_id, revision=0)
            elif _conflicts(record, writer):
                raise DraftConflict(_draft(record))
            elif record.writer == writer.name and value_of(record, "step") >= writer.step:
                return _draft(record)
            record.revision = max(value_of(record, "revision"), writer.revision) + 1
            record.writer, record.step = writer.name, writer.step
            record.based_on = based_on
            record.content, record.ai_content = content, ai_content
            record.digest = digest_masks(content, ai_content)
            record.changed_at = store.clock()
            session.add(record)
            session.flush()
            return _draft(record)

    return _retry(write)


def drop_draft(store: Database, study_id: str, reader_id: str, *, writer: Writer) -> None:
    """Delete a reader's draft.

    Raises:
        LookupError: The study was deleted.
        DraftConflict: Another window has changed it since this one read it.
        AmendmentNeeded: The study is signed, and the reader has no amendment of it open.
    """
    with store.writing() as session:
        lock_open_study(session, study_id, reader_id, store.clock())
        record = _lock(session, study_id, reader_id)
        if record is not None and _conflicts(record, writer):
            raise DraftConflict(_draft(record))
        if record is not None:
            session.delete(record)


def list_versions(store: Database, study_id: str) -> list[VersionLine]:
    """All versions of a study, the newest first."""
    query = _versions(study_id).options(
        defer(MaskVersionRecord.content), defer(MaskVersionRecord.ai_content)
    )
    with store.reading() as session:
        return list(readable(session.scalars(query), _line))


def read_version(store: Database, study_id: str, number: int) -> MaskVersion | None:
    """A version with its pixels, or None where no version has this number."""
    query = _versions(study_id).where(MaskVersionRecord.number == number)
    with store.reading() as session:
        record = session.scalar(query)
        if record is None:
            return None
        _check_masks(record)
        return MaskVersion(_line(record), record.content, record.ai_content)


def add_version(
    store: Database, study_id: str, version: NewVersion, *, writer: Writer
) -> VersionLine:
    """Save a version and delete the reader's draft, unless another window has changed the draft.

    The same mask saved again by the same reader from the same base is the same version: a request
    whose response was lost may be sent again.

    Raises:
        LookupError: The study was deleted.
        AmendmentNeeded: The study is signed, and the reader has no amendment of it open.
    """

    def add() -> VersionLine:
        with store.writing() as session:
            # locked, so that versions of a study are numbered one after the other
            lock_open_study(session, study_id, version.reader_id, store.clock())
            return put_version(session, study_id, version, writer=writer, at=store.clock())

    return _retry(add)


def plan_version(
    store: Database, study_id: str, version: NewVersion, *, writer: Writer
) -> PlannedVersion:
    """Which number and base a version gets if it is the next one to be saved."""
    with store.reading() as session:
        last = session.scalar(_versions(study_id).limit(1))
        if last is not None and _is_same(last, version):
            number, based_on = value_of(last, "number"), value_of(last, "based_on")
        else:
            number, based_on = _next_number(last), version.based_on
    return PlannedVersion(version, writer, number, based_on)


def put_version(
    session: Session, study_id: str, version: NewVersion, *, writer: Writer, at: datetime
) -> VersionLine:
    """Save a version as `add_version` does, in the transaction of the caller.

    Args:
        session: In which the study is locked.
        study_id: The study.
        version: The version.
        writer: The window that saves it.
        at: When it is saved, UTC.
    """
    draft = _lock(session, study_id, version.reader_id)
    if draft is not None and not _conflicts(draft, writer):
        session.delete(draft)
    last = session.scalar(_versions(study_id).limit(1))
    if last is not None and _is_same(last, version):
        return _line(last)
    record = MaskVersionRecord(
        study_id=study_id,
        number=_next_number(last),
        reader_id=version.reader_id,
        author=version.author,
        based_on=version.based_on,
        facts=version.facts,
        content=version.content,
        ai_content=version.ai_content,
        digest=digest_masks(version.content, version.ai_content),
        saved_at=at,
    )
    session.add(record)
    details = EventDetails(number=record.number, added=version.added, removed=version.removed)
    by = Author(version.reader_id, version.author)
    add_event(session, study_id, Event.CORRECTED, by=by, at=at, details=details)
    session.flush()
    return _line(record)


def _next_number(last: MaskVersionRecord | None) -> int:
    return int(value_of(last, "number")) + 1 if last else 1


def _retry(run: Callable[[], _Row]) -> _Row:
    """Run it a second time where another process inserted the same row first."""
    try:
        return run()
    except IntegrityError:
        return run()


def _lock(session: Session, study_id: str, reader_id: str) -> MaskDraftRecord | None:
    """The draft, locked until the transaction ends."""
    return session.get(MaskDraftRecord, (study_id, reader_id), with_for_update=True)


def _conflicts(record: MaskDraftRecord, writer: Writer) -> bool:
    """Whether another window wrote something that this one has not seen."""
    return record.writer != writer.name and record.revision != writer.revision


def _is_same(record: MaskVersionRecord, version: NewVersion) -> bool:
    """Whether the last version is the one to save."""
    return (
        record.reader_id == version.reader_id
        and record.content == version.content
        # or the base is that version itself
        and (record.based_on == version.based_on or record.number == version.based_on.version)
    )


def _versions(study_id: str) -> Select[MaskVersionRecord]:
    found = select(MaskVersionRecord).where(MaskVersionRecord.study_id == study_id)
    return found.order_by(MaskVersionRecord.number.desc())


def _check_masks(record: MaskDraftRecord | MaskVersionRecord) -> None:
    """Make sure that a reader's masks are those that were stored.

    Raises:
        DamagedRow: They are not; nothing can compute them again.
    """
    stored = value_of(record, "digest")
    if stored and stored != digest_masks(record.content, record.ai_content):
        raise damage_of(record, "content", "it differs from what was saved")


def _draft(record: MaskDraftRecord) -> DraftRow:
    _check_masks(record)
    return DraftRow(**columns_of(record, DraftRow))


def _line(record: MaskVersionRecord) -> VersionLine:
    return VersionLine(**columns_of(record, VersionLine))
