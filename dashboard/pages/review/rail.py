"""The left rail: one card per series, filled by `assets/js/review/rail.js`."""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria


def layout() -> html.Nav:
    """The rail. It folds away below 1200 px and is reached with the tool bar's "Series"."""
    return html.Nav(
        [
            html.H2("Series", className="panel-title"),
            html.Div(id="rail-cards", className="rail-cards", role="group", **aria(label="Series")),
        ],
        id="rail",
        className="rail",
        **aria(label="Series"),
    )
