"""The first view: the performance that a radiologist must know before relying on the AI."""

from __future__ import annotations

from dash import dcc, html

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.components.panels import chart
from dashboard.evaluation import CELLS
from dashboard.figures.template import with_interval
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.inputs import HIGHEST, LOWEST, STEP
from dashboard.pages.performance.leakage import headline_figure, inflation_words
from dashboard.pages.performance.patients import patient_table
from dashboard.pages.performance.tiles import cell_tile, figure_tile, headline
from pipeline.evaluation.facade import Figures, Leakage, NotRun, find_figure

#: Number of patients in the list.
WORST = 5


def layout(data: PageData) -> html.Div:
    """Tiles, the ROC curve with the operating point, the four cells, a dot per patient."""
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
    """The same model, with slices of one patient in both training and test sets."""
    title = "Same model, split by slice"
    more = dcc.Link("What this means", href="/performance?view=leakage", className="secondary")
    if not isinstance(leakage, Leakage):
        return html.Section(
            [
                html.H2(title, className="panel-title"),
                html.Div("not run", className="number"),
                html.Div("Effect of data leakage on the results.", className="muted secondary"),
                more,
            ],
            className="panel performance-tile",
        )
    figure = headline_figure(leakage)
    by_slice = leakage.same_slices.by_slice.get(figure.name)
    return html.Section(
        [
            html.H2(f"{title}: {figure.label}", className="panel-title"),
            html.Div(figure.words(by_slice), className="number"),
            html.Div(inflation_words(leakage, figure), className="muted secondary tabular"),
            more,
        ],
        className="panel performance-tile",
    )


def _roc_panel(data: PageData) -> html.Section:
    title = "ROC curve of the slice score"
    note = (
        "Click the curve or move the slider to change the threshold; the four counts follow. Dice "
        "values are those at the default."
    )
    if data.evaluation.cross_validated:
        note += " By default, each fold is counted at the threshold chosen during its training."
    threshold = data.measured.threshold
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(ids.ROC, title, height=330, clickable=True),
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
        **aria(label="Confusion matrix of the slices"),
    )


def _dice_panel(data: PageData) -> html.Section:
    patients = data.measured.patients
    title = "Dice per patient (click a dot to open the case)"
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(ids.graph_id(ids.DICE), title, height=180, clickable=True),
            html.Details(
                [
                    html.Summary(f"Table of all {len(patients)} patients"),
                    *patient_table(patients, data.links),
                ],
                className="patients-table",
            ),
        ],
        className="panel",
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
