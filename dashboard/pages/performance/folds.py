"""The view of the cross-validation: figures by fold."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.charts import chart
from dashboard.components.panels import not_run, panel
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.patients import part_table
from pipeline.evaluation.facade import Fold, FoldNotRun

#: Trains one fold; shown where the evaluation file holds none.
FOLD_COMMAND = "python -m pipeline train --data DIR --output runs/fold-1 --fold 1"


def layout(data: PageData) -> html.Div:
    """A row per fold, with its patients on demand."""
    return html.Div(
        [
            _folds_panel(data),
            html.Div(id=ids.rows_id("group")),
        ],
        className="stack",
    )


def _folds_panel(data: PageData) -> html.Section:
    folds = data.evaluation.folds
    title = "Mean Dice per patient by fold, with 95% CI"
    if not folds:
        return panel(title, not_run("Cross-validation", None, command=FOLD_COMMAND))
    measured = [fold for fold in folds if isinstance(fold, Fold)]
    rows = [(fold.name, fold, _marks(fold)) for fold in measured]
    return panel(
        "" if rows else title,
        chart(
            ids.FOLDS,
            title,
            reading="A dot is the mean of a fold's held-out patients, the line its interval; "
            "intervals that overlap are no evidence of a difference.",
            height=80 + 34 * len(rows),
        )
        if rows
        else None,
        html.P(
            "Patients were assigned to folds once, fixed in advance. Each fold is evaluated with a "
            "network trained on the other folds only; its thresholds and calibration were also "
            "chosen on those folds.",
            className="muted",
        ),
        part_table("fold", rows),
        *[not_run(one.name.capitalize(), one) for one in folds if isinstance(one, FoldNotRun)],
        extra="stack stack--tight",
    )


def _marks(fold: Fold) -> list[Component]:
    """The digest of a fold's network, and a chip on the installed one."""
    installed = [html.Span("installed", className="chip")] if fold.shipped else []
    return [*installed, html.Div(f"network {fold.digest[:8]}", className="meaning")]
