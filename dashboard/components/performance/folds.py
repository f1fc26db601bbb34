"""The view of the folds: the same recipe five times, and which network is installed."""

from __future__ import annotations

from dash import html

from dashboard.components.performance import ids
from dashboard.components.performance.data import PageData
from dashboard.components.performance.evidence import training_section
from dashboard.components.performance.institutions import figure_cell
from dashboard.components.performance.parts import chart, not_run, panel, small_button, table

_FIGURES = ("patient_dice_mean", "patient_dice_median", "tumor_slice_dice", "slice_auc")
_HEAD = ("Dice, mean", "Dice, median", "Dice, tumor slices", "Slice AUC")
#: Trains one fold; shown where the evaluation file holds none.
FOLD_COMMAND = "python -m pipeline train --data DIR --output runs/fold-1 --fold 1"


def layout(data: PageData) -> html.Div:
    """A row per fold, and how the installed network learned."""
    return html.Div(
        [
            _folds_panel(data),
            html.Div(id=ids.rows_id("group")),
            training_section(data.network, data.training),
        ],
        className="stack",
    )


def _folds_panel(data: PageData) -> html.Section:
    folds = data.evaluation.sections.folds
    title = "Mean Dice per patient of each fold, with its 95% interval"
    if not folds:
        return panel(title, not_run("Cross-validation", None, command=FOLD_COMMAND))
    rows = []
    missing = [fold for fold in folds if fold.not_run is not None]
    for fold in folds:
        if fold.not_run is not None:
            continue
        installed = [html.Span("installed", className="chip")] if fold.shipped else []
        rows.append(
            html.Tr(
                [
                    html.Td([html.Span(fold.name, className="strong"), " ", *installed]),
                    html.Td(f"{fold.patients:,}", className="number-cell"),
                    html.Td(f"{fold.slices:,}", className="number-cell"),
                    *[figure_cell(fold, name) for name in _FIGURES],
                    html.Td(fold.digest[:8], className="muted tabular"),
                    html.Td(small_button("Patients", ids.pick_id("fold", fold.name))),
                ]
            )
        )
    head = ["Fold", "Patients", "Slices", *_HEAD, "Network", ""]
    return panel(
        title,
        html.P(
            "The patients are dealt into folds once, the list is committed. Each fold is measured "
            "by a network that has learned from the other folds only; thresholds and calibration "
            "are chosen inside them too.",
            className="muted",
        ),
        chart(ids.FOLDS, title, height=40 + 34 * len(rows)) if rows else None,
        table(head, rows, numbers=range(1, 7)),
        *[not_run(fold.name.capitalize(), fold.not_run) for fold in missing],
        extra="stack stack--tight",
    )
