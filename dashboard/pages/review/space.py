"""The view in space: the figure's place, and beside it what is what.

`assets/js/volume/space.js` fills it. The figure comes from `dashboard.figures.space` over HTTP when
the mode is first chosen: before, the page asks for no WebGL.
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
            **aria(label="Surfaces in space", describedby="space-legend"),
        ),
        html.Div(
            [
                _row("ai", "FLAIR abnormality (AI)", "solid, amber"),
                _row("correction", "Your correction", "solid, violet"),
                _row("reference", "Reference outline", "see-through, teal"),
                _row("head", "Head surface", "see-through, grey"),
                _row("slice", "Slice in view", "blue; click a surface to move it"),
                html.P(id="space-threshold", className="space-note", hidden=True),
                html.P(id="space-scale", className="space-note", hidden=True),
                html.P(
                    "Surfaces are interpolated between slices and lightly smoothed; volumes are"
                    " those of the voxels.",
                    className="space-note",
                ),
            ],
            id="space-legend",
            className="space-legend",
        ),
        html.Div(id="space-message", className="space-message", role="status", hidden=True),
    ]


def _row(name: str, words: str, looks: str) -> html.Div:
    return html.Div(
        [
            html.Span(className=f"space-swatch space-swatch--{name}", **aria(hidden="true")),
            html.Span(words, id=f"space-name-{name}", className="space-name"),
            html.Span(id=f"space-amount-{name}", className="space-amount tabular"),
            html.Span(looks, id=f"space-looks-{name}", className="space-looks"),
        ],
        id=f"space-row-{name}",
        className="space-row",
    )
