"""The history of each study: a table to which lines are only added.

Code that changes a study adds its line in the same transaction (`add_event`), so that a change
without a line, or a line without its change, cannot be stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.store.database import Database
from dashboard.store.reading_content import Event, EventDetails
from dashboard.store.rows import columns_of, readable
from dashboard.store.schema import EventRecord


@dataclass(frozen=True)
class Author:
    """Who does something.

    Attributes:
        reader_id: Permanent; "" for the server itself. An account can take it over later.
        name: Their name at that time.
    """

    reader_id: str
    name: str


#: Who does what no reader asked for.
SERVER = Author("", "Overread")


@dataclass(frozen=True)
class EventRow:
    """A line of the history.

    Attributes:
        event_id: Increases with each line.
        study_id: The study.
        at: UTC.
        reader_id, author: Who, with their name at that time.
        event: What happened.
        details: What else there is to say.
    """

    event_id: int
    study_id: str
    at: datetime
    reader_id: str
    author: str
    event: Event
    details: EventDetails


def add_event(
    session: Session,
    study_id: str,
    event: Event,
    *,
    by: Author,
    at: datetime,
    details: EventDetails | None = None,
) -> None:
    """Add a line, in the transaction of the change that it reports."""
    session.add(
        EventRecord(
            study_id=study_id,
            at=at,
            reader_id=by.reader_id,
            author=by.name,
            event=event,
            details=details or EventDetails(),
        )
    )


def record_export(store: Database, study_id: str, by: Author, *, export: str, text: str) -> None:
    """Add the line of an export, which changes nothing else.

    Args:
        store: The review database.
        study_id: The study.
        by: Who exported it.
        export: Kind of the file.
        text: What it is, for readers.
    """
    details = EventDetails(text=text, export=export)
    with store.writing() as session:
        add_event(session, study_id, Event.EXPORTED, by=by, at=store.clock(), details=details)


def list_events(store: Database, study_id: str) -> list[EventRow]:
    """The lines of a study, the oldest first."""
    query = select(EventRecord).where(EventRecord.study_id == study_id)
    with store.reading() as session:
        records = session.scalars(query.order_by(EventRecord.event_id))
        return list(readable(records, lambda one: EventRow(**columns_of(one, EventRow))))
