"""What stands behind the figures: patients, training curves, where and how it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.tiles import number_words
from dashboard.evaluation import Evaluation
from dashboard.figures.template import GRAPH_CONFIG
from dashboard.figures.training import Measure
from pipeline import TaskInfo

#: Measures the models again; shown where the evaluation file does not name its own command.
EVALUATE_COMMAND = "python -m pipeline evaluate --data DIR --output models/brain-tumor"


def training_id(stage: Any, place: Any) -> dict[str, Any]:
    """Id of a stage's training chart; ALL for all of them."""
    return {"type": "performance-training", "stage": stage, "place": place}


def chart(
    graph_id: str | dict[str, Any], label: str, *, height: int, clickable: bool = False
) -> html.Div:
    """A chart in its frame, with a name for those who do not see it."""
    graph = dcc.Graph(
        id=graph_id,
        config=GRAPH_CONFIG,  # type: ignore[arg-type]  # a dict is what Dash takes
        style={"height": f"{height}px"},
        className="chart chart--clickable" if clickable else "chart",
    )
    return html.Div(graph, role="figure", **aria(label=label))


def training_section(info: TaskInfo, training: Mapping[str, list[Measure]]) -> html.Div:
    """Training curves of both models, or a line where a model has no history."""
    panels = []
    for model in info.stages:
        measures = training.get(model.stage, [])
        panels += [
            _training_panel(model.stage, place, measure) for place, measure in enumerate(measures)
        ]
        if not measures:
            panels.append(
                html.Section(
                    [
                        html.H2(f"Training of the {model.stage}", className="panel-title"),
                        html.P("No history lies beside this model.", className="muted"),
                    ],
                    className="panel",
                )
            )
    return html.Div(panels, className="training-panels")


def _training_panel(stage: str, place: int, measure: Measure) -> html.Section:
    where = "validation patients" if measure.validation else "training batches"
    title = f"Training of the {stage}: {measure.words}, {where}; shipped epoch marked"
    return html.Section(
        [
            html.H2(title, className="panel-title"),
            chart(training_id(stage, place), title, height=170),
        ],
        className="panel",
    )


def provenance(info: TaskInfo, evaluation: Evaluation, command: str) -> html.Section:
    """Where the figures come from, and the command that prints them again."""
    rows: list[tuple[str, Any]] = [
        (f"{model.stage.capitalize()}", f"{model.name} {model.version} · {model.digest[:8]}")
        for model in info.stages
    ]
    split = info.segmenter.metadata.get("split")
    if isinstance(split, Mapping) and isinstance(split.get("train"), int):
        rows.append(("Learned from", f"{split['train']} other patients"))
    rows += [
        (
            key.replace("_", " ").upper() if key == "cpu" else key.replace("_", " ").capitalize(),
            value,
        )
        for key, value in evaluation.environment.items()
        if key != "command"
    ]
    return html.Section(
        [
            html.H2("Where these figures come from", className="panel-title"),
            html.Dl(
                [html.Div([html.Dt(key), html.Dd(value)]) for key, value in rows],
                className="facts tabular",
            ),
            html.P(["Print them again: ", html.Code(command, className="command")]),
        ],
        className="panel",
    )


def patient_table(patients: pd.DataFrame, links: Mapping[str, Component | str]) -> html.Div:
    """Every patient behind the dots, lowest Dice first.

    Args:
        patients: case_id, institution, dice, volume_px, reference_px, slices.
        links: What to show for a case_id, its name where missing.
    """
    head = ["Case", "Institution", "Dice", "AI, px", "Reference, px", "Slices"]
    rows = []
    for row in patients.sort_values("dice", na_position="first").to_dict("records"):
        name = str(row["case_id"])
        numbers = [
            number_words(row["dice"]),
            *(number_words(row[key], digits=0) for key in ("volume_px", "reference_px", "slices")),
        ]
        cells = [html.Td(links.get(name, name)), html.Td(str(row["institution"]))]
        rows.append(html.Tr(cells + [html.Td(n, className="number-cell") for n in numbers]))
    titles = [
        html.Th(words, className="number-cell" if place > 1 else "")
        for place, words in enumerate(head)
    ]
    return html.Div(
        html.Table([html.Thead(html.Tr(titles)), html.Tbody(rows)], className="data-table"),
        className="table-wrap",
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
