"""Whether the worklist has changed, found without listing it."""

from __future__ import annotations

import hashlib

from sqlalchemy import Integer, func, select

from dashboard.store.rows import JobState
from dashboard.store.schema import EventRecord, JobRecord, WorklistLine
from dashboard.store.store import Store


def worklist_stamp(store: Store) -> str:
    """A text that changes with each study that is added, changed, read, deleted or analysed.

    Every page that shows the worklist asks about once a second.

    Returns:
        64 hexadecimal digits.
    """
    lines = select(func.count(), func.sum(WorklistLine.revision, type_=Integer))
    running = select(func.count(), func.sum(JobRecord.done, type_=Integer)).where(
        JobRecord.state == JobState.RUNNING
    )
    # a deletion and an addition at the same time leave the sums as they are
    history = select(func.max(EventRecord.event_id))
    with store.reading() as session:
        seen = [
            tuple(map(str, session.execute(query).one()))
            for query in (lines.select_from(WorklistLine), running, history)
        ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()
