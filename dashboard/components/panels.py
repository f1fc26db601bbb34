"""Parts that several views of the performance page are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.figures.template import GRAPH_CONFIG
from pipeline.evaluation.facade import Estimate, Figure, NotRun


def panel(title: str, *children: Any, extra: str = "") -> html.Section:
    """A bordered panel with its heading."""
    content = [child for child in children if child is not None]
    return html.Section(
        [html.H2(title, className="panel-title"), *content], className=f"panel {extra}".strip()
    )


def chart(
    graph_id: str | dict[str, Any], label: str, *, height: int, clickable: bool = False
) -> html.Div:
    """A chart in its frame, with a name for those who do not see it."""
    graph = dcc.Graph(
        id=graph_id,
        config=GRAPH_CONFIG,  # type: ignore[arg-type]  # a dict is what Dash takes
        style={"height": f"{height}px"},
        className="chart chart--clickable" if clickable else "chart",
    )
    return html.Div(graph, role="figure", **aria(label=label))


def legend(*entries: tuple[str, str]) -> html.Div:
    """What the marks of a chart mean: (class of the mark, words)."""
    return html.Div(
        [
            html.Span([html.Span(className=f"mark {mark}", **aria(hidden="true")), words])
            for mark, words in entries
        ],
        className="chart-legend muted secondary",
    )


def figure_table(found: Mapping[str, Estimate], figures: Iterable[Figure]) -> html.Div:
    """Figures one below the other, with interval and explanation.

    Args:
        found: By name. What is not defined on these patients is left out; what the file lacks reads
            "missing".
        figures: Which, in this order.
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
    return table(["Figure", "Value", "95% interval"], rows, numbers=(1, 2))


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
        rows: Its rows.
        numbers: Places of the columns that hold numbers.
        extra: More classes of the frame.
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
    """A part that was not measured, why, and the command that would.

    Args:
        what: The part, as the subject of a sentence.
        part: What the file says, None where it says nothing.
        command: What to run where the file names no command.
    """
    shown: list[Component | str] = [html.Span(f"{what}: not run.", className="notice-title")]
    if part is not None and part.reason:
        shown.append(f"{part.reason.rstrip('.')}. ")
    if part is not None and part.estimate:
        shown.append(f"Estimate: {part.estimate.rstrip('.')}. ")
    command = (part.command if part else "") or command
    if command:
        shown += ["Run ", html.Code(command, className="command command--inline")]
    return html.Div(shown, className="notice notice--info")


def caution(sentence: str) -> html.P:
    """A sentence without which a figure misleads."""
    return html.P(sentence, className="notice notice--warning")
