"""The row of measuring tools, and the list of measurements in the findings panel.

`assets/js/measure/measure_keys.js` and `measure_list.js` fill them in; the row is shown while one
of its tools is chosen (`assets/js/viewer/tools.js`).
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button

_TOOLS = (
    ("ruler", "Ruler", "K", "Drag from end to end, or click both ends"),
    ("angle", "Angle", "Shift+V", "Drag the first leg, then click the end of the second"),
    ("area", "Area", "Q", "Draw freehand, or click corners and double-click to close"),
    ("ellipse", "Ellipse", "O", "Drag to draw an ellipse: area, mean, SD, min and max"),
    ("arrow", "Arrow", "Shift+T", "Drag from what the arrow points at to where its text stands"),
)


def layout() -> list[Component]:
    """The second row of the tool bar while measuring."""
    choices = [_tool(*tool) for tool in _TOOLS]
    return [
        html.Div(
            choices,
            className="segments",
            role="group",
            **aria(label="Measuring tools"),
        ),
        _button("place", "Place", "Place one at the centre; Shift + arrow keys move it"),
        _button("text", "Text", "Change the text of the selected arrow", disabled=True),
        _button("undo", "Undo", "Undo (Ctrl+Z)", disabled=True),
        _button("redo", "Redo", "Redo (Ctrl+Shift+Z)", disabled=True),
        _button("delete", "Delete", "Delete the selected measurement (Delete)", disabled=True),
        html.Span(id="measure-note", className="measure-note"),
        _arrow_dialog(),
    ]


def _arrow_dialog() -> Component:
    """The text of an arrow; `assets/js/measure/arrow_text.js` fills it."""
    return html.Dialog(
        [
            html.Div(
                html.H2("Text of the arrow", id="arrow-title", className="page-title"),
                className="dialog-head",
            ),
            html.Div(id="arrow-host", className="dialog-body"),
            html.Div(
                [
                    button("Cancel", id="arrow-cancel", className="button"),
                    button("Save", id="arrow-save", className="button button--primary"),
                ],
                className="dialog-foot",
            ),
        ],
        id="arrow-dialog",
        className="dialog reader-dialog",
        **aria(labelledby="arrow-title"),
    )


def section() -> html.Section:
    """The list of all measurements of the study."""
    return html.Section(
        [
            html.H2(
                "Your measurements", id="measure-list-title", className="panel-title", tabIndex=-1
            ),
            html.P(
                "No measurements yet.", id="measure-empty", className="finding-text measure-empty"
            ),
            html.Ul(id="measure-list", className="measure-list"),
            small_button(
                "Copy as text",
                "Shift+Y",
                id="measure-copy",
                title="Copy sizes and measurements as text (Shift+Y)",
            ),
            html.P(id="measure-state", className="finding-text", role="status"),
        ],
        className="findings-section",
        id="findings-measurements",
    )


def own_diameters() -> html.Div:
    """Shown if the reader has edited the diameters in view, with a button to revert them."""
    return html.Div(
        [
            html.Span("Edited by the reader.", className="finding-text"),
            small_button("Revert to AI", id="diameters-back"),
        ],
        id="diameters-own",
        className="diameters-own",
        hidden=True,
    )


def _tool(name: str, label: str, key: str, title: str) -> html.Button:
    state: dict[str, Any] = {"data-tool-button": name, **aria(pressed="false")}
    return button(label, key, id=f"measure-tool-{name}", className="segment", title=title, **state)


def _button(name: str, label: str, title: str, *, disabled: bool = False) -> html.Button:
    return small_button(
        label,
        id=f"measure-{name}",
        title=title,
        disabled=disabled,
    )
