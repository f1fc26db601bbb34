"""The first view: what a radiologist needs before trusting a mark."""

from __future__ import annotations

from collections.abc import Mapping

from dash import dcc, html

from dashboard.components.attributes import aria
from dashboard.components.performance import ids
from dashboard.components.performance.data import PageData
from dashboard.components.performance.leakage_words import gain_words, telling_figure
from dashboard.components.performance.parts import chart, small_button
from dashboard.components.performance.patients import patient_table
from dashboard.components.performance.tiles import cell_tile, figure_tile, headline
from dashboard.components.performance.words import (
    estimate_words,
    figure_words,
    interval_words,
    number_words,
)
from dashboard.evaluation import CELLS, Estimate, NotRun
from dashboard.evaluation.sections import Leakage
from dashboard.performance_inputs import HIGHEST, LOWEST, STEP

#: Patients that the view lists.
WORST = 5


def layout(data: PageData) -> html.Div:
    """Tiles, the curve with the operating point, the four cells, a dot per patient."""
    right = [
        _confusion_tiles(),
        html.Div(id=ids.rows_id("group")),
        _dice_panel(data),
        html.Div(id=ids.rows_id("case")),
        _worst_panel(data),
    ]
    columns = [_roc_panel(data), html.Div(right, className="stack")]
    return html.Div(
        [
            dcc.Store(id=ids.POINT),
            _top_tiles(data),
            html.Div(columns, className="performance-columns"),
        ],
        className="stack",
    )


def _top_tiles(data: PageData) -> html.Div:
    figures = data.evaluation.figures
    median = figures.get("patient_dice_median")
    median_words = (
        f"median {number_words(median.value)}, {interval_words(median)}" if median else ""
    )
    return html.Div(
        [
            headline(data.measured, figures.get("patient_dice_mean")),
            figure_tile(
                "Dice per patient, mean (missed tumors count 0)",
                figures.get("patient_dice_mean"),
                note=median_words,
            ),
            figure_tile("Slice AUC", figures.get("slice_auc"), digits=3, note=_rate_note(figures)),
            _leakage_tile(data.evaluation.sections.leakage),
        ],
        className="performance-tiles",
    )


def _rate_note(figures: Mapping[str, Estimate]) -> str:
    sensitivity = figures.get("sensitivity_at_95_specificity")
    if sensitivity is None:
        return ""
    return f"finds {number_words(100 * sensitivity.value, digits=0)}% at 5% false alarms"


def _leakage_tile(leakage: Leakage | NotRun | None) -> html.Section:
    """The same model, measured with slices of one patient on both sides."""
    title = "The same model, split by slice"
    more = dcc.Link("What this means", href="/performance?view=leakage", className="secondary")
    if not isinstance(leakage, Leakage):
        return html.Section(
            [
                html.H2(title, className="panel-title"),
                html.Div("not run", className="number"),
                html.Div("How much a leaking split would flatter.", className="muted secondary"),
                more,
            ],
            className="panel performance-tile",
        )
    name = telling_figure(leakage)
    by_slice = leakage.by_slice.figures.get(name)
    return html.Section(
        [
            html.H2(f"{title}: {figure_words(name).title}", className="panel-title"),
            html.Div(estimate_words(name, by_slice), className="number"),
            html.Div(gain_words(leakage, name), className="muted secondary tabular"),
            more,
        ],
        className="panel performance-tile",
    )


def _roc_panel(data: PageData) -> html.Section:
    title = "How many tumor slices it finds, for how many false alarms"
    note = (
        "Click the curve or move the slider: the four tiles follow. Dice figures hold as shipped."
    )
    if data.evaluation.cross_validated:
        note += " As shipped, each fold is counted at the operating point chosen in its training."
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(ids.ROC, title, height=330, clickable=True),
            html.Div(
                [
                    html.Label("Operating point", htmlFor=ids.THRESHOLD),
                    html.Span(id=ids.THRESHOLD_WORDS, className="tabular strong"),
                    small_button(f"As shipped, {data.threshold:.2f}", ids.RESET),
                ],
                className="threshold-row",
            ),
            dcc.Input(
                id=ids.THRESHOLD,
                type="range",
                min=LOWEST,
                max=HIGHEST,
                step=STEP,
                value=round(data.threshold, 2),
                className="threshold-slider",
            ),
            html.Div(id=ids.RATES, className="rates tabular"),
            html.P(note, className="muted secondary"),
        ],
        className="panel",
    )


def _confusion_tiles() -> html.Div:
    return html.Div(
        [
            cell_tile(
                cell,
                tile_id=ids.cell_id(cell),
                count_id=ids.count_id(cell),
                pictures_id=ids.pictures_id(cell),
            )
            for cell in CELLS
        ],
        className="cell-tiles",
        role="group",
        **aria(label="Slices by what they hold and what the slice score says"),
    )


def _dice_panel(data: PageData) -> html.Section:
    patients = data.evaluation.patients
    title = "Dice of each patient; click a dot for its case"
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(ids.graph_id(ids.DICE), title, height=180, clickable=True),
            html.Details(
                [
                    html.Summary(f"The {len(patients)} patients as a table"),
                    *patient_table(patients, data.links),
                ],
                className="patients-table",
            ),
        ],
        className="panel",
    )


def _worst_panel(data: PageData) -> html.Section:
    """The patients where the outline is least to be trusted."""
    patients = data.evaluation.patients
    worst = patients.sort_values("dice", na_position="last", kind="stable").head(WORST)
    more = dcc.Link("More of them", href="/performance?view=outlines", className="secondary")
    title = html.H2(f"The {len(worst)} patients with the lowest Dice", className="panel-title")
    return html.Section(
        [html.Div([title, more], className="case-head"), *patient_table(worst, data.links)],
        className="panel",
    )
