"""The 3D view: host of the figure, and its legend.

`assets/js/volume/space.js` fills it in. The figure comes from `dashboard.figures.space` over HTTP
when the mode is first chosen; until then the page does not use WebGL.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria


def layout() -> list[Component]:
    """Figure, legend and message, for `viewer-space`."""
    return [
        html.Div(
            id="space-figure",
            className="space-figure",
            role="img",
            **aria(label="3D surfaces", describedby="space-legend"),
        ),
        html.Div(
            [
                _row("ai", "FLAIR abnormality (AI)", "solid, amber"),
                _row("correction", "Your correction", "solid, violet"),
                _row("reference", "Reference outline", "transparent, teal"),
                _row("head", "Head surface", "transparent, grey"),
                _row("slice", "Current slice", "blue; click a surface to move it"),
                html.P(id="space-threshold", className="space-note", hidden=True),
                html.P(id="space-scale", className="space-note", hidden=True),
                html.P(
                    "Surfaces are interpolated between slices and slightly smoothed. Volumes are"
                    " computed from voxels.",
                    className="space-note",
                ),
            ],
            id="space-legend",
            className="space-legend",
        ),
        html.Div(id="space-message", className="space-message", role="status", hidden=True),
    ]


def _row(name: str, label: str, looks: str) -> html.Div:
    return html.Div(
        [
            html.Span(className=f"space-swatch space-swatch--{name}", **aria(hidden="true")),
            html.Span(label, id=f"space-name-{name}", className="space-name"),
            html.Span(id=f"space-amount-{name}", className="space-amount tabular"),
            html.Span(looks, id=f"space-looks-{name}", className="space-looks"),
        ],
        id=f"space-row-{name}",
        className="space-row",
    )
