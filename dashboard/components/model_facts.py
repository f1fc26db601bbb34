"""What a shipped model says of itself: facts from its metadata.json, and its model card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from pipeline import ModelInfo

#: A model card longer than this is cut; nobody reads more in a browser.
MAX_CARD_CHARACTERS = 60_000

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CHANNEL_WORDS = {"t1": "T1", "flair": "FLAIR", "t1c": "T1c"}
_STAGE_WORDS = {
    "classifier": "Says per slice whether tumor is present",
    "segmenter": "Outlines the FLAIR abnormality",
}


def model_panel(model: ModelInfo) -> html.Section:
    """One model: what it does, its facts, its card on demand."""
    return html.Section(
        [
            html.H2(
                _STAGE_WORDS.get(model.stage, model.stage.capitalize()), className="panel-title"
            ),
            html.P([html.Span(model.name, className="lead strong"), f" {model.version}"]),
            facts(model_facts(model)),
            *_card(model),
        ],
        className="panel",
    )


def facts(rows: list[tuple[str, str]]) -> html.Dl:
    """Names and values, one below the other."""
    return html.Dl(
        [html.Div([html.Dt(name), html.Dd(value)]) for name, value in rows],
        className="facts facts--narrow tabular",
    )


def model_facts(model: ModelInfo) -> list[tuple[str, str]]:
    """Facts of metadata.json, each only where the file holds it."""
    size = model.input_size
    channels = ", ".join(_CHANNEL_WORDS.get(name, name) for name in model.channels)
    rows = [
        ("Digest", model.digest[:16]),
        ("Input", f"{size} x {size} px: {channels}"),
        ("Operating point", _operating_point(model)),
    ]
    rows += _data_facts(_mapping(model.metadata.get("data")))
    rows += _split_facts(_mapping(model.metadata.get("split")))
    rows += _training_facts(_mapping(model.metadata.get("training")))
    if isinstance(model.metadata.get("seed"), int):
        rows.append(("Seed", str(model.metadata["seed"])))
    return rows


def _operating_point(model: ModelInfo) -> str:
    chosen = model.metadata.get("operating_point")
    words = f", {chosen}" if isinstance(chosen, str) else ""
    return f"{model.threshold:.2f}{words}"


def _data_facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = (("name", "Data"), ("licence", "Licence of the data"))
    return [(words, str(data[key])) for key, words in named if data.get(key)]


def _split_facts(split: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = (("train", "to learn from"), ("validation", "for validation"), ("held_out", "held out"))
    counts = [f"{split[key]} {words}" for key, words in named if isinstance(split.get(key), int)]
    return [("Patients", ", ".join(counts))] if counts else []


def _training_facts(training: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    if isinstance(training.get("epochs"), int):
        planned = training.get("planned_epochs", training["epochs"])
        interrupted = ", interrupted" if training.get("interrupted") is True else ""
        rows.append(("Epochs", f"{training['epochs']} of {planned}{interrupted}"))
    if training.get("initial_weights"):
        rows.append(("Initial weights", str(training["initial_weights"])))
    return rows


def _card(model: ModelInfo) -> list[html.Details | html.P]:
    if model.card is None:
        return [html.P("No model card lies beside this model.", className="muted")]
    try:
        text = _COMMENT.sub("", model.card.read_text("utf-8", errors="replace"))
    except OSError:
        return [html.P("The model card cannot be read.", className="muted")]
    return [
        html.Details(
            [
                html.Summary("Model card"),
                dcc.Markdown(text[:MAX_CARD_CHARACTERS], className="model-card"),
            ],
            className="model-card-frame",
        )
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
