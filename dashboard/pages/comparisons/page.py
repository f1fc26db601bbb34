"""Comparisons: tasks of single images, compared with published systems. Not for diagnostic use.

The image is sent by `assets/js/comparisons/comparisons.js`. Its analysis is a row of the jobs
table, computed by a worker; a background callback follows the row and may be lost at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import plotly.graph_objects as go
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from flask import current_app
from pydantic import AfterValidator, Field

from dashboard.comparisons.answers import MAX_BYTES, ImageAnswers
from dashboard.comparisons.records import ImageId
from dashboard.components import shell
from dashboard.components.browser_values import BrowserValue, Place, ThemeName, checked
from dashboard.figures.confusion import make_confusion_figure
from dashboard.figures.probabilities import make_probability_figure
from dashboard.figures.template import Theme
from dashboard.jobs import callbacks, table
from dashboard.pages.comparisons import view
from dashboard.store import JobState
from dashboard.workspace import services
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS, ImageModelInfo, ImageTask, read_image_model

SINK = f"{view.PREFIX}-sink"
#: Interval, in ms, between the browser's requests for progress.
_ASK_MS = 250
_NO_ANSWER = "The result is no longer on the server. Choose the image again."
TRAIN_COMMAND = "python -m pipeline train-image-task {task} --data DIR --run DIR"


def _check_task(name: str) -> str:
    if name not in IMAGE_TASKS:
        raise ValueError("must be a task")
    return name


class ImageRequest(callbacks.JobRequest):
    """The answer to an image that the page follows."""

    task: Annotated[str, AfterValidator(_check_task)]
    image: ImageId


class _Outcome(BrowserValue):
    """What the page holds of an answer: title and probability of each class."""

    probabilities: Annotated[
        list[tuple[Annotated[str, Field(max_length=80)], Annotated[float, Field(ge=0, le=1)]]],
        Field(min_length=1, max_length=32),
    ]


def layout(task: str | None = None, **_: Any) -> Component:
    """The page of a task.

    Args:
        task: From the address, untrusted; the first task where it is unknown.
    """
    chosen = IMAGE_TASKS.get(str(task)) or next(iter(IMAGE_TASKS.values()))
    children: list[Any] = [
        *[dcc.Store(id=name) for name in (view.PROGRESS, SINK)],
        view.head(list(IMAGE_TASKS.values()), chosen.name),
        view.cautions(chosen),
    ]
    try:
        info = read_image_model(services.get(current_app).settings.models, chosen.name)
    except InputError as error:
        children.append(_without_model(chosen, error.message))
    else:
        # without a model the page has no place for an answer, which Dash would log as an error
        children += [
            dcc.Store(id=view.OUTCOME),
            dcc.Store(id=view.REQUEST),
            _columns(info),
        ]
    return html.Div(html.Div(children, className="comparisons stack"), className="page")


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    app.clientside_callback(
        ClientsideFunction("overread_comparisons", "mount"),
        Output(SINK, "data"),
        Input(view.ANSWER, "children"),
    )
    callbacks.pass_to_browser(
        app, "overread_comparisons", sink=SINK, sources=(view.PROGRESS, view.OUTCOME)
    )

    @app.callback(
        Output(view.ANSWER, "children"),
        Output(view.OUTCOME, "data"),
        Input(view.REQUEST, "data"),
        background=True,
        progress=Output(view.PROGRESS, "data"),
        interval=_ASK_MS,
        prevent_initial_call=True,
    )
    def answer(set_progress: Callable[[Any], None], request: object) -> tuple[Any, Any]:
        """Request the image's answer, relay its progress and return it."""
        asked = callbacks.read_request(ImageRequest, request)
        if asked is None:
            return no_update, no_update
        return follow_answer(services.get(app), asked, set_progress)

    @app.callback(
        Output(SINK, "data", allow_duplicate=True),
        Input(view.CANCEL, "n_clicks"),
        State(view.REQUEST, "data"),
        prevent_initial_call=True,
    )
    def cancel(clicks: int | None, request: object) -> Any:
        """Cancel the job in the table; the callback that follows it sees its end."""
        asked = callbacks.read_request(ImageRequest, request)
        if clicks and asked is not None:
            cancel_answer(services.get(app), asked)
        return no_update

    app.callback(
        Output(view.BARS, "figure"),
        Input(view.OUTCOME, "data"),
        Input(shell.THEME, "data"),
    )(draw_bars)
    app.callback(
        Output(view.matrix_id(ALL), "figure"),
        Input(shell.THEME, "data"),
        State(view.matrix_id(ALL), "id"),
    )(draw_matrix)


def follow_answer(
    parts: services.Services, request: ImageRequest, set_progress: Callable[[Any], None]
) -> tuple[Any, dict[str, Any]]:
    """Ask for the answer to an image and report its state until it is there.

    Args:
        parts: The server's parts.
        request: What the page sent.
        set_progress: Called with the state at each look.

    Returns:
        What the page shows, and the last state (see `dashboard.jobs.callbacks.follow`) with the
        request's own values and ``probabilities``.
    """
    try:
        info = read_image_model(parts.settings.models, request.task)
    except InputError as error:
        return _failed(request, error.message)
    last = callbacks.JobNews(state=JobState.DONE)
    record = ImageAnswers.of(parts).find(info, request.image)
    if record is None:
        last = callbacks.follow(
            parts.store,
            lambda: table.submit_image(
                parts.store, request.image, table.image_key(info), restart=request.again
            ),
            lambda news: set_progress(news.answer(request)),
        )
        record = ImageAnswers.of(parts).find(info, request.image)
    if last.state == JobState.CANCELLED:
        return no_update, last.answer(request)
    if last.state != JobState.DONE or record is None:
        return _failed(request, last.message or _NO_ANSWER)
    titles = dict(zip(info.task.classes, info.task.class_titles, strict=True))
    shares = [[titles[name], share] for name, share in record.probabilities]
    return view.answer_view(record, info.task), {**last.answer(request), "probabilities": shares}


def _failed(request: ImageRequest, sentence: str) -> tuple[Any, dict[str, Any]]:
    shown = html.P(sentence, className="notice notice--error", role="alert")
    return shown, callbacks.JobNews(state=JobState.FAILED).answer(request)


def cancel_answer(parts: services.Services, request: ImageRequest) -> None:
    """Cancel the answer to an image, where one was requested."""
    info = read_image_model(parts.settings.models, request.task)
    table.cancel_image(parts.store, request.image, table.image_key(info))


@checked
def draw_bars(outcome: _Outcome, theme: ThemeName) -> go.Figure:
    """The bars of the answer on the page."""
    return make_probability_figure(outcome.probabilities, theme=theme)


@checked
def draw_matrix(theme: ThemeName, charts: tuple[Place, ...]) -> list[Any]:
    """The confusion matrix of the task on the page."""
    return [_draw_matrix(chart.which, theme) for chart in charts]


def _draw_matrix(name: str, theme: Theme) -> Any:
    if name not in IMAGE_TASKS:
        return no_update
    try:
        info = read_image_model(services.get(current_app).settings.models, name)
    except InputError:
        return no_update
    if info.evaluation is None:
        return no_update
    titles = dict(zip(info.task.classes, info.task.class_titles, strict=True))
    return make_confusion_figure(info.evaluation.confusion, titles=titles, theme=theme)


def _columns(info: ImageModelInfo) -> html.Div:
    command = TRAIN_COMMAND.format(task=info.task.name)
    measured = view.measured(info, command=command)
    return html.Div(
        [
            view.try_panel(info.task, max_bytes=MAX_BYTES),
            html.Div(
                [
                    html.Div([*measured[:1], view.model_panel(info)], className="stack"),
                    html.Div(measured[1:], className="stack"),
                ],
                className="performance-halves",
            ),
        ],
        className="stack",
    )


def _without_model(task: ImageTask, message: str) -> html.Div:
    command = TRAIN_COMMAND.format(task=task.name)
    return html.Div(
        [
            html.Span("Images cannot be classified.", className="notice-title"),
            f" {message} To train a model, run ",
            html.Code(command, className="command command--inline"),
        ],
        className="notice notice--error",
        role="alert",
    )
