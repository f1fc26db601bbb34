"""The jobs table: which work was asked for, where it stands, and who holds it.

One row per content, models and precision. A worker that claims a row holds a lease and renews it;
a lease that runs out offers the job again. Whoever asked for the job may disappear at any time:
nothing here depends on a browser, a callback or a message.

    queued -> running -> done | failed | cancelled
    queued -> cancelled;  running -> queued (given back, or its worker was lost)
    failed, cancelled -> queued (asked for again);  done -> queued (its result was lost)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.store import JobRow, JobState, ModelKey, ResultSummary, Store
from dashboard.store.schema import JobRecord, ResultRecord, StudyRecord
from pipeline import InputError

#: Priorities: what a reader has opened goes before what has merely arrived.
PRIORITY_ARRIVED = 0
PRIORITY_OPENED = 10
#: How often a job's worker may be lost before the job is given up.
MAX_ATTEMPTS = 3
#: How often a row is inserted anew where another process inserts the same one.
_INSERTS = 3

_GIVEN_UP = (
    "The analysis stopped unexpectedly three times and was given up. Start it again; if it stops"
    " again, the study may be too large for this machine."
)

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


class LeaseLost(Exception):
    """The worker no longer holds the job: it was taken over, ended or deleted."""


def submit(
    store: Store, study_id: str, *, priority: int = PRIORITY_ARRIVED, result_lost: bool = False
) -> int:
    """Ask for a study's analysis by the present models.

    A job that is queued or running stays as it is, with the higher of both priorities; one that is
    done is not done again; one that failed or was cancelled is queued again.

    Args:
        store: The review database.
        study_id: The study.
        priority: `PRIORITY_OPENED` or `PRIORITY_ARRIVED`.
        result_lost: The job's result is no longer in the cache; compute it again.

    Returns:
        The job's number, for `state` and `cancel`.

    Raises:
        InputError: The study does not exist, or no models are installed.
    """
    if store.model is None:
        raise InputError("", store.no_model)
    for _ in range(_INSERTS):
        try:
            with store.writing() as session:
                job, queued = _submit(store, session, store.model, study_id, priority, result_lost)
                job_id = job.job_id
        except IntegrityError:  # somebody else inserted the same row in the meantime
            continue
        if queued:
            store.on_queued()
        return job_id
    raise InputError("", "The database is busy; try again.")


def state(store: Store, job_id: int) -> JobRow | None:
    """Where a job stands, or None where it was deleted with its study."""
    row = _read(store, job_id)
    if row is not None and row.lease_until is not None and row.lease_until < store.clock():
        release_expired(store)
        row = _read(store, job_id)
    return row


def cancel(store: Store, job_id: int) -> JobRow | None:
    """Ask a job to stop: a queued one at once, a running one at its worker's next progress call."""
    with store.writing() as session:
        job = session.get(JobRecord, job_id, with_for_update=True)
        if job is None:
            return None
        if job.state == JobState.QUEUED:
            _end(job, JobState.CANCELLED, store.clock())
        elif job.state == JobState.RUNNING:
            job.cancel_requested = True
        return _row(job)


def claim(store: Store, owner: str, *, job_id: int | None = None) -> JobRow | None:
    """Take the next job for the present models, or None where nothing waits.

    Args:
        store: The review database.
        owner: Name of the worker, unique among all.
        job_id: Only this job.
    """
    if store.model is None:
        return None
    release_expired(store)
    query = (
        select(JobRecord)
        .where(*_waiting(store.model))
        .order_by(JobRecord.priority.desc(), JobRecord.queued_at, JobRecord.job_id)
        .limit(1)
    )
    if job_id is not None:
        query = query.where(JobRecord.job_id == job_id)
    with store.reading() as session:  # most looks find nothing: do not take the lock for them
        if session.scalar(query) is None:
            return None
    with store.writing() as session:
        job = session.scalar(query.with_for_update(skip_locked=True))
        if job is None:
            return None
        move(job, JobState.RUNNING)
        job.owner = owner
        job.attempts += 1
        job.started_at = store.clock()
        job.lease_until = store.clock() + store.lease
        return _row(job)


def renew(
    store: Store, job_id: int, owner: str, *, progress: tuple[int, int, str] | None = None
) -> bool:
    """Renew the lease, and record progress (done, total, message) where it is given.

    Returns:
        Whether the job was asked to stop.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        if progress is not None:
            job.done, job.total, job.message = progress
        job.lease_until = store.clock() + store.lease
        return job.cancel_requested


def end(
    store: Store,
    job_id: int,
    owner: str,
    outcome: JobState,
    *,
    error: str = "",
    summary: ResultSummary | None = None,
) -> None:
    """End a job that the worker holds.

    Args:
        store: The review database.
        job_id: The job.
        owner: The worker.
        outcome: Done, failed, cancelled, or queued: given back, which does not count as an attempt.
        error: Why it failed, in one plain sentence.
        summary: What the worklist shows of the result.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        if outcome is JobState.QUEUED:
            job.attempts -= 1
            _release(job, store.clock())
        else:
            _end(job, outcome, store.clock())
        job.error = error
        if outcome is JobState.DONE:
            job.done = job.total
        if summary is not None:
            session.merge(ResultRecord(job_id=job_id, stored_at=store.clock(), **vars(summary)))
    if outcome is JobState.QUEUED:
        store.on_queued()


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
                _end(job, JobState.FAILED, store.clock())
                job.error = _GIVEN_UP
            else:
                _release(job, store.clock())
    for _ in jobs:
        store.on_queued()
    return len(jobs)


def count_waiting(store: Store) -> int:
    """How many jobs wait for the present models."""
    if store.model is None:
        return 0
    with store.reading() as session:
        query = select(func.count()).select_from(JobRecord).where(*_waiting(store.model))
        return session.scalar(query) or 0


def move(job: JobRecord, target: JobState) -> None:
    """Change a job's state.

    Raises:
        IllegalTransition: It cannot go there from where it is.
    """
    before = JobState(job.state)
    if target not in LEGAL[before]:
        raise IllegalTransition(f"a job that is {before} cannot become {target}")
    job.state = target.value


def _submit(
    store: Store,
    session: Session,
    model: ModelKey,
    study_id: str,
    priority: int,
    result_lost: bool,
) -> tuple[JobRecord, bool]:
    """As `submit`; returns the job and whether it was put into the queue."""
    # held, so that its job is not made while another process deletes it
    study = session.get(StudyRecord, study_id, with_for_update={"read": True})
    if study is None:
        raise InputError("", "There is no such study; it may have been deleted.")
    known = select(JobRecord).where(
        JobRecord.content_digest == study.content_digest,
        JobRecord.model_digest == model.digest,
        JobRecord.precision == model.precision,
    )
    job = session.scalar(known.with_for_update())
    if job is None:
        job = JobRecord(
            content_digest=study.content_digest,
            model_digest=model.digest,
            precision=model.precision,
            state=JobState.QUEUED.value,
            priority=priority,
            total=len(study.indices),
            created_at=store.clock(),
            queued_at=store.clock(),
        )
        session.add(job)
        session.flush()
        return job, True
    if job.state in (JobState.QUEUED, JobState.RUNNING):
        job.priority = max(job.priority, priority)
        return job, False
    if job.state == JobState.DONE and not result_lost:
        return job, False
    _enqueue(job)
    job.priority, job.attempts, job.queued_at = priority, 0, store.clock()
    return job, True


def _enqueue(job: JobRecord) -> None:
    """A job to the queue, as if nobody had begun it."""
    move(job, JobState.QUEUED)
    job.owner = job.message = job.error = ""
    job.done = 0
    job.lease_until = job.started_at = job.finished_at = None


def _release(job: JobRecord, now: datetime) -> None:
    """Take the lease away: to the queue, or to the end where the job was asked to stop."""
    if job.cancel_requested:
        _end(job, JobState.CANCELLED, now)
    else:
        _enqueue(job)


def _end(job: JobRecord, outcome: JobState, now: datetime) -> None:
    """A job to one of its ends; nobody holds it any more."""
    move(job, outcome)
    job.owner = job.message = ""
    job.lease_until = None
    job.cancel_requested = False
    job.finished_at = now


def _waiting(model: ModelKey) -> tuple[ColumnElement[bool], ...]:
    """Conditions of the jobs that wait for some models."""
    return (
        JobRecord.state == JobState.QUEUED,
        JobRecord.model_digest == model.digest,
        JobRecord.precision == model.precision,
    )


def _held(session: Session, job_id: int, owner: str) -> JobRecord:
    job = session.get(JobRecord, job_id, with_for_update=True)
    if job is None or job.state != JobState.RUNNING or job.owner != owner:
        raise LeaseLost(f"job {job_id} is no longer held by {owner}")
    return job


def _read(store: Store, job_id: int) -> JobRow | None:
    with store.reading() as session:
        job = session.get(JobRecord, job_id)
        return _row(job) if job else None


def _row(job: JobRecord) -> JobRow:
    """The record as the store hands it out."""
    values = {field.name: getattr(job, field.name) for field in fields(JobRow)}
    return JobRow(**values | {"state": JobState(job.state)})
