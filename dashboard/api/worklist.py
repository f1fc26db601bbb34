"""HTTP of the worklist: its rows, a study's place among them, export, and deleted studies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import AfterValidator, BeforeValidator, Field
from sqlalchemy import RowMapping

from dashboard.api.access import StudyAddress, find_services, find_study
from dashboard.api.endpoint import (
    Answer,
    Body,
    Nothing,
    Query,
    check_printable,
    endpoint,
    join_words,
)
from dashboard.api.errors import refuse_input
from dashboard.api.identity import author, current_reader_id, requester
from dashboard.decisions.changes import Change, add_changes, find_changes
from dashboard.store import Origin, StudyId
from dashboard.store.readings import TooManyTags, change_priorities, change_tags
from dashboard.store.stored_json import LONGEST_TAG, MOST_TAGS
from dashboard.store.worklist_lines import Reason
from dashboard.store.worklist_pages import (
    Column,
    Selection,
    View,
    count_views,
    export_chosen,
    export_lines,
    find_next_to_read,
    find_place,
    read_page,
)
from dashboard.studies import deletion
from dashboard.studies.worklist_rows import describe_line, write_csv
from dashboard.workspace.received import RequestRefused
from pipeline import InputError

#: Studies that one request changes or exports.
MOST_CHOSEN = 500
#: When the reader's day began, in seconds since 1970; up to the year 6325.
_DayBegan = Annotated[int, Field(ge=0, lt=2**37)]

worklist = Blueprint("worklist", __name__)
worklist.register_error_handler(InputError, refuse_input)


class SelectionQuery(Query):
    """Which studies of the worklist, in which order.

    Attributes:
        since: When the reader's day began, in seconds since 1970.
    """

    view: View = View.ALL
    origin: Origin | None = None
    reason: Reason | None = None
    search: Annotated[str, Field(max_length=200)] = ""
    since: _DayBegan = 0
    sort: Column = Column.NEED
    descending: bool = False

    def selection(self) -> Selection:
        """What the store is asked for, by this reader."""
        return Selection(
            view=self.view,
            origin=self.origin,
            reason=self.reason,
            search=self.search,
            reader_id=current_reader_id(),
            since=datetime.fromtimestamp(self.since, UTC),
            sort=self.sort,
            descending=self.descending,
        )


class RowsQuery(SelectionQuery):
    """A block of the worklist's rows; `offset` from 0."""

    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 100


class Row(Answer):
    """A study in the worklist; see `dashboard.studies.worklist_rows`.

    Attributes:
        names: All that the study is called.
        state: Of the study, or of its analysis while no reader has opened it.
        progress: Of a running analysis, in [0, 1].
        no_volume: Why an analysed study has no volume, or "".
        change_percent: Of the volume since the patient's study before; None without one, or where
            that volume was 0.
        before_ml, since: The volume of that study, and its date; None and "" without one.
        why: Why it is here.
        stat: Whether it is urgent.
        reader: Who has it, has read or has signed it.
        tags: What readers have tagged it with.
    """

    study_id: str
    href: str
    patient: str
    names: str
    study_date: str
    sequences: str
    slices: int | None
    origin: str
    origin_words: str
    state: str
    state_words: str
    progress: float
    volume_ml: float | None
    no_volume: str
    change_percent: float | None
    before_ml: float | None
    since: str
    expected_dice: float | None
    conflicts: int | None
    cautions: int | None
    synthetic: bool
    warnings: list[str]
    sequence_note: str
    error: str
    notes: str
    deletable: bool
    cancellable: bool
    why: str
    stat: bool
    reader: str
    tags: list[str]
    added_at: datetime | None


class Rows(Answer):
    """A block of rows, and how many studies are selected in all."""

    count: int
    rows: list[Row]


@worklist.get("/api/worklist/rows")
@endpoint()
def rows(query: RowsQuery) -> Rows:
    """Return a block of the worklist's rows."""
    services, who = find_services(), requester()
    count, lines = read_page(
        services.store, query.selection(), offset=query.offset, limit=query.limit
    )
    changes = find_changes(services.store, [line.study_id for line in lines])
    return Rows(
        count=count,
        rows=[
            Row(
                **_change_cells(changes.get(line.study_id)),
                **describe_line(
                    line,
                    may_delete=line.row is not None
                    and deletion.may_change(services.settings, line.row, who),
                ),
            )
            for line in lines
        ],
    )


def _change_cells(change: Change | None) -> dict[str, Any]:
    if change is None:
        return {"change_percent": None, "before_ml": None, "since": ""}
    return {
        "change_percent": change.percent,
        "before_ml": change.before_ml,
        "since": change.since,
    }


class PlaceQuery(SelectionQuery):
    """A study in a selection."""

    study: StudyId


class PlaceAnswer(Answer):
    """Where a study is in the worklist.

    Attributes:
        at: From 0; -1 where the selection lacks the study.
        count: How many studies are selected.
        previous, next: Ids of its neighbours.
        to_read: Id of the unsigned study to read after it: the next one of the selection, else the
            first one, else the one of all studies that needs a reader most.
    """

    at: int
    count: int
    previous: str | None
    next: str | None
    to_read: str | None


@worklist.get("/api/worklist/place")
@endpoint()
def place(query: PlaceQuery) -> PlaceAnswer:
    """Return where a study is in the worklist, its neighbours, and what to read after it."""
    store, selection = find_services().store, query.selection()
    to_read = find_next_to_read(store, selection, query.study)
    found = find_place(store, selection, query.study)
    if found is None:
        return PlaceAnswer(at=-1, count=0, previous=None, next=None, to_read=to_read)
    return PlaceAnswer(
        at=found.at,
        count=found.count,
        previous=found.previous,
        next=found.next,
        to_read=to_read,
    )


class CountsQuery(Query):
    """When the reader's day began, in seconds since 1970."""

    since: _DayBegan = 0


class Counts(Answer):
    """How many studies each view shows."""

    all: int
    to_read: int
    mine: int
    signed_today: int


@worklist.get("/api/worklist/counts")
@endpoint()
def counts(query: CountsQuery) -> Counts:
    """Return how many studies each view shows."""
    since = datetime.fromtimestamp(query.since, UTC)
    found = count_views(find_services().store, reader_id=current_reader_id(), since=since)
    return Counts(
        all=found[View.ALL],
        to_read=found[View.TO_READ],
        mine=found[View.MINE],
        signed_today=found[View.SIGNED_TODAY],
    )


@worklist.get("/api/worklist/export.csv")
@endpoint(content="text/csv")
def export(query: SelectionQuery) -> Response:
    """Return the studies of a selection as CSV."""
    return _csv(export_lines(find_services().store, query.selection()))


_Chosen = Annotated[list[StudyId], Field(min_length=1, max_length=MOST_CHOSEN)]
#: A tag, with single spaces.
_Tag = Annotated[
    str,
    BeforeValidator(join_words),
    Field(min_length=1, max_length=LONGEST_TAG),
    AfterValidator(check_printable),
]
_Tags = Annotated[list[_Tag], Field(max_length=MOST_TAGS)]


class ChosenStudies(Body):
    """Studies that a reader has chosen in the worklist."""

    studies: _Chosen


@worklist.post("/api/worklist/export.csv")
@endpoint(content="text/csv")
def export_some(sent: ChosenStudies) -> Response:
    """Return the chosen studies as CSV."""
    return _csv(export_chosen(find_services().store, sent.studies))


class TagChange(ChosenStudies):
    """Tags to add to the chosen studies, and to remove from them."""

    add: _Tags = Field(default_factory=list)
    remove: _Tags = Field(default_factory=list)


@worklist.post("/api/worklist/tags")
@endpoint()
def tag(sent: TagChange) -> Nothing:
    """Add tags to the chosen studies and remove others; each study's history says so."""
    try:
        change_tags(find_services().store, sent.studies, author(), add=sent.add, remove=sent.remove)
    except TooManyTags:
        words = f"A study can have up to {MOST_TAGS} tags; remove one first."
        raise RequestRefused(words, field="add") from None
    return Nothing()


class PriorityChange(ChosenStudies):
    """Whether the chosen studies are to be read first."""

    stat: bool


@worklist.post("/api/worklist/priority")
@endpoint()
def prioritise(sent: PriorityChange) -> Nothing:
    """Set whether the chosen studies are to be read first."""
    change_priorities(find_services().store, sent.studies, author(), stat=sent.stat)
    return Nothing()


def _csv(lines: Iterable[RowMapping]) -> Response:
    name = "attachment; filename=worklist.csv"
    changed = add_changes(find_services().store, lines)
    content = write_csv((line, change.percent if change else None) for line, change in changed)
    return Response(content, mimetype="text/csv", headers={"Content-Disposition": name})


class DeletedAnswer(Answer):
    """A deleted study, and until when it can be restored; times in UTC."""

    study_id: str
    name: str
    deleted_at: datetime
    deleted_by: str
    kept_until: datetime


class DeletedStudies(Answer):
    """The deleted studies that the reader may restore, those deleted last first."""

    studies: list[DeletedAnswer]


@worklist.get("/api/worklist/deleted")
@endpoint()
def deleted() -> DeletedStudies:
    """Return the deleted studies that the reader may restore."""
    found = deletion.list_deleted(find_services(), requester())
    return DeletedStudies(
        studies=[
            DeletedAnswer(
                study_id=one.study_id,
                name=one.name,
                deleted_at=one.deleted_at,
                deleted_by=one.deleted_by,
                kept_until=one.deleted_at + deletion.KEPT,
            )
            for one in found
        ]
    )


@worklist.delete("/api/studies/<study_id>")
@endpoint()
def delete(address: StudyAddress) -> Nothing:
    """Delete an uploaded study; it can be restored for 30 days.

    Status 403 if it is another reader's.
    """
    row = find_study(address.study_id)
    deletion.delete_study(find_services(), row.study_id, requester())
    return Nothing()


@worklist.post("/api/studies/<study_id>/restore")
@endpoint()
def restore(address: StudyAddress) -> Nothing:
    """Put a deleted study back into the worklist, with all that readers did on it.

    Status 403 if it is another reader's.
    """
    deletion.restore_study(find_services(), address.study_id, requester())
    return Nothing()
