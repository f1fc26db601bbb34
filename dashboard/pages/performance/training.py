"""The view of the training: the curves of every run over each other, and a table of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dash_bootstrap_components as dbc
from dash import html

from dashboard.components.attributes import aria
from dashboard.components.charts import chart
from dashboard.components.panels import NONE, panel, table
from dashboard.evaluation.history import Measure, TrainingRun, choose_measures
from dashboard.evaluation.installed import read_image_runs, read_network_runs
from dashboard.figures.training import run_styles
from dashboard.pages.performance import ids

#: Stores the histories of all runs with the evaluation; shown where some are missing.
HISTORY_COMMAND = "python -m pipeline evaluate --data DIR --folds DIR --output models/brain-tumor"


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs whose measures may be compared.

    Attributes:
        name: In ids.
        title: For readers.
        unit: What the networks were trained on.
        runs: The runs; those without a history are in the table only.
        errors: A sentence for each run that cannot be read.
    """

    name: str
    title: str
    unit: str
    runs: Sequence[TrainingRun]
    errors: Sequence[str] = ()

    @property
    def drawn(self) -> list[TrainingRun]:
        """The runs with a history."""
        return [run for run in self.runs if run.has_history]


def read_groups() -> list[RunGroup]:
    """The two-stage network's runs, and those of the image tasks.

    Raises:
        InputError: The installed network cannot be read.
    """
    runs, errors = read_network_runs()
    network = RunGroup("network", "Brain tumor network", "patients", runs, errors)
    images = RunGroup("images", "Image tasks", "images", read_image_runs())
    return [network, *([images] if images.runs else [])]


def layout(groups: Sequence[RunGroup]) -> html.Div:
    """The legend, the charts and the table of each group."""
    return html.Div([part for group in groups for part in _group(group)], className="stack")


def _group(group: RunGroup) -> list[html.Section | html.Div]:
    charts = [panel("", _chart(group, measure)) for measure in choose_measures(group.drawn)]
    errors = [
        html.P(words, className="notice notice--error", role="alert") for words in group.errors
    ]
    nothing = html.P("No training history is stored with these models.", className="muted")
    return [
        panel(
            f"Training: {group.title}",
            *errors,
            _switches(group) if group.drawn else nothing,
            _runs_table(group),
            *_missing(group),
            extra="stack stack--tight",
        ),
        html.Div(charts, className="training-panels"),
    ]


def _chart(group: RunGroup, measure: Measure) -> html.Figure:
    better = "Lower is better" if measure.loss else "Higher is better"
    lines = (("Solid: validation", f"val_{measure.name}"), ("Dotted: training", measure.name))
    shown = [words for words, name in lines if any(name in run.history for run in group.drawn)]
    return chart(
        ids.training_id(group.name, measure.name),
        f"{measure.title} by epoch: {group.title}",
        reading=". ".join([better, *shown, "Dot: epoch used."]),
        height=230,
    )


def _switches(group: RunGroup) -> html.Fieldset:
    """The legend of the group's charts, whose boxes show and hide runs."""
    styles = run_styles(group.drawn)
    options = [
        {
            "label": html.Span(
                [
                    html.Span(
                        className="mark",
                        style={
                            "background": f"var(--{styles[run.name].color})",
                            "borderColor": f"var(--{styles[run.name].color})",
                        },
                        **aria(hidden="true"),
                    ),
                    _run_words(run, group.unit),
                ],
                className="run-label",
            ),
            "value": run.name,
        }
        for run in group.drawn
    ]
    shown = [run.name for run in group.drawn]
    return html.Fieldset(
        [
            html.Legend("Runs shown", className="muted secondary"),
            dbc.Checklist(
                id=ids.runs_id(group.name), options=options, value=shown, className="run-switches"
            ),
        ],
        className="run-legend",
    )


def _run_words(run: TrainingRun, unit: str) -> str:
    installed = ", installed" if run.installed else ""
    trained = f" ({run.trained_on:,} {unit}{installed})" if run.trained_on is not None else ""
    return f"{run.name}{trained}"


def _runs_table(group: RunGroup) -> html.Div:
    rows = []
    for run in group.runs:
        counts = (run.trained_on, run.evaluated_on, run.epochs)
        used = f"final ({run.epochs})" if run.epochs else NONE
        curves = "shown" if run.has_history else "history not stored"
        marks = [html.Span("installed", className="chip")] if run.installed else []
        rows.append(
            html.Tr(
                [
                    html.Td([html.Span(run.name, className="strong"), " ", *marks]),
                    *[
                        html.Td(NONE if count is None else f"{count:,}", className="number-cell")
                        for count in counts
                    ],
                    html.Td(used),
                    html.Td(curves),
                    html.Td(run.digest[:8] or NONE),
                ]
            )
        )
    unit = group.unit.capitalize()
    head = ["Run", f"{unit} for training and validation", f"{unit} evaluated", "Epochs"]
    return table([*head, "Epoch used", "Curves", "Network"], rows, numbers=(1, 2, 3))


def _missing(group: RunGroup) -> list[html.P]:
    if group.name != "network" or len(group.drawn) == len(group.runs):
        return []
    words = "Histories are stored with the models when the runs are evaluated: "
    return [html.P([words, html.Code(HISTORY_COMMAND, className="command command--inline")])]
