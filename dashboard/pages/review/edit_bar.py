"""The edit row of the tool bar for correcting the AI mask; see `assets/js/correct/edit_bar.js`."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, menu

#: Name as in `assets/js/correct/edit_tools.js`, label, key, tooltip.
_TOOLS = (
    ("brush", "Brush", "4", "Paint to add; hold Alt to erase"),
    ("eraser", "Eraser", "5", "Paint to erase; hold Alt to add"),
    ("polygon", "Polygon", "6", "Click corners or draw freehand to add an area; Enter closes"),
    (
        "cut",
        "Subtract",
        "7",
        "Click corners or draw freehand to remove an area; Enter closes",
    ),
    ("fill", "Fill hole", "8", "Click a hole to fill it; Alt-click a region to remove it"),
)
#: For the slice in view: name as in `assets/js/correct/edit_actions.js`, label, key, tooltip.
_ACTIONS = (
    ("grow", "Grow", "Shift+G", "Grow the mask by one pixel"),
    ("shrink", "Shrink", "Shift+S", "Shrink the mask by one pixel"),
    ("copy-next", "Copy to next", "Shift+Page down", "Copy this mask to the next slice"),
    ("copy-previous", "Copy to previous", "Shift+Page up", "Copy this mask to the previous slice"),
    ("interpolate", "Interpolate", "Shift+I", "Interpolate between corrected slices"),
    ("clear", "Clear", "Shift+X", "Clear the mask on this slice"),
    ("again", "Revert to AI", "Shift+Z", "Revert this slice to the AI mask"),
)


def layout() -> list[Component]:
    """Tools, brush size, undo and redo, actions on the slice, saving."""
    return [
        html.Div(
            [_tool(*tool) for tool in _TOOLS],
            className="segments edit-tools",
            role="group",
            **aria(label="Editing tools"),
        ),
        html.Label(
            [
                html.Span("Size", className="secondary muted"),
                html.Span(id="edit-size-host"),
                html.Span(id="edit-size-words", className="edit-size tabular"),
            ],
            className="edit-size-label",
            title="Brush and eraser diameter (< and >)",
        ),
        html.Div(
            [_button("undo", "Undo", "Ctrl+Z"), _button("redo", "Redo", "Ctrl+Shift+Z")],
            className="inline",
        ),
        menu(
            "This slice",
            "Change the mask on this slice",
            html.Div(
                [_action(*action) for action in _ACTIONS],
                className="menu-items",
                role="group",
                **aria(label="Mask on this slice"),
            ),
            id="edit-menu",
        ),
        html.P(id="edit-words", className="edit-words", role="status"),
        _button("save", "Save version", "Ctrl+S", extra="button--primary"),
        html.Div(
            [
                html.P(id="edit-conflict-words", className="edit-conflict-words"),
                button("Keep this draft", id="edit-keep-mine", className="button"),
                button("Use the other draft", id="edit-take-theirs", className="button"),
            ],
            id="edit-conflict",
            className="inline",
            hidden=True,
        ),
    ]


def _tool(name: str, label: str, key: str, title: str) -> html.Button:
    state: Any = {"data-tool-button": name}
    return button(
        label,
        key,
        id=f"edit-tool-{name}",
        className="segment",
        title=f"{title} ({key})",
        **state,
        **aria(pressed="false"),
    )


def _action(name: str, label: str, key: str, title: str) -> html.Button:
    return button(label, key, id=f"edit-{name}", className="menu-item", title=f"{title} ({key})")


def _button(name: str, label: str, key: str, *, extra: str = "") -> html.Button:
    return button(
        label,
        key,
        id=f"edit-{name}",
        className=f"button button--small {extra}",
        title=f"{label} ({key})",
        disabled=True,
    )
