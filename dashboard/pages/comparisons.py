"""Comparisons: one image, one answer, held against published systems. Not for reading.

The image is sent by `assets/js/comparisons.js`; a background callback has it answered in a process
of its own (`dashboard.image_answers`) and can be cancelled or lost at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
from dash import ClientsideFunction, Dash, Input, Output, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app

from dashboard import ids, services
from dashboard.components import comparisons as view
from dashboard.evaluation.image_task import parse_image_evaluation
from dashboard.figures.probabilities import make_probability_figure
from dashboard.figures.template import parse_theme
from dashboard.image_answers import MAX_BYTES, ImageAnswers
from dashboard.image_routes import image_answers
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS, ImageModelInfo, ImageTask, read_image_model

SINK = f"{view.PREFIX}-sink"
MEASURE_COMMAND = "python -m pipeline train-image-task {task} --data DIR --pretrained DIR"


def layout(task: str | None = None, image: str | None = None, **_: Any) -> Component:
    """The page of a task.

    Args:
        task: From the address, untrusted; the first one for anything that is none.
        image: Id of an image to answer, from the address, untrusted.
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
        # without a model there is no place for an answer, and Dash tells the browser's console so
        children += [
            dcc.Store(id=view.OUTCOME),
            dcc.Store(id=view.REQUEST, data=_request(chosen, image)),
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
    app.clientside_callback(
        ClientsideFunction("overread_comparisons", "tell"),
        Output(SINK, "data", allow_duplicate=True),
        Input(view.PROGRESS, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output(view.ANSWER, "children"),
        Output(view.OUTCOME, "data"),
        Input(view.REQUEST, "data"),
        background=True,
        progress=Output(view.PROGRESS, "data"),
        cancel=Input(view.CANCEL, "n_clicks"),
        interval=500,
        prevent_initial_call=False,
    )
    def answer(set_progress: Callable[[Any], None], request: object) -> tuple[Any, Any]:
        """Have the image answered, telling how far it is."""
        models = services.get(app).settings.models
        return answer_request(image_answers(app.server), models, request, set_progress)

    app.callback(
        Output(view.BARS, "figure"),
        Input(view.OUTCOME, "data"),
        Input(ids.THEME, "data"),
    )(draw_bars)


def answer_request(
    answers: ImageAnswers, models: Any, request: object, set_progress: Callable[[Any], None]
) -> tuple[Any, Any]:
    """The answer that the page shows, or a sentence; nothing where nothing was asked."""
    asked = parse_request(request)
    if asked is None:
        return no_update, no_update

    def tell(words: str) -> None:
        set_progress({"asked": asked["asked"], "words": words})

    try:
        info = read_image_model(models, asked["task"])
        record = answers.answer(info, asked["image"], tell)
    except InputError as error:
        words = html.P(error.message, className="notice notice--error", role="alert")
        return words, {"asked": asked["asked"], "probabilities": None}
    titles = dict(zip(info.task.classes, info.task.class_titles, strict=True))
    shown = [[titles[name], share] for name, share in record.probabilities]
    return view.answer_view(record, info.task), {"asked": asked["asked"], "probabilities": shown}


def draw_bars(outcome: object, theme: object) -> go.Figure:
    """The bars of the answer in view."""
    given = outcome.get("probabilities") if isinstance(outcome, dict) else None
    pairs = [
        (pair[0][:80], float(pair[1]))
        for pair in (given if isinstance(given, list) else [])
        if isinstance(pair, list)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], int | float)
        and 0 <= pair[1] <= 1
    ]
    if not pairs:
        raise PreventUpdate
    return make_probability_figure(pairs[:32], theme=parse_theme(theme))


def parse_request(value: object) -> dict[str, Any] | None:
    """The browser's request, checked; None where it is not one."""
    if not isinstance(value, dict):
        return None
    task, image, asked = (value.get(name) for name in ("task", "image", "asked"))
    if not isinstance(task, str) or task not in IMAGE_TASKS:
        return None
    if not isinstance(image, str) or len(image) != 32 or not set(image) <= set("0123456789abcdef"):
        return None
    return {"task": task, "image": image, "asked": asked if isinstance(asked, int) else 0}


def _request(task: ImageTask, image: str | None) -> dict[str, Any] | None:
    return parse_request({"task": task.name, "image": image, "asked": 0})


def _columns(info: ImageModelInfo) -> html.Div:
    command = MEASURE_COMMAND.format(task=info.task.name)
    try:
        measured = view.measured(info, parse_image_evaluation(info.evaluation), command=command)
    except InputError as error:
        measured = [html.P(str(error), className="notice notice--error", role="alert")]
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
    command = MEASURE_COMMAND.format(task=task.name)
    return html.Div(
        [
            html.Span("No image can be answered.", className="notice-title"),
            f"{message} Train it: ",
            html.Code(command, className="command command--inline"),
        ],
        className="notice notice--error",
        role="alert",
    )
