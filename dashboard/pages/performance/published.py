"""The view of the published systems: reported results, and those measured here."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from dashboard.components.charts import chart
from dashboard.components.panels import NONE, caution, not_run, table
from dashboard.figures.confusion import matrix_height
from dashboard.pages.performance import ids
from pipeline import ExperimentResults, MeasuredRow, NotRunRow
from pipeline.evaluation.facade import Figure, NotRun, find_image_figure
from pipeline.image_tasks.facade import ConfusionMatrix, Published

#: Runs the experiments; shown if no results exist.
EXPERIMENT_COMMAND = "python -m pipeline experiment NAME"


STRATEGIES = (
    "Strategy 1: the base is frozen and a new dense head is trained. Strategy 2: all layers are "
    "trained with a low learning rate."
)


def layout(experiments: Sequence[ExperimentResults], errors: Sequence[str]) -> html.Div:
    """A section per experiment.

    Args:
        experiments: The experiments that can be shown.
        errors: A sentence for each one that cannot.
    """
    notices: list[Component] = [
        html.P(sentence, className="notice notice--error", role="alert") for sentence in errors
    ]
    if not experiments:
        notices.append(not_run("Published systems", None, command=EXPERIMENT_COMMAND))
    return html.Div([*notices, *map(_experiment, experiments)], className="stack")


def _experiment(experiment: ExperimentResults) -> html.Section:
    measured = [row for row in experiment.rows if isinstance(row, MeasuredRow)]
    names = dict.fromkeys(name for row in measured for name in row.figures)
    figures = [find_image_figure(name) for name in names]
    data = experiment.data
    licence = f"licence: {data.licence}" if data.licence else ""
    facts = " · ".join(filter(None, (data.name, data.images, licence)))
    places = dict.fromkeys(map(_place, measured))
    where = "; ".join(places)
    return html.Section(
        [
            html.H2(experiment.title, className="page-title"),
            html.P(experiment.question) if experiment.question else None,
            html.P(facts, className="muted secondary") if facts else None,
            *[caution(sentence) for sentence in data.cautions],
            *_published(experiment.published),
            *_measured(measured, experiment.published, figures),
            *_not_run(experiment.rows),
            *_matrices(experiment),
            *[html.P(note, className="muted") for note in experiment.notes],
            html.P(
                [f"{where}. " if where else "", "To reproduce: ", html.Code(experiment.command)]
            ),
        ],
        className="panel experiment stack stack--tight",
    )


def _place(row: MeasuredRow) -> str:
    """Date and processor of a row's measurement."""
    return " · ".join(row.environment[key] for key in ("date", "cpu") if key in row.environment)


def _published(entries: Sequence[Published]) -> list[Component]:
    """Published results with their sources."""
    if not entries:
        return []
    rows = [
        html.Tr(
            [html.Td(entry.label), html.Td(entry.figure, className="strong"), html.Td(entry.source)]
        )
        for entry in entries
    ]
    return [table(["Published system", "Result", "Source"], rows, extra="experiment-rows")]


def _measured(
    rows: Sequence[MeasuredRow], entries: Sequence[Published], figures: Sequence[Figure]
) -> list[Component]:
    """Results measured here, with the published result of the same system."""
    if not rows:
        return []
    published: dict[str, list[str]] = {}
    for entry in entries:
        published.setdefault(entry.label.casefold(), []).append(entry.figure)
    head = ["System evaluated here", "Training", "Split"]
    has_published = any(row.label.casefold() in published for row in rows)
    head += [*(["Published"] * has_published), *[figure.title for figure in figures]]
    body = []
    for row in rows:
        others = ", ".join(published.get(row.label.casefold(), [])) or NONE
        cells = [
            html.Td(_system(row)),
            html.Td(_training(row)),
            html.Td(row.split, className="nowrap"),
        ]
        cells += [html.Td(others, className="number-cell")] * has_published
        body.append(html.Tr([*cells, *[_figure(row, figure) for figure in figures]]))
    strategies = any(row.strategy[:1] in ("1", "2") for row in rows)
    note = html.P(STRATEGIES, className="muted secondary")
    numbers = range(3, len(head))
    return [table(head, body, numbers=numbers, extra="experiment-rows"), *([note] * strategies)]


def _not_run(rows: Sequence[MeasuredRow | NotRunRow]) -> list[Component]:
    """Rows that were not run: how many, the reasons, and on demand each one's command."""
    missing = [row for row in rows if isinstance(row, NotRunRow)]
    if not missing:
        return []
    reasons = list(dict.fromkeys(row.reason.rstrip(".") for row in missing if row.reason))
    why = "; ".join(reasons[:4]) or "no reason given"
    body = [
        html.Tr(
            [
                html.Td(_system(row)),
                html.Td(_training(row)),
                html.Td(row.split, className="nowrap"),
                html.Td(
                    not_run(
                        row.label,
                        NotRun(
                            status=row.status,
                            command=row.command,
                            estimate=row.estimate,
                            reason=row.reason,
                        ),
                    )
                ),
            ]
        )
        for row in missing
    ]
    summary = f"{len(missing)} of {len(rows)} systems were not run. Reasons: {why}."
    head = ["System", "Training", "Split", "Not run"]
    return [
        html.Details(
            [html.Summary(summary), table(head, body, extra="experiment-rows")],
            className="patients-table",
        )
    ]


def _system(row: MeasuredRow | NotRunRow) -> list[Component]:
    options = ", ".join(f"{key.replace('_', ' ')} {words}" for key, words in row.options.items())
    return [html.Div(row.label), html.Div(options, className="meaning")]


def _training(row: MeasuredRow | NotRunRow) -> list[Component]:
    training: list[Component] = [
        html.Div(_strategy_words(row)),
        html.Div(row.initial_weights, className="meaning"),
    ]
    if row.epochs and isinstance(row, MeasuredRow):
        timed = row.seconds_per_epoch
        seconds = "" if timed is None else f", {timed:,.1f} s each"
        training.append(html.Div(f"{row.epochs} epochs{seconds}", className="meaning"))
    return training


def _strategy_words(row: MeasuredRow | NotRunRow) -> str:
    return f"strategy {row.strategy}" if row.strategy[:1] in ("1", "2") else row.strategy


def _figure(row: MeasuredRow, figure: Figure) -> html.Td:
    found = row.figures.get(figure.name)
    return html.Td(
        [
            html.Div(figure.words(found) if found else NONE, className="strong"),
            html.Div(figure.interval_words(found), className="meaning nowrap"),
        ],
        className="number-cell",
    )


def measured_matrices(experiment: ExperimentResults) -> dict[str, ConfusionMatrix]:
    """The confusion matrices of an experiment by the name of their system, each name once."""
    found: dict[str, ConfusionMatrix] = {}
    for row in experiment.rows:
        if not isinstance(row, MeasuredRow) or row.confusion is None:
            continue
        options = (f"{key.replace('_', ' ')} {words}" for key, words in row.options.items())
        parts = (row.label, _strategy_words(row), row.initial_weights, ", ".join(options))
        name = "; ".join(filter(None, (*parts, row.split)))
        same = sum(known.partition(" #")[0] == name for known in found)
        found[f"{name} #{same + 1}" if same else name] = row.confusion
    return found


def _matrices(experiment: ExperimentResults) -> list[html.Figure]:
    """The confusion matrix of one system at a time."""
    matrices = measured_matrices(experiment)
    if not matrices:
        return []
    first = next(iter(matrices))
    choice = dbc.Select(
        id=ids.system_id(experiment.name),
        options=[{"label": name, "value": name} for name in matrices],
        value=first,
        className="field system-choice",
    )
    words = html.Span("System", className="muted secondary")
    labelled = html.Label([words, choice], className="system")
    classes = max(len(matrix.labels) for matrix in matrices.values())
    return [
        chart(
            ids.experiment_id(experiment.name),
            f"Confusion matrix: {experiment.title}",
            reading="Rows: the label in the data; columns: the predicted class. Correct "
            "predictions are on the diagonal.",
            height=matrix_height(classes),
            above=labelled,
        )
    ]
