"""Pages as their tests read and click them, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import plotly
from dash import html
from dash._callback_context import context_value
from dash._utils import AttributeDict

from dashboard.workspace.services import Services

#: The first patient of the invented evaluation that `served` has.
FIRST = "FAKE_HT_0000"


def text(component: object) -> str:
    """The whole of a component as JSON."""
    return json.dumps(component, cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False)


def walk(component: Any) -> Iterator[Any]:
    """A component, or a list of them, and everything inside, in the order of the page."""
    if isinstance(component, list | tuple):
        for one in component:
            yield from walk(one)
    elif component is not None:
        yield component
        yield from walk(getattr(component, "children", None))


def find(component: Any, component_id: Any) -> Any:
    """The component with this id inside another one or a list; None where it is missing."""
    return next((one for one in walk(component) if getattr(one, "id", None) == component_id), None)


def with_class(component: Any, name: str) -> list[Any]:
    """The components of a CSS class inside another one or a list."""
    return [one for one in walk(component) if name in getattr(one, "className", "").split()]


def of_type(component: Any, kind: type) -> list[Any]:
    """The components of a type inside another one or a list."""
    return [one for one in walk(component) if isinstance(one, kind)]


def words_of(component: Any) -> str:
    """The text that a component shows, without its attributes."""
    return "".join(str(one) for one in walk(component) if isinstance(one, str | int | float))


def rows_of(component: Any) -> list[list[str]]:
    """The text of each cell of the tables inside a component, row by row, heads included."""
    return [
        [words_of(cell) for cell in of_type(row, html.Th | html.Td)]
        for row in of_type(component, html.Tr)
    ]


def triggered(component_id: Any, function: Callable[..., Any], *values: Any) -> Any:
    """Call a callback as if this component had triggered it."""
    name = component_id if isinstance(component_id, str) else json.dumps(component_id)

    def run() -> Any:
        context_value.set(AttributeDict(triggered_inputs=[{"prop_id": f"{name}.n_clicks"}]))
        return function(*values)

    return copy_context().run(run)


def evaluation_file(parts: Services) -> Path:
    """The file with the measured figures of the models."""
    return parts.settings.models / "brain-tumor" / "evaluation.json"
