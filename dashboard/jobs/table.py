"""The jobs table: which work was asked for, where it stands, and who holds it.

One row per content and model: a study's analysis, or the answer to a single image. A worker that
claims a row holds a lease and renews it; a lease that runs out offers the job again. The page that
asked for the job may close at any time: nothing here depends on a browser, callback or message.

    queued -> running -> done | failed | cancelled
    queued -> cancelled;  running -> queued (given back, or its worker was lost)
    failed, cancelled -> queued (asked for again);  done -> queued (its result was lost)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.store import JobRow, JobState, ModelKey, ResultSummary, Store
from dashboard.store.rows import columns_of
from dashboard.store.schema import JobRecord, ResultRecord, StudyRecord
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS

#: Priorities: a study that a reader has opened goes before what has merely arrived.
PRIORITY_ARRIVED, PRIORITY_IMAGE, PRIORITY_OPENED = 0, 5, 10
#: How often a job's worker may be lost before the job is given up.
MAX_ATTEMPTS = 3
#: How often a row is looked for where another process inserts it at the same time.
_TRIES = 3

_GIVEN_UP = (
    "The analysis stopped unexpectedly three times and was given up. Start it again; if it stops"
    " again, it may need more memory than this machine has."
)


class LeaseLost(Exception):
    """The worker no longer holds the job: it was taken over, ended or deleted."""


def submit(
    store: Store,
    study_id: str,
    *,
    priority: int = PRIORITY_ARRIVED,
    result_lost: bool = False,
    restart: bool = True,
) -> int:
    """Ask for a study's analysis by the present models.

    A job that is queued or running stays as it is, with the higher of both priorities; one that is
    done is not done again.

    Args:
        store: The review database.
        study_id: The study.
        priority: `PRIORITY_OPENED` or `PRIORITY_ARRIVED`.
        result_lost: The job's result is no longer in the cache; compute it again.
        restart: Whether a job that failed or was cancelled is queued again.

    Returns:
        The job's number, for `state` and `cancel`.

    Raises:
        InputError: The study does not exist, or no models are installed.
    """

    def find(session: Session) -> tuple[str, int]:
        # held, so that its job is not made while another process deletes it
        study = session.get(StudyRecord, study_id, with_for_update={"read": True})
        if study is None:
            raise InputError("", "There is no such study; it may have been deleted.")
        return study.content_digest, len(study.indices)

    if store.model is None:
        raise InputError("", store.no_model)
    return _submit(store, store.model, find, priority, result_lost=result_lost, restart=restart)


def submit_image(store: Store, image_id: str, model: ModelKey, *, restart: bool) -> int:
    """Ask for a model's answer to a single image, which is lost or was never there.

    As `submit` does for a study.
    """
    how = {"result_lost": True, "restart": restart}
    return _submit(store, model, lambda _: (image_id, 1), PRIORITY_IMAGE, **how)


def find(store: Store, content_digest: str, model: ModelKey) -> JobRow | None:
    """The job of a content and a model, or None."""
    with store.reading() as session:
        job = session.scalar(_known(content_digest, model))
        return _row(job) if job else None


def state(store: Store, job_id: int) -> JobRow | None:
    """Where a job stands, or None where it was deleted with its study."""
    release_expired(store)
    with store.reading() as session:
        job = session.get(JobRecord, job_id)
        return _row(job) if job else None


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
    """Take the next job that this program can do, or None where nothing waits.

    Args:
        store: The review database.
        owner: Name of the worker, unique among all.
        job_id: Only this job.
    """
    release_expired(store)
    query = _waiting(store).limit(1)
    if job_id is not None:
        query = query.where(JobRecord.job_id == job_id)
    with store.reading() as session:  # most looks find nothing: do not take the lock for them
        if session.scalar(query) is None:
            return None
    with store.writing() as session:
        job = session.scalar(query.with_for_update(skip_locked=True))
        if job is None:
            return None
        job.state = JobState.RUNNING.value
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
        summary: What the worklist shows of a study's result.

    Raises:
        LeaseLost: The worker no longer holds the job.
    """
    with store.writing() as session:
        job = _held(session, job_id, owner)
        if outcome is JobState.QUEUED:
            job.attempts -= 1
            _release(job, store.clock())
            return
        _end(job, outcome, store.clock())
        job.error = error
        if outcome is JobState.DONE:
            job.done = job.total
        if summary is not None:
            session.merge(ResultRecord(job_id=job_id, stored_at=store.clock(), **vars(summary)))


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
        return len(jobs)


def count_waiting(store: Store) -> int:
    """How many jobs wait that this program can do."""
    with store.reading() as session:
        waiting = _waiting(store).order_by(None).subquery()
        return session.scalar(select(func.count()).select_from(waiting)) or 0


def take_unsent(
    store: Store, *, sent_before: datetime | None = None, limit: int = 64
) -> list[JobRow]:
    """Waiting jobs whose message is to be sent, the next ones first; marks them as sent.

    Each is given to one caller only, however many ask at the same time.

    Args:
        store: The review database.
        sent_before: Also jobs whose message was sent before this time, because it may be lost.
        limit: How many at most.
    """
    due: ColumnElement[bool] = JobRecord.sent_at.is_(None)
    if sent_before is not None:
        due = or_(due, JobRecord.sent_at < sent_before)
    with store.writing() as session:
        query = _waiting(store).where(due).limit(limit).with_for_update(skip_locked=True)
        jobs = session.scalars(query).all()
        for job in jobs:
            job.sent_at = store.clock()
        return [_row(job) for job in jobs]


def forget_images(store: Store, *, before: datetime) -> None:
    """Delete the jobs of single images that were asked for before some time."""
    old = delete(JobRecord).where(JobRecord.task.in_(IMAGE_TASKS), JobRecord.queued_at < before)
    with store.writing() as session:
        session.execute(old.where(JobRecord.state != JobState.RUNNING))


def _submit(
    store: Store,
    model: ModelKey,
    find: Callable[[Session], tuple[str, int]],
    priority: int,
    *,
    result_lost: bool,
    restart: bool,
) -> int:
    """As `submit`, for the content and the number of steps that ``find`` returns."""
    for _ in range(_TRIES):
        try:
            with store.writing() as session:
                content, total = find(session)
                job = session.scalar(_known(content, model).with_for_update())
                if job is None:
                    job = JobRecord(
                        task=model.task,
                        content_digest=content,
                        model_digest=model.digest,
                        precision=model.precision,
                        state=JobState.QUEUED.value,
                        priority=priority,
                        total=total,
                        created_at=store.clock(),
                        queued_at=store.clock(),
                    )
                    session.add(job)
                elif job.state in (JobState.QUEUED, JobState.RUNNING):
                    goes_first = job.state == JobState.QUEUED and priority > job.priority
                    job.priority = max(priority, job.priority)
                    if not goes_first:
                        return job.job_id
                elif result_lost if job.state == JobState.DONE else restart:
                    _enqueue(job)
                    job.priority, job.attempts, job.queued_at = priority, 0, store.clock()
                else:
                    return job.job_id
                job.sent_at = store.clock()
                session.flush()
                job_id = job.job_id
        except IntegrityError:  # somebody else inserted the same row in the meantime
            continue
        store.on_queued(job_id, priority)
        return job_id
    raise InputError("", "The database is busy; try again.")


def _known(content_digest: str, model: ModelKey) -> Select[JobRecord]:
    return select(JobRecord).where(
        JobRecord.content_digest == content_digest,
        JobRecord.model_digest == model.digest,
        JobRecord.precision == model.precision,
    )


def _enqueue(job: JobRecord) -> None:
    """A job to the queue, as if nobody had begun it."""
    job.state = JobState.QUEUED.value
    job.owner = job.message = job.error = ""
    job.done = 0
    job.lease_until = job.started_at = job.finished_at = job.sent_at = None


def _release(job: JobRecord, now: datetime) -> None:
    """Take the lease away: to the queue, or to the end where the job was asked to stop."""
    if job.cancel_requested:
        _end(job, JobState.CANCELLED, now)
    else:
        _enqueue(job)


def _end(job: JobRecord, outcome: JobState, now: datetime) -> None:
    """A job to one of its ends; nobody holds it any more."""
    job.state = outcome.value
    job.owner = job.message = ""
    job.lease_until = None
    job.cancel_requested = False
    job.finished_at = now


def _waiting(store: Store) -> Select[JobRecord]:
    """Jobs that wait and that this program can do, the next one first."""
    can_do: ColumnElement[bool] = JobRecord.task.in_(IMAGE_TASKS)
    if store.model is not None:
        models = (store.model.digest, store.model.precision)
        own = and_(JobRecord.model_digest == models[0], JobRecord.precision == models[1])
        can_do = or_(can_do, own)
    query = select(JobRecord).where(JobRecord.state == JobState.QUEUED, can_do)
    return query.order_by(JobRecord.priority.desc(), JobRecord.queued_at, JobRecord.job_id)


def _held(session: Session, job_id: int, owner: str) -> JobRecord:
    job = session.get(JobRecord, job_id, with_for_update=True)
    if job is None or job.state != JobState.RUNNING or job.owner != owner:
        raise LeaseLost(f"job {job_id} is no longer held by {owner}")
    return job


def _row(job: JobRecord) -> JobRow:
    """The record as the store hands it out."""
    return JobRow(**columns_of(job, JobRow) | {"state": JobState(job.state)})
