"""Pages as their tests read and click them, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any

import plotly
from dash._callback_context import context_value
from dash._utils import AttributeDict

from dashboard.workspace.services import Services

#: The first patient of the invented evaluation that `served` has.
FIRST = "FAKE_HT_0000"


def text(component: object) -> str:
    """All that a component holds, as JSON."""
    return json.dumps(component, cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False)


def triggered(component_id: Any, function: Callable[..., Any], *values: Any) -> Any:
    """Call a callback as if this component had set it off."""
    name = component_id if isinstance(component_id, str) else json.dumps(component_id)

    def run() -> Any:
        context_value.set(AttributeDict(triggered_inputs=[{"prop_id": f"{name}.n_clicks"}]))
        return function(*values)

    return copy_context().run(run)


def evaluation_file(parts: Services) -> Path:
    """Where the measured figures of the models lie."""
    return parts.settings.models / "brain-tumor" / "evaluation.json"
