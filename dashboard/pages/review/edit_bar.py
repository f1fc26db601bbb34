"""The row of the tool bar for correcting the AI's mask; `assets/js/correct/edit_bar.js` runs it."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button

#: Name as in `assets/js/correct/edit_tools.js`, words, key, what it does.
_TOOLS = (
    ("brush", "Brush", "4", "Adds what a drag covers; with Alt it takes away"),
    ("eraser", "Eraser", "5", "Takes away what a drag covers; with Alt it adds"),
    ("polygon", "Polygon", "6", "Adds an area: click its corners, or drag; Enter closes it"),
    ("cut", "Cut out", "7", "Takes an area away: click its corners, or drag; Enter closes it"),
    ("fill", "Fill hole", "8", "Fills the hole that is clicked; with Alt it takes a piece away"),
)
#: Of the slice in view: name as in `assets/js/correct/edit_actions.js`, words, key, what it does.
_ACTIONS = (
    ("grow", "Grow", "Shift+G", "One pixel wider all round"),
    ("shrink", "Shrink", "Shift+S", "One pixel narrower all round"),
    (
        "copy-next",
        "To next",
        "Shift+Page down",
        "The next slice gets this mask and comes into view",
    ),
    ("copy-previous", "To previous", "Shift+Page up", "The slice before gets this mask"),
    ("interpolate", "Interpolate", "Shift+I", "Fills the slices between two that were corrected"),
    ("clear", "Clear", "Shift+X", "Takes the whole mask of this slice away"),
    ("again", "AI's again", "Shift+A", "This slice as the AI outlined it"),
)


def layout() -> list[Component]:
    """Tools, size of the brush, undo and redo, what can be done to a slice, saving."""
    return [
        html.Div(
            [_tool(*tool) for tool in _TOOLS],
            className="segments edit-tools",
            role="group",
            **aria(label="Tools that correct the mask"),
        ),
        html.Label(
            [
                html.Span("Size", className="secondary muted"),
                html.Span(id="edit-size-host"),
                html.Span(id="edit-size-words", className="edit-size tabular"),
            ],
            className="edit-size-label",
            title="Diameter of brush and eraser (< and >)",
        ),
        html.Div(
            [_button("undo", "Undo", "Ctrl+Z"), _button("redo", "Redo", "Ctrl+Shift+Z")],
            className="inline",
        ),
        html.Div(
            [_action(*action) for action in _ACTIONS],
            className="segments edit-actions",
            role="group",
            **aria(label="The mask of this slice"),
        ),
        html.P(id="edit-words", className="edit-words", role="status"),
        _button("save", "Save version", "Ctrl+S", extra="button--primary"),
        html.Div(
            [
                html.P(id="edit-conflict-words", className="edit-conflict-words"),
                button("Keep mine", id="edit-keep-mine", className="button"),
                button("Take the other one", id="edit-take-theirs", className="button"),
            ],
            id="edit-conflict",
            className="inline",
            hidden=True,
        ),
    ]


def _tool(name: str, words: str, key: str, title: str) -> html.Button:
    state: Any = {"data-tool-button": name}
    return button(
        words,
        key,
        id=f"edit-tool-{name}",
        className="segment",
        title=f"{title} ({key})",
        **state,
        **aria(pressed="false"),
    )


def _action(name: str, words: str, key: str, title: str) -> html.Button:
    return button(words, id=f"edit-{name}", className="segment", title=f"{title} ({key})")


def _button(name: str, words: str, key: str, *, extra: str = "") -> html.Button:
    return button(
        words,
        key,
        id=f"edit-{name}",
        className=f"button button--small {extra}",
        title=f"{words} ({key})",
        disabled=True,
    )
