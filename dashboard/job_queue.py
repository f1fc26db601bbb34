"""Jobs that wait for a worker: which they are, and how those of lost workers get back there."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select

from dashboard.job_states import end, release
from dashboard.store import JobState, ModelKey, Store
from dashboard.store.schema import JobRecord

MAX_ATTEMPTS = 3

_GIVEN_UP = (
    "The analysis stopped unexpectedly three times and was given up. Start it again; if it stops"
    " again, the study may be too large for this machine."
)


def release_expired(store: Store) -> int:
    """Offer jobs again whose lease ran out. Returns how many there were."""
    expired = select(JobRecord).where(
        JobRecord.state == JobState.RUNNING, JobRecord.lease_until < store.clock()
    )
    with store.reading() as session:
        if session.scalar(expired.limit(1)) is None:
            return 0
    with store.writing() as session:
        jobs = session.scalars(expired.with_for_update(skip_locked=True)).all()
        for job in jobs:
            if job.attempts >= MAX_ATTEMPTS and not job.cancel_requested:
                end(job, JobState.FAILED, store.clock())
                job.error = _GIVEN_UP
            else:
                release(job, store.clock())
    for _ in jobs:
        store.on_queued()
    return len(jobs)


def count_waiting(store: Store) -> int:
    """How many jobs wait for the present models."""
    if store.model is None:
        return 0
    with store.reading() as session:
        query = select(func.count()).select_from(JobRecord).where(*waiting_jobs(store.model))
        return session.scalar(query) or 0


def waiting_jobs(model: ModelKey) -> tuple[ColumnElement[bool], ...]:
    """What tells the jobs that wait for some models."""
    return (
        JobRecord.state == JobState.QUEUED,
        JobRecord.model_digest == model.digest,
        JobRecord.precision == model.precision,
    )
