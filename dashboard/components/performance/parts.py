"""Parts that several views of the performance page are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button
from dashboard.components.performance.words import estimate_words, figure_words, interval_words
from dashboard.evaluation import Estimate, NotRun
from dashboard.figures.template import GRAPH_CONFIG


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


def small_button(words: str, button_id: Any, **attributes: Any) -> html.Button:
    """A quiet button."""
    return button(words, id=button_id, className="button button--small", **attributes)


def figure_table(
    figures: Mapping[str, Estimate],
    names: Iterable[str],
    *,
    meanings: Mapping[str, str] | None = None,
) -> html.Div:
    """Figures one below the other, with interval and meaning; those that are missing left out.

    Args:
        figures: By name.
        names: Which, in this order.
        meanings: In place of the usual ones, by name.
    """
    rows = []
    for name in names:
        estimate = figures.get(name)
        if estimate is None:
            continue
        words = figure_words(name)
        meaning = (meanings or {}).get(name, words.meaning)
        rows.append(
            html.Tr(
                [
                    html.Td([html.Div(words.title), html.Div(meaning, className="meaning")]),
                    html.Td(estimate_words(name, estimate), className="number-cell strong nowrap"),
                    html.Td(
                        interval_words(estimate, digits=words.digits),
                        className="number-cell muted nowrap",
                    ),
                ]
            )
        )
    if not rows:
        return html.Div(html.P("The evaluation file holds none of these.", className="muted"))
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
    part = part or NotRun()
    told: list[Component | str] = [html.Span(f"{what}: not run.", className="notice-title")]
    if part.reason:
        told.append(f"{part.reason.rstrip('.')}. ")
    if part.estimate:
        told.append(f"Estimate: {part.estimate.rstrip('.')}. ")
    command = part.command or command
    if command:
        told += ["Run ", html.Code(command, className="command command--inline")]
    return html.Div(told, className="notice notice--info")


def caution(sentence: str) -> html.P:
    """A sentence without which a figure misleads."""
    return html.P(sentence, className="notice notice--warning")
