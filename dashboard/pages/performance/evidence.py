"""The source of the figures: where and how the network was evaluated."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.panels import panel
from dashboard.pages.performance.data import PageData

#: Evaluates the models; shown where the evaluation file does not name its own command.
EVALUATE_COMMAND = "python -m pipeline evaluate --data DIR --output models/brain-tumor"


def provenance(data: PageData) -> html.Section:
    """How the figures were obtained, and the command that reproduces them."""
    model = data.network
    rows: list[tuple[str, Any]] = [
        ("Installed", f"{model.name} {model.version} · {model.digest[:8]}")
    ]
    split = model.metadata.split
    if split is not None and split.train is not None:
        rows.append(("Trained on", f"{split.train} patients"))
    measured = data.evaluation.network
    rows.append(("Evaluated", f"{measured.name} {measured.version} · {measured.digest[:8]}"))
    rows += [
        (
            key.replace("_", " ").upper() if key == "cpu" else key.replace("_", " ").capitalize(),
            value,
        )
        for key, value in data.evaluation.environment.items()
        if key != "command"
    ]
    notes: list[Component] = []
    if measured.digest == model.digest and measured.version != model.version:
        notes.append(
            html.P(
                "The evaluated version has the same weights. The answers of the installed version"
                " may differ slightly: it computes less, and may run at another precision. The"
                " model card says by how much."
            )
        )
    return panel(
        "Source of these results",
        html.Dl(
            [html.Div([html.Dt(key), html.Dd(value)]) for key, value in rows],
            className="facts tabular",
        ),
        *notes,
        html.P(["To reproduce: ", html.Code(data.command, className="command")]),
    )


def way_out(*, evaluate: bool = False, models: bool = False) -> list[Any]:
    """What to do where the page cannot be shown."""
    sentences: list[Any] = []
    if models:
        sentences = ["Place the models in the folder that OVERREAD_MODELS names."]
    if evaluate:
        sentences = ["Run this command on the server, then reload the page:"]
        sentences.append(html.Code(EVALUATE_COMMAND, className="command"))
    again = html.A("Reload page", href="/performance", className="button button--primary")
    return [
        *sentences,
        html.Div(
            [again, dcc.Link("Back to worklist", href="/", className="button")],
            className="inline",
        ),
    ]
