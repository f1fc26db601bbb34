"""The viewer's tool bar: modes, tools, window presets, what lies over the image.

Rows of their own for measuring and editing stand below it, shown by `assets/js/viewer/tools.js`
while one of their tools is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, key_cap

#: Name, words, what it does. The names are those of `overread.viewer.setMode`.
MODES = (
    ("one", "One", "One view (V)"),
    ("linked", "Linked", "Two views that move together (V)"),
    ("swipe", "Swipe", "Two views over each other, with an edge to drag (V)"),
    ("planes", "Planes", "Axial, coronal and sagittal (Y)"),
    ("space", "3D", "Surfaces in space (J)"),
)
_TOOLS = (
    ("window", "Window", "Drag on the image for window and level (W)"),
    ("zoom", "Zoom", "Drag on the image to zoom (Z); Shift and drag moves it"),
    ("crosshair", "Crosshair", "Drag on the image to move the crosshair of the planes"),
)
_GROUPS = (
    ("measure", "Measure", "Ruler, angle, area, ellipse"),
    ("edit", "Edit", "Correct the AI's mask"),
)


def layout(*, rows: Mapping[str, list[Component]]) -> html.Div:
    """The tool bar.

    Args:
        rows: Content of the second row of each group of tools, ``measure`` and ``edit``.
    """
    return html.Div(
        [
            _button("toggle-rail", "Series", pressed="false", extra="fold-rail"),
            _modes(),
            _second_choice(),
            _tools(),
            _window_menu(),
            _legend(),
            _button("toggle-findings", "Findings", pressed="false", extra="fold-findings"),
            *[
                html.Div(
                    rows.get(name, []),
                    id=f"tools-{name}",
                    className="tool-row",
                    role="group",
                    **aria(label=words),
                )
                for name, words, _ in _GROUPS
            ],
        ],
        className="tool-bar",
        role="toolbar",
        **aria(label="Viewer"),
    )


def _modes() -> html.Div:
    return html.Div(
        [
            _segment(f"mode-{name}", words, title, pressed=name == "one")
            for name, words, title in MODES
        ],
        className="segments",
        role="group",
        **aria(label="Views"),
    )


def _second_choice() -> html.Label:
    """What stands beside the main view; `assets/js/viewer/linked.js` lists what the study has."""
    return html.Label(
        [
            html.Span("Beside it", className="secondary muted"),
            html.Select(id="second-content", className="field second-content"),
            key_cap("X"),
        ],
        id="second-choice",
        className="second-choice",
        hidden=True,
    )


def _tools() -> html.Div:
    choices: list[Component] = [
        _segment(f"viewer-tool-{name}", words, title, pressed=name == "window", tool=name)
        for name, words, title in _TOOLS
    ]
    groups: list[Component] = [
        button(
            words,
            id=f"viewer-tools-{name}",
            className="segment",
            title=title,
            **aria(pressed="false", expanded="false", controls=f"tools-{name}"),
        )
        for name, words, title in _GROUPS
    ]
    return html.Div(
        choices + groups,
        className="segments",
        role="group",
        **aria(label="What a drag on the image does"),
    )


def _window_menu() -> html.Div:
    return html.Div(
        [
            _segment("viewer-window-auto", "Auto", "Window from the brain in this slice (B)"),
            _segment("viewer-window-full", "Full range", "Window over all stored values"),
            _segment("viewer-invert", "Invert", "Black on white (I)", pressed=False),
            _segment("viewer-reset", "Reset", "Window, zoom and position as at first (0)"),
        ],
        className="segments window-presets",
        role="group",
        **aria(label="Window"),
    )


def _legend() -> html.Div:
    return html.Div(
        [
            _legend_button("show-ai", "FLAIR abnormality (AI)", "M", swatch="swatch--ai"),
            _legend_button("show-reference", "Reference outline", "R", swatch="swatch--reference"),
            _correction_button(),
            _legend_button("fill", "Fill", "F", pressed="false"),
            html.Span(id="viewer-opacity-host"),
            _legend_button("hide-all", "Hide all", "Space", pressed="false"),
        ],
        className="legend",
    )


def _correction_button() -> html.Button:
    """The reader's own mask; `assets/js/review/correction_panel.js` shows it once there is one."""
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


def _button(name: str, words: str, *, pressed: str, extra: str) -> html.Button:
    return button(
        words,
        id=f"viewer-{name}",
        className=f"button button--small {extra}",
        **aria(pressed=pressed),
    )


def _segment(
    identity: str, words: str, title: str, *, pressed: bool | None = None, tool: str = ""
) -> html.Button:
    state: dict[str, Any] = {} if pressed is None else aria(pressed=str(pressed).lower())
    if tool:
        state["data-tool-button"] = tool
    return button(words, id=identity, className="segment", title=title, **state)


def _legend_button(
    name: str, words: str, key: str, *, swatch: str = "", pressed: str = "true"
) -> html.Button:
    mark: list[Component] = [html.Span(className=swatch)] if swatch else []
    return button(
        [*mark, html.Span(words, className="legend-words")],
        key,
        id=f"viewer-{name}",
        className="legend-button",
        **aria(pressed=pressed),
    )
