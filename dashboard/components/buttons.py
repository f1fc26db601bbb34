"""Buttons and their keyboard shortcuts."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component


def key_cap(key: str, **attributes: Any) -> html.Kbd:
    """A key as on a keyboard; `assets/js/frame/keys.js` shows the reader's own where changed."""
    return html.Kbd(key, className=f"key {attributes.pop('className', '')}".strip(), **attributes)


def button(content: str | list[str | Component], key: str = "", **attributes: Any) -> html.Button:
    """A button that submits no form.

    Args:
        content: Its label, or label and marks.
        key: Its keyboard shortcut, shown after the label; "" for none.
        **attributes: Attributes of `html.Button`, such as ``id`` and ``className``.
    """
    if key:
        content = [*([content] if isinstance(content, str) else content), key_cap(key)]
    return html.Button(content, type="button", **attributes)


def menu(label: str, title: str, *children: Component, id: str) -> html.Details:
    """A button that opens a panel below it; `assets/js/review/input.js` closes it.

    Args:
        label: Of the button.
        title: Its tooltip.
        *children: Content of the panel.
        id: Of the whole.
    """
    return html.Details(
        [
            html.Summary(label, className="button button--small menu-button", title=title),
            html.Div(list(children), className="menu-panel"),
        ],
        id=id,
        className="menu",
    )


def small_button(
    content: str | list[str | Component], key: str = "", **attributes: Any
) -> html.Button:
    """A small, quiet `button`."""
    return button(content, key, className="button button--small", **attributes)
