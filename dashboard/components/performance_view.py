"""Layout of the performance page: tiles, charts and where the figures come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.performance_evidence import (
    chart,
    patient_table,
    provenance,
    training_section,
)
from dashboard.components.tiles import (
    cell_tile,
    figure_tile,
    headline,
    interval_words,
    number_words,
)
from dashboard.evaluation import CELLS, Confusion, Estimate, Evaluation
from dashboard.figures.training import Measure
from dashboard.performance_inputs import HIGHEST, LOWEST, STEP
from pipeline import TaskInfo

PREFIX = "performance"
THRESHOLD = f"{PREFIX}-threshold"
THRESHOLD_WORDS = f"{PREFIX}-threshold-words"
RESET = f"{PREFIX}-reset"
ROC, DICE, INSTITUTIONS = f"{PREFIX}-roc", f"{PREFIX}-dice", f"{PREFIX}-institutions"
RATES = f"{PREFIX}-rates"
SELECTION = f"{PREFIX}-selection"
CELL_ROWS, CASE_ROWS = f"{PREFIX}-cell-rows", f"{PREFIX}-case-rows"
CLOSE = f"{PREFIX}-close"
SLICES_CSV, PATIENTS_CSV = f"{PREFIX}-slices-csv", f"{PREFIX}-patients-csv"
DOWNLOAD = f"{PREFIX}-download"
LOCATION = f"{PREFIX}-location"


def cell_id(cell: Any) -> dict[str, Any]:
    """Id of a cell's tile; ALL for the four."""
    return {"type": f"{PREFIX}-cell", "which": cell}


def count_id(cell: Any) -> dict[str, Any]:
    """Id of the number on a cell's tile; ALL for the four, in the order of `CELLS`."""
    return {"type": f"{PREFIX}-count", "which": cell}


def pictures_id(cell: Any) -> dict[str, Any]:
    """Id of the pictures on a cell's tile; ALL for the four."""
    return {"type": f"{PREFIX}-pictures", "which": cell}


def close_id(which: Any) -> dict[str, Any]:
    """Id of the button that closes the list of a "cell" or a "case"; ALL for both."""
    return {"type": CLOSE, "which": which}


def performance_view(
    info: TaskInfo,
    evaluation: Evaluation,
    shipped: Confusion,
    *,
    training: Mapping[str, list[Measure]],
    links: Mapping[str, Component | str],
    command: str,
) -> html.Div:
    """The whole page for an evaluation.

    Args:
        info: The shipped models.
        evaluation: Their evaluation file.
        shipped: Cells of the confusion matrix at the shipped operating point.
        training: What each stage's history can show.
        links: What a table shows for a case_id that can be opened.
        command: Command that measures again.
    """
    return html.Div(
        [
            dcc.Store(id=SELECTION),
            dcc.Location(id=LOCATION, refresh="callback-nav"),
            dcc.Download(id=DOWNLOAD),
            _page_head(evaluation),
            *_other_models(info, evaluation),
            _top_tiles(evaluation, shipped),
            _columns(info.classifier.threshold, evaluation, links),
            training_section(info, training),
            provenance(info, evaluation, command),
        ],
        className="performance stack",
    )


def _columns(
    threshold: float, evaluation: Evaluation, links: Mapping[str, Component | str]
) -> html.Div:
    right = [
        _confusion_tiles(),
        html.Div(id=CELL_ROWS),
        _dice_panel(evaluation, links),
        html.Div(id=CASE_ROWS),
        _institution_panel(),
    ]
    return html.Div(
        [_roc_panel(threshold), html.Div(right, className="stack")],
        className="performance-columns",
    )


def _page_head(evaluation: Evaluation) -> html.Div:
    return html.Div(
        [
            html.H1("How far the models can be trusted", className="page-title"),
            html.Div(
                [
                    html.Span(
                        f"{_split_words(evaluation.split)}: "
                        f"{len(evaluation.patients):,} patients, {len(evaluation.slices):,} slices",
                        className="muted secondary tabular",
                    ),
                    _small_button("Patients as CSV", PATIENTS_CSV),
                    _small_button("Slices as CSV", SLICES_CSV),
                ],
                className="performance-source",
            ),
        ],
        className="page-head",
    )


def _split_words(split: str) -> str:
    known = {
        "held-out": "Patients held out from training",
        "validation": "Validation patients",
        "train": "Training patients: these figures flatter the models",
        "all": "All patients, those of the training too: these figures flatter the models",
    }
    return known.get(split, "Patients of a folder that was given")


def _other_models(info: TaskInfo, evaluation: Evaluation) -> list[Component]:
    if evaluation.is_of({model.stage: model.digest for model in info.stages}):
        return []
    words = "Evaluate again to see how far the installed ones can be trusted."
    title = html.Span(
        "These figures were measured with other models than those installed.",
        className="notice-title",
    )
    return [html.Div([title, words], className="notice notice--warning", role="alert")]


def _small_button(words: str, button_id: str) -> html.Button:
    return html.Button(words, id=button_id, type="button", className="button button--small")


def _top_tiles(evaluation: Evaluation, shipped: Confusion) -> html.Div:
    figures = evaluation.figures
    median = figures.get("patient_dice_median")
    return html.Div(
        [
            headline(shipped, figures.get("patient_dice_mean")),
            figure_tile(
                "Dice per patient, mean (missed tumors count 0)",
                figures.get("patient_dice_mean"),
                note=f"median {number_words(median.value)}, {interval_words(median)}"
                if median
                else "",
            ),
            figure_tile("Slice AUC", figures.get("slice_auc"), digits=3),
            figure_tile(
                "Dice of slices with tumor",
                figures.get("tumor_slice_dice"),
                note=_all_slice_note(
                    figures.get("all_slice_dice"), figures.get("predict_nothing_dice")
                ),
            ),
        ],
        className="performance-tiles",
    )


def _all_slice_note(measured: Estimate | None, nothing: Estimate | None) -> str:
    if measured is None:
        return ""
    words = f"over all slices {number_words(measured.value)}"
    if nothing is not None:
        words += f", where “predict nothing” scores {number_words(nothing.value)}"
    return words


def _roc_panel(threshold: float) -> html.Section:
    title = "How many tumor slices it finds, for how many false alarms"
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(ROC, title, height=356, clickable=True),
            html.Div(
                [
                    html.Label("Operating point", htmlFor=THRESHOLD),
                    html.Span(id=THRESHOLD_WORDS, className="tabular strong"),
                    _small_button(f"As shipped, {threshold:.2f}", RESET),
                ],
                className="threshold-row",
            ),
            dcc.Input(
                id=THRESHOLD,
                type="range",
                min=LOWEST,
                max=HIGHEST,
                step=STEP,
                value=round(threshold, 2),
                className="threshold-slider",
            ),
            html.Div(id=RATES, className="rates tabular"),
            html.P(
                "Click the curve or move the slider: the four tiles follow. Dice figures hold for "
                "the shipped operating point.",
                className="muted secondary",
            ),
        ],
        className="panel",
    )


def _confusion_tiles() -> html.Div:
    return html.Div(
        [
            cell_tile(
                cell, tile_id=cell_id(cell), count_id=count_id(cell), pictures_id=pictures_id(cell)
            )
            for cell in CELLS
        ],
        className="cell-tiles",
        role="group",
        **aria(label="Slices by what they hold and what the classifier says"),
    )


def _dice_panel(evaluation: Evaluation, links: Mapping[str, Component | str]) -> html.Section:
    title = "Dice of each patient; click a dot for its case"
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(DICE, title, height=200, clickable=True),
            html.Details(
                [
                    html.Summary(f"The {len(evaluation.patients)} patients as a table"),
                    patient_table(evaluation.patients, links),
                ],
                className="patients-table",
            ),
        ],
        className="panel",
    )


def _institution_panel() -> html.Section:
    title = "Dice by institution, mean and 95% interval; fewer than ten patients are hollow"
    return html.Section(
        [html.H2(title, className="panel-title"), chart(INSTITUTIONS, title, height=190)],
        className="panel",
    )
