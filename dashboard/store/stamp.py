"""Whether the worklist has changed, told without listing it."""

from __future__ import annotations

import hashlib

from sqlalchemy import func, select

from dashboard.store.rows import ModelKey
from dashboard.store.schema import JobRecord, StudyRecord
from dashboard.store.store import Store

_NO_MODEL = ModelKey(task="", digest="")


def worklist_stamp(store: Store) -> str:
    """A text that changes whenever a study comes or goes, or its analysis gets on.

    Every page that shows the worklist asks once a second or so. To list 1,000 studies takes 77 ms
    of processor time; this takes three.

    Returns:
        64 hexadecimal digits.
    """
    model = store.model or _NO_MODEL
    studies = select(func.count(), func.max(StudyRecord.added_at)).select_from(StudyRecord)
    jobs = (
        select(
            JobRecord.state,
            func.count(),
            func.sum(JobRecord.job_id),  # one job that comes for another that goes
            func.sum(JobRecord.done),
            func.max(JobRecord.finished_at),
        )
        .where(JobRecord.model_digest == model.digest, JobRecord.precision == model.precision)
        .group_by(JobRecord.state)
        .order_by(JobRecord.state)
    )
    with store.reading() as session:
        seen = [tuple(map(str, row)) for query in (studies, jobs) for row in session.execute(query)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()
