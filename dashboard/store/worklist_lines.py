"""The worklist's lines: what is searched, filtered and sorted of each study, in one table.

`keep_current` is the only place that follows changes: it sees which studies, jobs, results, entries
and readings a transaction has changed, and writes their lines at its end, before it is committed.
No code that changes a study needs to know of lines. A line of other models than the installed ones,
or of an earlier version, is written again by `write_stale`.

While a new release replaces an older one, processes of both write lines. Each writes those of the
studies that it changes; the older one leaves all others to the new one, whose workers write again
what the older one wrote.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from typing import Any, Final

from sqlalchemy import Select, and_, delete, event, inspect, or_, select
from sqlalchemy.orm import Session

from dashboard.store.reading_content import SignedContent, is_refused
from dashboard.store.rows import (
    DamagedRow,
    JobState,
    ModelKey,
    StudyRow,
    value_of,
)
from dashboard.store.schema import (
    JobRecord,
    ReadingRecord,
    ResultRecord,
    SignedRecord,
    StudyEntriesRecord,
    StudyRecord,
    WorklistLine,
)
from dashboard.store.states import StudyState, shown_state
from dashboard.store.stored_json import Damaged
from dashboard.store.study_rows import select_studies, study_row
from pipeline import SHORT_SEQUENCE_LABELS

_LOG = logging.getLogger(__name__)
#: Largest number of lines that are written in one statement: SQLite limits its variables.
_BATCH = 500
#: Below this expected Dice a study needs a closer look.
LOW_DICE: Final = 0.75
#: The volume's range is wide where its upper end is this many times the lower one.
WIDE_RANGE: Final = 2.0
#: Of the studies without a marked slice, one in so many is checked.
SAMPLE: Final = 20
#: What an urgent study has before every other need.
_URGENT = 100
UNKNOWN = "unknown"
#: Characters of a text that is sorted by: an index has a limit.
_LONGEST: Final = 200
#: Of what a line holds: lines of earlier versions are written again, later ones are left alone.
_VERSION: Final = 3
#: Between two tags of a line; no tag holds it.
_TAG_END: Final = "\n"


class Reason(StrEnum):
    """Why a study is in the worklist's first rows, the most urgent reason first.

    Attributes:
        UNSIGNED: A decision is recorded and not signed.
        CONFLICT: Classifier and segmentation disagree on a slice.
        FAILED: The analysis failed.
        DICE: The expected Dice is low.
        VOLUME: The range of the volume is wide.
        INPUT: The input is unusual: the result has cautions.
        SAMPLE: No slice is marked, and the study belongs to the share that is checked.
    """

    UNSIGNED = "unsigned"
    CONFLICT = "conflict"
    FAILED = "failed"
    DICE = "dice"
    VOLUME = "volume"
    INPUT = "input"
    SAMPLE = "sample"


#: How much a study with a reason needs a reader; without one it is 1, or 0 once it is signed.
_NEEDS: Final = {reason: 8 - place for place, reason in enumerate(Reason)}


@dataclass
class _Touched:
    """What a transaction has changed so far."""

    studies: set[str] = field(default_factory=set)
    contents: set[str] = field(default_factory=set)
    jobs: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class _Signed:
    """The last signature of a study.

    Attributes:
        reader_id, author, at: Who signed it, and when.
        volume_ml: Of the mask that was signed; None without spacing, and where no lesion is a
            finding.
    """

    reader_id: str
    author: str
    at: datetime
    volume_ml: float | None


def keep_current(session: Session, model: ModelKey | None) -> None:
    """Write the lines of all that a transaction changes, as its last step.

    Args:
        session: The transaction.
        model: The installed models; None for none.
    """
    touched = _Touched()

    def note(session: Session, context: object) -> None:
        for record in (*session.new, *session.dirty, *session.deleted):
            _note(touched, record, session)

    def write(session: Session) -> None:
        session.flush()
        ids = set(touched.studies)
        contents = set(touched.contents)
        if touched.jobs:
            jobs = select(JobRecord.content_digest).where(JobRecord.job_id.in_(touched.jobs))
            contents.update(session.scalars(jobs))
        if contents:
            same = select(StudyRecord.study_id).where(StudyRecord.content_digest.in_(contents))
            ids.update(session.scalars(same))
        if ids:
            write_lines(session, model, ids)

    event.listen(session, "after_flush", note)
    event.listen(session, "before_commit", write)


def _note(touched: _Touched, record: object, session: Session) -> None:
    if isinstance(record, StudyRecord | StudyEntriesRecord | ReadingRecord | SignedRecord):
        touched.studies.add(record.study_id)
    elif isinstance(record, ResultRecord):
        touched.jobs.add(record.job_id)
    elif isinstance(record, JobRecord):
        state: Any = inspect(record)  # progress and heartbeats change no line
        if record in session.new or any(
            state.attrs[name].history.has_changes() for name in ("state", "error")
        ):
            touched.contents.add(record.content_digest)


def write_lines(session: Session, model: ModelKey | None, study_ids: Iterable[str]) -> None:
    """Write the lines of some studies, and delete those of studies that are not listed.

    A damaged study has no line, and hides no other one.

    Args:
        session: A transaction; the lines are locked last in it and in one order, so that two
            transactions neither wait for each other nor write what the other has replaced.
        model: The installed models; None for none.
        study_ids: The studies.
    """
    wanted = sorted(set(study_ids))
    for start in range(0, len(wanted), _BATCH):
        _write_batch(session, model, wanted[start : start + _BATCH])


def _write_batch(session: Session, model: ModelKey | None, ids: list[str]) -> None:
    lock = select(*WorklistLine.__table__.columns).where(WorklistLine.study_id.in_(ids))
    locked = session.execute(lock.order_by(WorklistLine.study_id).with_for_update())
    known = {found["study_id"]: dict(found) for found in locked.mappings()}
    readings = {
        record.study_id: record
        for record in session.scalars(
            select(ReadingRecord).where(ReadingRecord.study_id.in_(ids)),
            execution_options={"populate_existing": True},
        )
    }
    signed = _find_signed(session, ids)
    query = select_studies(model).where(StudyRecord.study_id.in_(ids))
    lines = []
    for found in session.execute(query, execution_options={"populate_existing": True}):
        key: str = found[0].study_id
        try:
            row = study_row(*found)
            lines.append(_describe(row, readings.get(key), signed.get(key), name_of(model)))
        except DamagedRow as error:
            _LOG.warning("%s", error.message)
    gone = known.keys() - {line["study_id"] for line in lines}
    if gone:
        session.execute(delete(WorklistLine).where(WorklistLine.study_id.in_(gone)))
    # a reader's page that is heard of again changes nothing here: browsers need not load again
    if changed := [line for line in lines if not _is_same(line, known.get(line["study_id"]))]:
        _put(session, changed)


def _is_same(line: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    """Whether a line is stored as it is, whatever its revision."""
    return known is not None and {**line, "revision": 0} == {**known, "revision": 0}


def split_tags(tags: str) -> tuple[str, ...]:
    """The tags of a line, from its text."""
    return tuple(tags.split(_TAG_END)) if tags else ()


def _put(session: Session, lines: list[dict[str, Any]]) -> None:
    name = session.get_bind().dialect.name
    dialect = import_module(f"sqlalchemy.dialects.{name}")  # one of both is never needed
    adding: Any = dialect.insert(WorklistLine)
    changed = {name: adding.excluded[name] for name in lines[0] if name != "study_id"}
    changed["revision"] = WorklistLine.revision + 1
    session.execute(adding.on_conflict_do_update(index_elements=["study_id"], set_=changed), lines)


def write_stale(
    session: Session, model: ModelKey | None, *, limit: int, only_earlier: bool = False
) -> int:
    """Write stale lines again (`has_stale`). Returns how many.

    Args:
        session: A transaction.
        model: The installed models; None for none.
        limit: Largest number of lines.
        only_earlier: As of `has_stale`.
    """
    ids = list(session.scalars(_stale(model, only_earlier=only_earlier).limit(limit)))
    write_lines(session, model, ids)
    return len(ids)


def has_stale(session: Session, model: ModelKey | None, *, only_earlier: bool = False) -> bool:
    """Whether a line describes other models, or is of an earlier version.

    Args:
        session: A transaction.
        model: The installed models; None for none.
        only_earlier: Whether only lines of earlier versions count, so that workers with different
            models do not write each other's lines again.
    """
    return session.scalar(_stale(model, only_earlier=only_earlier).limit(1)) is not None


def _stale(model: ModelKey | None, *, only_earlier: bool) -> Select[str]:
    name, column = name_of(model), WorklistLine.model
    stale = column < _version_name(_VERSION)
    if not only_earlier:
        others = and_(column > name, column < _version_name(_VERSION + 1))
        stale = or_(column < name, others)
    return select(WorklistLine.study_id).where(stale)


def name_of(model: ModelKey | None) -> str:
    """The name of what lines hold and of some models, in the lines; later versions sort later."""
    named = f"{model.digest} {model.precision}" if model else "none"
    return f"{_version_name(_VERSION)} {named}"


def _version_name(version: int) -> str:
    """The name of a version; it sorts after the names of version 2, which began with a digest."""
    return f"v{version:04d}"


def _find_signed(session: Session, ids: list[str]) -> dict[str, _Signed]:
    columns = (
        SignedRecord.study_id,
        SignedRecord.reader_id,
        SignedRecord.author,
        SignedRecord.signed_at,
        SignedRecord.content,
    )
    query = select(*columns).where(SignedRecord.study_id.in_(ids)).order_by(SignedRecord.number)
    return {
        study_id: _Signed(str(reader_id), str(author), at, _signed_volume(content))
        for study_id, reader_id, author, at, content in session.execute(query)
        if isinstance(at, datetime)
    }


def _signed_volume(content: SignedContent | Damaged) -> float | None:
    if isinstance(content, Damaged) or is_refused(content):
        return None
    return content.volume_ml


def _describe(
    row: StudyRow, reading: ReadingRecord | None, signed: _Signed | None, model: str
) -> dict[str, Any]:
    """The line of a study, as columns."""
    is_done = row.job_state is JobState.DONE
    stored = value_of(reading, "state") if reading else None
    state = shown_state(stored, has_result=is_done)
    priority = value_of(reading, "priority") if reading else 0
    claims = row.claims if is_done else None
    volume_ml = row.volume_ml if claims and not claims.unfit else None
    if state.is_signed and signed:
        volume_ml = signed.volume_ml
    reasons = [] if state.is_signed else find_reasons(row, state)
    need = 0 if state.is_signed else 1 + priority * _URGENT
    reader_id, reader = _reader(reading, signed)
    notes = notes_text(row)
    sequences = sequence_words(row.sequences)
    tags = (value_of(reading, "tags") or ()) if reading else ()
    words = (
        row.name,
        row.patient,
        row.case_id,
        row.study_date,
        row.description,
        sequences,
        notes,
        reader,
        *tags,
    )
    return {
        "study_id": row.study_id,
        "model": model,
        "revision": 1,
        "need": need + max((_NEEDS[reason] for reason in reasons), default=0),
        "reasons": " ".join(reasons),
        "state": state,
        "place": list(StudyState).index(state),
        "job_state": str(row.job_state or ""),
        "priority": priority,
        "origin": row.origin,
        "added_at": row.added_at,
        "signed_at": signed.at if signed and state.is_signed else None,
        "reader_id": reader_id,
        "reader": reader[:_LONGEST],
        "patient": row.name.casefold()[:_LONGEST],
        "study_date": row.study_date[:_LONGEST],
        "sequences": sequences[:_LONGEST],
        "slices": row.slices,
        "volume_ml": volume_ml,
        "expected_dice": claims.expected_dice if claims else None,
        "conflicts": claims.conflicts if claims else None,
        "cautions": claims.cautions if claims else None,
        "notes": notes,
        "tags": _TAG_END.join(tags),
        "search": " ".join(dict.fromkeys(filter(None, words))).casefold(),
    }


def _reader(reading: ReadingRecord | None, signed: _Signed | None) -> tuple[str, str]:
    """Who signed a study, has it, or recorded something last."""
    if signed is not None:
        return signed.reader_id, signed.author
    if reading is None:
        return "", ""
    if reading.claimed_by:
        return str(reading.claimed_by), str(value_of(reading, "claimed_author"))
    if value_of(reading, "revision"):
        return str(reading.changed_by), str(value_of(reading, "changed_author"))
    return "", ""


def find_reasons(row: StudyRow, state: StudyState) -> list[Reason]:
    """Why a study that is not signed needs a reader, the most urgent reason first."""
    found = []
    if state is StudyState.READ:
        found.append(Reason.UNSIGNED)
    if row.job_state is JobState.FAILED:
        found.append(Reason.FAILED)
    claims = row.claims if row.job_state is JobState.DONE else None
    if claims is None:
        return found
    if claims.conflicts:
        found.append(Reason.CONFLICT)
    if claims.expected_dice is not None and claims.expected_dice < LOW_DICE:
        found.append(Reason.DICE)
    if claims.low_ml is not None and claims.high_ml is not None:
        if claims.high_ml > WIDE_RANGE * claims.low_ml:
            found.append(Reason.VOLUME)
    if claims.cautions:
        found.append(Reason.INPUT)
    if not row.positive_slices and not row.mask_slices and is_sampled(row.study_id):
        found.append(Reason.SAMPLE)
    return found


def is_sampled(study_id: str) -> bool:
    """Whether a study belongs to the share that is checked; always the same for the same study."""
    return int(hashlib.sha256(study_id.encode()).hexdigest(), 16) % SAMPLE == 0


def sequence_words(sequences: Iterable[str]) -> str:
    """Names of the sequences, each once, FLAIR first; `UNKNOWN` where none is known."""
    known = [
        SHORT_SEQUENCE_LABELS[name] for name in map(str, sequences) if name in SHORT_SEQUENCE_LABELS
    ]
    once = list(dict.fromkeys(known))
    return " ".join(sorted(once, key=lambda name: name != "FLAIR")) or UNKNOWN


def notes_text(study: StudyRow) -> str:
    """All notes as one text, for search, sorting and the tooltip."""
    parts = ["Synthetic"] if study.synthetic else []
    if study.job_state is JobState.FAILED and study.job_error:
        parts.append(study.job_error)
    return " ".join([*parts, *study.warnings])
