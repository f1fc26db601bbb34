"""Pages of the worklist: its lines, filtered, searched and sorted by the database.

`dashboard.store.worklist_lines` writes the lines. Only the studies of one page are read in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Boolean, Double

from dashboard.store.rows import ModelKey, Origin, StudyRow, readable
from dashboard.store.schema import (
    JobRecord,
    ResultRecord,
    StudyEntriesRecord,
    StudyRecord,
    WorklistLine,
)
from dashboard.store.states import StudyState
from dashboard.store.store import Store
from dashboard.store.study_rows import is_analysis, select_studies, study_row
from dashboard.store.worklist_lines import Reason, split_tags

#: Studies of one statement: SQLite limits its variables.
_BATCH: Final = 500
#: Words of a search that are looked for; further ones are ignored.
_MOST_WORDS: Final = 10
_SIGNED: Final = [n for n, state in enumerate(StudyState) if state.is_signed]


#: Columns of an exported line.
_EXPORTED: Final = [
    WorklistLine.__table__.c[name]
    for name in (
        "study_id priority study_date added_at sequences slices origin state job_state reasons"
        " volume_ml expected_dice conflicts cautions tags notes reader signed_at"
    ).split()
]


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
        unread: Whether only studies that are not signed are shown, whatever the tab.
        reader_id: Who asks.
        since: When their day began; UTC.
        sort: What the studies are sorted by; equal ones by their arrival, in the same direction.
        descending: Whether the largest value comes first; empty values come last either way. The
            default order always begins with the study that needs a reader most.
    """

    view: View = View.ALL
    origin: Origin | None = None
    reason: Reason | None = None
    search: str = ""
    unread: bool = False
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
        state, reasons, priority, reader, signed_at, tags, volume_ml: As of `WorklistLine`.
    """

    study_id: str
    row: StudyRow | None
    state: StudyState
    reasons: tuple[str, ...]
    priority: int
    reader: str
    signed_at: datetime | None
    tags: tuple[str, ...] = ()
    volume_ml: float | None = None


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


@dataclass(frozen=True)
class _Part:
    """Some lines in their order.

    Attributes:
        study: The column of their ids.
        shown: What they have in common.
        keys: The columns that they are sorted by.
        descending: Whether the largest values come first, of all columns.
    """

    study: ColumnElement[str]
    shown: tuple[ColumnElement[bool], ...]
    keys: tuple[ColumnElement[Any], ...]
    descending: bool

    def count(self, *more: ColumnElement[bool]) -> Select[int]:
        """How many lines there are."""
        return select(func.count(self.study)).where(*self.shown, *more)

    def ids(self, *more: ColumnElement[bool], back: bool = False) -> Select[str]:
        """The ids of the lines in their order, or from the end."""
        return select(self.study).where(*self.shown, *more).order_by(*self.order(back=back))

    def order(self, *, back: bool = False) -> list[ColumnElement[Any]]:
        """What the lines are sorted by."""
        down = self.descending != back
        return [key.desc() if down else key.asc() for key in self.keys]

    def beside(self, values: Sequence[Any], *, before: bool) -> ColumnElement[bool]:
        """Whether a line comes before, or after, the one with some values of the keys."""
        pairs = zip(values, self.keys, strict=True)
        other = tuple_(*[literal(value, key.type) for value, key in pairs])
        ours = tuple_(*self.keys)
        return ours > other if before == self.descending else ours < other


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
    with store.reading() as session:
        if _is_looked_for(selection):
            total, wanted = _look_for(session, selection, offset, limit)
        else:
            total, wanted = _walk(session, selection, offset, limit)
        return total, _read_lines(store, session, wanted)


def _walk(session: Session, selection: Selection, offset: int, limit: int) -> tuple[int, list[str]]:
    """How many studies are selected and the ids of a part, by the index of their order."""
    total = 0
    wanted: list[str] = []
    for part in _parts(selection):
        number = session.scalar(part.count()) or 0
        first = max(offset - total, 0)
        total += number
        if first < number and len(wanted) < limit:
            more = part.ids().offset(first).limit(limit - len(wanted))
            wanted += session.scalars(more)
    return total, wanted


def _look_for(
    session: Session, selection: Selection, offset: int, limit: int
) -> tuple[int, list[str]]:
    """How many studies are selected and the ids of a part, by reading all lines once."""
    found, _ = _found(selection)
    count = found.count().scalar_subquery()
    page = found.ids().add_columns(count).offset(offset).limit(limit)
    rows = session.execute(page).all()
    if rows or not offset:
        return (rows[0][1] if rows else 0), [key for key, _ in rows]
    return session.scalar(found.count()) or 0, []


def _read_lines(store: Store, session: Session, wanted: list[str]) -> list[Line]:
    query = select_studies(store.model).where(StudyRecord.study_id.in_(wanted))
    rows = {
        row.study_id: row
        for row in readable(session.execute(query), lambda found: study_row(*found))
    }
    records = session.scalars(select(WorklistLine).where(WorklistLine.study_id.in_(wanted)))
    lines = {record.study_id: record for record in records}
    return [_line(lines[key], rows.get(key)) for key in wanted if key in lines]


def find_place(store: Store, selection: Selection, study_id: str) -> Place | None:
    """Where a study is in a selection; None where it is not selected."""
    find = _find_place if _is_looked_for(selection) else _walk_to
    with store.reading() as session:
        return find(session, selection, study_id)


def _walk_to(session: Session, selection: Selection, study_id: str) -> Place | None:
    parts = _parts(selection)
    total = 0
    place: Place | None = None
    for at, part in enumerate(parts):
        values = session.execute(
            select(*part.keys).where(WorklistLine.study_id == study_id, *part.shown)
        ).first()
        if values is not None:
            before = part.beside(values, before=True)
            after = part.beside(values, before=False)
            nearer = [part.ids(before, back=True), *(p.ids(back=True) for p in parts[:at][::-1])]
            further = [part.ids(after), *(p.ids() for p in parts[at + 1 :])]
            place = Place(
                at=total + (session.scalar(part.count(before)) or 0),
                count=0,
                previous=_first(session, nearer),
                next=_first(session, further),
            )
        total += session.scalar(part.count()) or 0
    return place and replace(place, count=total)


def _find_place(session: Session, selection: Selection, study_id: str) -> Place | None:
    found, keys = _found(selection)
    shown = _conditions(selection)
    values = session.execute(select(*keys).where(WorklistLine.study_id == study_id, *shown)).first()
    if values is None:
        return None
    before, after = found.beside(values, before=True), found.beside(values, before=False)
    at, count, previous, following = session.execute(
        select(
            found.count(before).scalar_subquery(),
            found.count().scalar_subquery(),
            found.ids(before, back=True).limit(1).scalar_subquery(),
            found.ids(after).limit(1).scalar_subquery(),
        )
    ).one()
    return Place(at=at, count=count, previous=previous, next=following)


def find_next_to_read(store: Store, selection: Selection, study_id: str) -> str | None:
    """The study that a reader should open after another one.

    Args:
        store: The review database.
        selection: The list that the reader steps through.
        study_id: The study that they leave; it may be signed, or not in the list.

    Returns:
        The first unsigned study that follows in the list; at its end, the first one of the list;
        if the list has none, the unsigned study that needs a reader most. None if no other study
        is unsigned.
    """
    unread = replace(selection, unread=True)
    if _is_looked_for(selection):
        part, keys = _found(unread)
        parts = [(part, keys, tuple(_conditions(selection)))]
    else:
        pairs = zip(_parts(unread), _parts(selection), strict=True)
        parts = [(part, whole.keys, whole.shown) for part, whole in pairs]

    def others(part: _Part, *more: ColumnElement[bool]) -> Select[str]:
        return part.ids(part.study != study_id, *more)

    from_top = [others(part) for part, _, _ in parts]
    by_need = [others(part) for part in _parts(Selection(view=View.TO_READ))]
    with store.reading() as session:
        following: list[Select[str]] = []
        for at, (part, keys, shown) in enumerate(parts):
            own = select(*keys).where(WorklistLine.study_id == study_id, *shown)
            if (values := session.execute(own).first()) is not None:
                after = part.beside(values, before=False)
                following = [others(part, after), *from_top[at + 1 :]]
        return _first(session, [*following, *from_top, *by_need])


def _first(session: Session, queries: list[Select[str]]) -> str | None:
    """The first id that one of the queries finds, in their order."""
    for query in queries:
        if (found := session.scalar(query.limit(1))) is not None:
            return str(found)
    return None


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


def export_lines(store: Store, selection: Selection) -> Iterator[RowMapping]:
    """All lines of a selection, in its order.

    Each has the study's ``name`` as it is shown, and the range of the volume as ``low_ml`` and
    ``high_ml``.
    """
    with store.reading() as session:
        for part in _parts(selection):
            query = _exported(store.model).where(*part.shown).order_by(*part.order())
            yield from session.execute(query, execution_options={"yield_per": 1000}).mappings()


def export_chosen(store: Store, study_ids: Sequence[str]) -> Iterator[RowMapping]:
    """The lines of some studies, in the order of their ids in the list."""
    with store.reading() as session:
        for start in range(0, len(study_ids), _BATCH):
            ids = study_ids[start : start + _BATCH]
            query = _exported(store.model).where(WorklistLine.study_id.in_(ids))
            found = {line["study_id"]: line for line in session.execute(query).mappings()}
            yield from [found[key] for key in ids if key in found]


def _exported(model: ModelKey | None) -> Select[Any]:
    """Lines for export: plain rows, which are read several times as fast as records."""
    names = (StudyEntriesRecord.label, StudyRecord.patient, StudyRecord.case_id)
    entered = StudyEntriesRecord.study_id == WorklistLine.study_id
    return (
        select(
            *_EXPORTED,
            func.coalesce(*(func.nullif(name, "") for name in names)).label("name"),
            ResultRecord.low_ml,
            ResultRecord.high_ml,
        )
        .join(StudyRecord, StudyRecord.study_id == WorklistLine.study_id)
        .join(StudyEntriesRecord, entered, isouter=True)
        .join(JobRecord, is_analysis(model), isouter=True)
        .join(ResultRecord, ResultRecord.job_id == JobRecord.job_id, isouter=True)
    )


class _Holds(GenericFunction[bool]):
    """Whether a text holds another one, as it is spelled: faster than LIKE in both databases."""

    name = "overread_holds"
    inherit_cache = True
    type = Boolean()


@compiles(_Holds, "sqlite")
def _holds_sqlite(element: _Holds, compiler: SQLCompiler, **words: Any) -> str:
    return f"instr({compiler.process(element.clauses, **words)}) > 0"


@compiles(_Holds, "postgresql")
def _holds_postgresql(element: _Holds, compiler: SQLCompiler, **words: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **words)}) > 0"


def _conditions(chosen: Selection) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.unread or chosen.view is View.TO_READ:
        found.append(WorklistLine.place.not_in(_SIGNED))
    if chosen.view is View.MINE:
        found.append(and_(WorklistLine.reader_id == chosen.reader_id, WorklistLine.reader_id != ""))
    elif chosen.view is View.SIGNED_TODAY:
        found.append(WorklistLine.place.in_(_SIGNED))
        if chosen.since is not None:
            found.append(WorklistLine.signed_at >= chosen.since)
    if chosen.origin is not None:
        found.append(WorklistLine.origin == chosen.origin)
    if chosen.reason is not None:
        found.append(_Holds(WorklistLine.reasons, str(chosen.reason)))
    words = chosen.search.replace("\0", " ").casefold().split()[:_MOST_WORDS]
    return found + [_Holds(WorklistLine.search, word) for word in words]


def _is_looked_for(chosen: Selection) -> bool:
    """Whether no index has a selection, which may be any share of the lines."""
    return bool(chosen.search.split() or chosen.reason)


def _parts(chosen: Selection) -> list[_Part]:
    """The parts of a selection, each in the order of an index: empty values come last."""
    column = _COLUMNS[chosen.sort]
    shown = tuple(_conditions(chosen))
    keys, down = _keys(chosen), _is_descending(chosen)
    study = WorklistLine.study_id.expression
    if chosen.sort not in _MAY_BE_EMPTY:
        return [_Part(study, shown, keys, down)]
    return [
        _Part(study, (*shown, column.is_not(None)), keys, down),
        _Part(study, (*shown, column.is_(None)), keys[1:], down),
    ]


def _found(chosen: Selection) -> tuple[_Part, tuple[ColumnElement[Any], ...]]:
    """A selection that a statement finds once, however often it refers to it.

    Returns:
        The lines, and what they are sorted by as expressions of `WorklistLine`.
    """
    keys, down = _keys(chosen), _is_descending(chosen)
    if chosen.sort in _MAY_BE_EMPTY:
        last = func.coalesce(keys[0], -1.0 if down else 1e300)
        keys = (type_coerce(last, Double), *keys[1:])
    named = [key.label(f"key{n}") for n, key in enumerate(keys)]
    found = select(WorklistLine.study_id, *named).where(*_conditions(chosen)).cte("found")
    sorted_by = tuple(found.c[key.name] for key in named)
    return _Part(found.c.study_id, (), sorted_by, down), keys


def _keys(chosen: Selection) -> tuple[ColumnElement[Any], ...]:
    last = (WorklistLine.added_at.expression, WorklistLine.study_id.expression)
    return last if chosen.sort is Column.ADDED else (_COLUMNS[chosen.sort].expression, *last)


def _is_descending(chosen: Selection) -> bool:
    return chosen.descending or chosen.sort is Column.NEED


def text_of(value: object) -> str:
    """A text of a line; "" where it is damaged."""
    return value if isinstance(value, str) else ""


def _line(record: WorklistLine, row: StudyRow | None) -> Line:
    return Line(
        study_id=record.study_id,
        row=row,
        state=record.state if isinstance(record.state, StudyState) else StudyState.NEW,
        reasons=tuple(text_of(record.reasons).split()),
        priority=record.priority if isinstance(record.priority, int) else 0,
        reader=text_of(record.reader),
        signed_at=record.signed_at if isinstance(record.signed_at, datetime) else None,
        tags=split_tags(text_of(record.tags)),
        volume_ml=record.volume_ml if isinstance(record.volume_ml, float) else None,
    )
