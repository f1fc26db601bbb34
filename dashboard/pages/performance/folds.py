"""The view of the folds: the same recipe five times, and which network is installed."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.panels import chart, not_run, panel
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.evidence import training_section
from dashboard.pages.performance.patients import part_table
from pipeline.evaluation.facade import Fold, FoldNotRun

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
    measured = [fold for fold in folds if isinstance(fold, Fold)]
    rows = [(fold.name, fold, _marks(fold)) for fold in measured]
    return panel(
        title,
        html.P(
            "The patients were split into folds once; the list is part of the program. Each fold "
            "is measured by a network that was trained on the other folds only; thresholds and "
            "calibration were chosen on these too.",
            className="muted",
        ),
        chart(ids.FOLDS, title, height=40 + 34 * len(rows)) if rows else None,
        part_table("fold", rows),
        *[not_run(one.name.capitalize(), one) for one in folds if isinstance(one, FoldNotRun)],
        extra="stack stack--tight",
    )


def _marks(fold: Fold) -> list[Component]:
    """The network of a fold, and whether it is the installed one."""
    installed = [html.Span("installed", className="chip")] if fold.shipped else []
    return [*installed, html.Div(f"network {fold.digest[:8]}", className="meaning")]
