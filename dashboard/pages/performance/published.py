"""The view of the published systems: reported results, and those measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

import pipeline
from dashboard.components.charts import chart
from dashboard.components.panels import NONE, caution, not_run, table
from dashboard.figures.confusion import matrix_height
from dashboard.pages.performance import ids
from pipeline.evaluation.facade import NotRun, find_class_figure
from pipeline.image_tasks.facade import IMAGE_TASKS, ConfusionMatrix, Published

if TYPE_CHECKING:
    from pipeline import ExperimentResults, MeasuredRow, NotRunRow

#: Runs the experiments; shown if no results exist.
EXPERIMENT_COMMAND = "python -m pipeline experiment NAME"
#: The split of systems that are timed and not evaluated.
NO_SPLIT = "none"
#: What is trained, by the number that the published systems use.
STRATEGIES = {
    "1": "Base frozen, new head trained (strategy 1)",
    "2": "All layers trained at a low learning rate (strategy 2)",
}


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
    measured = [row for row in experiment.rows if isinstance(row, pipeline.MeasuredRow)]
    titles = class_titles(experiment.name)
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
            *_measured(measured, experiment.published, titles),
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


def class_titles(name: str) -> dict[str, str]:
    """Names of the classes for readers, by class, where the experiment is of an image task."""
    task = IMAGE_TASKS.get(name)
    return dict(zip(task.classes, task.class_titles, strict=True)) if task is not None else {}


def _measured(
    rows: Sequence[MeasuredRow], entries: Sequence[Published], titles: Mapping[str, str]
) -> list[Component]:
    """Results measured here, with the published result of the same system.

    A figure of each class is one column, so that the table fits a narrow page.
    """
    if not rows:
        return []
    published: dict[str, list[str]] = {}
    for entry in entries:
        published.setdefault(entry.label.casefold(), []).append(entry.figure)
    names = dict.fromkeys(name for row in rows for name in row.figures)
    columns = {figure.name: figure for figure in (find_class_figure(name)[0] for name in names)}
    has_published = any(row.label.casefold() in published for row in rows)
    trained = any(row.epochs for row in rows)
    head = ["System evaluated here", *(["Training"] * trained), *(["Published"] * has_published)]
    body = []
    for row in rows:
        others = ", ".join(published.get(row.label.casefold(), [])) or NONE
        cells = [html.Td(_system(row, weights=not trained))]
        cells += [html.Td(_training(row))] * trained
        cells += [html.Td(others)] * has_published
        cells += [_figure_cell(row, name, titles) for name in columns]
        body.append(html.Tr(cells))
    numbers = range(len(head), len(head) + len(columns))
    head += [figure.title for figure in columns.values()]
    return [table(head, body, numbers=numbers, extra="experiment-rows")]


def _not_run(rows: Sequence[MeasuredRow | NotRunRow]) -> list[Component]:
    """Rows that were not run: how many, the reasons, and on demand each one's command."""
    missing = [row for row in rows if isinstance(row, pipeline.NotRunRow)]
    if not missing:
        return []
    reasons = list(dict.fromkeys(row.reason.rstrip(".") for row in missing if row.reason))
    why = "; ".join(reasons[:4]) or "no reason given"
    body = []
    for row in missing:
        part = NotRun(
            status=row.status, command=row.command, estimate=row.estimate, reason=row.reason
        )
        cells = (_system(row), _training(row), not_run(row.label, part))
        body.append(html.Tr([html.Td(cell) for cell in cells]))
    return [
        html.P(
            f"{len(missing)} of {len(rows)} systems were not run. Reasons: {why}.",
            className="muted secondary",
        ),
        html.Details(
            [
                html.Summary("Systems that were not run, with their commands"),
                table(["System", "Training", "Not run"], body, extra="experiment-rows"),
            ],
            className="patients-table",
        ),
    ]


def _system(row: MeasuredRow | NotRunRow, *, weights: bool = False) -> list[Component]:
    """Its name, split and options, and its initial weights where it is not trained."""
    lines = (_split_words(row), _option_words(row), row.initial_weights if weights else "")
    return [
        html.Div(row.label, className="strong"),
        *[html.Div(line, className="meaning") for line in lines if line],
    ]


def _split_words(row: MeasuredRow | NotRunRow) -> str:
    return "" if row.split == NO_SPLIT else f"Split: {row.split}"


def _option_words(row: MeasuredRow | NotRunRow) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {words}" for key, words in row.options.items())


def _training(row: MeasuredRow | NotRunRow) -> list[Component]:
    training: list[Component] = [
        html.Div(_strategy_words(row)),
        html.Div(f"Initial weights: {row.initial_weights}", className="meaning"),
    ]
    if row.epochs and isinstance(row, pipeline.MeasuredRow):
        timed = row.seconds_per_epoch
        seconds = "" if timed is None else f", {duration_words(timed)} each"
        training.append(html.Div(f"{row.epochs} epochs{seconds}", className="meaning"))
    return training


def duration_words(seconds: float) -> str:
    """Seconds with one decimal; what took time is never 0.0 s."""
    return f"{seconds:,.1f} s" if seconds >= 0.05 else "less than 0.1 s"


def _strategy_words(row: MeasuredRow | NotRunRow) -> str:
    number, rest = row.strategy[:1], row.strategy[1:]
    return f"{STRATEGIES[number]}{rest}" if number in STRATEGIES else row.strategy


def _figure_cell(row: MeasuredRow, column: str, titles: Mapping[str, str]) -> html.Td:
    """A figure with its interval, or with a line for each class where it is of the classes."""
    lines: list[Component] = []
    for name, found in row.figures.items():
        figure, of_class = find_class_figure(name)
        if figure.name != column:
            continue
        of = f"{titles.get(of_class, of_class)} " if of_class else ""
        lines += [
            html.Div([html.Span(of, className="meaning"), figure.words(found)], className="strong"),
            html.Div(figure.interval_words(found), className="meaning"),
        ]
    return html.Td(lines or NONE, className="number-cell")


def measured_matrices(experiment: ExperimentResults) -> dict[str, ConfusionMatrix]:
    """The confusion matrices of an experiment by the name of their system, each name once."""
    found: dict[str, ConfusionMatrix] = {}
    for row in experiment.rows:
        if not isinstance(row, pipeline.MeasuredRow) or row.confusion is None:
            continue
        parts = (row.label, _strategy_words(row), _split_words(row), _option_words(row))
        name = "; ".join(filter(None, parts))
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
