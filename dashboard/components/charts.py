"""The frame of every chart: title, how to read it, legend, picture and CSV, the table behind it.

Table and CSV are made in the browser from the data that the figure carries
(`dashboard.figures.chart_data`, `assets/js/charts/charts.js`).
"""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria, data
from dashboard.components.buttons import small_button
from dashboard.figures.template import GRAPH_CONFIG

#: What a chart is downloaded as, by the names on the buttons.
FORMATS = {"PNG": "png", "SVG": "svg", "CSV": "csv"}


def chart(
    graph_id: str | dict[str, Any],
    title: str,
    *,
    reading: str,
    height: int,
    clickable: bool = False,
    above: Component | None = None,
    marks: Component | None = None,
) -> html.Figure:
    """A chart in its frame; a callback draws the figure.

    Args:
        graph_id: Id of the `dcc.Graph`.
        title: What it shows; also its name for screen readers and on the downloaded picture.
        reading: How to read it, in one line.
        height: Height of the figure in pixels.
        clickable: Whether a click on a mark opens what it stands for.
        above: Controls between the title and the figure.
        marks: The legend.
    """
    graph = dcc.Graph(
        id=graph_id,
        config=GRAPH_CONFIG,  # type: ignore[arg-type]  # a dict is what Dash takes
        style={"height": f"{height}px"},
        className="chart chart--clickable" if clickable else "chart",
    )
    caption = html.Figcaption(
        [
            html.H2(title, className="panel-title"),
            html.P(reading, className="muted secondary chart-reading"),
        ]
    )
    saves = [
        small_button(
            words,
            title=f"Download as {words}",
            **data(chart_save=kind),
            **aria(label=f"{words}: download {title}"),
        )
        for words, kind in FORMATS.items()
    ]
    table = html.Details(
        [
            html.Summary(["Table", html.Span(f": {title}", className="visually-hidden")]),
            html.Div(
                className="chart-table table-wrap", tabIndex=0, role="group", **aria(label=title)
            ),
        ],
        className="chart-data",
    )
    shown = (caption, above, graph, marks)
    return html.Figure(
        [
            *[part for part in shown if part is not None],
            html.Div([table, html.Div(saves, className="chart-saves")], className="chart-foot"),
        ],
        className="chart-frame",
        **data(chart_title=title),
    )


def legend(*entries: tuple[str, str]) -> html.Div:
    """The legend of a chart, from pairs of a mark's CSS class and its meaning."""
    return html.Div(
        [
            html.Span([html.Span(className=f"mark {mark}", **aria(hidden="true")), words])
            for mark, words in entries
        ],
        className="chart-legend muted secondary",
    )
