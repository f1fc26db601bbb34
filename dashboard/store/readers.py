"""What is stored of each reader: name, changed keys, whether they took the tour, views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.store.database import Database
from dashboard.store.rows import readable, value_of
from dashboard.store.schema import ReaderRecord
from dashboard.store.stored_json import ReaderSettings, SavedView, ViewMode


@dataclass(frozen=True)
class ReaderRow:
    """A reader as the database knows them.

    Attributes:
        reader_id: Who; see `dashboard.api.identity`.
        name: What they typed, or "".
        keys: Changed keys by the binding's id; "" for a binding without a key.
        tour_done: Whether the tour no longer starts by itself.
        view_mode, second_view: Views in which studies open; see `ReaderSettings`.
        worklist_views, worklist_first: Saved views of the worklist; see `ReaderSettings`.
    """

    reader_id: str
    name: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    tour_done: bool = False
    view_mode: ViewMode = "one"
    second_view: str = ""
    worklist_views: tuple[SavedView, ...] = ()
    worklist_first: str = ""


def find_reader(store: Database, reader_id: str) -> ReaderRow:
    """A reader; an unknown one has no name and the default keys."""
    with store.reading() as session:
        return _row(session.get(ReaderRecord, reader_id), reader_id)


def change_reader(
    store: Database,
    reader_id: str,
    *,
    name: str | None = None,
    keys: Mapping[str, str] | None = None,
    tour_done: bool | None = None,
    view_mode: ViewMode | None = None,
    second_view: str | None = None,
    worklist_views: tuple[SavedView, ...] | None = None,
    worklist_first: str | None = None,
) -> ReaderRow:
    """Change what is given and leave the rest; two pages may do so at the same time."""

    def change() -> ReaderRow:
        with store.writing() as session:
            record = _lock(session, reader_id) or ReaderRecord(
                reader_id=reader_id, name="", settings=ReaderSettings()
            )
            known = _settings(record)
            record.settings = ReaderSettings(
                keys=known.keys if keys is None else dict(keys),
                tour_done=known.tour_done if tour_done is None else tour_done,
                view_mode=known.view_mode if view_mode is None else view_mode,
                second_view=known.second_view if second_view is None else second_view,
                worklist_views=known.worklist_views if worklist_views is None else worklist_views,
                worklist_first=known.worklist_first if worklist_first is None else worklist_first,
            )
            record.name = _name(record) if name is None else name
            record.changed_at = store.clock()
            session.add(record)
            return _row(record, reader_id)

    try:
        return change()
    except IntegrityError:  # another page wrote the first row of this reader meanwhile
        return change()


def _lock(session: Session, reader_id: str) -> ReaderRecord | None:
    """The row, locked until the transaction ends (SQLite locks the whole database anyway)."""
    return session.get(ReaderRecord, reader_id, with_for_update=True)


def _row(record: ReaderRecord | None, reader_id: str) -> ReaderRow:
    if record is None:
        return ReaderRow(reader_id)
    settings = _settings(record)
    return ReaderRow(
        reader_id,
        _name(record),
        settings.keys,
        settings.tour_done,
        settings.view_mode,
        settings.second_view,
        settings.worklist_views,
        settings.worklist_first,
    )


def _name(record: ReaderRecord) -> str:
    """A reader's name; "" where it is damaged."""
    return next(readable([record], lambda one: str(value_of(one, "name"))), "")


def _settings(record: ReaderRecord) -> ReaderSettings:
    """A reader's settings; the defaults where they are damaged, so that every page still opens."""
    return next(readable([record], lambda one: value_of(one, "settings")), ReaderSettings())
