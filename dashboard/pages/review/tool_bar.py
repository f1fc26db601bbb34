"""The viewer's tool bar: modes, tools, window presets, overlays.

Measuring and editing have their own rows below it, shown by `assets/js/viewer/tools.js` while one
of their tools is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, key_cap, menu

#: Name as in `Mode` of assets/js/viewer/session.d.ts, label, tooltip.
MODES = (
    ("one", "Single", "Single view (V)"),
    ("linked", "Two", "Two linked views side by side (V)"),
    ("three", "Three", "FLAIR, T1 and T1 post-contrast side by side, linked (V)"),
    ("swipe", "Swipe", "Two views with a divider to drag (V)"),
    ("planes", "MPR", "Axial, coronal and sagittal reformats (Y)"),
    ("space", "3D", "3D surfaces (J)"),
)
_TOOLS = (
    ("window", "Window", "Drag on the image to change window and level (W)"),
    ("zoom", "Zoom", "Drag on the image to zoom (Z); hold Shift to pan"),
    ("crosshair", "Crosshair", "Drag on the image to move the MPR crosshair"),
)
#: Named windows as in `assets/js/viewer/window_presets.js`.
PRESETS: Final = (
    ("opened", "As opened"),
    ("auto", "Auto, this slice"),
    ("full", "Full range"),
    ("contrast", "High contrast"),
    ("soft", "Low contrast"),
    ("bright", "Bright lesions"),
    ("dark", "Dark lesions"),
    ("custom", "Custom"),
)
#: Slices of the projection as in `assets/js/viewer/projection.js`.
PROJECTIONS: Final = (
    ("1", "Off"),
    *[(str(slices), f"{slices} slices") for slices in (3, 5, 7, 9)],
)
_SPEEDS = tuple((str(speed), f"{speed} slices/s") for speed in (10, 2, 5, 15, 20, 30))
_GROUPS = (
    ("measure", "Measure", "Ruler, angle, area, ellipse ROI"),
    ("edit", "Edit", "Correct the AI mask (E)"),
)


def layout(*, rows: Mapping[str, list[Component]]) -> html.Div:
    """The tool bar.

    Args:
        rows: Content of the rows of the tool groups ``measure`` and ``edit``.
    """
    return html.Div(
        [
            _button("toggle-rail", "Series", pressed="false", extra="fold-rail"),
            _modes(),
            _second_choice(),
            _tools(),
            _view_menu(),
            _legend(),
            _button("toggle-findings", "Findings", pressed="false", extra="fold-findings"),
            *[
                html.Div(
                    rows.get(name, []),
                    id=f"tools-{name}",
                    className="tool-row",
                    role="group",
                    **aria(label=label),
                )
                for name, label, _ in _GROUPS
            ],
        ],
        className="tool-bar",
        role="toolbar",
        **aria(label="Viewer tools"),
    )


def _modes() -> html.Div:
    return html.Div(
        [
            _segment(f"mode-{name}", label, title, pressed=name == "one")
            for name, label, title in MODES
        ],
        className="segments",
        role="group",
        **aria(label="Layout"),
    )


def _second_choice() -> html.Label:
    """Content of the second view; `assets/js/viewer/linked.js` fills in the options."""
    return html.Label(
        [
            html.Span("Second view", className="secondary muted"),
            html.Select(id="second-content", className="field second-content"),
            key_cap("X"),
        ],
        id="second-choice",
        className="second-choice",
        hidden=True,
    )


def _tools() -> html.Div:
    choices: list[Component] = [
        _segment(f"viewer-tool-{name}", label, title, pressed=name == "window", tool=name)
        for name, label, title in _TOOLS
    ]
    groups: list[Component] = [
        button(
            label,
            id=f"viewer-tools-{name}",
            className="segment",
            title=title,
            **aria(pressed="false", expanded="false", controls=f"tools-{name}"),
        )
        for name, label, title in _GROUPS
    ]
    return html.Div(
        choices + groups,
        className="segments",
        role="group",
        **aria(label="Tool for dragging on the image"),
    )


def _view_menu() -> html.Details:
    """How the image is shown: window, projection, cine, magnifier."""
    play = button(
        [html.Span("Play", id="cine-words")],
        "S",
        id="cine-play",
        className="button button--small",
        title="Go through the slices by itself (S)",
        **aria(pressed="false"),
    )
    magnifier: Any = {"data-tool-button": "magnifier"}
    return menu(
        "View",
        "Window, projection, cine, magnifier",
        _choice("Window", "window-preset", PRESETS, "Shift+W"),
        html.Div(
            [
                _segment("viewer-invert", "Invert", "Invert greyscale (Shift+D)", pressed=False),
                _segment("viewer-reset", "Reset", "Reset window, zoom and pan (0)"),
            ],
            className="segments",
            role="group",
            **aria(label="Greyscale and zoom"),
        ),
        _choice("MIP", "projection-slices", PROJECTIONS, "Shift+P"),
        html.Div([play, _choice("Speed", "cine-speed", _SPEEDS)], className="menu-line"),
        button(
            "Magnifier",
            "H",
            id="viewer-tool-magnifier",
            className="button button--small",
            title="Press the image to magnify (H)",
            **magnifier,
            **aria(pressed="false"),
        ),
        id="view-menu",
    )


def _choice(
    label: str, identity: str, options: tuple[tuple[str, str], ...], key: str = ""
) -> html.Label:
    """A list with its label; the first option is chosen."""
    return html.Label(
        [
            html.Span(label, className="secondary muted"),
            html.Select(
                [html.Option(words, value=value) for value, words in options],
                id=identity,
                className="field menu-choice",
            ),
            *([key_cap(key)] if key else []),
        ],
        className="menu-line",
    )


def _legend() -> html.Div:
    return html.Div(
        [
            _legend_button("show-ai", ("FLAIR abnormality (", "AI", ")"), "M", "swatch--ai"),
            _legend_button(
                "show-reference", ("", "Reference", " outline"), "R", "swatch--reference"
            ),
            _correction_button(),
            _legend_button("fill", ("", "Fill", ""), "F", pressed="false"),
            html.Span(id="viewer-opacity-host"),
            _legend_button("hide-all", ("", "Hide", " overlays"), "Space", pressed="false"),
        ],
        className="legend",
    )


def _correction_button() -> html.Button:
    """Toggle of the reader's mask, hidden until there is one (correction_panel.js)."""
    return button(
        [
            html.Span(className="swatch--correction"),
            html.Span(
                "Your correction", id="viewer-show-correction-words", className="legend-words"
            ),
        ],
        "Shift+M",
        id="viewer-show-correction",
        className="legend-button",
        hidden=True,
        **aria(pressed="true"),
    )


def _button(name: str, label: str, *, pressed: str, extra: str) -> html.Button:
    return button(
        label,
        id=f"viewer-{name}",
        className=f"button button--small {extra}",
        **aria(pressed=pressed),
    )


def _segment(
    identity: str, label: str, title: str, *, pressed: bool | None = None, tool: str = ""
) -> html.Button:
    state: dict[str, Any] = {} if pressed is None else aria(pressed=str(pressed).lower())
    if tool:
        state["data-tool-button"] = tool
    return button(label, id=identity, className="segment", title=title, **state)


def _legend_button(
    name: str, label: tuple[str, str, str], key: str, swatch: str = "", *, pressed: str = "true"
) -> html.Button:
    """A toggle whose label is its middle part where there is little room."""
    mark: list[Component] = [html.Span(className=swatch)] if swatch else []
    before, short, after = label
    words: list[str | Component] = [
        html.Span(before, className="legend-more"),
        short,
        html.Span(after, className="legend-more"),
    ]
    return button(
        [*mark, html.Span(words, className="legend-words")],
        key,
        id=f"viewer-{name}",
        className="legend-button",
        **aria(pressed=pressed),
    )
