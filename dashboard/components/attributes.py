"""Attributes that Dash passes through to the element: ``aria-*`` and ``data-*``."""

from __future__ import annotations

from typing import Any


def aria(**values: str) -> dict[str, Any]:
    """Keyword arguments for a component: ``aria(label="A")`` gives ``{"aria-label": "A"}``."""
    return {f"aria-{name}": value for name, value in values.items()}


def data(**values: str) -> dict[str, Any]:
    """The same for ``data-*``; underscores in names become hyphens."""
    return {f"data-{name.replace('_', '-')}": value for name, value in values.items()}
