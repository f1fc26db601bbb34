"""Performance: how far the shipped models can be trusted, and the cases behind every figure."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboard import ids
from dashboard.components import performance_view as view
from dashboard.components.cases import case_panel, pictures
from dashboard.components.links import review_href
from dashboard.components.performance_evidence import (
    EVALUATE_COMMAND,
    training_id,
    training_section,
    way_out,
)
from dashboard.components.tiles import CELL_WORDS, rate_words
from dashboard.evaluation import (
    CELLS,
    Evaluation,
    EvaluationError,
    count_confusion,
    estimate_rates,
    institution_dice,
    parse_evaluation,
    select_cell,
)
from dashboard.figures.dice import make_dice_figure, make_institution_figure
from dashboard.figures.roc import make_roc_figure
from dashboard.figures.template import parse_theme
from dashboard.figures.training import make_training_figure, parse_history, shipped_epoch
from dashboard.installed import (
    evaluated_models,
    known_studies,
    models_or_nothing,
    read_models,
    training_measures,
)
from dashboard.performance_inputs import (
    clicked_value,
    items_of,
    mappings_of,
    parse_selection,
    parse_threshold,
)
from dashboard.shell import empty_state
from pipeline import InputError


def layout(**_: Any) -> Component:
    """The page, from the files beside the shipped models."""
    try:
        info = read_models()
    except InputError as error:
        return _page(empty_state("The models cannot be read", error.message, *way_out(models=True)))
    if info.evaluation is None:
        return _page(
            empty_state("These models have not been evaluated yet", *way_out(evaluate=True)),
            training_section(info, training_measures(info)),
        )
    try:
        evaluation = parse_evaluation(info.evaluation)
    except EvaluationError as error:
        return _page(
            empty_state("The figures cannot be shown", str(error), *way_out(evaluate=True))
        )
    shipped = count_confusion(evaluation.slices, info.classifier.threshold)
    command = evaluation.environment.get("command", EVALUATE_COMMAND)
    return _page(
        view.performance_view(
            info,
            evaluation,
            shipped,
            training=training_measures(info),
            links=_links(evaluation),
            command=command,
        )
    )


def register(app: Dash) -> None:
    """Add the page's callbacks to the app."""
    theme, threshold = Input(ids.THEME, "data"), Input(view.THRESHOLD, "value")
    app.callback(
        Output(view.THRESHOLD, "value"),
        Input(view.ROC, "clickData"),
        Input(view.RESET, "n_clicks"),
        prevent_initial_call=True,
    )(move_point)
    app.callback(
        Output(view.ROC, "figure"),
        Output(view.THRESHOLD_WORDS, "children"),
        Output(view.RATES, "children"),
        Output(view.count_id(ALL), "children"),
        threshold,
        theme,
    )(show_operating_point)
    app.callback(Output(view.pictures_id(ALL), "children"), threshold)(show_pictures)
    app.callback(Output(view.DICE, "figure"), Input(view.SELECTION, "data"), theme)(draw_dice)
    app.callback(Output(view.INSTITUTIONS, "figure"), theme)(draw_institutions)
    app.callback(
        Output(training_id(ALL, ALL), "figure"),
        theme,
        State(training_id(ALL, ALL), "id"),
    )(draw_training)
    _register_lists(app, threshold)


def _register_lists(app: Dash, threshold: Input) -> None:
    app.callback(
        Output(view.SELECTION, "data"),
        Output(view.LOCATION, "href"),
        Output(view.DICE, "clickData"),
        Input(view.cell_id(ALL), "n_clicks"),
        Input(view.DICE, "clickData"),
        Input(view.close_id(ALL), "n_clicks"),
        State(view.SELECTION, "data"),
        prevent_initial_call=True,
    )(choose)
    app.callback(
        Output(view.CELL_ROWS, "children"),
        Output(view.CASE_ROWS, "children"),
        Input(view.SELECTION, "data"),
        threshold,
        prevent_initial_call=True,
    )(list_cases)
    app.callback(
        Output(view.DOWNLOAD, "data"),
        Input(view.PATIENTS_CSV, "n_clicks"),
        Input(view.SLICES_CSV, "n_clicks"),
        prevent_initial_call=True,
    )(download)


def move_point(click: object, resets: object) -> float:
    """The operating point that a click on the curve, or on the reset button, asks for."""
    info, _ = evaluated_models()
    if ctx.triggered_id == view.RESET:
        return round(info.classifier.threshold, 2)
    return parse_threshold(clicked_value(click), default=info.classifier.threshold)


def show_operating_point(threshold: object, theme: object) -> tuple[go.Figure, str, Any, list[str]]:
    """Curve, rates and the four counts at an operating point."""
    info, evaluation = evaluated_models()
    shipped_at = info.classifier.threshold
    chosen = parse_threshold(threshold, default=shipped_at)
    current = count_confusion(evaluation.slices, chosen)
    figure = make_roc_figure(
        evaluation.roc,
        current=current,
        threshold=chosen,
        shipped=count_confusion(evaluation.slices, shipped_at),
        shipped_threshold=shipped_at,
        theme=parse_theme(theme),
    )
    rates = evaluation.figures if chosen == shipped_at else {}
    if "sensitivity" not in rates or "specificity" not in rates:
        rates = estimate_rates(evaluation.slices, chosen)
    counts = [f"{getattr(current, cell):,}" for cell in CELLS]
    return figure, f"{chosen:.2f}", rate_words(rates, current), counts


def show_pictures(threshold: object) -> list[list[Component]]:
    """A few slices of each cell, as far as their cases are in this workspace."""
    info, evaluation = evaluated_models()
    at = parse_threshold(threshold, default=info.classifier.threshold)
    studies = known_studies(evaluation, evaluation.patients["case_id"])
    return [pictures(select_cell(evaluation.slices, at, cell), studies=studies) for cell in CELLS]


def draw_dice(selection: object, theme: object) -> go.Figure:
    """The dots, the chosen one ringed."""
    _, evaluation = evaluated_models()
    chosen = parse_selection(selection, evaluation)
    return make_dice_figure(
        evaluation.patients, theme=parse_theme(theme), selected=chosen.get("case", "")
    )


def draw_institutions(theme: object) -> go.Figure:
    """Mean Dice by institution."""
    _, evaluation = evaluated_models()
    return make_institution_figure(institution_dice(evaluation.patients), theme=parse_theme(theme))


def draw_training(theme: object, charts: object) -> list[go.Figure]:
    """The training curves that the page holds, in its order."""
    info = models_or_nothing()
    drawn = {
        f"{model.stage} {place}": make_training_figure(
            parse_history(model.history),
            measure,
            shipped_epoch=shipped_epoch(model.metadata),
            theme=parse_theme(theme),
        )
        for model in info.stages
        for place, measure in enumerate(training_measures(info)[model.stage])
    }
    wanted = [f"{chart.get('stage')} {chart.get('place')}" for chart in mappings_of(charts)]
    if any(key not in drawn for key in wanted):
        raise PreventUpdate
    return [drawn[key] for key in wanted]


def choose(
    cells: object, dot: object, closed: object, selection: object
) -> tuple[dict[str, str], Any, None]:
    """What is listed after a click: a cell's slices, a case's slices, or a case in Review."""
    _, evaluation = evaluated_models()
    chosen = parse_selection(selection, evaluation)
    trigger = ctx.triggered_id
    which = trigger.get("which") if isinstance(trigger, dict) else None
    if trigger == view.close_id(which) and any(items_of(closed)):
        chosen.pop(str(which), None)
        return chosen, no_update, None
    if trigger == view.cell_id(which) and any(items_of(cells)):
        return {**chosen, "cell": str(which)}, no_update, None
    case = clicked_value(dot)
    case = case[0] if isinstance(case, list) and case else None
    asked = parse_selection({"case": case}, evaluation)
    if trigger != view.DICE or not asked:
        raise PreventUpdate
    study = known_studies(evaluation, [asked["case"]]).get(asked["case"])
    if study is not None:
        return chosen, review_href(study.study_id), None
    return {**chosen, **asked}, no_update, None


def list_cases(selection: object, threshold: object) -> tuple[Component | None, Component | None]:
    """The lists of slices under the tiles and under the dots."""
    info, evaluation = evaluated_models()
    chosen = parse_selection(selection, evaluation)
    at = parse_threshold(threshold, default=info.classifier.threshold)
    by_cell = by_case = None
    if cell := next((one for one in CELLS if one == chosen.get("cell")), None):
        rows = select_cell(evaluation.slices, at, cell)
        name, _, order = CELL_WORDS[cell]
        title = f"{name}: {len(rows):,} slices at operating point {at:.2f}, {order}"
        by_cell = case_panel(
            title,
            rows,
            studies=known_studies(evaluation, rows["case_id"]),
            close_id=view.close_id("cell"),
        )
    if case := chosen.get("case"):
        rows = evaluation.slices[evaluation.slices["case_id"] == case].sort_values("index")
        by_case = case_panel(
            f"{case}: slice by slice",
            rows,
            studies=known_studies(evaluation, [case]),
            close_id=view.close_id("case"),
            note=f"This case is not in this workspace with all {len(rows):,} slices that were "
            "evaluated. Add them together on the worklist to see the images.",
        )
    return by_cell, by_case


def download(patients: object, slices: object) -> Any:
    """The rows behind the figures as CSV."""
    _, evaluation = evaluated_models()
    if ctx.triggered_id == view.PATIENTS_CSV:
        return dcc.send_data_frame(evaluation.patients.to_csv, "patients.csv", index=False)
    if ctx.triggered_id == view.SLICES_CSV:
        return dcc.send_data_frame(evaluation.slices.to_csv, "slices.csv", index=False)
    raise PreventUpdate


def _page(*children: Component) -> html.Div:
    return html.Div(list(children), className="page")


def _links(evaluation: Evaluation) -> dict[str, Component | str]:
    found = known_studies(evaluation, evaluation.patients["case_id"])
    return {name: dcc.Link(name, href=review_href(study.study_id)) for name, study in found.items()}
