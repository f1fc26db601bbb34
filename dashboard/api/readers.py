"""HTTP of the reader: who is reading, their keys, whether they took the tour, their views."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, ClassVar, Literal

from flask import Blueprint
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from dashboard.api.access import find_services
from dashboard.api.endpoint import Answer, Body, check_printable, endpoint, join_words
from dashboard.api.identity import Reader, current_reader
from dashboard.store import Origin
from dashboard.store.readers import ReaderRow, change_reader, find_reader
from dashboard.store.stored_json import LONGEST_VIEW_NAME, SavedView, ViewMode
from dashboard.store.worklist_lines import Reason
from dashboard.store.worklist_pages import Column, View
from dashboard.workspace.received import RequestRefused
from pipeline import DeclaredModel

LONGEST_NAME = 60
MOST_KEYS = 300
MOST_VIEWS = 30
#: "m", "Shift+n", "Ctrl+Shift+z", "ArrowDown", " "; "" removes a key.
_KEY = re.compile(r"(Ctrl\+)?(Shift\+)?([^\s]|[A-Z][A-Za-z0-9]{1,15}| )|")

reader = Blueprint("reader", __name__)


def _check_key(text: str) -> str:
    if not _KEY.fullmatch(text) or not text.isprintable():
        raise ValueError("must be a key that a keyboard sends")
    return text


_Name = Annotated[
    str,
    BeforeValidator(join_words),
    Field(max_length=LONGEST_NAME),
    AfterValidator(check_printable),
]
_ViewName = Annotated[
    str,
    BeforeValidator(join_words),
    Field(max_length=LONGEST_VIEW_NAME),
    AfterValidator(check_printable),
]
#: Id of a binding, such as "show.ai".
_Binding = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,63}$")]
_SecondView = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,32}$")]
_Keys = Annotated[
    dict[_Binding, Annotated[str, AfterValidator(_check_key)]], Field(max_length=MOST_KEYS)
]


class SentWorklistView(DeclaredModel):
    """A view of the worklist that a reader saves.

    Attributes:
        name: Unique among the reader's views.
        view, origin, reason, search: What it shows; "" for all.
        sort: What it is sorted by, with `descending`; "need" for the order by need.
    """

    name: Annotated[_ViewName, Field(min_length=1)]
    view: View = View.ALL
    origin: Origin | Literal[""] = ""
    reason: Reason | Literal[""] = ""
    search: Annotated[str, Field(max_length=200), AfterValidator(check_printable)] = ""
    sort: Column = Column.NEED
    descending: bool = False


_Views = Annotated[list[SentWorklistView], Field(max_length=MOST_VIEWS)]


class WorklistView(Answer):
    """A saved view of the worklist; attributes as sent."""

    name: str
    view: View
    origin: str
    reason: str
    search: str
    sort: Column
    descending: bool


class ReaderChange(Body):
    """What a reader changes; a field that is not sent stays as it is.

    Attributes:
        name: The reader's name.
        keys: All changed keys, by binding.
        tour_done: Whether the tour no longer opens by itself.
        view_mode: Views in which studies open.
        second_view: Content of the second view: a sequence, "reference" or "bare"; "" for the
            default.
        worklist_views: All saved views of the worklist.
        worklist_first: Name of the one with which the worklist opens; "" for none.
    """

    shown: ClassVar[str] = "Your entry"
    remedy: ClassVar[str] = "change it"
    name: _Name | None = None
    keys: _Keys | None = None
    tour_done: bool | None = None
    view_mode: ViewMode | None = None
    second_view: _SecondView | None = None
    worklist_views: _Views | None = None
    worklist_first: _ViewName | None = None

    @model_validator(mode="after")
    def _check_any(self) -> ReaderChange:
        if not self.model_fields_set:
            raise ValueError("must hold at least one field")
        names = [one.name for one in self.worklist_views or []]
        if len(set(names)) < len(names):
            raise ValueError("has two views of one name")
        return self


class ReaderAnswer(Answer):
    """Who is reading.

    Attributes:
        name: The name from the reader or the proxy, "" without one.
        shown: The name to show; never empty.
        can_rename: Whether the reader may change the name.
        keys: Changed keys by binding.
        tour_done: Whether the tour no longer opens by itself.
        view_mode, second_view: Views in which studies open.
        worklist_views, worklist_first: Saved views of the worklist, and which one it opens with.
    """

    name: str
    shown: str
    can_rename: bool
    keys: Mapping[str, str]
    tour_done: bool
    view_mode: ViewMode
    second_view: str
    worklist_views: list[WorklistView]
    worklist_first: str


@reader.get("/api/reader")
@endpoint()
def show_reader() -> ReaderAnswer:
    """Return the reader with their settings."""
    who = current_reader()
    return _answer(who, find_reader(find_services().store, who.reader_id))


@reader.put("/api/reader")
@endpoint()
def change(sent: ReaderChange) -> ReaderAnswer:
    """Change what is sent."""
    who = current_reader()
    if sent.name is not None and not who.can_rename:
        raise RequestRefused(
            "Your name comes from your sign-in and cannot be changed here.", field="name"
        )
    row = change_reader(
        find_services().store,
        who.reader_id,
        name=sent.name,
        keys=sent.keys,
        tour_done=sent.tour_done,
        view_mode=sent.view_mode,
        second_view=sent.second_view,
        worklist_views=None
        if sent.worklist_views is None
        else tuple(_stored(one) for one in sent.worklist_views),
        worklist_first=sent.worklist_first,
    )
    return _answer(current_reader(), row)


def _answer(who: Reader, row: ReaderRow) -> ReaderAnswer:
    return ReaderAnswer(
        name=row.name if who.can_rename else who.name,
        shown=who.name,
        can_rename=who.can_rename,
        keys=row.keys,
        tour_done=row.tour_done,
        view_mode=row.view_mode,
        second_view=row.second_view,
        worklist_views=[found for one in row.worklist_views if (found := _shown(one))],
        worklist_first=row.worklist_first,
    )


def _stored(view: SentWorklistView) -> SavedView:
    return SavedView(
        name=view.name,
        view=str(view.view),
        origin=str(view.origin),
        reason=str(view.reason),
        search=view.search,
        sort=str(view.sort),
        descending=view.descending,
    )


def _shown(view: SavedView) -> WorklistView | None:
    """A saved view; None where this version does not know what it shows."""
    try:
        known = SentWorklistView.model_validate_json(json.dumps(asdict(view)))
        return WorklistView(**dict(known))
    except ValidationError:
        return None
