"""Tables of the review database; all times are UTC.

`dashboard.store.migrations` brings a database to them: a change here needs a step there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from dashboard.store.reading_content import Event, EventDetails, Reading, SignedContent
from dashboard.store.rows import JobState, Origin
from dashboard.store.states import StudyState
from dashboard.store.stored_json import (
    Damaged,
    Display,
    Entries,
    Errors,
    FoundRegistration,
    Indices,
    MaskBase,
    MaskFacts,
    Measurements,
    ReaderSettings,
    Sequences,
    Tags,
    Warnings,
    check_value,
    dump_json,
    load_json,
)

_Number = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]
_Count = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
_Length = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
_Score = Annotated[float, Field(strict=True, ge=0, le=1)]
_Volume = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
_Text = Annotated[str, Field(strict=True)]
_Time = Annotated[datetime, Field(strict=True)]


class Checked(TypeDecorator[Any]):
    """A column whose values are checked when they are read: SQLite stores any value in any column.

    A value that does not fit is read as `Damaged`, so that one damaged row does not hide a list of
    others. `dashboard.store.rows.value_of` raises the error.

    Args:
        kind: Type of the values.
        stored: How the database stores them.
    """

    impl: Any = Text
    cache_ok = True

    def __init__(self, kind: Any, stored: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind
        self.impl = self.stored = stored

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The value as it is."""
        return value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """The checked value."""
        convert = self.stored.dialect_impl(dialect).result_processor(dialect, coltype)

        def read(value: Any) -> Any:
            if value is None:
                return None
            try:
                found = convert(value) if convert else value
            except (TypeError, ValueError):
                return Damaged("it is malformed")
            return check_value(self.kind, self.complete(found))

        return read

    def complete(self, value: Any) -> Any:
        """A value with what its database cannot store."""
        return value


class WholeNumber(Checked):
    """A whole number.

    Args:
        kind: Its range.
    """

    cache_ok = True

    def __init__(self, kind: Any = _Count) -> None:
        super().__init__(kind, Integer())


class Number(Checked):
    """A finite number.

    Args:
        kind: Its range.
    """

    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(kind, Double())


class YesNo(Checked):
    """Yes or no; SQLite stores 1 or 0."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(bool, Boolean())

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """The checked value: SQLAlchemy's own conversion takes everything for yes."""

        def read(value: Any) -> Any:
            if value is None or value in (0, 1):
                return value if value is None else bool(value)
            return Damaged("it must be true or false")

        return read


class Choice(Checked):
    """One of the texts of an enumeration.

    Args:
        kind: The enumeration.
    """

    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(kind, String(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text."""
        return None if value is None else str(value)


class UtcDateTime(Checked):
    """An aware time in UTC; SQLite has no time zones and stores it without one."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(_Time, DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone, bring others to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times in the database must have a zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def complete(self, value: Any) -> Any:
        """Add the time zone that SQLite left out."""
        if isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value


class PlainText(Checked):
    """Text from anywhere: without the NUL that some DICOM tags hold and PostgreSQL refuses.

    Args:
        longest: Largest number of characters; None for any.
    """

    cache_ok = True

    def __init__(self, longest: int | None = None) -> None:
        super().__init__(_Text, Text() if longest is None else String(longest))
        self.longest = longest

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Remove NULs."""
        return None if value is None else value.replace("\0", "")


class StoredJson(TypeDecorator[Any]):
    """A JSON column of a type of `dashboard.store.stored_json`.

    A value that does not fit is read as `Damaged`, as by `Checked`.

    Args:
        kind: The type.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The value as JSON holds it."""
        return None if value is None else dump_json(self.kind, value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The checked value; engines leave the text as it is (`keep_json_text`)."""
        return None if value is None else load_json(self.kind, value)


def keep_json_text(text: str | bytes) -> str | bytes:
    """An engine's ``json_deserializer``: columns of JSON are decoded and checked in one step."""
    return text


class Base(DeclarativeBase):
    """Base of all tables."""


class StudyRecord(Base):
    """A study in the worklist; its pixels are in the workspace, in the folder `study_id`."""

    __tablename__ = "studies"

    study_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    case_id: Mapped[str] = mapped_column(PlainText, index=True)
    identity: Mapped[str] = mapped_column(PlainText(64), unique=True)
    content_digest: Mapped[str] = mapped_column(PlainText(64), index=True)
    data_digest: Mapped[str] = mapped_column(PlainText(64))
    patient: Mapped[str] = mapped_column(PlainText)
    study_date: Mapped[str] = mapped_column(PlainText)
    description: Mapped[str] = mapped_column(PlainText)
    synthetic: Mapped[bool] = mapped_column(YesNo)
    origin: Mapped[Origin] = mapped_column(Choice(Origin), index=True)
    source: Mapped[str] = mapped_column(PlainText)
    sequences: Mapped[tuple[str, ...]] = mapped_column(StoredJson(Sequences))
    indices: Mapped[tuple[int, ...]] = mapped_column(StoredJson(Indices))
    height: Mapped[int] = mapped_column(WholeNumber(_Length))
    width: Mapped[int] = mapped_column(WholeNumber(_Length))
    has_reference: Mapped[bool] = mapped_column(YesNo)
    warnings: Mapped[tuple[str, ...]] = mapped_column(StoredJson(Warnings))
    display: Mapped[Display] = mapped_column(StoredJson(Display))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Who uploaded it; "" for other origins and for uploads of earlier versions.
    reader_id: Mapped[str] = mapped_column(PlainText(64), default="")
    #: None in the worklist. A deleted study keeps its files and readers' work until it is purged.
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    deleted_by: Mapped[str] = mapped_column(PlainText, default="")
    files_digest: Mapped[str] = mapped_column(PlainText(64), default="")


class StudyEntriesRecord(Base):
    """What readers entered for a study beside its files.

    ``reference`` is the attached mask, encoded by `dashboard.masks.encoding`, or None.
    ``stated_digest`` is the study's content as its files state it, without an entered spacing.
    """

    __tablename__ = "study_entries"

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(WholeNumber)
    stated_digest: Mapped[str] = mapped_column(PlainText(64))
    label: Mapped[str] = mapped_column(PlainText)
    entries: Mapped[Entries] = mapped_column(StoredJson(Entries))
    reference: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PatientRecord(Base):
    """Who a study's patient is, as its files state it; only studies that state an id have a row."""

    __tablename__ = "patients"

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    patient_id: Mapped[str] = mapped_column(PlainText, index=True)
    issuer: Mapped[str] = mapped_column(PlainText)
    name: Mapped[str] = mapped_column(PlainText)
    sex: Mapped[str] = mapped_column(PlainText(1))
    birth_date: Mapped[str] = mapped_column(PlainText(10))


class PatientLinkRecord(Base):
    """Whether a reader says that two studies are of one patient, whatever their files state.

    ``study_a`` is the smaller id of the two.
    """

    __tablename__ = "patient_links"

    study_a: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    study_b: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True, index=True
    )
    is_same: Mapped[bool] = mapped_column(YesNo)
    reader_id: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(PlainText)
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class JobRecord(Base):
    """One task on one content by one model; see `dashboard.jobs.table`."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("content_digest", "model_digest", "precision"),
        Index("jobs_by_state", "state", "priority", "queued_at"),
    )

    job_id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(PlainText(32))
    content_digest: Mapped[str] = mapped_column(PlainText(64))
    model_digest: Mapped[str] = mapped_column(PlainText(64))
    precision: Mapped[str] = mapped_column(PlainText(8))
    state: Mapped[JobState] = mapped_column(Choice(JobState))
    done: Mapped[int] = mapped_column(WholeNumber, default=0)
    total: Mapped[int] = mapped_column(WholeNumber, default=0)
    message: Mapped[str] = mapped_column(PlainText, default="")
    error: Mapped[str] = mapped_column(PlainText, default="")
    priority: Mapped[int] = mapped_column(WholeNumber(_Number), default=0)
    attempts: Mapped[int] = mapped_column(WholeNumber, default=0)
    cancel_requested: Mapped[bool] = mapped_column(YesNo, default=False)
    owner: Mapped[str] = mapped_column(PlainText(64), default="")
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class RegistrationRecord(Base):
    """How a prior study lies on another one; see `dashboard.store.registrations`."""

    __tablename__ = "registrations"

    fixed_digest: Mapped[str] = mapped_column(PlainText(64), primary_key=True)
    moving_digest: Mapped[str] = mapped_column(PlainText(64), primary_key=True)
    version: Mapped[str] = mapped_column(PlainText(8), primary_key=True)
    found: Mapped[FoundRegistration] = mapped_column(StoredJson(FoundRegistration))
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ResultRecord(Base):
    """What the worklist shows of a job's result; the result itself is in the result cache."""

    __tablename__ = "results"

    job_id: Mapped[int] = mapped_column(
        ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True
    )
    highest_score: Mapped[float] = mapped_column(Number(_Score))
    volume_ml: Mapped[float | None] = mapped_column(Number(_Volume))
    #: A renamed column would break workers of the older version during an upgrade.
    positive_slices: Mapped[int] = mapped_column("called_slices", WholeNumber)
    mask_slices: Mapped[int] = mapped_column(WholeNumber)
    engine: Mapped[str] = mapped_column(PlainText)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: None in results of earlier versions, and of workers of these during an upgrade.
    conflicts: Mapped[int | None] = mapped_column(WholeNumber)
    expected_dice: Mapped[float | None] = mapped_column(Number(_Score))
    cautions: Mapped[int | None] = mapped_column(WholeNumber)
    unfit: Mapped[str | None] = mapped_column(PlainText)
    #: None in results of earlier versions, and where the network states no range of the volume.
    low_ml: Mapped[float | None] = mapped_column(Number(_Volume))
    high_ml: Mapped[float | None] = mapped_column(Number(_Volume))


class SourceRecord(Base):
    """An entry of the library or demo folder, as it was when last read."""

    __tablename__ = "sources"

    origin: Mapped[Origin] = mapped_column(Choice(Origin), primary_key=True)
    name: Mapped[str] = mapped_column(PlainText, primary_key=True)
    state: Mapped[str] = mapped_column(PlainText(64))
    errors: Mapped[tuple[tuple[str, str], ...]] = mapped_column(StoredJson(Errors))
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReaderRecord(Base):
    """A reader: name, keys, and whether they took the tour."""

    __tablename__ = "readers"

    reader_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(PlainText, default="")
    settings: Mapped[ReaderSettings] = mapped_column(StoredJson(ReaderSettings))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MaskVersionRecord(Base):
    """A corrected mask that was saved; never changed again.

    Both masks are encoded by `dashboard.masks.encoding`: the whole corrected mask, and the AI mask
    that the correction started from, or None.
    """

    __tablename__ = "mask_versions"
    __table_args__ = (UniqueConstraint("study_id", "number"),)

    version_id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), index=True
    )
    number: Mapped[int] = mapped_column(WholeNumber)
    reader_id: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(PlainText)
    based_on: Mapped[MaskBase] = mapped_column(StoredJson(MaskBase))
    facts: Mapped[MaskFacts] = mapped_column(StoredJson(MaskFacts))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    ai_content: Mapped[bytes | None] = mapped_column(LargeBinary)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Of both masks (`dashboard.store.corrections.digest_masks`): SQLite has no checksums.
    digest: Mapped[str] = mapped_column(PlainText(64), default="")


class MaskDraftRecord(Base):
    """What a reader has corrected and not yet saved as a version.

    It holds only the edited slices. The AI mask that they started from is stored with them, so that
    a draft outlives its result. ``writer`` and ``step`` name the window that wrote it and count its
    writes: a window never conflicts with itself, and a late request changes nothing.
    """

    __tablename__ = "mask_drafts"

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    reader_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int] = mapped_column(WholeNumber)
    writer: Mapped[str] = mapped_column(PlainText(64))
    step: Mapped[int] = mapped_column(WholeNumber)
    based_on: Mapped[MaskBase] = mapped_column(StoredJson(MaskBase))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    ai_content: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(PlainText(64), default="")


class MeasurementRecord(Base):
    """All measurements of a reader on a study: one document with a revision."""

    __tablename__ = "measurements"

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    reader_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int] = mapped_column(WholeNumber)
    content: Mapped[Measurements] = mapped_column(StoredJson(Measurements))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReadingRecord(Base):
    """The reading of a study: its state, what readers have recorded, and who has it.

    A study that no reader has opened has no row. ``claimed_by`` is the reader who has the study and
    ``claimed_until`` when that ends without a further request.
    """

    __tablename__ = "readings"

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[StudyState] = mapped_column(Choice(StudyState), index=True)
    priority: Mapped[int] = mapped_column(WholeNumber, default=0)
    #: None in readings of earlier versions.
    tags: Mapped[tuple[str, ...] | None] = mapped_column(StoredJson(Tags), default=())
    revision: Mapped[int] = mapped_column(WholeNumber, default=0)
    content: Mapped[Reading] = mapped_column(StoredJson(Reading))
    claimed_by: Mapped[str] = mapped_column(String(64), default="")
    claimed_author: Mapped[str] = mapped_column(PlainText, default="")
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None, index=True)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_author: Mapped[str] = mapped_column(PlainText, default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AmendmentRecord(Base):
    """What a reader's amendment of a signed study started from, until it is signed or discarded.

    ``number`` is the signed record that it amends. ``reference`` is the attached mask, ``draft``
    and ``draft_ai`` are the masks of the reader's draft, None where there was none.
    """

    __tablename__ = "amendments"

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    reader_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(WholeNumber)
    reading: Mapped[Reading] = mapped_column(StoredJson(Reading))
    entries: Mapped[Entries] = mapped_column(StoredJson(Entries))
    reference: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    measurements: Mapped[Measurements] = mapped_column(StoredJson(Measurements))
    draft_base: Mapped[MaskBase] = mapped_column(StoredJson(MaskBase))
    draft: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    draft_ai: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OpeningRecord(Base):
    """A reader who has a study open, or had: since when, and for how long in all."""

    __tablename__ = "openings"

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    reader_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    author: Mapped[str] = mapped_column(PlainText)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    open_s: Mapped[float] = mapped_column(Number(_Volume), default=0.0)
    is_open: Mapped[bool] = mapped_column(YesNo, default=True)


class SignedRecord(Base):
    """A signed record; never changed and never deleted, so its study cannot be deleted either.

    ``digest`` is the SHA-256 of content and masks (`dashboard.decisions.signing`). ``token`` is the
    name of the request, so that one that is sent again signs nothing twice.
    """

    __tablename__ = "signed_records"
    __table_args__ = (UniqueConstraint("study_id", "number"), UniqueConstraint("study_id", "token"))

    record_id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="RESTRICT"), index=True
    )
    number: Mapped[int] = mapped_column(WholeNumber)
    reader_id: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(PlainText)
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[SignedContent] = mapped_column(StoredJson(SignedContent))
    mask: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    ai_mask: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    digest: Mapped[str] = mapped_column(PlainText(64))
    token: Mapped[str] = mapped_column(PlainText(64))


class SignedFileRecord(Base):
    """A file that was made of a signed record and is stored with it; never changed, never deleted.

    ``kind`` is one of `dashboard.store.signed_files`, ``digest`` the SHA-256 of its bytes.
    """

    __tablename__ = "signed_files"
    __table_args__ = (UniqueConstraint("record_id", "kind"),)

    file_id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(
        ForeignKey("signed_records.record_id", ondelete="RESTRICT")
    )
    kind: Mapped[str] = mapped_column(String(32))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(PlainText(64))
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EventRecord(Base):
    """A line of a study's history. The database refuses to change or delete one."""

    __tablename__ = "history"
    __table_args__ = (Index("history_by_study", "study_id", "event_id"),)

    event_id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reader_id: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(PlainText)
    event: Mapped[Event] = mapped_column(Choice(Event))
    details: Mapped[EventDetails] = mapped_column(StoredJson(EventDetails))


#: Columns of the worklist's lines to sort by, apart from the time of arrival.
SORTED_LINES = (
    "need",
    "patient",
    "study_date",
    "sequences",
    "slices",
    "origin",
    "place",
    "volume_ml",
    "expected_dice",
    "conflicts",
    "cautions",
    "reader",
)


class WorklistLine(Base):
    """What the worklist searches, filters and sorts of a study: one line for each listed study.

    Written only by `dashboard.store.worklist_lines`, in the transaction that changes the study.
    ``model`` names the models whose analysis it describes, and the version of what a line holds; a
    line of others is written again. ``volume_ml`` of a signed study is what was signed.
    ``revision`` increases with each change. ``place`` is the state's place in `StudyState`. Each
    column that is sorted by has an index with the two that decide between equal values.
    """

    __tablename__ = "worklist_lines"
    __table_args__ = (
        *(Index(f"worklist_by_{name}", name, "added_at", "study_id") for name in SORTED_LINES),
        Index("worklist_by_added_at", "added_at", "study_id"),
        Index("worklist_by_state", "place", "signed_at", "reader_id"),
        Index("worklist_by_job", "origin", "job_state"),
    )

    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True
    )
    model: Mapped[str] = mapped_column(PlainText(80), index=True)
    revision: Mapped[int] = mapped_column(WholeNumber, index=True)
    need: Mapped[int] = mapped_column(WholeNumber(_Number))
    reasons: Mapped[str] = mapped_column(PlainText)
    state: Mapped[StudyState] = mapped_column(Choice(StudyState))
    place: Mapped[int] = mapped_column(WholeNumber)
    job_state: Mapped[str] = mapped_column(PlainText(16))
    priority: Mapped[int] = mapped_column(WholeNumber)
    origin: Mapped[Origin] = mapped_column(Choice(Origin))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reader_id: Mapped[str] = mapped_column(PlainText(64))
    reader: Mapped[str] = mapped_column(PlainText)
    patient: Mapped[str] = mapped_column(PlainText)
    study_date: Mapped[str] = mapped_column(PlainText)
    sequences: Mapped[str] = mapped_column(PlainText)
    slices: Mapped[int] = mapped_column(WholeNumber)
    volume_ml: Mapped[float | None] = mapped_column(Number(_Volume))
    expected_dice: Mapped[float | None] = mapped_column(Number(_Score))
    conflicts: Mapped[int | None] = mapped_column(WholeNumber)
    cautions: Mapped[int | None] = mapped_column(WholeNumber)
    notes: Mapped[str] = mapped_column(PlainText)
    tags: Mapped[str] = mapped_column(PlainText)
    search: Mapped[str] = mapped_column(PlainText)
