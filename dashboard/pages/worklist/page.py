"""Worklist: every study, the status of its analysis, and the upload of more studies."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from dashboard.components.browser_values import BrowserValue, Clicks, Name, checked, fallback
from dashboard.pages.worklist import frame, grid, upload
from dashboard.store import JobState, Origin, StudyCounts, StudyId
from dashboard.store.stamp import worklist_stamp
from dashboard.studies.analysis import cancel_analysis
from dashboard.workspace import services
from pipeline import StorageError

REFRESH = "worklist-refresh"  # written by upload_send.js when an upload has ended
TICK = "worklist-tick"
SEEN = "worklist-seen"
ORIGIN = "worklist-origin"
EMPTY = "worklist-empty"
FILLED = "worklist-filled"
NOTICES = "worklist-notices"
CANCEL_TARGET = "worklist-cancel-target"  # the study whose analysis the reader cancelled last
SINK = "worklist-sink"

#: Interval between requests for rows, in ms: while a study is being analysed, and otherwise.
BUSY_MS, IDLE_MS = 1000, 5000


def layout(**_: Any) -> Component:
    """The page with its counts; the browser asks for the rows."""
    try:
        return _page(services.get(current_app))
    except SQLAlchemyError:
        return html.Div(frame.unreadable(), className="page")


def _page(parts: services.Services) -> html.Div:
    settings = parts.settings
    stamp = worklist_stamp(parts.store)  # first: the next refresh fetches a change made meanwhile
    counts = parts.store.count_studies()
    is_empty = counts.total == 0
    return html.Div(
        [
            dcc.Store(id=REFRESH),
            dcc.Store(id=SEEN, data=stamp),
            dcc.Store(id=ORIGIN, data=""),
            dcc.Store(id=CANCEL_TARGET),
            dcc.Store(id=SINK),
            dcc.Interval(id=TICK, interval=_interval(counts)),
            frame.head(),
            frame.filters(counts),
            frame.chosen(),
            upload.panel(max_bytes=settings.max_upload_bytes, max_files=settings.max_upload_files),
            frame.offline_notice(),
            html.Div(_notices(parts), id=NOTICES, className="worklist-notices"),
            html.Div(
                [
                    grid.layout(counts.total),
                    frame.nothing_found(settings.library is not None),
                ],
                id=FILLED,
                className="worklist-rows",
                hidden=is_empty,
            ),
            html.Div(
                _describe_empty(parts, counts),
                id=EMPTY,
                className="worklist-empty",
                hidden=not is_empty,
            ),
            frame.foot(),
            frame.delete_dialog(),
            frame.deleted_dialog(),
            frame.views_dialog(),
        ],
        className="page worklist",
    )


def register(app: Dash) -> None:
    """Add the page's callbacks to the app."""
    app.callback(
        Output(frame.TABS, "children"),
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
        Input(CANCEL_TARGET, "data"),
        State(REFRESH, "data"),
        prevent_initial_call=True,
    )(cancel)
    app.clientside_callback(
        ClientsideFunction("overread_worklist", "mount"), Output(SINK, "data"), Input(FILLED, "id")
    )
    app.clientside_callback(
        ClientsideFunction("overread_worklist", "filter"),
        Output(SINK, "data", allow_duplicate=True),
        Input(frame.SEARCH, "value"),
        Input(ORIGIN, "data"),
        prevent_initial_call="initial_duplicate",
    )
    app.clientside_callback(
        ClientsideFunction("overread_worklist", "reload"),
        Output(SINK, "data", allow_duplicate=True),
        Input(SEEN, "data"),
        prevent_initial_call=True,
    )


@checked
def refresh(
    ticks: Any, asked: Any, seen: Any, origin: Annotated[Name, fallback("")]
) -> tuple[Any, ...]:
    """Counts, and whether grid and empty state are hidden, where the worklist has changed.

    The browser then asks for its rows.
    """
    parts = services.get(current_app)
    try:
        stamp = worklist_stamp(parts.store)
        if stamp == seen:
            raise PreventUpdate
        counts = parts.store.count_studies()
    except SQLAlchemyError:
        raise PreventUpdate from None
    return (
        frame.tab_buttons(counts, origin),
        stamp,
        _interval(counts),
        counts.total == 0,
        counts.total > 0,
    )


class CancelTarget(BrowserValue):
    """The study whose analysis the reader cancels."""

    study_id: StudyId


@checked
def cancel(target: CancelTarget, asked: Clicks) -> int:
    """Cancel the analysis of a study."""
    try:
        cancel_analysis(services.get(current_app), target.study_id)
    except SQLAlchemyError:
        raise PreventUpdate from None
    return asked + 1


def _interval(counts: StudyCounts) -> int:
    states: Mapping[Any, int] = counts.states
    busy = states.get(JobState.QUEUED, 0) + states.get(JobState.RUNNING, 0)
    return BUSY_MS if busy else IDLE_MS


def _describe_empty(parts: services.Services, counts: StudyCounts) -> Component:
    """What an empty worklist says: there are no studies, or their list was lost."""
    if counts.total == 0:
        with suppress(StorageError):
            if lost := parts.files.list_stored() - parts.store.known_studies():
                return frame.lost_list(len(lost))
    return frame.no_studies(parts.settings.library is not None)


def _notices(parts: services.Services) -> list[Component]:
    """Notices of problems on the server."""
    shown: list[Component] = []
    if parts.models is None:
        shown.append(frame.notice("Studies cannot be analysed.", parts.models_error))
    left_out = parts.store.source_errors(Origin.LIBRARY)
    if left_out:
        sentences = " · ".join(message for _, message in left_out[:3])
        count = len(left_out)
        title = f"{count:,} library file{'s' if count != 1 else ''} could not be added."
        shown.append(frame.notice(title, sentences + (" …" if count > 3 else "")))
    return shown
