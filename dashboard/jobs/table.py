"""The jobs table: which work was requested, its state, and which worker has its lease.

One row per content and model: a study's analysis, that of a single image, or the registration of a
prior, whose content takes the model's place. A worker that claims a row gets a lease and renews it;
a job whose lease expires is queued again. The page that requested the job may close at any time:
nothing here depends on a browser, callback or message.

    queued -> running -> done | failed | cancelled
    queued -> cancelled;  running -> queued (returned by its worker, or the worker was lost)
    failed, cancelled -> queued (requested again);  done -> queued (its result was lost)

Each change of state is one transaction on a locked row. The statements are here and not in
`dashboard.store`, because nothing but them would be left of this module.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.store import JobRow, JobState, ModelKey, ResultSummary, Store
from dashboard.store.history import SERVER, add_event
from dashboard.store.reading_content import Event, EventDetails
from dashboard.store.registrations import TASK as REGISTRATION
from dashboard.store.registrations import registration_key
from dashboard.store.rows import DamagedRow, columns_of, readable, value_of
from dashboard.store.schema import JobRecord, ResultRecord, StudyRecord
from dashboard.workspace.received import NO_STUDY
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS, ImageModelInfo

_LOG = logging.getLogger(__name__)

#: Priorities: a study that a reader has opened runs before one that was only added.
PRIORITY_ARRIVED, PRIORITY_IMAGE, PRIORITY_OPENED = 0, 5, 10
#: How often a job's worker may be lost before the job fails.
MAX_ATTEMPTS = 3
#: Attempts to find or insert a row that another process inserts at the same time.
_TRIES = 3

GIVEN_UP = (
    "The analysis stopped unexpectedly three times and is not tried again. Start it again; if it"
    " still stops, it may need more memory than this machine has."
)


class LeaseLost(Exception):
    """The worker no longer has the job's lease: the job was taken over, ended or deleted."""


def submit(
    store: Store,
    study_id: str,
    *,
    priority: int = PRIORITY_ARRIVED,
    result_lost: bool = False,
    restart: bool = True,
) -> int:
    """Request a study's analysis by the installed models.

    A job that is queued or running stays as it is, with the higher of both priorities; one that is
    done is not repeated.

    Args:
        store: The review database.
        study_id: The study.
        priority: `PRIORITY_OPENED` or `PRIORITY_ARRIVED`.
        result_lost: The job's result is no longer in the cache, so it is computed again.
        restart: Whether a job that failed or was cancelled is queued again.

    Returns:
        The job's number, for `state` and `cancel`.

    Raises:
        InputError: The study does not exist, or no models are installed.
    """

    def find(session: Session) -> tuple[str, int]:
        # locked, so that no job is added while another process deletes the study
        study = session.get(StudyRecord, study_id, with_for_update={"read": True})
        if study is None or study.deleted_at is not None:
            raise InputError("", NO_STUDY)
        return study.content_digest, len(study.indices)

    if store.model is None:
        raise InputError("", store.no_model)
    return _submit(store, store.model, find, priority, result_lost=result_lost, restart=restart)


def image_key(info: ImageModelInfo) -> ModelKey:
    """What the jobs of a model of single images are keyed by, beside the image."""
    return ModelKey(task=info.task.name, digest=info.digest)


def submit_image(store: Store, image_id: str, model: ModelKey, *, restart: bool) -> int:
    """Request a model's analysis of a single image that has no stored answer; see `submit`."""
    how = {"result_lost": True, "restart": restart}
    return _submit(store, model, lambda _: (image_id, 1), PRIORITY_IMAGE, **how)


def cancel_image(store: Store, image_id: str, model: ModelKey) -> None:
    """Cancel the job of a single image, where there is one; see `cancel`."""
    job = find(store, image_id, model)
    if job is not None:
        cancel(store, job.job_id)


def submit_registration(store: Store, content: str, prior_content: str, *, restart: bool) -> JobRow:
    """Request the registration of a prior with a study, by the digests of both contents.

    Its result is in `dashboard.store.registrations`; see `submit` for ``restart``.
    """
    key = registration_key(prior_content)
    job_id = _submit(
        store, key, lambda _: (content, 1), PRIORITY_OPENED, result_lost=True, restart=restart
    )
    with store.reading() as session:
        return _row(session.get_one(JobRecord, job_id))


def find(store: Store, content_digest: str, model: ModelKey) -> JobRow | None:
    """The job of a content and a model, or None."""
    with store.reading() as session:
        job = session.scalar(_known(content_digest, model))
        return _row(job) if job else None


def state(store: Store, job_id: int) -> JobRow | None:
    """A job, or None where it was deleted with its study."""
    release_expired(store)
    with store.reading() as session:
        job = session.get(JobRecord, job_id)
        return _row(job) if job else None


def cancel(store: Store, job_id: int) -> JobRow | None:
    """Cancel a job: a queued one at once, a running one when its worker next reports progress."""
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
    """Take the next job that this program can run, or None where none is queued.

    Args:
        store: The review database.
        owner: Name of the worker, unique among all.
        job_id: Take only this job.
    """
    release_expired(store)
    query = _waiting(store).limit(1)
    if job_id is not None:
        query = query.where(JobRecord.job_id == job_id)
    with store.reading() as session:  # mostly nothing is queued: no lock for that
        if session.scalar(query) is None:
            return None
    with store.writing() as session:
        job = session.scalar(query.with_for_update(skip_locked=True))
        if job is None or not _is_sound(job, store.clock()):
            return None
        job.state = JobState.RUNNING
        job.owner = owner
        job.attempts += 1
        job.started_at = store.clock()
        job.lease_until = store.clock() + store.lease
        return _row(job)


def renew(
    store: Store, job_id: int, owner: str, *, progress: tuple[int, int, str] | None = None
) -> bool:
    """Renew the lease, and record progress (done, total, message) if given.

    Returns:
        Whether the job was asked to stop.

    Raises:
        LeaseLost: The worker no longer has the lease.
    """
    with store.writing(durable=False) as session:
        job = _lock(session, job_id, owner)
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
    """End a job whose lease the worker has.

    Args:
        store: The review database.
        job_id: The job.
        owner: The worker.
        outcome: Done, failed, cancelled, or queued: returned, which does not count as an attempt.
        error: Why it failed, in one plain sentence.
        summary: What the worklist shows of a study's result.

    Raises:
        LeaseLost: The worker no longer has the lease.
    """
    with store.writing() as session:
        job = _lock(session, job_id, owner)
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
            _note_result(session, job, store.clock())


def _note_result(session: Session, job: JobRecord, now: datetime) -> None:
    """Add the analysis to the history of each study with this content."""
    same = select(StudyRecord.study_id).where(
        StudyRecord.content_digest == job.content_digest, StudyRecord.deleted_at.is_(None)
    )
    details = EventDetails(network=f"{job.model_digest} {job.precision}")
    for study_id in session.scalars(same):
        add_event(session, study_id, Event.ANALYSED, by=SERVER, at=now, details=details)


def release_expired(store: Store) -> int:
    """Queue the jobs again whose lease has expired. Returns how many."""
    expired = select(JobRecord).where(
        JobRecord.state == JobState.RUNNING, JobRecord.lease_until < store.clock()
    )
    with store.reading() as session:
        if session.scalar(expired.limit(1)) is None:
            return 0
    with store.writing() as session:
        jobs = session.scalars(expired.with_for_update(skip_locked=True)).all()
        for job in jobs:
            if not _is_sound(job, store.clock()):
                continue
            if job.attempts >= MAX_ATTEMPTS and not job.cancel_requested:
                _end(job, JobState.FAILED, store.clock())
                job.error = GIVEN_UP
            else:
                _release(job, store.clock())
        return len(jobs)


def count_waiting(store: Store) -> int:
    """How many queued jobs this program can run."""
    with store.reading() as session:
        waiting = _waiting(store).order_by(None).subquery()
        return session.scalar(select(func.count()).select_from(waiting)) or 0


def take_unsent(
    store: Store, *, sent_before: datetime | None = None, limit: int = 64
) -> list[JobRow]:
    """Queued jobs whose message must be sent, the next ones first; marks them as sent.

    Each is returned to one caller only, however many ask at the same time.

    Args:
        store: The review database.
        sent_before: Also jobs whose message was sent before this time and may be lost.
        limit: Largest number of jobs.
    """
    due: ColumnElement[bool] = JobRecord.sent_at.is_(None)
    if sent_before is not None:
        due = or_(due, JobRecord.sent_at < sent_before)
    with store.writing() as session:
        query = _waiting(store).where(due).limit(limit).with_for_update(skip_locked=True)
        jobs = session.scalars(query).all()
        for job in jobs:
            job.sent_at = store.clock()
        return list(readable(jobs, _row))


def forget_images(store: Store, *, before: datetime) -> None:
    """Delete the jobs of single images that were requested before some time."""
    old = delete(JobRecord).where(JobRecord.task.in_(IMAGE_TASKS), JobRecord.queued_at < before)
    with store.writing() as session:
        session.execute(old.where(JobRecord.state != JobState.RUNNING))


def forget_failures(store: Store, image_id: str) -> None:
    """Delete the failed and cancelled jobs of a single image, so that it is tried again."""
    ended = JobRecord.state.in_((JobState.FAILED, JobState.CANCELLED))
    of_image = JobRecord.task.in_(IMAGE_TASKS) & (JobRecord.content_digest == image_id)
    with store.writing() as session:
        session.execute(delete(JobRecord).where(of_image, ended))


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
                        state=JobState.QUEUED,
                        priority=priority,
                        total=total,
                        created_at=store.clock(),
                        queued_at=store.clock(),
                    )
                    session.add(job)
                elif job.state in (JobState.QUEUED, JobState.RUNNING):
                    known = value_of(job, "priority")
                    goes_first = job.state == JobState.QUEUED and priority > known
                    job.priority = max(priority, known)
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
        except IntegrityError:  # another process inserted the same row
            continue
        store.on_queued(job_id, priority)
        return job_id
    raise InputError("", "The database is busy; try again in a moment.")


def _known(content_digest: str, model: ModelKey) -> Select[JobRecord]:
    return select(JobRecord).where(
        JobRecord.content_digest == content_digest,
        JobRecord.model_digest == model.digest,
        JobRecord.precision == model.precision,
    )


def _enqueue(job: JobRecord) -> None:
    """Queue a job as if it had never run."""
    job.state = JobState.QUEUED
    job.owner = job.message = job.error = ""
    job.done = 0
    job.lease_until = job.started_at = job.finished_at = job.sent_at = None


def _release(job: JobRecord, now: datetime) -> None:
    """Remove the lease: queue the job again, or end it where it was asked to stop."""
    if job.cancel_requested:
        _end(job, JobState.CANCELLED, now)
    else:
        _enqueue(job)


def _end(job: JobRecord, outcome: JobState, now: datetime) -> None:
    """End a job and remove its lease."""
    job.state = outcome
    job.owner = job.message = ""
    job.lease_until = None
    job.cancel_requested = False
    job.finished_at = now


def _waiting(store: Store) -> Select[JobRecord]:
    """Queued jobs that this program can run, the next one first."""
    runnable: ColumnElement[bool] = JobRecord.task.in_((*IMAGE_TASKS, REGISTRATION))
    if store.model is not None:
        models = (store.model.digest, store.model.precision)
        own = and_(JobRecord.model_digest == models[0], JobRecord.precision == models[1])
        runnable = or_(runnable, own)
    query = select(JobRecord).where(JobRecord.state == JobState.QUEUED, runnable)
    return query.order_by(JobRecord.priority.desc(), JobRecord.queued_at, JobRecord.job_id)


def _lock(session: Session, job_id: int, owner: str) -> JobRecord:
    job = session.get(JobRecord, job_id, with_for_update=True)
    if job is None or job.state != JobState.RUNNING or job.owner != owner:
        raise LeaseLost(f"{owner} no longer has the lease of job {job_id}")
    return job


def _row(job: JobRecord) -> JobRow:
    """The job as the store returns it."""
    return JobRow(**columns_of(job, JobRow))


def _is_sound(job: JobRecord, now: datetime) -> bool:
    """Whether nothing of a job is damaged; one that is fails, so that it does not stop others."""
    try:
        _row(job)
    except DamagedRow as error:
        _LOG.warning("%s", error.message)
        _end(job, JobState.FAILED, now)
        job.error = error.message
        return False
    return True
