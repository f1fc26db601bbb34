"""The callbacks that draw the charts of the performance page, from its files, in the theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import plotly.graph_objects as go
from dash import ALL, MATCH, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from dashboard.components import shell
from dashboard.components.browser_values import Name, Place, ThemeName, checked, fallback
from dashboard.evaluation import Measured
from dashboard.evaluation.history import choose_measures
from dashboard.evaluation.installed import evaluated, read_benchmark, read_experiments
from dashboard.figures.agreement import make_agreement_figure
from dashboard.figures.bars import make_bar_figure
from dashboard.figures.comparison import Pair, make_pair_figure
from dashboard.figures.confusion import make_confusion_figure
from dashboard.figures.dice import make_dice_figure
from dashboard.figures.institutions import make_institution_figure
from dashboard.figures.reliability import AFTER, BEFORE, make_reliability_figure
from dashboard.figures.roc import OperatingPoint, make_recall_figure, make_roc_figure
from dashboard.figures.template import Theme
from dashboard.figures.training import make_training_figure, run_styles
from dashboard.pages.performance import ids
from dashboard.pages.performance.inputs import (
    CurveClick,
    Selected,
    Threshold,
    bins_of,
    moved_point,
)
from dashboard.pages.performance.leakage import charted_figures
from dashboard.pages.performance.published import class_titles, measured_matrices
from dashboard.pages.performance.speed import timed_bars
from dashboard.pages.performance.tiles import rate_words, value_of
from dashboard.pages.performance.training import RunGroup, read_groups
from pipeline import InputError
from pipeline.evaluation.facade import Confusion, Estimate, Fold, Leakage, LeftOut, find_figure
from pipeline.image_tasks.facade import ConfusionMatrix

_DICE = "patient_dice_mean"
#: Classes of a slice.
_TUMOR, _NO_TUMOR = "Tumor", "No tumor"


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
        Output(ids.matrix_id("slices"), "figure"),
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
        Output(ids.training_id(ALL, ALL), "figure"),
        theme,
        Input(ids.runs_id(ALL), "value"),
        State(ids.training_id(ALL, ALL), "id"),
        State(ids.runs_id(ALL), "id"),
    )(draw_training)
    app.callback(
        Output(ids.bars_id(ALL), "figure"),
        theme,
        State(ids.bars_id(ALL), "id"),
    )(draw_bars)
    app.callback(
        Output(ids.experiment_id(MATCH), "figure"),
        theme,
        Input(ids.system_id(MATCH), "value"),
        State(ids.experiment_id(MATCH), "id"),
    )(draw_experiment)


@checked
def move_point(click: CurveClick, resets: Any) -> float:
    """The operating point after a click on the curve or on the reset button."""
    clicked = None if click is None or ctx.triggered_id == ids.RESET else click.points[0].customdata
    return round(evaluated().threshold, 2) if clicked is None else clicked


@checked
def show_operating_point(
    threshold: Threshold, theme: ThemeName
) -> tuple[go.Figure, str, Any, go.Figure, float | None]:
    """Curve, rates and confusion matrix at an operating point, and the point for the lists.

    At the default, counts and rates are those of the evaluation file.
    """
    measured = evaluated()
    point = moved_point(threshold, default=measured.threshold)
    chosen = measured.threshold if point is None else point
    counts, rates = measured.count(point), measured.rates(point)
    figure = make_roc_figure(
        measured.evaluation.roc,
        current=_operating_point(chosen, rates),
        default=_operating_point(measured.threshold, measured.rates(None)),
        theme=theme,
    )
    matrix = make_confusion_figure(
        slice_matrix(counts),
        positive=_TUMOR,
        unit="slices",
        axes=("AI", "Reference"),
        theme=theme,
    )
    return figure, f"{chosen:.2f}", rate_words(rates, counts), matrix, point


def slice_matrix(counts: Confusion) -> ConfusionMatrix:
    """The counts of the slices as a matrix, its cells in the order of `CELLS`."""
    return ConfusionMatrix(
        labels=(_TUMOR, _NO_TUMOR),
        counts=((counts.tp, counts.fn), (counts.fp, counts.tn)),
    )


def _operating_point(threshold: float, rates: Mapping[str, Estimate]) -> OperatingPoint:
    return OperatingPoint(
        threshold,
        sensitivity=value_of(rates, "sensitivity"),
        specificity=value_of(rates, "specificity"),
        ppv=value_of(rates, "precision"),
    )


@checked
def draw_pickable(theme: ThemeName, selection: Selected, charts: tuple[Place, ...]) -> list[Any]:
    """The charts of a view whose points open cases; the chosen case is ringed."""
    if not charts:
        return []
    measured = evaluated()
    return [_draw_pickable(one.which, measured, selection.case, theme) for one in charts]


def _draw_pickable(name: str, measured: Measured, chosen: str, theme: Theme) -> Any:
    if name == ids.DICE:
        return make_dice_figure(measured.patients, theme=theme, selected=chosen)
    if name == ids.AGREEMENT:
        figures = measured.evaluation.figures
        return make_agreement_figure(measured.patients, figures, theme=theme, selected=chosen)
    if name == ids.INSTITUTIONS:
        parts = measured.evaluation.institutions
        return make_institution_figure(measured.patients, parts, theme=theme, selected=chosen)
    if name == ids.RELIABILITY:
        return make_reliability_figure(
            bins_of(BEFORE, measured), bins_of(AFTER, measured), theme=theme
        )
    return no_update


@checked
def draw_recall(theme: ThemeName) -> go.Figure:
    """The precision-recall curve with the default operating point."""
    measured = evaluated()
    return make_recall_figure(
        measured.evaluation.precision_recall,
        current=_operating_point(measured.threshold, measured.rates(None)),
        prevalence=measured.evaluation.confusion.prevalence,
        theme=theme,
    )


@checked
def draw_folds(theme: ThemeName) -> go.Figure:
    """Mean Dice by fold."""
    dice = find_figure(_DICE)
    pairs = [
        Pair(fold.name, dice, fold.figures.get(_DICE))
        for fold in evaluated().evaluation.folds
        if isinstance(fold, Fold)
    ]
    axes = ("Mean Dice per patient (0 to 1)", "Fold")
    return make_pair_figure(pairs, names=(dice.title, ""), axes=axes, theme=theme)


@checked
def draw_leakage(theme: ThemeName) -> go.Figure:
    """The figures of both splits on the same slices."""
    leakage = evaluated().evaluation.leakage
    if not isinstance(leakage, Leakage):
        raise PreventUpdate
    first, second = leakage.same_slices.by_slice, leakage.same_slices.by_patient
    pairs = [
        Pair(figure.label, figure, first.get(figure.name), second.get(figure.name))
        for figure in charted_figures(leakage)
    ]
    names, axes = ("split by slice", "split by patient"), ("Value (0 to 1)", "Metric")
    return make_pair_figure(pairs, names=names, axes=axes, theme=theme)


@checked
def draw_left_out(theme: ThemeName) -> go.Figure:
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
    axes = ("Mean Dice per patient (0 to 1)", "Institution")
    return make_pair_figure(pairs, names=names, axes=axes, theme=theme)


@checked
def draw_training(
    theme: ThemeName,
    chosen: Annotated[tuple[tuple[Name, ...], ...], fallback(())],
    charts: tuple[Place, ...],
    groups: tuple[Place, ...],
) -> list[go.Figure]:
    """The training curves of the page, in its order, with the runs that are chosen.

    Args:
        theme: "dark" or "light".
        chosen: Names of the chosen runs of each group.
        charts: Ids of the charts.
        groups: Ids of the choices, in the order of ``chosen``.
    """
    if not charts:
        return []
    try:
        known = {group.name: group for group in read_groups()}
    except InputError as error:
        raise PreventUpdate from error
    shown = {one.group: runs for one, runs in zip(groups, chosen, strict=False)}
    return [
        _draw_training(known.get(one.group), one.which, shown.get(one.group, ()), theme)
        for one in charts
    ]


def _draw_training(
    group: RunGroup | None, name: str, shown: tuple[str, ...], theme: Theme
) -> go.Figure:
    measures = choose_measures(group.drawn) if group is not None else []
    measure = next((one for one in measures if one.name == name), None)
    if group is None or measure is None:
        raise PreventUpdate
    runs = [run for run in group.drawn if run.name in shown]
    return make_training_figure(runs, measure, styles=run_styles(group.drawn), theme=theme)


@checked
def draw_bars(theme: ThemeName, charts: tuple[Place, ...]) -> list[Any]:
    """The bars of the view of speed."""
    benchmark = read_benchmark()[0] if charts else None
    known = {one.name: one for one in timed_bars(benchmark)} if benchmark is not None else {}
    return [
        make_bar_figure(one.values, measure=one.measure, row="Method", theme=theme)
        if (one := known.get(chart.which)) is not None
        else no_update
        for chart in charts
    ]


@checked
def draw_experiment(theme: ThemeName, system: Name, chart: Place) -> go.Figure:
    """The confusion matrix of the chosen system of an experiment."""
    found = next((one for one in read_experiments()[0] if one.name == chart.which), None)
    matrices = measured_matrices(found) if found is not None else {}
    if system not in matrices:
        raise PreventUpdate
    titles = class_titles(chart.which)
    return make_confusion_figure(matrices[system], titles=titles, theme=theme)
