"""The left rail: one card per series, filled in by `assets/js/review/rail.js`."""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria
from dashboard.pages.review import priors


def layout() -> html.Nav:
    """The rail. Below 1200 px it is hidden until opened with "Series" in the tool bar."""
    return html.Nav(
        [
            html.H2("Series", className="panel-title"),
            html.Div(id="rail-cards", className="rail-cards", role="group", **aria(label="Series")),
            priors.rail_section(),
        ],
        id="rail",
        className="rail",
        **aria(label="Series"),
    )
