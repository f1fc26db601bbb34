"""The jobs table's state machine: the truth about every analysis.

One row per content, models and precision. A worker that claims a row holds a lease and renews it
with its heartbeat; a lease that runs out offers the job again. Whoever asked for the job may
disappear at any time: nothing here depends on a browser, a callback or a handle being alive.

    queued -> running -> done | failed | cancelled
    queued -> cancelled;  running -> queued (given back, or its worker was lost)
    failed, cancelled -> queued (asked for again);  done -> queued (its result was lost)
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.job_queue import MAX_ATTEMPTS, count_waiting, release_expired, waiting_jobs
from dashboard.job_states import end, job_row, move, queue_again, release
from dashboard.store import LEASE, JobRow, JobState, ModelKey, ResultSummary, Store
from dashboard.store.schema import JobRecord, ResultRecord, StudyRecord
from pipeline import InputError

#: Priorities: what a reader has opened goes before what has merely arrived.
PRIORITY_ARRIVED = 0
PRIORITY_OPENED = 10

HEARTBEAT_S = 3.0

__all__ = [
    "HEARTBEAT_S",
    "LEASE",
    "MAX_ATTEMPTS",
    "PRIORITY_ARRIVED",
    "PRIORITY_OPENED",
    "LeaseLost",
    "cancel",
    "claim",
    "count_waiting",
    "fail",
    "finish",
    "give_back",
    "heartbeat",
    "release_expired",
    "report",
    "state",
    "stop",
    "submit",
]


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
        InputError: There is no such study, or there are no models.
    """
    if store.model is None:
        raise InputError("", store.no_model)
    for _ in range(3):
        try:
            job_id, queued = _submit(store, store.model, study_id, priority, result_lost)
        except IntegrityError:  # somebody else inserted the same row in the meantime
            continue
        if queued:
            store.on_queued()
        return job_id
    raise InputError("", "The database is busy; try again.")


def state(store: Store, job_id: int) -> JobRow | None:
    """Where a job stands, or None where there is none of this number (deleted with its study)."""
    row = _read(store, job_id)
    if (
        row
        and row.state is JobState.RUNNING
        and row.lease_until
        and row.lease_until < store.clock()
    ):
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
            end(job, JobState.CANCELLED, store.clock())
        elif job.state == JobState.RUNNING:
            job.cancel_requested = True
        return job_row(job)


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
        .where(*waiting_jobs(store.model))
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
        return job_row(job)


def heartbeat(store: Store, job_id: int, owner: str) -> bool:
    """Renew the lease. Returns whether the job was asked to stop.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        job.lease_until = store.clock() + store.lease
        return job.cancel_requested


def report(store: Store, job_id: int, owner: str, *, progress: tuple[int, int, str]) -> bool:
    """Note progress (done, total, message) and renew the lease, as `heartbeat`.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        job.done, job.total, job.message = progress
        job.lease_until = store.clock() + store.lease
        return job.cancel_requested


def finish(store: Store, job_id: int, owner: str, summary: ResultSummary) -> None:
    """Running to done, with what the worklist shows of the result.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        end(job, JobState.DONE, store.clock())
        job.done = job.total
        session.merge(
            ResultRecord(
                job_id=job_id,
                highest_score=summary.highest_score,
                volume_ml=summary.volume_ml,
                called_slices=summary.called_slices,
                mask_slices=summary.mask_slices,
                engine=summary.engine,
                stored_at=store.clock(),
            )
        )


def fail(store: Store, job_id: int, owner: str, sentence: str) -> None:
    """Running to failed, with one plain sentence.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        end(job, JobState.FAILED, store.clock())
        job.error = sentence


def stop(store: Store, job_id: int, owner: str) -> None:
    """Running to cancelled, after the worker has stopped.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        end(_held(session, job_id, owner), JobState.CANCELLED, store.clock())


def give_back(store: Store, job_id: int, owner: str) -> None:
    """Running to queued, because the worker is told to end; the attempt does not count.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        job.attempts -= 1
        release(job, store.clock())
    store.on_queued()


def _submit(
    store: Store, model: ModelKey, study_id: str, priority: int, result_lost: bool
) -> tuple[int, bool]:
    """As `submit`; returns the job's number and whether it was put into the queue."""
    with store.writing() as session:
        # held, so that its job is not made while another process deletes it
        study = session.get(StudyRecord, study_id, with_for_update={"read": True})
        if study is None:
            raise InputError("", "There is no such study; it may have been deleted.")
        job = session.scalar(
            select(JobRecord)
            .where(
                JobRecord.content_digest == study.content_digest,
                JobRecord.model_digest == model.digest,
                JobRecord.precision == model.precision,
            )
            .with_for_update()
        )
        queued = True
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
        elif job.state in (JobState.QUEUED, JobState.RUNNING):
            queued = False
            job.priority = max(job.priority, priority)
        elif job.state != JobState.DONE or result_lost:
            queue_again(job, priority, store.clock())
        else:
            queued = False
        return job.job_id, queued


def _held(session: Session, job_id: int, owner: str) -> JobRecord:
    job = session.get(JobRecord, job_id, with_for_update=True)
    if job is None or job.state != JobState.RUNNING or job.owner != owner:
        raise LeaseLost(f"job {job_id} is no longer held by {owner}")
    return job


def _read(store: Store, job_id: int) -> JobRow | None:
    with store.reading() as session:
        job = session.get(JobRecord, job_id)
        return job_row(job) if job else None
