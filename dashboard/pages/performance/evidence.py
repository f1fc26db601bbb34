"""What stands behind the figures: how the network was trained, where and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from dashboard.components.panels import chart, panel
from dashboard.evaluation.history import Measure
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from pipeline import ModelInfo

#: Measures the models again; shown where the evaluation file does not name its own command.
EVALUATE_COMMAND = "python -m pipeline evaluate --data DIR --output models/brain-tumor"


def training_section(network: ModelInfo, training: Sequence[Measure]) -> html.Div:
    """Training curves of the installed network, or a line where it has no history."""
    panels = []
    for place, measure in enumerate(training):
        where = "validation patients" if measure.validation else "training batches"
        title = f"Training of the installed network: {measure.words}, {where}; end marked"
        panels.append(panel(title, chart(ids.training_id(place), title, height=170)))
    if not training:
        words = html.P("There is no training history for this network.", className="muted")
        panels.append(panel(f"Training of {network.name}", words))
    return html.Div(panels, className="training-panels")


def provenance(data: PageData) -> html.Section:
    """Where the figures come from, and the command that measures them again."""
    model = data.network
    rows: list[tuple[str, Any]] = [
        ("Installed", f"{model.name} {model.version} · {model.digest[:8]}")
    ]
    split = model.metadata.split
    if split is not None and split.train is not None:
        rows.append(("Trained on", f"{split.train} patients"))
    measured = data.evaluation.network
    rows.append(("Measured", f"{measured.name} {measured.version} · {measured.digest[:8]}"))
    rows += [
        (
            key.replace("_", " ").upper() if key == "cpu" else key.replace("_", " ").capitalize(),
            value,
        )
        for key, value in data.evaluation.environment.items()
        if key != "command"
    ]
    return panel(
        "Where these figures come from",
        html.Dl(
            [html.Div([html.Dt(key), html.Dd(value)]) for key, value in rows],
            className="facts tabular",
        ),
        html.P(["Measure them again: ", html.Code(data.command, className="command")]),
    )


def way_out(*, evaluate: bool = False, models: bool = False) -> list[Any]:
    """What to do about a page that cannot be shown."""
    sentences: list[Any] = []
    if models:
        sentences = ["OVERREAD_MODELS names the folder of the models; put them there."]
    if evaluate:
        sentences = ["Run this on the machine of the server, then load the page again:"]
        sentences.append(html.Code(EVALUATE_COMMAND, className="command"))
    again = html.A("Load again", href="/performance", className="button button--primary")
    return [
        *sentences,
        html.Div(
            [again, dcc.Link("Back to the worklist", href="/", className="button")],
            className="inline",
        ),
    ]
