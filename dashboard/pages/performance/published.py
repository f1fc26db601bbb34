"""The view of the published systems: what others report, beside what came out here."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.figure_words import NONE
from dashboard.components.matrix import confusion_table
from dashboard.components.panels import caution, not_run, table
from dashboard.evaluation.experiments import Experiment, ExperimentRow, Published
from pipeline.evaluation.facade import Figure, find_image_figure

#: Runs the experiments; shown where there are none.
EXPERIMENT_COMMAND = "python -m pipeline experiment NAME"


STRATEGIES = (
    "Strategy 1: the base is frozen and a new dense head is trained. Strategy 2: all layers are "
    "trained at a small learning rate."
)


def layout(experiments: Sequence[Experiment], errors: Sequence[str]) -> html.Div:
    """A section per experiment.

    Args:
        experiments: Those that can be shown.
        errors: Sentences on those that cannot.
    """
    notices: list[Component] = [
        html.P(sentence, className="notice notice--error", role="alert") for sentence in errors
    ]
    if not experiments:
        notices.append(not_run("The published systems", None, command=EXPERIMENT_COMMAND))
    return html.Div([*notices, *map(_experiment, experiments)], className="stack")


def _experiment(experiment: Experiment) -> html.Section:
    names = dict.fromkeys(name for row in experiment.rows for name in row.figures)
    figures = [find_image_figure(name) for name in names]
    facts = " · ".join(experiment.data.values())
    places = dict.fromkeys(_place(row) for row in experiment.rows if row.environment)
    where = "; ".join(places)
    command = experiment.command or f"{EXPERIMENT_COMMAND[:-4]}{experiment.name}"
    return html.Section(
        [
            html.H2(experiment.title, className="page-title"),
            html.P(experiment.question) if experiment.question else None,
            html.P(facts, className="muted secondary") if facts else None,
            *[caution(sentence) for sentence in experiment.cautions],
            *_published(experiment.published),
            *_measured(experiment, figures),
            *_not_run(experiment.rows),
            *_matrices(experiment),
            *[html.P(note, className="muted") for note in experiment.notes],
            html.P([f"{where}. " if where else "", "Run it again: ", html.Code(command)]),
        ],
        className="panel experiment stack stack--tight",
    )


def _place(row: ExperimentRow) -> str:
    """Where and when a row was measured."""
    return " · ".join(row.environment[key] for key in ("date", "cpu") if key in row.environment)


def _published(entries: Sequence[Published]) -> list[Component]:
    """What others report, with where they do."""
    if not entries:
        return []
    rows = [
        html.Tr(
            [html.Td(entry.label), html.Td(entry.figure, className="strong"), html.Td(entry.source)]
        )
        for entry in entries
    ]
    return [table(["Published system", "Figure", "Source"], rows, extra="experiment-rows")]


def _measured(experiment: Experiment, figures: Sequence[Figure]) -> list[Component]:
    """What came out here, the published figure of the same system beside it."""
    rows = [row for row in experiment.rows if row.not_run is None]
    if not rows:
        return []
    published: dict[str, list[str]] = {}
    for entry in experiment.published:
        published.setdefault(entry.label.casefold(), []).append(entry.figure)
    head = ["Measured system", "Training", "Split"]
    beside = any(row.label.casefold() in published for row in rows)
    head += [*(["Published"] * beside), *[figure.title for figure in figures]]
    body = []
    for row in rows:
        others = ", ".join(published.get(row.label.casefold(), [])) or NONE
        cells = [
            html.Td(_system(row)),
            html.Td(_learned(row)),
            html.Td(row.split, className="nowrap"),
        ]
        cells += [html.Td(others, className="number-cell")] * beside
        body.append(html.Tr([*cells, *[_figure(row, figure) for figure in figures]]))
    strategies = any(row.strategy[:1] in ("1", "2") for row in rows)
    note = html.P(STRATEGIES, className="muted secondary")
    numbers = range(3, len(head))
    return [table(head, body, numbers=numbers, extra="experiment-rows"), *([note] * strategies)]


def _not_run(rows: Sequence[ExperimentRow]) -> list[Component]:
    """Rows that were not run: how many and why, and on demand each with its command."""
    missing = [(row, row.not_run) for row in rows if row.not_run is not None]
    if not missing:
        return []
    reasons = list(dict.fromkeys(part.reason.rstrip(".") for _, part in missing if part.reason))
    why = "; ".join(reasons[:4]) or "no reason is given"
    body = [
        html.Tr(
            [
                html.Td(_system(row)),
                html.Td(_learned(row)),
                html.Td(row.split, className="nowrap"),
                html.Td(not_run(row.label, part)),
            ]
        )
        for row, part in missing
    ]
    summary = f"{len(missing)} of {len(rows)} systems were not run: {why}. Their commands"
    head = ["System", "Training", "Split", "Not run"]
    return [
        html.Details(
            [html.Summary(summary), table(head, body, extra="experiment-rows")],
            className="patients-table",
        )
    ]


def _system(row: ExperimentRow) -> list[Component]:
    options = ", ".join(f"{key.replace('_', ' ')} {words}" for key, words in row.options.items())
    return [html.Div(row.label), html.Div(options, className="meaning")]


def _learned(row: ExperimentRow) -> list[Component]:
    strategy = f"strategy {row.strategy}" if row.strategy[:1] in ("1", "2") else row.strategy
    learned: list[Component] = [
        html.Div(strategy),
        html.Div(row.initial_weights, className="meaning"),
    ]
    if row.epochs and row.not_run is None:
        timed = row.seconds_per_epoch.value if row.seconds_per_epoch else None
        seconds = "" if timed is None else f", {timed:,.1f} s each"
        learned.append(html.Div(f"{row.epochs} epochs{seconds}", className="meaning"))
    return learned


def _figure(row: ExperimentRow, figure: Figure) -> html.Td:
    found = row.figures.get(figure.name)
    return html.Td(
        [
            html.Div(figure.words(found) if found else NONE, className="strong"),
            html.Div(figure.interval_words(found), className="meaning nowrap"),
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
