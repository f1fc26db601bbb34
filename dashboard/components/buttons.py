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


def small_button(
    content: str | list[str | Component], key: str = "", **attributes: Any
) -> html.Button:
    """A small, quiet `button`."""
    return button(content, key, className="button button--small", **attributes)
