"""The view of the folds: the same recipe five times, and which network is installed."""

from __future__ import annotations

from dash import html

from dashboard.components.performance import ids
from dashboard.components.performance.data import PageData
from dashboard.components.performance.evidence import training_section
from dashboard.components.performance.parts import (
    chart,
    figure_cell,
    not_run,
    panel,
    small_button,
    table,
)
from pipeline.evaluation.facade import Fold, FoldNotRun, all_figures

#: Trains one fold; shown where the evaluation file holds none.
FOLD_COMMAND = "python -m pipeline train --data DIR --output runs/fold-1 --fold 1"


def layout(data: PageData) -> html.Div:
    """A row per fold, and how the installed network was trained."""
    return html.Div(
        [
            _folds_panel(data),
            html.Div(id=ids.rows_id("group")),
            training_section(data.network, data.training),
        ],
        className="stack",
    )


def _folds_panel(data: PageData) -> html.Section:
    folds = data.evaluation.folds
    title = "Mean Dice per patient of each fold, with its 95% interval"
    if not folds:
        return panel(title, not_run("Cross-validation", None, command=FOLD_COMMAND))
    figures = [figure for figure in all_figures() if figure.in_parts]
    rows = []
    for fold in folds:
        if not isinstance(fold, Fold):
            continue
        installed = [html.Span("installed", className="chip")] if fold.shipped else []
        rows.append(
            html.Tr(
                [
                    html.Td([html.Span(fold.name, className="strong"), " ", *installed]),
                    html.Td(f"{fold.patients:,}", className="number-cell"),
                    html.Td(f"{fold.slices:,}", className="number-cell"),
                    *[figure_cell(one, fold.figures, patients=fold.patients) for one in figures],
                    html.Td(fold.digest[:8], className="muted tabular"),
                    html.Td(small_button("Patients", ids.pick_id("fold", fold.name))),
                ]
            )
        )
    titles = [figure.title for figure in figures]
    head = ["Fold", "Patients", "Slices", *titles, "Network", ""]
    return panel(
        title,
        html.P(
            "The patients were split into folds once; the list is part of the program. Each fold "
            "is measured by a network that was trained on the other folds only; thresholds and "
            "calibration were chosen on these too.",
            className="muted",
        ),
        chart(ids.FOLDS, title, height=40 + 34 * len(rows)) if rows else None,
        table(head, rows, numbers=range(1, 3 + len(titles))),
        *[not_run(one.name.capitalize(), one) for one in folds if isinstance(one, FoldNotRun)],
        extra="stack stack--tight",
    )
