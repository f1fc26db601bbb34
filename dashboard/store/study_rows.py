"""Reads a study with its analysis and entries as one row."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, select

from dashboard.store.rows import (
    DamagedRow,
    JobState,
    ModelKey,
    ResultClaims,
    StudyRow,
    columns_of,
    describe_damage,
    value_of,
)
from dashboard.store.schema import JobRecord, ResultRecord, StudyEntriesRecord, StudyRecord
from dashboard.store.stored_json import Entries

StudyQuery = Select[StudyRecord, JobRecord, ResultRecord, StudyEntriesRecord]
#: Studies that are not deleted.
LISTED = StudyRecord.deleted_at.is_(None)
_NO_MODEL = ModelKey(task="", digest="")


def is_analysis(model: ModelKey | None) -> ColumnElement[bool]:
    """Whether a job is the analysis of a study by some models."""
    known = model or _NO_MODEL
    return and_(
        JobRecord.content_digest == StudyRecord.content_digest,
        JobRecord.model_digest == known.digest,
        JobRecord.precision == known.precision,
    )


def select_studies(model: ModelKey | None) -> StudyQuery:
    """All listed studies, each with its analysis by some models, its result and its entries."""
    entered = StudyEntriesRecord.study_id == StudyRecord.study_id
    return (
        select(StudyRecord, JobRecord, ResultRecord, StudyEntriesRecord)
        .join(JobRecord, is_analysis(model), isouter=True)
        .join(ResultRecord, ResultRecord.job_id == JobRecord.job_id, isouter=True)
        .join(StudyEntriesRecord, entered, isouter=True)
        .where(LISTED)
    )


def study_row(
    study: StudyRecord,
    job: JobRecord | None,
    result: ResultRecord | None,
    entered: StudyEntriesRecord | None,
) -> StudyRow:
    """The row of a study.

    Raises:
        DamagedRow: Something of it does not fit.
    """
    state = value_of(job, "state") if job else None
    shown = result if state is JobState.DONE else None
    columns = columns_of(study, StudyRow)
    if len(study.sequences) != len(study.display.windows):
        place, reason = "studies.display", "there is not one window for each sequence"
        raise DamagedRow(place, describe_damage(place, study.study_id, reason))
    return StudyRow(
        **columns,
        job_id=job.job_id if job else None,
        job_state=state,
        job_done=value_of(job, "done") if job else 0,
        job_total=value_of(job, "total") if job else 0,
        job_message=value_of(job, "message") if job else "",
        job_error=value_of(job, "error") if job else "",
        volume_ml=value_of(shown, "volume_ml") if shown else None,
        positive_slices=value_of(shown, "positive_slices") if shown else None,
        mask_slices=value_of(shown, "mask_slices") if shown else None,
        claims=_claims(shown) if shown else None,
        label=value_of(entered, "label") if entered else "",
        entries=value_of(entered, "entries") if entered else Entries(),
        entries_revision=value_of(entered, "revision") if entered else 0,
    )


def _claims(result: ResultRecord) -> ResultClaims | None:
    conflicts, cautions = value_of(result, "conflicts"), value_of(result, "cautions")
    unfit = value_of(result, "unfit")
    if conflicts is None or cautions is None or unfit is None:
        return None
    range_ml = value_of(result, "low_ml"), value_of(result, "high_ml")
    return ResultClaims(conflicts, value_of(result, "expected_dice"), cautions, unfit, *range_ml)
