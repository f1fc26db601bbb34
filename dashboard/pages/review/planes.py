"""The reformatted planes beside the main view; `assets/js/volume/planes.js` fills them in."""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria


def layout() -> list[html.Div]:
    """Two panes, one above the other, for `viewer-planes`."""
    return [_pane("plane-first"), _pane("plane-second")]


def _pane(name: str) -> html.Div:
    return html.Div(
        [
            html.Canvas(className="plane-canvas", role="img", **aria(label="Reformatted plane")),
            html.Div(className="plane-title tabular"),
            html.Div(className="plane-note tabular"),
            html.Div(className="plane-state", role="status"),
            *[
                html.Div(className=f"plane-edge plane-edge--{side}", **aria(hidden="true"))
                for side in ("left", "right", "top", "bottom")
            ],
            html.Div(className="plane-slider-host"),
        ],
        id=name,
        className="plane",
    )
