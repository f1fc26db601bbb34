"""Review: one study, slice by slice, with the AI's outline and the reference over the image.

The address names study and slice (``/review?study=<id>&slice=<number>``). The browser asks
``/api/studies/<id>`` and draws; the callbacks here only follow the study's analysis. The jobs table
is the truth: the background callback submits, relays and ends, and may be killed at any time
without harm to the job; the page asks again, and so finds the running job.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from pydantic import Field

from dashboard.components.attributes import aria
from dashboard.components.shell import empty_state
from dashboard.jobs import callbacks
from dashboard.pages.review import findings, rail, viewer
from dashboard.store import STUDY_ID
from dashboard.studies.analysis import cancel_analysis, request_analysis
from dashboard.workspace import services

STUDY = "review-study"
REQUEST = "analysis-request"
PROGRESS = "analysis-progress"
OUTCOME = "analysis-outcome"
SINK = "review-sink"

#: How often the browser asks how far the analysis is.
_ASK_MS = 100

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


class AnalysisRequest(callbacks.JobRequest):
    """The analysis that the page follows."""

    study_id: Annotated[str, Field(pattern=rf"^{STUDY_ID.pattern}$")]


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
    if not STUDY_ID.fullmatch(study):
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
    callbacks.pass_to_browser(app, "overread_review", sink=SINK, sources=(PROGRESS, OUTCOME))

    @app.callback(
        Output(OUTCOME, "data"),
        Input(REQUEST, "data"),
        background=True,
        progress=Output(PROGRESS, "data"),
        interval=_ASK_MS,
        prevent_initial_call=True,
    )
    def analyse(set_progress: Callable[[Any], None], request: object) -> Any:
        """Submit the study's analysis, relay its progress, end with its last state."""
        asked = callbacks.read_request(AnalysisRequest, request)
        if asked is None:
            return no_update
        return follow_analysis(services.get(app), asked, set_progress)

    @app.callback(
        Output(SINK, "data", allow_duplicate=True),
        Input(findings.CANCEL, "n_clicks"),
        State(REQUEST, "data"),
        prevent_initial_call=True,
    )
    def cancel(clicks: int | None, request: object) -> Any:
        """Cancel the job in the table; the callback that follows it sees the end."""
        asked = callbacks.read_request(AnalysisRequest, request)
        if clicks and asked is not None:
            cancel_analysis(services.get(app), asked.study_id)
        return no_update


def follow_analysis(
    parts: services.Services, request: AnalysisRequest, set_progress: Callable[[Any], None]
) -> dict[str, Any]:
    """Submit a study's analysis and report its state, with the request's own values, until it ends.

    Args:
        parts: The server's parts.
        request: What the page sent.
        set_progress: Called with the state at each look.

    Returns:
        The last state; see `dashboard.jobs.callbacks.follow`.
    """

    def submit() -> int:
        return request_analysis(parts, request.study_id, restart=request.again)

    def report(news: callbacks.JobNews) -> None:
        set_progress(news.answer(request))

    return callbacks.follow(parts.store, submit, report).answer(request)


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
