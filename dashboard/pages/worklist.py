"""Worklist: every study, where its analysis stands, and the way to add more."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from dashboard import services, studies
from dashboard.components import study_grid, upload
from dashboard.components.attributes import aria, data
from dashboard.shell import empty_state
from dashboard.store import JobState, Origin, StudyCounts
from pipeline import InputError

TITLE = "Worklist"

REFRESH = "worklist-refresh"  # written by upload.js when an upload has ended
TICK = "worklist-tick"
SEEN = "worklist-seen"
TABS = "worklist-tabs"
ORIGIN = "worklist-origin"
SEARCH = "worklist-search"
EMPTY = "worklist-empty"
FILLED = "worklist-filled"
NOTICES = "worklist-notices"
DELETE_TARGET = "worklist-delete-target"
DELETE_YES = "worklist-delete-yes"
SINK = "worklist-sink"

#: How often rows are asked for, in ms: while something is analysed, and otherwise.
BUSY_MS, IDLE_MS = 1000, 5000

INTENDED_USE = (
    "For research only. Overread marks FLAIR abnormality on brain MRI for a reader to check; it is "
    "no medical device and makes no diagnosis."
)

_STUDY_ID = re.compile(r"[0-9a-f]{16}")
_TABS: tuple[tuple[str, str], ...] = (
    ("", "All"),
    (Origin.UPLOAD, "Uploads"),
    (Origin.LIBRARY, "Library"),
    (Origin.DEMO, "Demo"),
)


def layout(**_: Any) -> Component:
    """The page, with its rows, so that it needs no second answer before it shows them."""
    parts = services.get(current_app)
    settings = parts.settings
    try:
        rows, counts = _read(parts)
    except SQLAlchemyError:
        return html.Div(_unreadable(), className="page")
    filled, empty = _visibility(counts)
    return html.Div(
        [
            dcc.Store(id=REFRESH),
            dcc.Store(id=SEEN, data=_digest(rows)),
            dcc.Store(id=ORIGIN, data=""),
            dcc.Store(id=DELETE_TARGET),
            dcc.Store(id=SINK),
            dcc.Interval(id=TICK, interval=_interval(counts)),
            _head(counts),
            upload.panel(max_bytes=settings.max_upload_bytes, max_files=settings.max_upload_files),
            html.Div(_notices(parts), id=NOTICES),
            html.Div(
                [study_grid.layout(rows), _nothing_found()],
                id=FILLED,
                className="worklist-rows",
                hidden=filled,
            ),
            html.Div(
                _no_studies(settings.library is not None),
                id=EMPTY,
                className="worklist-empty",
                hidden=empty,
            ),
            _foot(),
            _delete_dialog(),
        ],
        className="page worklist",
    )


def register(app: Dash) -> None:
    """Add the page's callbacks to the app."""
    app.callback(
        Output(study_grid.GRID, "rowData"),
        Output(TABS, "children"),
        Output(SEEN, "data"),
        Output(TICK, "interval"),
        Output(FILLED, "hidden"),
        Output(EMPTY, "hidden"),
        Input(TICK, "n_intervals"),
        Input(REFRESH, "data"),
        State(SEEN, "data"),
        State(ORIGIN, "data"),
        prevent_initial_call=True,
    )(refresh)
    app.callback(
        Output(REFRESH, "data"),
        Output(NOTICES, "children"),
        Input(DELETE_YES, "n_clicks"),
        State(DELETE_TARGET, "data"),
        State(REFRESH, "data"),
        prevent_initial_call=True,
    )(delete)
    app.clientside_callback(
        ClientsideFunction("overread_worklist", "mount"), Output(SINK, "data"), Input(FILLED, "id")
    )
    app.clientside_callback(
        ClientsideFunction("overread_worklist", "filter"),
        Output(SINK, "data", allow_duplicate=True),
        Input(SEARCH, "value"),
        Input(ORIGIN, "data"),
        prevent_initial_call="initial_duplicate",
    )


def refresh(ticks: object, asked: object, seen: object, origin: object) -> tuple[Any, ...]:
    """Rows and counts, where they differ from what the browser has; else nothing at all."""
    try:
        rows, counts = _read(services.get(current_app))
    except SQLAlchemyError:
        raise PreventUpdate from None
    digest = _digest(rows)
    if digest == seen:
        raise PreventUpdate
    chosen = origin if isinstance(origin, str) else ""
    return rows, _tab_buttons(counts, chosen), digest, _interval(counts), *_visibility(counts)


def delete(clicks: object, study_id: object, asked: object) -> tuple[Any, Any]:
    """Delete an uploaded study, after the reader has confirmed it."""
    if not clicks or not isinstance(study_id, str) or not _STUDY_ID.fullmatch(study_id):
        raise PreventUpdate
    parts = services.get(current_app)
    try:
        studies.delete_study(parts, study_id)
    except InputError as error:
        return no_update, [_notice("It was not deleted.", error.message), *_notices(parts)]
    return (asked if isinstance(asked, int) else 0) + 1, _notices(parts)


def _read(parts: services.Services) -> tuple[list[dict[str, Any]], StudyCounts]:
    return study_grid.describe_studies(parts.store.list_studies()), parts.store.count_studies()


def _digest(rows: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _interval(counts: StudyCounts) -> int:
    states: Mapping[Any, int] = counts.states
    busy = states.get(JobState.QUEUED, 0) + states.get(JobState.RUNNING, 0)
    return BUSY_MS if busy else IDLE_MS


def _visibility(counts: StudyCounts) -> tuple[bool, bool]:
    """Whether the grid and the empty state are hidden."""
    return counts.total == 0, counts.total > 0


def _head(counts: StudyCounts) -> html.Div:
    return html.Div(
        [
            html.H1("Worklist", className="visually-hidden"),
            html.Div(
                _tab_buttons(counts, ""),
                id=TABS,
                className="segments",
                role="group",
                **aria(label="Which studies"),
            ),
            html.Div(
                [
                    html.Label("Search", htmlFor=SEARCH, className="visually-hidden"),
                    dcc.Input(
                        id=SEARCH,
                        type="search",
                        placeholder="Search patient, date, note",
                        className="field worklist-search",
                        autoComplete="off",
                        maxLength=200,
                    ),
                    html.Kbd("/", className="key worklist-search-key", **aria(hidden="true")),
                    upload.add_button(),
                ],
                className="worklist-tools",
            ),
        ],
        className="page-head",
    )


def _tab_buttons(counts: StudyCounts, chosen: str) -> list[html.Button]:
    numbers: Mapping[Any, int] = counts.origins
    return [
        html.Button(
            [words, html.Span(f" {numbers.get(name, 0) if name else counts.total:,}")],
            type="button",
            className="segment tabular",
            **aria(pressed=str(name == chosen).lower()),
            **data(origin=str(name)),
        )
        for name, words in _TABS
    ]


def _notices(parts: services.Services) -> list[Component]:
    """What is wrong on the server, in sentences."""
    shown: list[Component] = []
    if parts.models is None:
        shown.append(_notice("Nothing can be analysed.", parts.models_error))
    left_out = parts.store.source_errors(Origin.LIBRARY)
    if left_out:
        sentences = " · ".join(message for _, message in left_out[:3])
        count = len(left_out)
        title = f"{count:,} file{'s' if count != 1 else ''} of the library left out."
        shown.append(_notice(title, sentences + (" …" if count > 3 else "")))
    return shown


def _notice(title: str, sentence: str) -> html.Div:
    return html.Div(
        [html.Span(title, className="notice-title"), html.Span(sentence, className="muted")],
        className="notice notice--error",
        role="alert",
    )


def _no_studies(has_library: bool) -> Component:
    library = (
        "The library folder holds no study that can be read."
        if has_library
        else "Studies of a folder on the server appear here when OVERREAD_LIBRARY names it."
    )
    return empty_state(
        "No studies yet",
        "Add some, or drop files or a folder anywhere on this page.",
        upload.add_button(button_id="upload-open-empty"),
        library,
    )


def _nothing_found() -> html.Div:
    return html.Div(
        [
            html.P("No study here fits the search and the tab.", className="muted"),
            html.Button(
                "Show all studies", id="worklist-show-all", type="button", className="button"
            ),
        ],
        id="worklist-none",
        className="worklist-none",
        hidden=True,
    )


def _unreadable() -> Component:
    return empty_state(
        "The worklist cannot be read",
        "The review database does not answer. Nothing is lost; it may be busy or its disk full.",
        html.A("Try again", href="/", className="button button--primary"),
    )


def _foot() -> html.Div:
    keys = [("Open", ("Enter",)), ("Move", ("↑", "↓")), ("Search", ("/",))]
    return html.Div(
        [
            html.P(INTENDED_USE, className="muted secondary"),
            html.Div(
                [
                    html.Span([words, *[html.Kbd(key, className="key") for key in caps]])
                    for words, caps in keys
                ],
                className="worklist-keys muted secondary",
            ),
        ],
        className="worklist-foot",
    )


def _delete_dialog() -> html.Dialog:
    return html.Dialog(
        [
            html.Div(
                html.H2(
                    ["Delete ", html.Span(id="worklist-delete-name"), "?"],
                    id="worklist-delete-title",
                    className="page-title",
                ),
                className="dialog-head",
            ),
            html.Div(
                html.P("Its images and its analysis are removed from this server, for good."),
                className="dialog-body",
            ),
            html.Div(
                [
                    html.Button(
                        "Keep it",
                        id="worklist-delete-no",
                        type="button",
                        className="button",
                        autoFocus=True,
                    ),
                    html.Button(
                        "Delete", id=DELETE_YES, type="button", className="button button--danger"
                    ),
                ],
                className="dialog-foot",
            ),
        ],
        id="worklist-delete-dialog",
        className="dialog dialog--narrow",
        **aria(labelledby="worklist-delete-title"),
    )
