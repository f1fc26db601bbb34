"""The callbacks of the performance page that draw: each chart from the files, in the theme."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from dash import ALL, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from dashboard import ids as shared
from dashboard.components.performance import ids
from dashboard.components.performance.tiles import rate_words
from dashboard.components.performance.words import figure_words
from dashboard.evaluation import (
    CELLS,
    Evaluation,
    count_confusion,
    estimate_rates,
    institution_dice,
)
from dashboard.evaluation.sections import Leakage
from dashboard.figures.comparison import Pair, make_pair_figure
from dashboard.figures.dice import make_dice_figure
from dashboard.figures.institutions import make_institution_figure
from dashboard.figures.reliability import make_reliability_figure
from dashboard.figures.roc import make_recall_figure, make_roc_figure
from dashboard.figures.template import Theme, parse_theme
from dashboard.figures.training import make_training_figure, parse_history, shipped_epoch
from dashboard.installed import (
    evaluated,
    models_or_nothing,
    training_measures,
)
from dashboard.performance_inputs import (
    clicked_value,
    mappings_of,
    parse_selection,
    parse_threshold,
)

#: What the leakage exhibit compares, as far as both sides hold it.
LEAKAGE_FIGURES = (
    "patient_dice_mean",
    "tumor_slice_dice",
    "slice_auc",
    "sensitivity_at_95_specificity",
)
_DICE = "patient_dice_mean"


def register(app: Dash) -> None:
    """Add the callbacks to the app."""
    theme, threshold = Input(shared.THEME, "data"), Input(ids.THRESHOLD, "value")
    app.callback(
        Output(ids.THRESHOLD, "value"),
        Input(ids.ROC, "clickData"),
        Input(ids.RESET, "n_clicks"),
        prevent_initial_call=True,
    )(move_point)
    app.callback(
        Output(ids.ROC, "figure"),
        Output(ids.THRESHOLD_WORDS, "children"),
        Output(ids.RATES, "children"),
        Output(ids.count_id(ALL), "children"),
        Output(ids.POINT, "data"),
        threshold,
        theme,
    )(show_operating_point)
    app.callback(
        Output(ids.graph_id(ALL), "figure"),
        theme,
        Input(ids.SELECTION, "data"),
        State(ids.graph_id(ALL), "id"),
    )(draw_pickable)
    for chart, draw in (
        (ids.RECALL, draw_recall),
        (ids.FOLDS, draw_folds),
        (ids.LEAKAGE, draw_leakage),
        (ids.LEFT_OUT, draw_left_out),
    ):
        app.callback(Output(chart, "figure"), theme)(draw)
    app.callback(
        Output(ids.training_id(ALL), "figure"),
        theme,
        State(ids.training_id(ALL), "id"),
    )(draw_training)


def move_point(click: object, resets: object) -> float:
    """The operating point that a click on the curve, or on the reset button, asks for."""
    info, _ = evaluated()
    shipped = info.network.decision.threshold
    if ctx.triggered_id == ids.RESET:
        return round(shipped, 2)
    return parse_threshold(clicked_value(click), default=shipped)


def show_operating_point(
    threshold: object, theme: object
) -> tuple[go.Figure, str, Any, list[str], float | None]:
    """Curve, rates and the four counts at an operating point, and the point for the lists.

    As shipped, the cells and rates are those that were measured.
    """
    info, evaluation = evaluated()
    shipped_at = info.network.decision.threshold
    chosen = parse_threshold(threshold, default=shipped_at)
    point = None if chosen == shipped_at else chosen
    current = count_confusion(evaluation.slices, point)
    figure = make_roc_figure(
        evaluation.roc,
        current=current,
        threshold=chosen,
        shipped=count_confusion(evaluation.slices, None),
        shipped_threshold=shipped_at,
        theme=parse_theme(theme),
    )
    rates = evaluation.figures if point is None else {}
    if "sensitivity" not in rates or "specificity" not in rates:
        rates = estimate_rates(evaluation.slices, point)
    counts = [f"{getattr(current, cell):,}" for cell in CELLS]
    return figure, f"{chosen:.2f}", rate_words(rates, current), counts, point


def draw_pickable(theme: object, selection: object, charts: object) -> list[Any]:
    """The charts of a view whose points open cases, the chosen case ringed."""
    wanted = [chart.get("which") for chart in mappings_of(charts)]
    if not wanted:
        return []
    _, evaluation = evaluated()
    chosen = parse_selection(selection, evaluation).get("case", "")
    return [_draw_pickable(name, evaluation, chosen, parse_theme(theme)) for name in wanted]


def _draw_pickable(name: object, evaluation: Evaluation, chosen: str, theme: Theme) -> Any:
    if name == ids.DICE:
        return make_dice_figure(evaluation.patients, theme=theme, selected=chosen)
    if name == ids.INSTITUTIONS:
        table = institution_dice(evaluation.patients)
        return make_institution_figure(evaluation.patients, table, theme=theme, selected=chosen)
    if name == ids.RELIABILITY:
        before, after = evaluation.sections.before, evaluation.sections.after
        return make_reliability_figure(
            before.bins if before else None, after.bins if after else None, theme=theme
        )
    return no_update


def draw_recall(theme: object) -> go.Figure:
    """Precision over recall, with the shipped operating point."""
    info, evaluation = evaluated()
    return make_recall_figure(
        evaluation.precision_recall,
        current=count_confusion(evaluation.slices, None),
        threshold=info.network.decision.threshold,
        theme=parse_theme(theme),
    )


def draw_folds(theme: object) -> go.Figure:
    """Mean Dice of each fold, and of all together."""
    _, evaluation = evaluated()
    pairs = [
        Pair(fold.name, fold.figures.get(_DICE))
        for fold in evaluation.sections.folds
        if fold.not_run is None
    ]
    return make_pair_figure(pairs, names=("Dice per patient", ""), theme=parse_theme(theme))


def draw_leakage(theme: object) -> go.Figure:
    """The figures of both splits side by side."""
    _, evaluation = evaluated()
    found = evaluation.sections.leakage
    if not isinstance(found, Leakage):
        raise PreventUpdate
    first, second = found.by_slice.figures, found.by_patient.figures
    pairs = [
        Pair(figure_words(name).title, first[name], second[name])
        for name in LEAKAGE_FIGURES
        if name in first and name in second
    ]
    names = ("split by slice", "split by patient")
    return make_pair_figure(pairs, names=names, theme=parse_theme(theme))


def draw_left_out(theme: object) -> go.Figure:
    """Mean Dice at institutions that were left out, beside the cross-validated one."""
    _, evaluation = evaluated()
    pairs = [
        Pair(
            f"{one.code}, {one.patients} patients",
            one.cross_validated.get(_DICE),
            one.figures.get(_DICE),
        )
        for one in evaluation.sections.left_out
        if one.not_run is None
    ]
    names = ("cross-validated", "left out")
    return make_pair_figure(pairs, names=names, theme=parse_theme(theme))


def draw_training(theme: object, charts: object) -> list[go.Figure]:
    """The training curves that the page holds, in its order."""
    info = models_or_nothing()
    measures = training_measures(info.network)
    history = parse_history(info.network.history)
    wanted = [chart.get("which") for chart in mappings_of(charts)]
    if not all(isinstance(k, int) and 0 <= k < len(measures) for k in wanted):
        raise PreventUpdate
    return [
        make_training_figure(
            history,
            measures[k],
            shipped_epoch=shipped_epoch(info.network.metadata),
            theme=parse_theme(theme),
        )
        for k in wanted
        if isinstance(k, int)
    ]
