"""Pages of the worklist: its lines, filtered, searched and sorted by the database.

`dashboard.store.worklist_lines` writes the lines. Only the studies of one page are read in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from dashboard.store.rows import Origin, StudyRow, readable
from dashboard.store.schema import StudyRecord, WorklistLine
from dashboard.store.states import StudyState
from dashboard.store.store import Store
from dashboard.store.study_rows import select_studies, study_row
from dashboard.store.worklist_lines import Reason

#: An expression that is sorted by, and whether the largest value comes first.
_Key = tuple[ColumnElement[Any] | InstrumentedAttribute[Any], bool]
#: Words of a search that are looked for; further ones are ignored.
_MOST_WORDS: Final = 10
_SIGNED: Final = [n for n, state in enumerate(StudyState) if state.is_signed]


class View(StrEnum):
    """What the worklist shows.

    Attributes:
        ALL: Every study.
        TO_READ: Studies that are not signed.
        MINE: Studies that a reader has, has read or has signed.
        SIGNED_TODAY: Studies that were signed today.
    """

    ALL = "all"
    TO_READ = "to-read"
    MINE = "mine"
    SIGNED_TODAY = "signed-today"


class Column(StrEnum):
    """What the worklist is sorted by; `NEED` is the default order."""

    NEED = "need"
    PATIENT = "patient"
    STUDY_DATE = "study_date"
    SEQUENCES = "sequences"
    SLICES = "slices"
    ORIGIN = "origin_words"
    STATE = "state_words"
    VOLUME = "volume_ml"
    DICE = "expected_dice"
    CONFLICTS = "conflicts"
    CAUTIONS = "cautions"
    READER = "reader"
    ADDED = "added_at"
    NOTES = "notes"


_COLUMNS: Final[dict[Column, InstrumentedAttribute[Any]]] = {
    Column.NEED: WorklistLine.need,
    Column.PATIENT: WorklistLine.patient,
    Column.STUDY_DATE: WorklistLine.study_date,
    Column.SEQUENCES: WorklistLine.sequences,
    Column.SLICES: WorklistLine.slices,
    Column.ORIGIN: WorklistLine.origin,
    Column.STATE: WorklistLine.place,
    Column.VOLUME: WorklistLine.volume_ml,
    Column.DICE: WorklistLine.expected_dice,
    Column.CONFLICTS: WorklistLine.conflicts,
    Column.CAUTIONS: WorklistLine.cautions,
    Column.READER: WorklistLine.reader,
    Column.ADDED: WorklistLine.added_at,
    Column.NOTES: WorklistLine.notes,
}
_MAY_BE_EMPTY: Final = {Column.VOLUME, Column.DICE, Column.CONFLICTS, Column.CAUTIONS}


@dataclass(frozen=True)
class Selection:
    """Which studies are shown, and in which order.

    Attributes:
        view: The tab.
        origin: Only studies of this origin; None for all.
        reason: Only studies that are here for this reason; None for all.
        search: Words that must all occur.
        reader_id: Who asks.
        since: When their day began; UTC.
        sort: What the studies are sorted by; equal ones the newest first.
        descending: Whether the largest value comes first; empty values come last either way. The
            default order always begins with the study that needs a reader most.
    """

    view: View = View.ALL
    origin: Origin | None = None
    reason: Reason | None = None
    search: str = ""
    reader_id: str = ""
    since: datetime | None = None
    sort: Column = Column.NEED
    descending: bool = False


@dataclass(frozen=True)
class Line:
    """A study in the worklist.

    Attributes:
        study_id: The study.
        row: The study; None where its record is damaged.
        state, reasons, priority, reader, signed_at: As of `WorklistLine`.
    """

    study_id: str
    row: StudyRow | None
    state: StudyState
    reasons: tuple[str, ...]
    priority: int
    reader: str
    signed_at: datetime | None


@dataclass(frozen=True)
class Place:
    """Where a study is in a selection.

    Attributes:
        at: From 0.
        count: How many studies are selected.
        previous, next: Ids of its neighbours, or None.
    """

    at: int
    count: int
    previous: str | None
    next: str | None


def read_page(
    store: Store, selection: Selection, *, offset: int, limit: int
) -> tuple[int, list[Line]]:
    """How many studies are selected, and a part of them.

    Args:
        store: The review database.
        selection: Which studies, in which order.
        offset: The first one, from 0.
        limit: How many.
    """
    count = select(func.count()).select_from(WorklistLine).where(*_conditions(selection))
    ids = (
        select(WorklistLine.study_id)
        .where(*_conditions(selection))
        .order_by(*_order(_keys(selection)))
    )
    with store.reading() as session:
        total = session.scalar(count) or 0
        ordered = ids.order_by(*_order(_keys(selection)))
        wanted = list(session.scalars(ordered.offset(offset).limit(limit)))
        rows = {
            row.study_id: row
            for row in readable(
                session.execute(
                    select_studies(store.model).where(StudyRecord.study_id.in_(wanted))
                ),
                lambda found: study_row(*found),
            )
        }
        query = select(WorklistLine).where(WorklistLine.study_id.in_(wanted))
        lines = {record.study_id: record for record in session.scalars(query)}
    return total, [_line(lines[key], rows.get(key)) for key in wanted if key in lines]


def find_place(store: Store, selection: Selection, study_id: str) -> Place | None:
    """Where a study is in a selection; None where it is not selected."""
    keys, shown = _keys(selection), _conditions(selection)
    query = select(*[column for column, _ in keys]).where(WorklistLine.study_id == study_id, *shown)
    count = select(func.count()).select_from(WorklistLine).where(*shown)
    ids = select(WorklistLine.study_id).where(*shown)
    with store.reading() as session:
        found = session.execute(query).first()
        if found is None:
            return None
        before, after = _beside(keys, found, is_before=True), _beside(keys, found, is_before=False)
        return Place(
            at=session.scalar(count.where(before)) or 0,
            count=session.scalar(count) or 0,
            previous=session.scalar(ids.where(before).order_by(*_order(keys, back=True)).limit(1)),
            next=session.scalar(ids.where(after).order_by(*_order(keys)).limit(1)),
        )


def _beside(keys: list[_Key], values: Sequence[Any], *, is_before: bool) -> ColumnElement[bool]:
    """Whether a line comes before, or after, one with some values of the sorted columns."""
    found: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for (column, descending), value in zip(keys, values, strict=True):
        if value is None:  # both are empty, which the key before it has compared
            continue
        nearer = column > value if descending == is_before else column < value
        found.append(and_(true(), *same, nearer))
        same.append(column == value)
    return or_(false(), *found)


def count_views(store: Store, *, reader_id: str, since: datetime) -> dict[View, int]:
    """How many studies each view shows.

    Args:
        store: The review database.
        reader_id: Who asks.
        since: When their day began; UTC.
    """

    def number(view: View) -> ColumnElement[int]:
        chosen = Selection(view=view, reader_id=reader_id, since=since)
        return func.count().filter(and_(True, *_conditions(chosen)))

    with store.reading() as session:
        row = session.execute(
            select(*[number(view) for view in View]).select_from(WorklistLine)
        ).one()
    return dict(zip(View, map(int, row), strict=True))


def export_lines(store: Store, selection: Selection) -> Iterator[WorklistLine]:
    """All lines of a selection, in its order."""
    query: Select[WorklistLine] = select(WorklistLine).where(*_conditions(selection))
    with store.reading() as session:
        yield from session.scalars(
            query.order_by(*_order(_keys(selection))), execution_options={"yield_per": 1000}
        )


def _conditions(chosen: Selection) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.view is View.TO_READ:
        found.append(WorklistLine.place.not_in(_SIGNED))
    elif chosen.view is View.MINE:
        found.append(and_(WorklistLine.reader_id == chosen.reader_id, WorklistLine.reader_id != ""))
    elif chosen.view is View.SIGNED_TODAY:
        found.append(WorklistLine.place.in_(_SIGNED))
        if chosen.since is not None:
            found.append(WorklistLine.signed_at >= chosen.since)
    if chosen.origin is not None:
        found.append(WorklistLine.origin == chosen.origin)
    if chosen.reason is not None:
        found.append(WorklistLine.reasons.contains(str(chosen.reason), autoescape=True))
    words = chosen.search.replace("\0", " ").casefold().split()[:_MOST_WORDS]
    return found + [WorklistLine.search.contains(word, autoescape=True) for word in words]


def _keys(chosen: Selection) -> list[_Key]:
    """What a selection is sorted by: columns, and whether the largest value comes first."""
    column = _COLUMNS[chosen.sort]
    newest: list[_Key] = [(WorklistLine.added_at, True), (WorklistLine.study_id, True)]
    if chosen.sort is Column.NEED:
        return [(column, True), *newest]
    is_empty = case((column.is_(None), 1), else_=0)
    empty_last: list[_Key] = [(is_empty, False)] if chosen.sort in _MAY_BE_EMPTY else []
    return [*empty_last, (column, chosen.descending), *newest]


def _order(keys: list[_Key], *, back: bool = False) -> list[ColumnElement[Any]]:
    return [column.desc() if down != back else column.asc() for column, down in keys]


def _line(record: WorklistLine, row: StudyRow | None) -> Line:
    return Line(
        study_id=record.study_id,
        row=row,
        state=record.state if isinstance(record.state, StudyState) else StudyState.NEW,
        reasons=tuple(str(record.reasons).split()),
        priority=record.priority if isinstance(record.priority, int) else 0,
        reader=str(record.reader),
        signed_at=record.signed_at if isinstance(record.signed_at, datetime) else None,
    )
