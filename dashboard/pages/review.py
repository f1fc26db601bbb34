"""Review: one study, slice by slice, with the AI's outline and the reference over the image.

The address names study and slice (``/review?study=<id>&slice=<number>``). The browser asks
``/api/studies/<id>`` and draws; the callbacks here only follow the study's analysis. The jobs table
is the truth: the background callback submits, relays and ends, and may be killed at any time
without harm to the job; a reload submits again and thereby finds the running job.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import services
from dashboard.components import findings, rail, viewer
from dashboard.components.attributes import aria
from dashboard.jobs import table
from dashboard.shell import empty_state
from dashboard.store import JobRow, Store
from pipeline import InputError

STUDY = "review-study"
REQUEST = "analysis-request"
PROGRESS = "analysis-progress"
OUTCOME = "analysis-outcome"
SINK = "review-sink"

_STUDY_ID = re.compile(r"[0-9a-f]{16}")
#: Longest time between two looks at the jobs table. The first ones follow each other faster: one
#: slice is answered in less.
_RELAY_SECONDS = 0.4
_FIRST_RELAY_SECONDS = 0.05

#: What the slice score was learned on, in the words that the reader finds one click away.
LEARNED_ON = [
    "Single slices of the public LGG MRI Segmentation set, split by patient: no patient is both "
    "learned from and tested on.",
    "Everybody in that set has a tumor. The score says how much this slice looks like the slices "
    "with tumor there; it is no probability that a patient has one.",
    "It is made from two answers of one network: the classifier's own score, and how sure the "
    "outline is of its surest pixels. Where the classifier's score is very low nothing is outlined "
    "and the classifier decides alone; where the two contradict each other, the conflict is shown.",
    "From the operating point on, marked on the bar, a slice is called; the outline may still be "
    "empty there. Below it no outline is shown.",
]


def layout(study: str | None = None, slice: str | None = None, **_: str) -> Component:
    """The page for a study, or what to do where the address names none.

    Args:
        study: The study's id, from the address, untrusted.
        slice: Number of the slice to open, from the address, untrusted.
    """
    if not study:
        return _page(
            empty_state(
                "No study is open",
                "Choose one in the worklist. Add studies there too.",
                dcc.Link("Open the worklist", href="/", className="button button--primary"),
            )
        )
    if not _STUDY_ID.fullmatch(study):
        return _page(_error("This study cannot be opened", "The address names no study."))
    wanted = int(slice) if slice and re.fullmatch(r"[0-9]{1,6}", slice) else None
    return _page(
        html.Div(
            [rail.layout(), viewer.layout(), findings.layout(LEARNED_ON)],
            className="review",
            **aria(busy="true"),
        ),
        html.Div(_error("", ""), id="review-error", className="review-error", hidden=True),
        dcc.Store(id=STUDY, data={"study_id": study, "slice": wanted}),
        *[dcc.Store(id=name) for name in (REQUEST, PROGRESS, OUTCOME, SINK)],
    )


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    app.clientside_callback(
        ClientsideFunction("overread_review", "open"), Output(SINK, "data"), Input(STUDY, "data")
    )
    # two, not one with both inputs: Dash would hold it back until the outcome is there
    for told in (PROGRESS, OUTCOME):
        app.clientside_callback(
            ClientsideFunction("overread_review", "job"),
            Output(SINK, "data", allow_duplicate=True),
            Input(told, "data"),
            prevent_initial_call=True,
        )

    @app.callback(
        Output(OUTCOME, "data"),
        Input(REQUEST, "data"),
        background=True,
        progress=Output(PROGRESS, "data"),
        cancel=Input(findings.CANCEL, "n_clicks"),
        interval=250,
        prevent_initial_call=True,
    )
    def analyse(set_progress: Callable[[Any], None], request: object) -> Any:
        """Submit the study's analysis, relay its progress, end with its last state."""
        asked = _parse_request(request)
        if asked is None:
            return no_update
        parts = services.get(app)
        return follow_job(parts.store, asked, set_progress, has_result=_has_result(parts, asked))

    @app.callback(
        Output(OUTCOME, "data", allow_duplicate=True),
        Input(findings.CANCEL, "n_clicks"),
        State(REQUEST, "data"),
        prevent_initial_call=True,
    )
    def cancel(clicks: int | None, request: object) -> Any:
        """Cancel the job itself; Dash ends the background callback that follows it."""
        asked = _parse_request(request)
        if not clicks or asked is None:
            return no_update
        return cancel_job(services.get(app).store, asked)


def follow_job(
    store: Store,
    request: dict[str, Any],
    relay: Callable[[Any], None],
    *,
    has_result: bool = True,
    pause_seconds: float = _RELAY_SECONDS,
) -> dict[str, Any]:
    """Submit a study's analysis and relay its state until it ends.

    Args:
        store: The review database.
        request: ``study_id`` and ``asked``, the browser's mark for this request.
        relay: Called with the state again and again.
        has_result: False where the result of a job that is done has gone from the cache.
        pause_seconds: Longest time between two looks at the jobs table.

    Returns:
        The last state: ``study_id``, ``asked``, ``state``, ``done``, ``total``, ``message``.
    """
    try:
        job_id = table.submit(
            store, request["study_id"], priority=table.PRIORITY_OPENED, result_lost=not has_result
        )
    except InputError as error:
        return {**_describe(None, request), "state": "failed", "message": error.message}
    pause = min(_FIRST_RELAY_SECONDS, pause_seconds)
    while True:
        job = table.state(store, job_id)
        state = _describe(job, request)
        if job is None or job.finished:
            return state
        relay(state)  # each time: a callback that nobody wants any more ends when it reports
        time.sleep(pause)
        pause = min(1.25 * pause, pause_seconds)


def cancel_job(store: Store, request: dict[str, Any]) -> dict[str, Any]:
    """Cancel a study's job in the jobs table; returns its state as `follow_job` does."""
    row = store.study(request["study_id"])
    job = table.cancel(store, row.job_id) if row and row.job_id is not None else None
    return _describe(job, request)


def _has_result(parts: services.Services, request: dict[str, Any]) -> bool:
    row = parts.store.study(request["study_id"])
    key = parts.result_key(row.content_digest) if row else None
    return key is not None and parts.results.outline(key) is not None


def _describe(job: JobRow | None, request: dict[str, Any]) -> dict[str, Any]:
    """A job for the browser. One that was deleted with its study counts as cancelled."""
    if job is None:
        return {**request, "state": "cancelled", "done": 0, "total": 0, "message": ""}
    return {
        **request,
        "state": str(job.state),
        "done": job.done,
        "total": job.total,
        "message": job.error or job.message,
    }


def _parse_request(value: object) -> dict[str, Any] | None:
    """The browser's request, checked; None where it is not one."""
    if not isinstance(value, dict):
        return None
    study_id, asked = value.get("study_id"), value.get("asked")
    if not isinstance(study_id, str) or not _STUDY_ID.fullmatch(study_id):
        return None
    return {"study_id": study_id, "asked": asked if isinstance(asked, int) else 0}


def _page(*children: Component) -> html.Div:
    return html.Div(list(children), className="page page--full")


def _error(title: str, text: str) -> html.Div:
    return html.Div(
        [
            html.H1(title, className="empty-title", id="review-error-title"),
            html.P(text, id="review-error-text"),
            html.Div(
                [
                    dcc.Link("Open the worklist", href="/", className="button button--primary"),
                    html.A("Load again", href="", className="button"),
                ],
                className="inline",
            ),
        ],
        className="empty",
        role="alert",
    )
