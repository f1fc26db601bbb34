"""The viewer: tool bar, image with its corners, slice strip. `assets/js/viewer.js` fills it.

The words and ids are made here, what changes with a slice is written by the browser: no callback
runs while the reader scrolls. Range inputs are made by `assets/js/input.js`, because `dcc.Input`
takes no label for screen readers.
"""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.overlays import map_legend
from dashboard.figures.slice_figure import make_slice_figure

#: Plotly draws and leaves wheel, drag and keys to us. Never "staticPlot": it re-encodes the images.
_GRAPH_CONFIG: Any = {
    "displayModeBar": False,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
}

_TOOLS = (
    ("window", "Window", "Drag on the image for window and level (W)"),
    ("zoom", "Zoom", "Drag on the image to zoom (Z); Shift and drag moves it"),
)


def layout() -> html.Div:
    """Tool bar, image and strip, one above the other."""
    return html.Div([_tool_bar(), _screen(), _strip()], className="viewer")


def _tool_bar() -> html.Div:
    return html.Div(
        [
            _button("toggle-rail", "Series", pressed="false", extra="fold-rail"),
            html.Div(
                [
                    _segment(f"tool-{name}", words, title, pressed=name == "window")
                    for name, words, title in _TOOLS
                ],
                className="segments",
                role="group",
                **aria(label="What a drag on the image does"),
            ),
            html.Div(
                [
                    _segment("window-auto", "Auto", "Window from the brain in this slice (B)"),
                    _segment("window-full", "Full range", "Window over all stored values"),
                    _segment("invert", "Invert", "Black on white (I)", pressed=False),
                    _segment("reset", "Reset", "Window, zoom and position as at first (0)"),
                ],
                className="segments",
                role="group",
                **aria(label="Window"),
            ),
            _legend(),
            _button("toggle-findings", "Findings", pressed="false", extra="fold-findings"),
        ],
        className="tool-bar",
        role="toolbar",
        **aria(label="Viewer"),
    )


def _legend() -> html.Div:
    return html.Div(
        [
            _legend_button("show-ai", "FLAIR abnormality (AI)", "M", swatch="swatch--ai"),
            _legend_button("show-reference", "Reference outline", "R", swatch="swatch--reference"),
            _legend_button("fill", "Fill", "F", pressed="false"),
            html.Span(id="viewer-opacity-host"),
            _legend_button("hide-all", "Hide all", "Space", pressed="false"),
        ],
        className="legend",
    )


def _screen() -> html.Div:
    return html.Div(
        [
            dcc.Graph(
                id="viewer-figure",
                className="screen-figure",
                figure=make_slice_figure(),
                config=_GRAPH_CONFIG,
                responsive=False,
            ),
            html.Div(id="viewer-overlay", className="screen-overlay", **aria(hidden="true")),
            html.Div(
                id="viewer-surface",
                className="screen-surface",
                role="img",
                **aria(label="Slice in view", describedby="corner-slice"),
            ),
            *[
                html.Div(id=f"corner-{name}", className=f"corner corner--{name} tabular")
                for name in ("patient", "series", "slice", "window")
            ],
            *[
                html.Div(id=f"edge-{side}", className=f"edge edge--{side}")
                for side in ("left", "right", "top", "bottom")
            ],
            html.Div(id="threshold-badge", className="threshold-badge tabular", hidden=True),
            map_legend(),
            html.Div(
                [
                    html.P(id="viewer-message-text"),
                    html.Button(
                        "Try again",
                        id="viewer-retry",
                        className="button",
                        type="button",
                        hidden=True,
                    ),
                ],
                id="viewer-message",
                className="screen-message",
                role="status",
                hidden=True,
            ),
        ],
        id="viewer-screen",
        className="screen",
    )


def _strip() -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Slice score, above; area by slice, below", id="strip-title"),
                    html.Span(
                        "framed: classifier and outline in conflict",
                        id="strip-conflict",
                        className="strip-key",
                        hidden=True,
                    ),
                    html.Span(id="strip-readout", className="strip-readout tabular"),
                    html.Button(
                        ["Next lesion slice", html.Kbd("N", className="key")],
                        id="viewer-next-lesion",
                        className="button button--small",
                        type="button",
                    ),
                ],
                className="strip-head",
            ),
            html.Div(id="strip-marker", className="strip-marker", **aria(hidden="true")),
            html.Canvas(
                id="strip-canvas",
                className="strip-canvas",
                role="img",
                **aria(labelledby="strip-title"),
            ),
            html.Div(id="viewer-slider-host", className="slider-host"),
        ],
        id="viewer-strip",
        className="strip",
    )


def _button(name: str, words: str, *, pressed: str, extra: str) -> html.Button:
    return html.Button(
        words,
        id=f"viewer-{name}",
        className=f"button button--small {extra}",
        type="button",
        **aria(pressed=pressed),
    )


def _segment(name: str, words: str, title: str, *, pressed: bool | None = None) -> html.Button:
    state: dict[str, Any] = {} if pressed is None else aria(pressed=str(pressed).lower())
    return html.Button(
        words, id=f"viewer-{name}", className="segment", type="button", title=title, **state
    )


def _legend_button(
    name: str, words: str, key: str, *, swatch: str = "", pressed: str = "true"
) -> html.Button:
    mark: list[Component] = [html.Span(className=swatch)] if swatch else []
    return html.Button(
        [*mark, html.Span(words, className="legend-words"), html.Kbd(key, className="key")],
        id=f"viewer-{name}",
        className="legend-button",
        type="button",
        **aria(pressed=pressed),
    )
