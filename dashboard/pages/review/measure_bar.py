"""The row of measuring tools, and the list of measurements in the findings panel.

`assets/js/measure/measure_keys.js` and `measure_list.js` fill them; the row is shown while one of
its tools is chosen (`assets/js/viewer/tools.js`).
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button

_TOOLS = (
    ("ruler", "Ruler", "K", "Drag from end to end, or click both"),
    ("angle", "Angle", "A", "Drag the first leg, then click the end of the second"),
    ("area", "Area", "Q", "Drag round it, or click corners and close with a double click"),
    ("ellipse", "Ellipse", "O", "Drag from corner to corner: mean, SD, least and greatest value"),
)


def layout() -> list[Component]:
    """The second row of the tool bar while measuring."""
    choices = [_tool(*tool) for tool in _TOOLS]
    return [
        html.Div(
            choices,
            className="segments",
            role="group",
            **aria(label="What is measured"),
        ),
        _button("place", "Place in the middle", "Then move it with Shift and the arrow keys"),
        _button("undo", "Undo", "Ctrl+Z", disabled=True),
        _button("redo", "Redo", "Ctrl+Shift+Z", disabled=True),
        _button("delete", "Delete", "The selected measurement (Delete)", disabled=True),
        html.Span(id="measure-note", className="measure-note"),
    ]


def section() -> html.Section:
    """The list of all measurements of the study."""
    return html.Section(
        [
            html.H2(
                "Your measurements", id="measure-list-title", className="panel-title", tabIndex=-1
            ),
            html.P("None yet.", id="measure-empty", className="finding-text measure-empty"),
            html.Ul(id="measure-list", className="measure-list"),
            html.P(id="measure-state", className="finding-text", role="status"),
        ],
        className="findings-section",
        id="findings-measurements",
    )


def own_diameters() -> html.Div:
    """Said where the reader has changed the diameters in view, with the way back."""
    return html.Div(
        [
            html.Span("Changed by the reader.", className="finding-text"),
            small_button("Back to the AI's", id="diameters-back"),
        ],
        id="diameters-own",
        className="diameters-own",
        hidden=True,
    )


def _tool(name: str, words: str, key: str, title: str) -> html.Button:
    state: dict[str, Any] = {"data-tool-button": name, **aria(pressed="false")}
    return button(words, key, id=f"measure-tool-{name}", className="segment", title=title, **state)


def _button(name: str, words: str, title: str, *, disabled: bool = False) -> html.Button:
    return small_button(
        words,
        id=f"measure-{name}",
        title=title,
        disabled=disabled,
    )
