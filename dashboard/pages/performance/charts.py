"""The callbacks that draw the charts of the performance page, from its files, in the theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from dash import ALL, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from dashboard.components import shell
from dashboard.evaluation import CELLS, Measured
from dashboard.evaluation.history import parse_history, shipped_epoch
from dashboard.evaluation.installed import evaluated, models_or_nothing, training_measures
from dashboard.figures.comparison import Pair, make_pair_figure
from dashboard.figures.dice import make_dice_figure
from dashboard.figures.institutions import make_institution_figure
from dashboard.figures.reliability import AFTER, BEFORE, make_reliability_figure
from dashboard.figures.roc import OperatingPoint, make_recall_figure, make_roc_figure
from dashboard.figures.template import Theme, parse_theme
from dashboard.figures.training import make_training_figure
from dashboard.pages.performance import ids
from dashboard.pages.performance.inputs import (
    bins_of,
    clicked_value,
    mappings_of,
    parse_selection,
    parse_threshold,
)
from dashboard.pages.performance.leakage import charted_figures
from dashboard.pages.performance.tiles import rate_words, value_of
from pipeline.evaluation.facade import Estimate, Fold, Leakage, LeftOut, find_figure

_DICE = "patient_dice_mean"


def register(app: Dash) -> None:
    """Add the callbacks to the app."""
    theme, threshold = Input(shell.THEME, "data"), Input(ids.THRESHOLD, "value")
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
    """The operating point after a click on the curve or on the reset button."""
    shipped = evaluated().threshold
    if ctx.triggered_id == ids.RESET:
        return round(shipped, 2)
    return parse_threshold(clicked_value(click), default=shipped)


def show_operating_point(
    threshold: object, theme: object
) -> tuple[go.Figure, str, Any, list[str], float | None]:
    """Curve, rates and the four counts at an operating point, and the point for the lists.

    At the default, counts and rates are those of the evaluation file.
    """
    measured = evaluated()
    chosen = parse_threshold(threshold, default=measured.threshold)
    point = None if chosen == measured.threshold else chosen
    counts, rates = measured.count(point), measured.rates(point)
    figure = make_roc_figure(
        measured.evaluation.roc,
        current=_operating_point(chosen, rates),
        default=_operating_point(measured.threshold, measured.rates(None)),
        theme=parse_theme(theme),
    )
    cells = [f"{getattr(counts, cell):,}" for cell in CELLS]
    return figure, f"{chosen:.2f}", rate_words(rates, counts), cells, point


def _operating_point(threshold: float, rates: Mapping[str, Estimate]) -> OperatingPoint:
    return OperatingPoint(
        threshold,
        sensitivity=value_of(rates, "sensitivity"),
        specificity=value_of(rates, "specificity"),
        ppv=value_of(rates, "precision"),
    )


def draw_pickable(theme: object, selection: object, charts: object) -> list[Any]:
    """The charts of a view whose points open cases; the chosen case is ringed."""
    wanted = [chart.get("which") for chart in mappings_of(charts)]
    if not wanted:
        return []
    measured = evaluated()
    chosen = parse_selection(selection, measured).get("case", "")
    return [_draw_pickable(name, measured, chosen, parse_theme(theme)) for name in wanted]


def _draw_pickable(name: object, measured: Measured, chosen: str, theme: Theme) -> Any:
    if name == ids.DICE:
        return make_dice_figure(measured.patients, theme=theme, selected=chosen)
    if name == ids.INSTITUTIONS:
        parts = measured.evaluation.institutions
        return make_institution_figure(measured.patients, parts, theme=theme, selected=chosen)
    if name == ids.RELIABILITY:
        return make_reliability_figure(
            bins_of(BEFORE, measured), bins_of(AFTER, measured), theme=theme
        )
    return no_update


def draw_recall(theme: object) -> go.Figure:
    """The precision-recall curve with the default operating point."""
    measured = evaluated()
    return make_recall_figure(
        measured.evaluation.precision_recall,
        current=_operating_point(measured.threshold, measured.rates(None)),
        prevalence=measured.evaluation.confusion.prevalence,
        theme=parse_theme(theme),
    )


def draw_folds(theme: object) -> go.Figure:
    """Mean Dice by fold."""
    dice = find_figure(_DICE)
    pairs = [
        Pair(fold.name, dice, fold.figures.get(_DICE))
        for fold in evaluated().evaluation.folds
        if isinstance(fold, Fold)
    ]
    return make_pair_figure(pairs, names=(dice.title, ""), theme=parse_theme(theme))


def draw_leakage(theme: object) -> go.Figure:
    """The figures of both splits on the same slices."""
    leakage = evaluated().evaluation.leakage
    if not isinstance(leakage, Leakage):
        raise PreventUpdate
    first, second = leakage.same_slices.by_slice, leakage.same_slices.by_patient
    pairs = [
        Pair(figure.label, figure, first.get(figure.name), second.get(figure.name))
        for figure in charted_figures(leakage)
    ]
    names = ("split by slice", "split by patient")
    return make_pair_figure(pairs, names=names, theme=parse_theme(theme))


def draw_left_out(theme: object) -> go.Figure:
    """Mean Dice at institutions left out of training, and cross-validated on the same patients."""
    dice = find_figure(_DICE)
    pairs = [
        Pair(
            f"{part.code} (n = {part.patients})",
            dice,
            (part.cross_validated or {}).get(_DICE),
            part.figures.get(_DICE),
        )
        for part in evaluated().evaluation.leave_institution_out
        if isinstance(part, LeftOut)
    ]
    names = ("cross-validated", "left out")
    return make_pair_figure(pairs, names=names, theme=parse_theme(theme))


def draw_training(theme: object, charts: object) -> list[go.Figure]:
    """The training curves of the page, in its order."""
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
            used_epoch=shipped_epoch(info.network),
            theme=parse_theme(theme),
        )
        for k in wanted
        if isinstance(k, int)
    ]
