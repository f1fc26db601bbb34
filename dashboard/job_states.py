"""Which states a job may go to from which, and what changes with it in its row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dashboard.store import JobRow, JobState
from dashboard.store.schema import JobRecord

LEGAL: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    ),
    JobState.DONE: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}


class IllegalTransition(ValueError):
    """A job was to go from one state to another that it cannot reach."""


def queue_again(job: JobRecord, priority: int, now: datetime) -> None:
    """An ended job to the queue, as if it were new."""
    move(job, JobState.QUEUED)
    job.priority = priority
    job.attempts = 0
    job.done = 0
    job.message = job.error = ""
    job.queued_at = now
    job.started_at = job.finished_at = None


def release(job: JobRecord, now: datetime) -> None:
    """Take the lease away: to the queue, or to the end where the job was asked to stop."""
    if job.cancel_requested:
        end(job, JobState.CANCELLED, now)
        return
    move(job, JobState.QUEUED)
    job.owner = ""
    job.lease_until = job.started_at = None
    job.done = 0
    job.message = ""


def end(job: JobRecord, state: JobState, now: datetime) -> None:
    """A job to one of its ends; nobody holds it any more."""
    move(job, state)
    job.owner = job.message = ""
    job.lease_until = None
    job.cancel_requested = False
    job.finished_at = now


def move(job: JobRecord, state: JobState) -> None:
    """Change a job's state.

    Raises:
        IllegalTransition: It cannot go there from where it is.
    """
    before = JobState(job.state)
    if state not in LEGAL[before]:
        raise IllegalTransition(f"a job that is {before} cannot become {state}")
    job.state = state.value


def job_row(job: JobRecord) -> JobRow:
    """The record as the store hands it out."""
    return JobRow(
        job_id=job.job_id,
        content_digest=job.content_digest,
        model_digest=job.model_digest,
        precision=job.precision,
        state=JobState(job.state),
        done=job.done,
        total=job.total,
        message=job.message,
        error=job.error,
        priority=job.priority,
        attempts=job.attempts,
        cancel_requested=job.cancel_requested,
        owner=job.owner,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        lease_until=job.lease_until,
    )
