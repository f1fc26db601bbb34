"""Buttons and the caps of their keys."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component


def key_cap(key: str, **attributes: Any) -> html.Kbd:
    """A key as on a keyboard, as shipped; `assets/js/frame/keys.js` shows the reader's own."""
    return html.Kbd(key, className=f"key {attributes.pop('className', '')}".strip(), **attributes)


def button(content: str | list[str | Component], key: str = "", **attributes: Any) -> html.Button:
    """A button that sends no form.

    Args:
        content: Its words, or words and marks.
        key: The key that presses it, shown behind the words; "" for none.
        **attributes: Of `html.Button`, such as ``id`` and ``className``.
    """
    if key:
        content = [*([content] if isinstance(content, str) else content), key_cap(key)]
    return html.Button(content, type="button", **attributes)


def small_button(
    content: str | list[str | Component], key: str = "", **attributes: Any
) -> html.Button:
    """A small, quiet `button`."""
    return button(content, key, className="button button--small", **attributes)
