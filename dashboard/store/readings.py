"""The reading of each study: its state, who has it, what is recorded, and its signed records.

There is one reading for each study, with a revision. A reader who has not seen what another one
recorded gets a `ReadingConflict`, one who writes while another has the study gets a `Claimed`;
neither changes anything. Each step of `dashboard.store.states` adds its line to the history in the
same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Select, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from dashboard.store.amendments import (
    AmendedPart,
    find_amendment,
    forget_amendments,
    list_changes,
    note_amendment,
    restore_own_work,
)
from dashboard.store.claims import CLAIM, Claim, Claimed, check_open, find_claim
from dashboard.store.corrections import PlannedVersion, put_version
from dashboard.store.database import Database
from dashboard.store.history import Author, add_event
from dashboard.store.reading_content import (
    Decision,
    Event,
    EventDetails,
    Reading,
    SignedContent,
    StudyFacts,
)
from dashboard.store.rows import columns_of, readable, value_of
from dashboard.store.schema import (
    AmendmentRecord,
    OpeningRecord,
    ReadingRecord,
    SignedRecord,
    StudyRecord,
)
from dashboard.store.signed_files import SignedFile, add_signed_file
from dashboard.store.states import Step, StepRefused, StudyState, next_state
from dashboard.store.stored_json import MOST_TAGS, Entries

#: A page that has not been heard of for this long is closed.
SILENCE: Final = timedelta(seconds=90)
#: Priorities of a study.
ROUTINE, STAT = 0, 1

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class ReadingRow:
    """The reading of a study.

    Attributes:
        state: As stored; see `dashboard.store.states.shown_state`.
        priority: `ROUTINE` or `STAT`.
        revision: Increases with each change of what is recorded; 0 before the first.
        content: What is recorded.
        claim: Who has the study; None for nobody.
        changed_by, changed_author, changed_at: Who recorded something last, and when; "" and None
            before that.
    """

    state: StudyState = StudyState.NEW
    priority: int = ROUTINE
    revision: int = 0
    content: Reading = field(default_factory=Reading)
    claim: Claim | None = None
    changed_by: str = ""
    changed_author: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Opened:
    """A study that a reader has opened.

    Attributes:
        reading: Its reading.
        others: Names of other readers who have it open.
        open_s: How long this reader has had it open in all, in seconds.
    """

    reading: ReadingRow
    others: tuple[str, ...]
    open_s: float


@dataclass(frozen=True)
class SignedLine:
    """A signed record without its masks.

    Attributes:
        number: From 1 within the study.
        reader_id, author: Who signed it, with their name at that time.
        signed_at: UTC.
        content: What was signed.
        digest: SHA-256 of content and masks.
    """

    number: int
    reader_id: str
    author: str
    signed_at: datetime
    content: SignedContent
    digest: str


@dataclass(frozen=True)
class NewRecord:
    """A record to sign.

    Attributes:
        content: What is signed.
        mask, ai_mask: As `dashboard.masks.encoding` writes them; None without an AI mask.
        signed_at: UTC.
        digest: SHA-256 of all that, and of who signs (`dashboard.decisions.signing`).
        token: Names the request; one that is sent again returns the record that it signed.
        files: To store with it, such as its report.
    """

    content: SignedContent
    mask: bytes
    ai_mask: bytes | None
    signed_at: datetime
    digest: str
    token: str
    files: Mapping[SignedFile, bytes] = field(default_factory=dict)


class ReadingConflict(Exception):
    """Another reader or window has recorded something meanwhile.

    Attributes:
        reading: What is recorded now.
    """

    def __init__(self, reading: ReadingRow) -> None:
        super().__init__("another window has changed the reading")
        self.reading = reading


def find_reading(store: Database, study_id: str) -> ReadingRow:
    """The reading of a study; an empty one where nobody has opened it."""
    with store.reading() as session:
        return _row(session.get(ReadingRecord, study_id), store.clock())


def open_study(
    store: Database,
    study_id: str,
    by: Author,
    *,
    take_over: bool = False,
    amends: int | None = None,
) -> Opened:
    """Note that a reader has a study open, and claim it for them if nobody else has it.

    A page sends this when it opens the study and then regularly. A signed study is claimed only to
    amend it.

    Args:
        store: The review database.
        study_id: The study.
        by: The reader.
        take_over: Claim it although another reader has it.
        amends: Number of the signed record that the reader amends; a signed study is not claimed
            without the number of its last record, one that is not signed not with any.

    Raises:
        LookupError: The study was deleted.
    """

    def write(session: Session, record: ReadingRecord) -> Opened:
        now = store.clock()
        opening = _note_opening(session, study_id, by, now)
        claim = find_claim(record, now)
        last = session.scalar(_records(study_id).limit(1))
        if amends == (value_of(last, "number") if last else None) and (
            claim is None or claim.reader_id == by.reader_id or take_over
        ):
            if claim is not None and claim.reader_id != by.reader_id:
                details = EventDetails(text=claim.author)
                add_event(session, study_id, Event.TAKEN_OVER, by=by, at=now, details=details)
            record.claimed_by, record.claimed_author = by.reader_id, by.name
            record.claimed_until = now + CLAIM
            record.state = next_state(value_of(record, "state"), Step.OPEN)
            if amends is not None:
                note_amendment(session, record, by.reader_id, amends, now)
        others = select(OpeningRecord).where(
            OpeningRecord.study_id == study_id,
            OpeningRecord.reader_id != by.reader_id,
            OpeningRecord.is_open == true(),
            OpeningRecord.seen_at > now - SILENCE,
        )
        names = tuple(sorted(readable(session.scalars(others), lambda one: str(one.author))))
        return Opened(_row(record, now), names, value_of(opening, "open_s"))

    return _change(store, study_id, write)


def leave_study(store: Database, study_id: str, by: Author) -> None:
    """Note that a reader has closed a study, and end their claim.

    Raises:
        LookupError: The study was deleted.
    """

    def write(session: Session, record: ReadingRecord) -> None:
        now = store.clock()
        opening = session.get(OpeningRecord, (study_id, by.reader_id), with_for_update=True)
        if opening is not None and value_of(opening, "is_open"):
            _close(session, opening, now)
        if record.claimed_by == by.reader_id:
            _release(record)

    _change(store, study_id, write)


def release_silent(store: Database) -> int:
    """End claims that have expired, and close pages that have not been heard of.

    Returns:
        How many claims ended.
    """
    now = store.clock()
    expired = select(ReadingRecord).where(ReadingRecord.claimed_until < now)
    silent = select(OpeningRecord).where(
        OpeningRecord.is_open == true(), OpeningRecord.seen_at < now - SILENCE
    )
    with store.reading() as session:
        if session.scalar(expired.limit(1)) is None and session.scalar(silent.limit(1)) is None:
            return 0
    with store.writing() as session:
        records = session.scalars(expired.with_for_update(skip_locked=True))
        released = list(readable(records, _release))
        openings = session.scalars(silent.with_for_update(skip_locked=True))
        list(readable(openings, lambda one: _close(session, one, value_of(one, "seen_at"))))
        return len(released)


def write_reading(
    store: Database,
    study_id: str,
    by: Author,
    *,
    revision: int,
    change: Callable[[Reading], Reading],
) -> ReadingRow:
    """Change what is recorded of a study, other than its decision.

    Args:
        store: The review database.
        study_id: The study.
        by: The reader.
        revision: Of the reading that they have seen.
        change: From what is recorded to what is to be recorded; the decision stays.

    Raises:
        LookupError: The study was deleted.
        ReadingConflict: Something else was recorded since.
        Claimed: Another reader has the study.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """

    def write(session: Session, record: ReadingRecord) -> ReadingRow:
        before = _check_seen(store, record, by, revision)
        after = replace(change(before), decision=before.decision)
        if after != before:
            _record(store, record, by, after)
        return _row(record, store.clock())

    return _change(store, study_id, write)


def decide(
    store: Database, study_id: str, by: Author, decision: Decision | None, *, revision: int
) -> ReadingRow:
    """Record a decision, or withdraw the recorded one.

    Args:
        store: The review database.
        study_id: The study.
        by: The reader.
        decision: None withdraws it.
        revision: Of the reading that they have seen.

    Raises:
        LookupError: The study was deleted.
        ReadingConflict: Something else was recorded since.
        Claimed: Another reader has the study.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
        StepRefused: The state does not allow it.
    """

    def write(session: Session, record: ReadingRecord) -> ReadingRow:
        content = replace(_check_seen(store, record, by, revision), decision=decision)
        if not value_of(record, "state").is_signed:
            step = Step.WITHDRAW if decision is None else Step.DECIDE
            record.state = next_state(value_of(record, "state"), step)
        _record(store, record, by, content)
        event = Event.WITHDRAWN if decision is None else Event.DECIDED
        details = EventDetails(text="" if decision is None else str(decision.verdict))
        add_event(session, study_id, event, by=by, at=store.clock(), details=details)
        return _row(record, store.clock())

    return _change(store, study_id, write)


def sign(
    store: Database,
    study_id: str,
    by: Author,
    record: NewRecord,
    *,
    revision: int,
    version: PlannedVersion | None = None,
) -> SignedLine:
    """Sign a study, or amend what was signed; a refused signature saves nothing.

    Args:
        store: The review database.
        study_id: The study.
        by: The reader.
        record: What is signed; an amendment names the record that it amends.
        revision: Of the reading that it was made from.
        version: The signed mask as a version that is saved with it; None for the AI mask as it is.

    Returns:
        The record; that of the first request where the same one is sent again.

    Raises:
        LookupError: The study was deleted.
        ReadingConflict: Something else was recorded, signed or saved as a version since, or the
            study's spacing or reference was changed.
        Claimed: Another reader has the study.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
        StepRefused: The state does not allow it.
    """

    def write(session: Session, reading: ReadingRecord) -> SignedLine:
        known = session.scalar(_records(study_id).where(SignedRecord.token == record.token))
        if known is not None:
            return _line(known)
        _check_seen(store, reading, by, revision)
        last = session.scalar(_records(study_id).limit(1))
        number = value_of(last, "number") if last else None
        if record.content.amends != number or not _is_of(session, record.content.study):
            raise ReadingConflict(_row(reading, store.clock()))
        if version is not None:
            now, writer = store.clock(), version.writer
            saved = put_version(session, study_id, version.version, writer=writer, at=now)
            if saved.number != version.number:
                raise ReadingConflict(_row(reading, now))
        step = Step.SIGN if number is None else Step.AMEND
        reading.state = next_state(value_of(reading, "state"), step)
        _record(store, reading, by, value_of(reading, "content"))
        _release(reading)
        forget_amendments(session, study_id)
        added = SignedRecord(
            study_id=study_id,
            number=(number or 0) + 1,
            reader_id=by.reader_id,
            author=by.name,
            signed_at=record.signed_at,
            content=record.content,
            mask=record.mask,
            ai_mask=record.ai_mask,
            digest=record.digest,
            token=record.token,
        )
        session.add(added)
        session.flush()  # gives the number that files refer to
        for kind, made in record.files.items():
            add_signed_file(session, added, kind, made, at=store.clock())
        add_event(
            session,
            study_id,
            Event.SIGNED if number is None else Event.AMENDED,
            by=by,
            at=store.clock(),
            details=EventDetails(text=record.content.reason, number=added.number),
        )
        session.flush()
        return _line(added)

    return _change(store, study_id, write)


@dataclass(frozen=True)
class BegunAmendment:
    """An open amendment of a signed study.

    Attributes:
        changes: What is not as signed.
        entries, reference: What was entered for the study when it was signed, with the attached
            mask (`dashboard.masks.encoding`).
    """

    changes: tuple[AmendedPart, ...]
    entries: Entries
    reference: bytes | None


def read_amendment(
    store: Database, study_id: str, by: Author, *, revision: int | None = None
) -> BegunAmendment:
    """Return what a reader's open amendment has changed, and what it started from.

    Args:
        store: The review database.
        study_id: The study.
        by: The reader.
        revision: Of the reading that they have seen; None for the present one.

    Raises:
        LookupError: The study was deleted.
        ReadingConflict: Something else was recorded since.
        Claimed: Another reader has the study.
        AmendmentNeeded: The reader has no amendment of it open.
        StepRefused: It is not signed.
    """

    def read(session: Session, record: ReadingRecord) -> BegunAmendment:
        seen = value_of(record, "revision") if revision is None else revision
        begun = _find_begun(store, session, record, by, seen)
        changes = tuple(list_changes(session, begun, record))
        return BegunAmendment(changes, value_of(begun, "entries"), begun.reference)

    return _change(store, study_id, read)


def discard_amendment(
    store: Database,
    study_id: str,
    by: Author,
    *,
    revision: int,
    changes: Sequence[AmendedPart] = (),
) -> ReadingRow:
    """End a reader's amendment: what is recorded returns to what was signed.

    The reader's draft and measurements return to what they were before the amendment; versions that
    were saved in it stay. What was entered for the study is not changed here
    (`dashboard.studies.entries.restore`).

    Args:
        store: The review database.
        study_id: The study.
        by: The reader.
        revision: Of the reading that they have seen.
        changes: What it had changed (`read_amendment`), for the history.

    Raises:
        LookupError: The study was deleted.
        ReadingConflict: Something else was recorded since.
        Claimed: Another reader has the study.
        AmendmentNeeded: The reader has no amendment of it open.
        StepRefused: It is not signed.
    """

    def write(session: Session, record: ReadingRecord) -> ReadingRow:
        now = store.clock()
        begun = _find_begun(store, session, record, by, revision)
        content: Reading = value_of(record, "content")
        signed: Reading = value_of(begun, "reading")
        shown = tuple(sorted({*signed.shown, *content.shown}))  # they were seen all the same
        _record(store, record, by, replace(signed, shown=shown))
        restore_own_work(session, begun, now)
        _release(record)
        details = EventDetails(text=", ".join(changes))
        add_event(session, study_id, Event.DISCARDED, by=by, at=now, details=details)
        return _row(record, now)

    return _change(store, study_id, write)


def set_priority(store: Database, study_id: str, by: Author, *, stat: bool) -> None:
    """Set a study's priority.

    Raises:
        LookupError: The study was deleted.
    """
    now = store.clock()
    _change(store, study_id, lambda session, record: _prioritise(session, record, by, now, stat))


def change_priorities(store: Database, study_ids: Sequence[str], by: Author, *, stat: bool) -> None:
    """Set the priority of several studies; those that were deleted are left out."""
    now = store.clock()
    _change_all(
        store, study_ids, lambda session, record: _prioritise(session, record, by, now, stat)
    )


def _prioritise(
    session: Session, record: ReadingRecord, by: Author, now: datetime, stat: bool
) -> None:
    wanted = STAT if stat else ROUTINE
    if value_of(record, "priority") == wanted:
        return
    record.priority = wanted
    details = EventDetails(text="STAT" if stat else "routine")
    add_event(session, record.study_id, Event.PRIORITY, by=by, at=now, details=details)


def change_tags(
    store: Database,
    study_ids: Sequence[str],
    by: Author,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> None:
    """Add tags to studies and remove others; studies that were deleted are left out.

    Raises:
        TooManyTags: A study would have too many; none is changed.
    """

    def write(session: Session, record: ReadingRecord) -> None:
        known: tuple[str, ...] = value_of(record, "tags") or ()
        kept = [tag for tag in known if tag not in remove]
        found = tuple(dict.fromkeys([*kept, *add]))
        if found == known:
            return
        if len(found) > MOST_TAGS:
            raise TooManyTags
        record.tags = found
        added = [f"Tag added: {tag}" for tag in found if tag not in known]
        removed = [f"Tag removed: {tag}" for tag in known if tag not in found]
        for line in added + removed:
            details, now = EventDetails(text=line), store.clock()
            add_event(session, record.study_id, Event.CHANGED, by=by, at=now, details=details)

    _change_all(store, study_ids, write)


class TooManyTags(Exception):
    """A study would have more than `MOST_TAGS` tags."""


def list_records(store: Database, study_id: str) -> list[SignedLine]:
    """All signed records of a study without their masks, the newest first."""
    with store.reading() as session:
        return list(readable(session.scalars(_records(study_id)), _line))


def find_last_record(store: Database, study_id: str) -> SignedLine | None:
    """The last signed record of a study without its masks; None where it is not signed."""
    with store.reading() as session:
        found = readable(session.scalars(_records(study_id).limit(1)), _line)
        return next(iter(found), None)


def find_signed(store: Database, study_id: str, token: str) -> SignedLine | None:
    """The record that a request signed; None where it signed none yet."""
    with store.reading() as session:
        found = session.scalar(_records(study_id).where(SignedRecord.token == token))
        return _line(found) if found else None


def find_open_time(store: Database, study_id: str, reader_id: str) -> float:
    """How long a reader had a study open in all, in seconds."""
    with store.reading() as session:
        found = session.get(OpeningRecord, (study_id, reader_id))
        if found is None:
            return 0.0
        last: timedelta = store.clock() - value_of(found, "seen_at")
        is_on = value_of(found, "is_open") and last < SILENCE
        return float(value_of(found, "open_s")) + (last.total_seconds() if is_on else 0.0)


def read_record(
    store: Database, study_id: str, number: int
) -> tuple[SignedLine, bytes, bytes | None] | None:
    """A signed record with its mask and the AI mask; None where no record has this number."""
    query = _records(study_id).where(SignedRecord.number == number)
    with store.reading() as session:
        both = (undefer(SignedRecord.mask), undefer(SignedRecord.ai_mask))
        found = session.scalar(query.options(*both))
        return (_line(found), found.mask, found.ai_mask) if found else None


def _change_all(
    store: Database, study_ids: Collection[str], write: Callable[[Session, ReadingRecord], object]
) -> None:
    """Run a change of several studies in one transaction; those that were deleted are left out."""

    def run() -> None:
        with store.writing() as session:
            for study_id in sorted(set(study_ids)):  # in one order: no two wait for each other
                if (record := _lock(session, study_id, store.clock())) is not None:
                    write(session, record)

    try:
        run()
    except IntegrityError:  # another process inserted the same row first
        run()


def _lock(session: Session, study_id: str, now: datetime) -> ReadingRecord | None:
    """Lock a study; returns its reading, a new one if necessary. None where it was deleted."""
    study = session.get(StudyRecord, study_id, with_for_update=True)
    if study is None or study.deleted_at is not None:
        return None
    record = session.get(ReadingRecord, study_id)
    if record is None:
        record = ReadingRecord(
            study_id=study_id,
            state=StudyState.NEW,
            priority=ROUTINE,
            revision=0,
            content=Reading(),
            claimed_by="",
            claimed_author="",
            changed_by="",
            changed_author="",
            changed_at=now,
        )
        session.add(record)
    return record


def _change(
    store: Database, study_id: str, write: Callable[[Session, ReadingRecord], _Found]
) -> _Found:
    """Run a change in a transaction in which the study and its reading are locked."""

    def run() -> _Found:
        with store.writing() as session:
            record = _lock(session, study_id, store.clock())
            if record is None:
                raise LookupError("the study was deleted")
            return write(session, record)

    try:
        return run()
    except IntegrityError:  # another process inserted the same row first
        return run()


def _check_seen(store: Database, record: ReadingRecord, by: Author, revision: int) -> Reading:
    """What is recorded, if the reader has seen it and may change it."""
    now = store.clock()
    claim = find_claim(record, now)
    if claim is not None and claim.reader_id != by.reader_id:
        raise Claimed(claim)
    if value_of(record, "revision") != revision:
        raise ReadingConflict(_row(record, now))
    check_open(record, by.reader_id, now)
    content: Reading = value_of(record, "content")
    return content


def _find_begun(
    store: Database, session: Session, record: ReadingRecord, by: Author, revision: int
) -> AmendmentRecord:
    """What the reader's open amendment started from."""
    _check_seen(store, record, by, revision)
    begun = find_amendment(session, record.study_id, by.reader_id)
    if begun is None:
        raise StepRefused(value_of(record, "state"), Step.AMEND)
    return begun


def _record(store: Database, record: ReadingRecord, by: Author, content: Reading) -> None:
    record.content = content
    record.revision = value_of(record, "revision") + 1
    record.changed_by, record.changed_author = by.reader_id, by.name
    record.changed_at = store.clock()


def _note_opening(session: Session, study_id: str, by: Author, now: datetime) -> OpeningRecord:
    """Add the time since the page was last heard of to the reader's, or begin a new opening."""
    opening = session.get(OpeningRecord, (study_id, by.reader_id), with_for_update=True)
    if opening is None:
        opening = OpeningRecord(study_id=study_id, reader_id=by.reader_id, first_at=now, open_s=0.0)
        session.add(opening)
        is_new = True
    else:
        silent = now - value_of(opening, "seen_at")
        is_new = not value_of(opening, "is_open") or silent > SILENCE
        if not is_new:
            opening.open_s = value_of(opening, "open_s") + max(0.0, silent.total_seconds())
    opening.author, opening.seen_at, opening.is_open = by.name, now, True
    if is_new:
        add_event(session, study_id, Event.OPENED, by=by, at=now)
    return opening


def _close(session: Session, opening: OpeningRecord, now: datetime) -> None:
    by = Author(opening.reader_id, value_of(opening, "author"))
    silent = (now - value_of(opening, "seen_at")).total_seconds()
    opening.open_s = value_of(opening, "open_s") + max(0.0, silent)
    opening.is_open = False
    details = EventDetails(open_s=round(opening.open_s, 1))
    add_event(session, opening.study_id, Event.CLOSED, by=by, at=now, details=details)


def _is_of(session: Session, facts: StudyFacts) -> bool:
    """Whether a record describes a study's pixels, spacing and reference as they are now."""
    study = session.get(StudyRecord, facts.study_id)
    return study is not None and (facts.content_digest, facts.data_digest) == (
        value_of(study, "content_digest"),
        value_of(study, "data_digest"),
    )


def _release(record: ReadingRecord) -> None:
    """End the claim, and return a study without a decision to the worklist."""
    record.claimed_by = record.claimed_author = ""
    record.claimed_until = None
    record.state = next_state(value_of(record, "state"), Step.LEAVE)


def _records(study_id: str) -> Select[SignedRecord]:
    found = select(SignedRecord).where(SignedRecord.study_id == study_id)
    return found.order_by(SignedRecord.number.desc())


def _line(record: SignedRecord) -> SignedLine:
    return SignedLine(**columns_of(record, SignedLine))


def _row(record: ReadingRecord | None, now: datetime) -> ReadingRow:
    if record is None:
        return ReadingRow()
    return ReadingRow(**{**columns_of(record, ReadingRow), "claim": find_claim(record, now)})
