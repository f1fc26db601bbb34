"""The viewer: tool bar, image with its corners, slice strip. `assets/js/viewer/` fills it in.

Static text and ids are here; what changes with the slice is written by the browser, so that no
callback runs while the reader scrolls. Sliders are created by `assets/js/review/input.js`, because
`dcc.Input` does not accept a label for screen readers.
"""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button
from dashboard.pages.review import edit_bar, measure_bar, planes, priors, space, tool_bar
from dashboard.pages.review.overlays import map_legend


def layout() -> html.Div:
    """Tool bar, image (beside it the prior) and strip, one above the other."""
    state: Any = {"data-mode": "one", "data-tools": "view"}
    rows = {"measure": measure_bar.layout(), "edit": edit_bar.layout()}
    parts = [tool_bar.layout(rows=rows), _stage(), priors.pane(), _strip()]
    return html.Div(parts, className="viewer", **state)


def _stage() -> html.Div:
    """The views of all modes, stacked; `assets/css/stage.css` shows those of the current mode."""
    return html.Div(
        [
            _screen(),
            _screen_beside("second"),
            _screen_beside("third"),
            html.Div(id="pane-name-left", className="pane-name pane-name--left", hidden=True),
            html.Div(id="pane-name-right", className="pane-name pane-name--right", hidden=True),
            html.Div(
                id="swipe-edge",
                className="swipe-edge",
                role="slider",
                tabIndex=0,
                hidden=True,
                **aria(
                    label="Divider between the two views, percent from the left",
                    valuemin="2",
                    valuemax="98",
                    valuenow="50",
                ),
            ),
            html.Div(planes.layout(), id="viewer-planes", className="stage-planes"),
            html.Div(space.layout(), id="viewer-space", className="stage-space"),
            html.Div(id="stage-note", className="stage-note", role="status"),
        ],
        id="viewer-stage",
        className="stage",
    )


def _edges(prefix: str = "") -> list[html.Div]:
    """Hosts of the orientation letters; those of the main view have ids for tests."""
    sides = ("left", "right", "top", "bottom")
    ids: list[Any] = [{"id": f"{prefix}{side}"} if prefix else {} for side in sides]
    return [
        html.Div(className=f"edge edge--{side}", **named)
        for side, named in zip(sides, ids, strict=True)
    ]


def _corners(*names: str, suffix: str = "") -> list[html.Div]:
    return [
        html.Div(id=f"corner-{name}{suffix}", className=f"corner corner--{name} tabular")
        for name in names
    ]


def _screen_beside(name: str) -> html.Div:
    return html.Div(
        [
            html.Div(className="screen-overlay", **aria(hidden="true")),
            html.Div(
                className="screen-surface",
                role="img",
                **aria(
                    label=f"{name.capitalize()} view of the current slice",
                    describedby=f"corner-series-{name}",
                ),
            ),
            *_edges(),
            *_corners("series", "window", "value", suffix=f"-{name}"),
        ],
        id=f"viewer-{name}",
        className=f"screen screen--{name}",
    )


def _screen() -> html.Div:
    return html.Div(
        [
            html.Div(id="viewer-overlay", className="screen-overlay", **aria(hidden="true")),
            html.Div(
                id="viewer-surface",
                className="screen-surface",
                role="img",
                **aria(label="Current slice", describedby="corner-slice"),
            ),
            *_corners("patient", "series", "slice", "window", "value"),
            *_edges("edge-"),
            html.Div(
                [
                    html.Div(id=f"{name}-badge", className=f"{name}-badge tabular", hidden=True)
                    for name in ("threshold", "projection")
                ],
                className="screen-badges",
            ),
            map_legend(),
            html.Div(
                [
                    html.P(id="viewer-message-text"),
                    button("Retry", id="viewer-retry", className="button", hidden=True),
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
                    html.H2("Slice score (top) and area (bottom)", id="strip-title"),
                    html.Span(
                        "conflict: classifier vs segmentation",
                        id="strip-conflict",
                        className="strip-key",
                        hidden=True,
                    ),
                    html.Span(
                        "changed by your operating point",
                        id="strip-changed",
                        className="strip-key strip-key--changed",
                        hidden=True,
                    ),
                    html.Span(id="strip-readout", className="strip-readout tabular"),
                    small_button("Largest area", "Shift+L", id="viewer-largest-lesion"),
                    small_button(
                        "Next marked slice",
                        "N",
                        id="viewer-next-lesion",
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
