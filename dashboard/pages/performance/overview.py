"""The first view: the performance that a radiologist must know before relying on the AI."""

from __future__ import annotations

import math

from dash import dcc, html

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.components.charts import chart
from dashboard.components.panels import panel
from dashboard.evaluation import CELLS, Measured
from dashboard.figures.confusion import matrix_height
from dashboard.figures.template import CI, with_interval
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.inputs import HIGHEST, LOWEST, STEP
from dashboard.pages.performance.leakage import headline_figure
from dashboard.pages.performance.outlines import dice_panel
from dashboard.pages.performance.patients import patient_table
from dashboard.pages.performance.tiles import CELL_WORDS, figure_tile, headline
from pipeline.evaluation.facade import Figures, Leakage, NotRun, find_figure

#: Number of patients in the list.
WORST = 5


def layout(data: PageData) -> html.Div:
    """Tiles, ROC curve with the operating point, confusion matrix, a dot per patient."""
    right = [
        _matrix_panel(data.measured),
        html.Div(id=ids.rows_id("group")),
        dice_panel(data),
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
    dice, auc = find_figure("patient_dice_mean"), find_figure("slice_auc")
    return html.Div(
        [
            headline(figures),
            figure_tile(dice, figures.get(dice.name), note=_beside(figures, "patient_dice_median")),
            figure_tile(
                auc,
                figures.get(auc.name),
                note=_beside(figures, "sensitivity_at_95_specificity"),
            ),
            _leakage_tile(data.evaluation.leakage),
        ],
        className="performance-tiles",
    )


def _beside(figures: Figures, name: str) -> str:
    """Another figure with its interval in one line; "" where the file lacks it."""
    figure, found = find_figure(name), figures.get(name)
    if found is None:
        return ""
    value = with_interval(figure.words(found), figure.interval_words(found))
    return f"{figure.title}: {value}"


def _leakage_tile(leakage: Leakage | NotRun | None) -> html.Section:
    """How much better the same model looks, on the same slices, if slices are split."""
    more = dcc.Link("What this means", href="/performance?view=leakage", className="secondary")
    if not isinstance(leakage, Leakage):
        figure, number = find_figure("slice_auc"), "not run"
        words = ["Same model, split by slice and by patient."]
    else:
        figure, same = headline_figure(leakage), leakage.same_slices
        difference = same.differences.get(figure.name)
        number = figure.words(difference, sign=True)
        interval = figure.interval_words(difference, sign=True)
        words = [
            *([f"{CI} {interval}"] if interval else []),
            f"Split by slice {figure.words(same.by_slice.get(figure.name))}, by patient "
            f"{figure.words(same.by_patient.get(figure.name))}: same model, same "
            f"{same.slices:,} slices",
        ]
    return html.Section(
        [
            html.H2(f"Effect of data leakage: {figure.title}", className="panel-title"),
            html.Div(number, className="number"),
            *[html.Div(line, className="muted secondary tabular") for line in words],
            more,
        ],
        className="panel performance-tile",
    )


def _roc_panel(data: PageData) -> html.Section:
    title = "ROC curve of the slice score"
    note = "Confusion matrix and rates follow the threshold. Dice values are those at the default."
    if data.evaluation.cross_validated:
        note += " By default, each fold is counted at the threshold chosen during its training."
    threshold = data.measured.threshold
    return panel(
        "",
        chart(
            ids.ROC,
            title,
            reading="Nearer to the upper left is better. A click moves the threshold.",
            height=330,
            clickable=True,
        ),
        html.Div(
            [
                html.Div(
                    [
                        html.Label("Detection threshold (operating point)", htmlFor=ids.THRESHOLD),
                        html.Span(id=ids.THRESHOLD_WORDS, className="tabular strong"),
                        small_button(
                            f"Reset to {threshold:.2f}", id=ids.RESET, title="Reset to default"
                        ),
                    ],
                    className="threshold-row",
                ),
                dcc.Input(
                    id=ids.THRESHOLD,
                    type="range",
                    min=LOWEST,
                    max=HIGHEST,
                    step=STEP,
                    value=round(threshold, 2),
                    className="threshold-slider",
                ),
                html.Div(id=ids.RATES, className="rates tabular"),
                html.P(note, className="muted secondary"),
            ],
            className="operating-point",
        ),
    )


def _matrix_panel(measured: Measured) -> html.Section:
    """The confusion matrix of the slices, and a button per cell for the keyboard."""
    openers = [
        small_button(f"{CELL_WORDS[cell][0]}s", id=ids.pick_id("cell", cell), title=order)
        for cell in CELLS
        for order in [f"List slices, {CELL_WORDS[cell][1]}"]
    ]
    return panel(
        "",
        chart(
            ids.matrix_id("slices"),
            "Confusion matrix of the slices at the operating point",
            reading="Rows: the reference; columns: the AI. A cell or a button lists its slices.",
            height=matrix_height(2),
            clickable=True,
            marks=html.Div(
                [html.Span("List slices:", className="muted secondary"), *openers],
                className="cell-openers",
                role="group",
                **aria(label="List slices"),
            ),
        ),
        html.P(_population_words(measured), className="muted secondary"),
    )


def _population_words(measured: Measured) -> str:
    """The patients for whom the predictive values hold."""
    patients, share = measured.patients, measured.evaluation.confusion.prevalence
    tumor = int((patients["reference_px"] > 0).sum())
    slices = f", and {share:.0%} of the slices show it" if math.isfinite(share) else ""
    return (
        f"PPV and NPV hold for these patients: {tumor} of {len(patients)} have a tumor{slices}. "
        "Where tumor is rarer, PPV is lower and NPV higher."
    )


def _worst_panel(data: PageData) -> html.Section:
    """The patients with the lowest Dice."""
    patients = data.measured.patients
    worst = patients.sort_values("dice", na_position="last", kind="stable").head(WORST)
    more = dcc.Link("More patients", href="/performance?view=outlines", className="secondary")
    title = html.H2(f"{len(worst)} patients with the lowest Dice", className="panel-title")
    return html.Section(
        [html.Div([title, more], className="case-head"), *patient_table(worst, data.links)],
        className="panel",
    )
