"""Frozen rows that the store returns: what pages and workers see of the database."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import Field
from sqlalchemy import inspect

from dashboard.store.stored_json import Damaged, Display, Entries
from pipeline import InputError

_LOG = logging.getLogger(__name__)
_Record = TypeVar("_Record")
_Row = TypeVar("_Row")

#: A study's opaque id, as in addresses.
STUDY_ID = re.compile(r"[0-9a-f]{16}")
StudyId = Annotated[str, Field(pattern=rf"^{STUDY_ID.pattern}$", title="study")]


class Origin(StrEnum):
    """Where a study came from."""

    UPLOAD = "upload"
    LIBRARY = "library"
    DEMO = "demo"


class JobState(StrEnum):
    """State of an analysis."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ModelKey:
    """The installed models: the key of jobs and results.

    Attributes:
        task: Such as ``brain-tumor``.
        digest: Of everything that decides a result except the pixels.
        precision: ``f32``, ``bf16`` or ``int8``.
    """

    task: str
    digest: str
    precision: str = "f32"


@dataclass(frozen=True, eq=False)
class NewStudy:
    """A study to be added to the worklist.

    Attributes:
        study_id: 16 hexadecimal digits, opaque.
        case_id: The case's name.
        identity: Digest of pixels, masks, name and labels, the same for the same study.
        content_digest: `Case.content_digest()`.
        data_digest: Digest in the addresses of the study's pixels.
        patient, study_date, description: For display, "" where unknown.
        synthetic: Whether it is not of a real patient.
        origin: Where it came from.
        source: Entry of the library or demo folder that it was read from, "" for uploads.
        sequences: Sequence of each channel.
        indices: Number of each slice, counted from 1.
        height, width: Of a slice, in pixels.
        has_reference: Whether there are reference masks.
        warnings: Plain sentences about the study.
        display: How its pixels are sent and shown.
        reader_id: Who uploaded it, "" where unknown.
        files_digest: Digest of its files (`pipeline.digest_case_files`), "" for those that an
            earlier version stored until `dashboard.prepare` has read them.
    """

    study_id: str
    case_id: str
    identity: str
    content_digest: str
    data_digest: str
    patient: str
    study_date: str
    description: str
    synthetic: bool
    origin: Origin
    source: str
    sequences: tuple[str, ...]
    indices: tuple[int, ...]
    height: int
    width: int
    has_reference: bool
    warnings: tuple[str, ...]
    display: Display
    reader_id: str
    files_digest: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class DeletedStudy:
    """A deleted study that can still be restored.

    Attributes:
        study_id: Its id.
        name: What it is called on screen.
        reader_id: Who uploaded it, "" where unknown.
        deleted_at: UTC.
        deleted_by: Name of who deleted it, the server's if its files left the library.
    """

    study_id: str
    name: str
    reader_id: str
    deleted_at: datetime
    deleted_by: str


@dataclass(frozen=True)
class ResultClaims:
    """What the worklist says of how far a result can be relied on.

    Attributes:
        conflicts: Slices on which classifier and segmentation disagree.
        expected_dice: Expected Dice in [0, 1]; None where nothing is to be expected.
        cautions: How many cautions the result has.
        unfit: Why no volume is shown, or "".
        low_ml, high_ml: Range of the volume; None where the network states none.
    """

    conflicts: int
    expected_dice: float | None
    cautions: int
    unfit: str
    low_ml: float | None = None
    high_ml: float | None = None


@dataclass(frozen=True, eq=False)
class StudyRow(NewStudy):
    """A study in the worklist, with its analysis by the installed models.

    Attributes:
        added_at: UTC.
        start_channel: Channel that is shown first.
        thumbnail_url: Picture of the middle slice; ``?slice=k`` (from 0) for another.
        job_id: The analysis, or None where none was requested.
        job_state: Its state, or None.
        job_done, job_total, job_message: Its progress.
        job_error: Why it failed, in one sentence, or "".
        volume_ml: Volume of the mask, None before the analysis or without spacing.
        positive_slices: Slices at or above the operating point, None before the analysis.
        mask_slices: Slices with a mask, None before the analysis.
        claims: What may be claimed of the result; None before the analysis, and for results of
            earlier versions until a worker has read them again.
        label: What a reader called the study on screen, or "".
        entries: What readers entered beside its files. Where there is a spacing or a reference
            among it, digests, warnings and `has_reference` are those of the study with it.
        entries_revision: Increases with each change of label and entries; 0 before the first.
    """

    added_at: datetime
    job_id: int | None = None
    job_state: JobState | None = None
    job_done: int = 0
    job_total: int = 0
    job_message: str = ""
    job_error: str = ""
    volume_ml: float | None = None
    positive_slices: int | None = None
    mask_slices: int | None = None
    claims: ResultClaims | None = None
    label: str = ""
    entries: Entries = field(default_factory=Entries)
    entries_revision: int = 0

    @property
    def name(self) -> str:
        """What the study is called on screen."""
        return self.label or self.original_name

    @property
    def original_name(self) -> str:
        """What the study is called after its files."""
        return self.patient or self.case_id

    @property
    def slices(self) -> int:
        """Number of slices."""
        return len(self.indices)

    @property
    def start_channel(self) -> int:
        """Channel that is shown first: FLAIR where there is one."""
        return self.display.start_channel

    @property
    def thumbnail_url(self) -> str:
        """Address of the middle slice's picture."""
        return f"/data/{self.study_id}/{self.data_digest}/thumbnail/{self.start_channel}.png"


@dataclass(frozen=True)
class StudyCounts:
    """How many studies the worklist's tabs show.

    Attributes:
        total: All.
        origins: By origin.
        states: By state of the analysis; "" for studies without one.
    """

    total: int
    origins: Mapping[Origin, int] = field(default_factory=dict)
    states: Mapping[JobState | str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class JobRow:
    """One task on one content by one model.

    Attributes:
        job_id: Its number.
        task: The analysis of a study, or that of a single image.
        content_digest, model_digest, precision: Of the content and of the model.
        state: Such as queued.
        done, total, message: Progress.
        error: Why it failed, in one sentence, or "".
        priority: Jobs of a higher one run first.
        attempts: How often a worker started it.
        cancel_requested: Whether a running job was asked to stop.
        owner: Worker with the lease, or "".
        created_at, started_at, finished_at, lease_until: UTC.
    """

    job_id: int
    task: str
    content_digest: str
    model_digest: str
    precision: str
    state: JobState
    done: int
    total: int
    message: str
    error: str
    priority: int
    attempts: int
    cancel_requested: bool
    owner: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    lease_until: datetime | None

    @property
    def finished(self) -> bool:
        """Whether it has ended and runs only if submitted again."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class ResultSummary:
    """What the worklist shows of a result.

    Attributes:
        highest_score: Highest slice score in [0, 1].
        volume_ml: Volume of the mask, None without spacing.
        positive_slices: Slices at or above the operating point.
        mask_slices: Slices with a mask.
        engine: Runtime that computed it.
        conflicts, expected_dice, cautions, unfit, low_ml, high_ml: As of `ResultClaims`.
    """

    highest_score: float
    volume_ml: float | None
    positive_slices: int
    mask_slices: int
    engine: str = ""
    conflicts: int | None = None
    expected_dice: float | None = None
    cautions: int | None = None
    unfit: str | None = None
    low_ml: float | None = None
    high_ml: float | None = None


class DamagedRow(InputError):
    """A row of the database holds something that does not fit; the message is one sentence."""


def columns_of(record: object, kind: type[Any]) -> dict[str, Any]:
    """Values of a record for the fields of the same names of a row.

    Args:
        record: A row of the database, see `dashboard.store.schema`.
        kind: Dataclass of the row; fields that the record lacks are left out.

    Raises:
        DamagedRow: A value does not fit its column's type.
    """
    names = (field.name for field in fields(kind))
    return {name: value_of(record, name) for name in names if hasattr(record, name)}


def value_of(record: object, name: str) -> Any:
    """A value of a record.

    Raises:
        DamagedRow: It does not fit its column's type.
    """
    value = getattr(record, name)
    if isinstance(value, Damaged):
        raise damage_of(record, name, value.reason)
    return value


def damage_of(record: object, name: str, reason: str) -> DamagedRow:
    """The error on a damaged value of a record."""
    state: Any = inspect(record)
    key = ", ".join(map(str, state.identity or ()))
    place = f"{state.mapper.local_table.name}.{name}"
    return DamagedRow(place, describe_damage(place, key, reason))


def describe_damage(place: str, key: str, reason: str) -> str:
    """The sentence on a damaged row."""
    return f"The review database is damaged at {place} of {key} ({reason}); restore a backup."


def readable(records: Iterable[_Record], read: Callable[[_Record], _Row]) -> Iterator[_Row]:
    """The rows of a list; a damaged one is left out and logged, so that the others are shown."""
    for record in records:
        try:
            yield read(record)
        except DamagedRow as error:
            _LOG.warning("%s", error.message)
