"""Review: one study, slice by slice, with the AI and the reference outline on the image.

The address contains study and slice (``/review?study=<id>&slice=<number>``). The browser fetches
``/api/studies/<id>`` and draws; the callbacks here only follow the study's analysis. The jobs table
is the single source of truth: the background callback submits a job, relays its state and ends. It
may be killed at any time without harm to the job, as the page then asks again and finds the running
job.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.shell import empty_state
from dashboard.jobs import callbacks
from dashboard.pages.review import findings, rail, viewer
from dashboard.store import STUDY_ID, StudyId
from dashboard.studies.analysis import cancel_analysis, request_analysis
from dashboard.workspace import services

STUDY = "review-study"
REQUEST = "analysis-request"
PROGRESS = "analysis-progress"
OUTCOME = "analysis-outcome"
SINK = "review-sink"

#: How often the browser asks for the progress of the analysis.
_ASK_MS = 100

#: How the slice score works, shown on demand in the findings panel.
SCORE_EXPLANATION = [
    "The models were trained on single slices of the public LGG MRI Segmentation dataset, split by "
    "patient: no patient is in both training and test data.",
    "All patients in that dataset have a tumor. The score shows how closely this slice resembles "
    "slices with tumor in that dataset. It is not the probability that the patient has a tumor.",
    "The score combines two outputs of one network: the classifier score and the segmentation "
    "confidence, which is that of its most confident pixels. If the classifier score is very low, "
    "the slice is not segmented and the classifier decides alone. If the two disagree, the slice "
    "is shown as a conflict.",
    "A slice at or above the operating point, the tick on the bar, is marked as abnormal, although "
    "its mask may be empty. Below the operating point no mask is shown.",
]
#: Title and text of the error for an address without a valid study.
NO_STUDY = (
    "No study at this link",
    "Check the link, or choose a study in the worklist.",
)


class AnalysisRequest(callbacks.JobRequest):
    """A request to follow the analysis of a study."""

    study_id: StudyId


def layout(study: str | None = None, slice: str | None = None, **_: str) -> Component:
    """The page for a study, or an explanation if the address contains none.

    Args:
        study: The study's id, from the address, untrusted.
        slice: Number of the slice to open, from the address, untrusted.
    """
    if not study:
        return _page(
            empty_state(
                "No study is open",
                "Choose or add a study in the worklist.",
                dcc.Link("Open the worklist", href="/", className="button button--primary"),
            )
        )
    if not STUDY_ID.fullmatch(study):
        return _page(_error(*NO_STUDY))
    wanted = int(slice) if slice and re.fullmatch(r"[0-9]{1,6}", slice) else None
    return _page(
        html.H1("Review", id="review-title", className="visually-hidden"),
        html.Div(
            [rail.layout(), viewer.layout(), findings.layout(SCORE_EXPLANATION)],
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
        """Submit the study's analysis, relay its progress, and return its final state."""
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
        """Cancel the job in the table; the callback that follows it reports the end."""
        asked = callbacks.read_request(AnalysisRequest, request)
        if clicks and asked is not None:
            cancel_analysis(services.get(app), asked.study_id)
        return no_update


def follow_analysis(
    parts: services.Services, request: AnalysisRequest, set_progress: Callable[[Any], None]
) -> dict[str, Any]:
    """Submit a study's analysis and report its state until it ends.

    Args:
        parts: The server's services.
        request: From the page.
        set_progress: Called with each state, which includes the fields of the request.

    Returns:
        The final state; see `dashboard.jobs.callbacks.follow`.
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
                    html.A("Reload", href="", className="button"),
                ],
                className="inline",
            ),
        ],
        className="empty",
        role="alert",
    )
