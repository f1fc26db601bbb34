"""The first view: what a radiologist needs to know before relying on a mark."""

from __future__ import annotations

from dash import dcc, html

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.components.panels import chart
from dashboard.evaluation import CELLS
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.inputs import HIGHEST, LOWEST, STEP
from dashboard.pages.performance.leakage import gain_words, telling_figure
from dashboard.pages.performance.patients import patient_table
from dashboard.pages.performance.tiles import cell_tile, figure_tile, headline
from pipeline.evaluation.facade import Figures, Leakage, NotRun, find_figure

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
    """Another figure in one line, with its interval; "" where the file lacks it."""
    figure, found = find_figure(name), figures.get(name)
    if found is None:
        return ""
    interval = figure.interval_words(found)
    return f"{figure.title}: {figure.words(found)}" + (f" ({interval})" if interval else "")


def _leakage_tile(leakage: Leakage | NotRun | None) -> html.Section:
    """The same model, measured with slices of one patient on both sides."""
    title = "The same model, split by slice"
    more = dcc.Link("What this means", href="/performance?view=leakage", className="secondary")
    if not isinstance(leakage, Leakage):
        return html.Section(
            [
                html.H2(title, className="panel-title"),
                html.Div("not run", className="number"),
                html.Div("How much a leaking split would gain.", className="muted secondary"),
                more,
            ],
            className="panel performance-tile",
        )
    figure = telling_figure(leakage)
    by_slice = leakage.same_slices.by_slice.get(figure.name)
    return html.Section(
        [
            html.H2(f"{title}: {figure.label}", className="panel-title"),
            html.Div(figure.words(by_slice), className="number"),
            html.Div(gain_words(leakage, figure), className="muted secondary tabular"),
            more,
        ],
        className="panel performance-tile",
    )


def _roc_panel(data: PageData) -> html.Section:
    title = "Sensitivity of the slice score over its false-positive rate"
    note = (
        "Click the curve or move the slider: the four tiles follow. Dice figures are those of the "
        "shipped operating point."
    )
    if data.evaluation.cross_validated:
        note += " As shipped, each fold is counted at the operating point chosen in its training."
    threshold = data.measured.threshold
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(ids.ROC, title, height=330, clickable=True),
            html.Div(
                [
                    html.Label("Operating point", htmlFor=ids.THRESHOLD),
                    html.Span(id=ids.THRESHOLD_WORDS, className="tabular strong"),
                    small_button(f"As shipped, {threshold:.2f}", id=ids.RESET),
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
        **aria(label="Slices by what they hold and what the slice score says"),
    )


def _dice_panel(data: PageData) -> html.Section:
    patients = data.measured.patients
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
    """The patients with the worst outlines."""
    patients = data.measured.patients
    worst = patients.sort_values("dice", na_position="last", kind="stable").head(WORST)
    more = dcc.Link("More patients", href="/performance?view=outlines", className="secondary")
    title = html.H2(f"The {len(worst)} patients with the lowest Dice", className="panel-title")
    return html.Section(
        [html.Div([title, more], className="case-head"), *patient_table(worst, data.links)],
        className="panel",
    )
