"""Parts of the performance and comparisons pages: panels, tables, numbers in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

import pipeline
from dashboard.figures.template import CI
from pipeline.evaluation.facade import Estimate, Figure, NotRun

#: Shown where a table has no number.
NONE = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
#: Explains differences that differ from those of the numbers shown.
ROUNDED = "Differences are computed before rounding."
#: Shown instead of the interval of a single patient.
ONE_PATIENT = "n = 1"


def number_words(value: float, *, digits: int = 2) -> str:
    """A number with a fixed count of decimals; `NONE` where it is not known."""
    return pipeline.number_words(value, digits) if math.isfinite(value) else NONE


def panel(title: str, *children: Any, extra: str = "") -> html.Section:
    """A bordered panel with a heading, "" for none where a chart in it has its own."""
    content = [child for child in children if child is not None]
    head = [html.H2(title, className="panel-title")] if title else []
    return html.Section([*head, *content], className=f"panel {extra}".strip())


def figure_table(found: Mapping[str, Estimate], figures: Iterable[Figure]) -> html.Div:
    """A row per figure with its value, interval and explanation.

    Args:
        found: Estimates by name. Figures that are not defined on these patients are left out; those
            that the file lacks read `MISSING`.
        figures: The figures to show, in this order.
    """
    rows = []
    for figure in figures:
        estimate = found.get(figure.name)
        if estimate is not None and estimate.value is None:
            continue
        meaning = " ".join(filter(None, (figure.explanation, figure.note)))
        rows.append(
            html.Tr(
                [
                    html.Td([html.Div(figure.label), html.Div(meaning, className="meaning")]),
                    html.Td(figure.words(estimate), className="number-cell strong nowrap"),
                    html.Td(figure.interval_words(estimate), className="number-cell muted nowrap"),
                ]
            )
        )
    return table(["Metric", "Value", CI], rows, numbers=(1, 2))


def table(
    head: Sequence[Any],
    rows: Sequence[html.Tr],
    *,
    numbers: Iterable[int] = (),
    extra: str = "",
) -> html.Div:
    """A table in its frame.

    Args:
        head: Titles of the columns.
        rows: The rows of its body.
        numbers: Indices of the columns that hold numbers.
        extra: Further CSS classes of the frame.
    """
    right = set(numbers)
    titles = [
        html.Th(words, className="number-cell" if place in right else "")
        for place, words in enumerate(head)
    ]
    return html.Div(
        html.Table([html.Thead(html.Tr(titles)), html.Tbody(list(rows))], className="data-table"),
        className=f"table-wrap {extra}".strip(),
        tabIndex=0,
    )


def not_run(what: str, part: NotRun | None, *, command: str = "") -> html.Div:
    """A part that was not measured, the reason, and the command that measures it.

    Args:
        what: The name of the part.
        part: The part in the file, None where the file lacks it.
        command: The command where the file names none.
    """
    shown: list[Component | str] = [html.Span(f"{what}: not run.", className="notice-title")]
    if part is not None and part.reason:
        shown.append(f"{part.reason.rstrip('.')}. ")
    if part is not None and part.estimate:
        shown.append(f"Estimated time: {part.estimate.rstrip('.')}. ")
    command = (part.command if part else "") or command
    if command:
        shown += ["Run ", html.Code(command, className="command command--inline")]
    return html.Div(shown, className="notice notice--info")


def caution(sentence: str) -> html.P:
    """A caution that must accompany a figure."""
    return html.P(sentence, className="notice notice--warning")
