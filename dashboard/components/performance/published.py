"""The view of the published systems: what others report, beside what came out here."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.matrix import confusion_table
from dashboard.components.performance.parts import caution, not_run, table
from dashboard.components.performance.words import (
    NONE,
    estimate_words,
    figure_words,
    interval_words,
)
from dashboard.evaluation.experiments import Experiment, ExperimentRow, Published

#: Runs the experiments; shown where there are none.
EXPERIMENT_COMMAND = "python -m pipeline experiment NAME"


def layout(experiments: Sequence[Experiment], errors: Sequence[str]) -> html.Div:
    """A section per experiment.

    Args:
        experiments: Those that can be shown.
        errors: Sentences on those that cannot.
    """
    told: list[Component] = [
        html.P(sentence, className="notice notice--error", role="alert") for sentence in errors
    ]
    if not experiments:
        told.append(not_run("The published systems", None, command=EXPERIMENT_COMMAND))
    return html.Div([*told, *map(_experiment, experiments)], className="stack")


def _experiment(experiment: Experiment) -> html.Section:
    names = list(dict.fromkeys(name for row in experiment.rows for name in row.figures))
    facts = " · ".join(experiment.data.values())
    where = " · ".join(
        words for key, words in experiment.environment.items() if key in ("date", "cpu", "device")
    )
    command = experiment.environment.get("command", f"{EXPERIMENT_COMMAND[:-4]}{experiment.name}")
    return html.Section(
        [
            html.H2(experiment.title, className="page-title"),
            html.P(experiment.question) if experiment.question else None,
            html.P(facts, className="muted secondary") if facts else None,
            *[caution(sentence) for sentence in experiment.cautions],
            _table(experiment, names),
            *_matrices(experiment),
            *[html.P(note, className="muted") for note in experiment.notes],
            html.P([f"{where}. " if where else "", "Run it again: ", html.Code(command)]),
        ],
        className="panel experiment stack stack--tight",
    )


def _table(experiment: Experiment, names: Sequence[str]) -> html.Div:
    published = {entry.label.casefold(): entry for entry in experiment.published}
    own = {row.label.casefold() for row in experiment.rows}
    head = ["System", "Learned", "Split", "Published", *[figure_words(n).title for n in names]]
    rows = [_published_row(e, len(names)) for key, e in published.items() if key not in own]
    rows += [_row(row, names, published.get(row.label.casefold())) for row in experiment.rows]
    return table(head, rows, numbers=range(3, len(head)), extra="experiment-rows")


def _published_row(entry: Published, columns: int) -> html.Tr:
    return html.Tr(
        [
            html.Td([html.Div(entry.label), html.Div(entry.source, className="meaning")]),
            html.Td("as published", className="muted", colSpan=2),
            html.Td(entry.figure, className="number-cell"),
            *[html.Td("", className="number-cell")] * columns,
        ],
        className="row--published",
    )


def _row(row: ExperimentRow, names: Sequence[str], entry: Published | None) -> html.Tr:
    options = ", ".join(f"{key.replace('_', ' ')} {words}" for key, words in row.options.items())
    learned = [html.Div(row.strategy), html.Div(row.initial_weights, className="meaning")]
    if row.epochs and row.not_run is None:
        seconds = f", {row.seconds_per_epoch.value:,.1f} s each" if row.seconds_per_epoch else ""
        learned.append(html.Div(f"{row.epochs} epochs{seconds}", className="meaning"))
    figure = (
        [html.Div(entry.figure), html.Div(entry.source, className="meaning")] if entry else NONE
    )
    cells = [
        html.Td([html.Div(row.label), html.Div(options, className="meaning")]),
        html.Td(learned),
        html.Td(row.split),
        html.Td(figure, className="number-cell"),
    ]
    if row.not_run is not None:
        told = not_run(row.label, row.not_run)
        return html.Tr([*cells, html.Td(told, colSpan=max(1, len(names)))])
    return html.Tr([*cells, *[_figure(row, name) for name in names]])


def _figure(row: ExperimentRow, name: str) -> html.Td:
    estimate, words = row.figures.get(name), figure_words(name)
    interval = interval_words(estimate, digits=words.digits)
    return html.Td(
        [
            html.Div(estimate_words(name, estimate), className="strong"),
            html.Div(interval, className="meaning nowrap"),
        ],
        className="number-cell",
    )


def _matrices(experiment: Experiment) -> list[html.Details]:
    shown = [row for row in experiment.rows if row.confusion is not None]
    if not shown:
        return []
    blocks = [
        html.Div(
            [html.H3(f"{row.label}, {row.split}", className="panel-title"), confusion_table(matrix)]
        )
        for row in shown
        if (matrix := row.confusion) is not None
    ]
    summary = html.Summary("Confusion matrices")
    return [
        html.Details(
            [
                summary,
                *[caution(s) for s in experiment.cautions],
                html.Div(blocks, className="matrices"),
            ],
            className="patients-table",
        )
    ]
