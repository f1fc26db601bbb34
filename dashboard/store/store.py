"""Reads and writes studies; `dashboard.jobs.table` does so for jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.store.database import Database, now_utc
from dashboard.store.history import SERVER, Author, add_event
from dashboard.store.patients import put_patient
from dashboard.store.reading_content import Event, EventDetails
from dashboard.store.rows import (
    DeletedStudy,
    JobState,
    ModelKey,
    NewStudy,
    Origin,
    ResultClaims,
    StudyCounts,
    StudyRow,
    columns_of,
    readable,
    value_of,
)
from dashboard.store.schema import (
    JobRecord,
    ResultRecord,
    SignedRecord,
    SourceRecord,
    StudyEntriesRecord,
    StudyRecord,
    WorklistLine,
)
from dashboard.store.study_rows import LISTED, StudyQuery, select_studies, study_row
from dashboard.store.worklist_lines import has_stale, keep_current, write_stale
from pipeline import PatientIdentity

LEASE = timedelta(seconds=15)
#: Stale lines of the worklist that are written in one transaction.
_STALE_LINES = 1000
_SHARED = "+"
_DELETED = StudyRecord.deleted_at.is_not(None)
_NOT_INSTALLED = "No models are installed, so studies cannot be analysed."


class Store(Database):
    """The review database, with the analyses of the installed models.

    Args:
        url: SQLAlchemy URL.
        model: The models whose analyses are shown and requested; None where none are installed.
        no_model: Why none are installed, in one sentence.
        clock: Returns the time in UTC; tests set their own.
        file, stored_studies, check: As of `Database`.
        on_queued: Called with a job's number and priority when it is queued, to deliver it; it must
            not raise.

    Attributes:
        lease: How long a worker may be silent before its job is offered again.
    """

    def __init__(
        self,
        url: str,
        *,
        model: ModelKey | None = None,
        no_model: str = "",
        clock: Callable[[], datetime] = now_utc,
        file: Path | None = None,
        stored_studies: Callable[[], int] = lambda: 0,
        check: bool = False,
        on_queued: Callable[[int, int], None] | None = None,
    ) -> None:
        super().__init__(url, clock=clock, file=file, stored_studies=stored_studies, check=check)
        self.on_queued = on_queued or (lambda job_id, priority: None)
        self.lease = LEASE
        self.model = model
        self.no_model = no_model or _NOT_INSTALLED

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Session]:
        """As of `Database`; the worklist's lines follow what is changed."""
        with super().writing(durable=durable) as session:
            keep_current(session, self.model)
            yield session

    def write_stale_lines(self, *, only_earlier: bool = False) -> int:
        """Write the worklist's lines again that are stale. Returns how many.

        Args:
            only_earlier: Whether only those of earlier versions are written, not those of other
                models.
        """
        written = 0
        while True:
            with self.reading() as session:
                if not has_stale(session, self.model, only_earlier=only_earlier):
                    return written
            with self.writing() as session:
                written += write_stale(
                    session, self.model, limit=_STALE_LINES, only_earlier=only_earlier
                )

    def list_studies(self) -> list[StudyRow]:
        """All studies, the newest first; pages of the worklist read `worklist_pages` instead."""
        query = self._studies().order_by(StudyRecord.added_at.desc(), StudyRecord.study_id)
        return self._rows(query)

    def known_studies(self) -> set[str]:
        """Ids of all studies, deleted ones that can be restored too."""
        with self.reading() as session:
            return set(session.scalars(select(StudyRecord.study_id)))

    def count_studies(self) -> StudyCounts:
        """How many studies there are, by origin and by state of the analysis."""
        lines = select(WorklistLine.origin, WorklistLine.job_state, func.count())
        origins: Counter[Origin] = Counter()
        states: Counter[JobState | str] = Counter()
        with self.reading() as session:
            for origin, state, number in session.execute(
                lines.group_by(WorklistLine.origin, WorklistLine.job_state)
            ):
                origins[origin] += number
                states[state] += number
        return StudyCounts(total=sum(origins.values()), origins=origins, states=states)

    def study(self, study_id: str) -> StudyRow | None:
        """One study, or None where no study has this id."""
        return self._first_row(self._studies().where(StudyRecord.study_id == study_id))

    def study_with_content(self, content_digest: str) -> StudyRow | None:
        """Any study with these pixels, or None."""
        query = self._studies().where(StudyRecord.content_digest == content_digest)
        return self._first_row(query.order_by(StudyRecord.added_at))

    def study_with_identity(self, identity: str) -> StudyRow | None:
        """The study that was stored earlier from the same input, or None."""
        return self._first_row(self._studies().where(StudyRecord.identity == identity))

    def studies_of_cases(self, case_ids: Iterable[str]) -> dict[str, list[StudyRow]]:
        """Studies by case name, the newest of each first."""
        wanted = list(dict.fromkeys(case_ids))
        found: dict[str, list[StudyRow]] = {}
        for start in range(0, len(wanted), 500):
            names = wanted[start : start + 500]
            query = self._studies().where(StudyRecord.case_id.in_(names))
            for row in self._rows(query.order_by(StudyRecord.added_at.desc())):
                found.setdefault(row.case_id, []).append(row)
        return found

    def studies_without_claims(self) -> list[StudyRow]:
        """Studies that were analysed by an earlier version, the newest first."""
        query = self._studies().where(
            JobRecord.state == JobState.DONE.value,
            ResultRecord.job_id.is_not(None),
            ResultRecord.cautions.is_(None),
        )
        return self._rows(query.order_by(StudyRecord.added_at.desc()))

    def set_claims(self, job_id: int, claims: ResultClaims) -> None:
        """Complete the summary of a result, if it is still there."""
        with self.writing() as session:
            record = session.get(ResultRecord, job_id)
            if record is not None:
                for name, value in vars(claims).items():
                    setattr(record, name, value)

    def add_study(
        self,
        study: NewStudy,
        *,
        added_at: datetime | None = None,
        patient: PatientIdentity | None = None,
    ) -> StudyRow:
        """Add a study; returns the existing one where it is already in the worklist.

        Args:
            study: The study.
            added_at: When it was added, now by default.
            patient: Who the patient is, as the files state it.
        """
        record = StudyRecord(**_as_columns(study), added_at=added_at or self.clock())
        try:
            with self.writing() as session:
                session.add(record)
                session.flush()
                if patient is not None:
                    put_patient(session, study.study_id, patient)
                details = EventDetails(text=str(study.origin))
                at = record.added_at
                add_event(session, study.study_id, Event.ADDED, by=SERVER, at=at, details=details)
        except IntegrityError:
            known = self.study_with_identity(study.identity)
            if known is None:
                raise
            return known
        row = self.study(study.study_id)
        if row is None:  # deleted between the two transactions
            return StudyRow(**vars(study), added_at=self.clock())
        return row

    def set_files_digest(self, study_id: str, digest: str) -> None:
        """Store the digest of a study's files, if the study is still there."""
        change = update(StudyRecord).where(StudyRecord.study_id == study_id)
        with self.writing() as session:
            session.execute(change.values(files_digest=digest))

    def delete_study(
        self, study_id: str, *, by: Author = SERVER, even_if_signed: bool = True
    ) -> bool:
        """Take a study out of the worklist, with analyses of pixels that no other study has.

        Everything else of it stays for `restore_study`, until `purge_study`.

        Args:
            study_id: The study.
            by: Who deletes it.
            even_if_signed: Whether a signed study is deleted, too, as where its files are gone.

        Returns:
            Whether it was in the worklist and is not any more.
        """
        with self.writing() as session:
            record = session.get(StudyRecord, study_id)
            if record is None:
                return False
            contents = {record.content_digest}
            if (entered := session.get(StudyEntriesRecord, study_id)) is not None:
                contents.add(entered.stated_digest)
            # locked in one order: of two deleted at the same time, the last deletes the analyses
            same = select(StudyRecord).where(StudyRecord.content_digest.in_(contents), LISTED)
            locked = same.order_by(StudyRecord.study_id).with_for_update()
            found = session.scalars(locked.execution_options(populate_existing=True)).all()
            if record not in found:  # another process was faster
                return False
            signed = select(SignedRecord.record_id).where(SignedRecord.study_id == study_id)
            if not even_if_signed and session.scalar(signed.limit(1)) is not None:
                return False
            record.deleted_at, record.deleted_by = self.clock(), by.name
            add_event(session, study_id, Event.DELETED, by=by, at=record.deleted_at)
            unused = contents - {one.content_digest for one in found if one is not record}
            session.execute(delete(JobRecord).where(JobRecord.content_digest.in_(unused)))
            return True

    def restore_study(self, study_id: str, *, by: Author = SERVER) -> bool:
        """Put a deleted study back into the worklist; returns whether it was deleted."""
        with self.writing() as session:
            record = session.get(StudyRecord, study_id, with_for_update=True)
            if record is None or record.deleted_at is None:
                return False
            record.deleted_at, record.deleted_by = None, ""
            add_event(session, study_id, Event.RESTORED, by=by, at=self.clock())
            return True

    def restore_again(self, study: NewStudy) -> StudyRow | None:
        """Put a deleted study back that has been read again, now from where it was read.

        Returns:
            The study, or None if none with this identity was deleted.
        """
        query = select(StudyRecord).where(StudyRecord.identity == study.identity, _DELETED)
        with self.writing() as session:
            record = session.scalar(query.with_for_update())
            if record is None:
                return None
            record.deleted_at, record.deleted_by = None, ""
            record.origin, record.source = study.origin, study.source
            record.reader_id = study.reader_id
            study_id = record.study_id
            details = EventDetails(text=str(study.origin))
            at = self.clock()
            add_event(session, study_id, Event.RESTORED, by=SERVER, at=at, details=details)
        return self.study(study_id)

    def purge_study(self, study_id: str) -> None:
        """Delete everything of a study, with readers' work on it; a missing one is no error."""
        self.delete_study(study_id)
        self._purge(StudyRecord.study_id == study_id)

    def purge_deleted(self, before: datetime) -> list[str]:
        """Delete everything of the studies that were deleted before a time; returns their ids."""
        return self._purge(StudyRecord.deleted_at < before)

    def _purge(self, which: ColumnElement[bool]) -> list[str]:
        # a signed record is never deleted, nor is its study
        signed = select(SignedRecord.study_id).where(SignedRecord.study_id == StudyRecord.study_id)
        query = select(StudyRecord).where(_DELETED, which, ~signed.exists()).with_for_update()
        with self.writing() as session:
            records = session.scalars(query).all()
            for record in records:
                session.delete(record)
            return [record.study_id for record in records]

    def deleted_studies(self) -> list[DeletedStudy]:
        """Studies that can be restored, those deleted last first."""
        entered = StudyEntriesRecord.study_id == StudyRecord.study_id
        query = (
            select(StudyRecord, StudyEntriesRecord)
            .join(StudyEntriesRecord, entered, isouter=True)
            .where(_DELETED)
            .order_by(StudyRecord.deleted_at.desc(), StudyRecord.study_id)
        )
        with self.reading() as session:
            return list(readable(session.execute(query), lambda found: _deleted_row(*found)))

    def source_state(self, origin: Origin, name: str) -> str | None:
        """Sizes and times of an entry's files when it was last read, as a digest."""
        with self.reading() as session:
            record = session.get(SourceRecord, (str(origin), name))
            known = [record] if record else []
            states = readable(known, lambda one: str(value_of(one, "state")))
            return next((state.removesuffix(_SHARED) for state in states), None)

    def set_source(
        self,
        origin: Origin,
        name: str,
        *,
        state: str,
        errors: Sequence[tuple[str, str]] = (),
        shared: bool = False,
    ) -> None:
        """Record that an entry was read, and what could not be read in it.

        Args:
            origin: Library or demo folder.
            name: Its name.
            state: Digest over its files, less than 64 characters.
            errors: What could not be read: (file, sentence).
            shared: Whether it holds studies that are listed under another origin.
        """
        record = SourceRecord(
            origin=str(origin),
            name=name,
            state=f"{state}{_SHARED}" if shared else state,
            errors=tuple(errors),
            read_at=self.clock(),
        )
        try:
            self._put_source(record)
        except IntegrityError:  # another process recorded the same entry at the same time
            self._put_source(record)

    def _put_source(self, record: SourceRecord) -> None:
        with self.writing() as session:
            session.merge(record)

    def forget_source(self, origin: Origin, name: str) -> None:
        """Forget that an entry was read, so that the next scan reads it again."""
        query = delete(SourceRecord).where(
            SourceRecord.origin == str(origin), SourceRecord.name == name
        )
        with self.writing() as session:
            session.execute(query)

    def forget_sources(self, origin: Origin, *, keep: Iterable[str]) -> None:
        """Forget the entries that no longer exist; their studies stay."""
        query = delete(SourceRecord).where(
            SourceRecord.origin == str(origin), SourceRecord.name.not_in(list(keep))
        )
        with self.writing() as session:
            session.execute(query)

    def forget_hidden_sources(self) -> list[tuple[Origin, str]]:
        """Forget the entries that share a study or have none left; returns their names."""
        forgotten = []
        with self.writing() as session:
            query = select(StudyRecord.origin, StudyRecord.source).where(LISTED).distinct()
            found = session.execute(query)
            listed = {(origin, source) for origin, source in found}
            for record, source in readable(session.scalars(select(SourceRecord)), _source_of):
                is_bare = source not in listed and not record.errors
                if is_bare or record.state.endswith(_SHARED):
                    forgotten.append(source)
                    session.delete(record)
        return forgotten

    def source_errors(self, origin: Origin) -> list[tuple[str, str]]:
        """Files of the library that could not be read: (file, sentence)."""
        query = select(SourceRecord).where(SourceRecord.origin == str(origin))
        with self.reading() as session:
            records = session.scalars(query.order_by(SourceRecord.name)).all()
        return [error for found in readable(records, _errors_of) for error in found]

    def studies_of_source(self, origin: Origin, name: str) -> list[str]:
        """Ids of the studies that were read from an entry."""
        query = select(StudyRecord.study_id).where(
            StudyRecord.origin == str(origin), StudyRecord.source == name, LISTED
        )
        with self.reading() as session:
            return list(session.scalars(query))

    def _studies(self) -> StudyQuery:
        return select_studies(self.model)

    def _rows(self, query: StudyQuery) -> list[StudyRow]:
        """All rows of a query but the damaged ones."""
        with self.reading() as session:
            return list(readable(session.execute(query), lambda found: study_row(*found)))

    def _first_row(self, query: StudyQuery) -> StudyRow | None:
        """The first row of a query.

        Raises:
            DamagedRow: It is damaged.
        """
        with self.reading() as session:
            found = session.execute(query.limit(1)).first()
            return study_row(*found) if found else None


def _source_of(record: SourceRecord) -> tuple[SourceRecord, tuple[Origin, str]]:
    """An entry with its key, where nothing of it is damaged but its errors."""
    value_of(record, "state")
    return record, (value_of(record, "origin"), value_of(record, "name"))


def _errors_of(record: SourceRecord) -> tuple[tuple[str, str], ...]:
    errors: tuple[tuple[str, str], ...] = value_of(record, "errors")
    return errors


def _as_columns(study: NewStudy) -> dict[str, object]:
    return {**vars(study), "origin": str(study.origin)}


def _deleted_row(study: StudyRecord, entered: StudyEntriesRecord | None) -> DeletedStudy:
    label = value_of(entered, "label") if entered else ""
    name = label or value_of(study, "patient") or value_of(study, "case_id")
    return DeletedStudy(name=name, **columns_of(study, DeletedStudy))
