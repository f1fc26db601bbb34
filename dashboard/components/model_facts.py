"""What a shipped model says of itself: facts from its metadata.json, and its model card."""

from __future__ import annotations

import re
from pathlib import Path

from dash import dcc, html

from pipeline import SHORT_SEQUENCE_LABELS, ModelInfo, SplitFacts, TrainingFacts

#: A model card longer than this is cut; nobody reads more in a browser.
MAX_CARD_CHARACTERS = 60_000

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CHANNEL_WORDS = SHORT_SEQUENCE_LABELS | {
    "flair-below": "FLAIR of the slice below",
    "flair-above": "FLAIR of the slice above",
}
_HEADS = (
    (
        "First head, a classifier (ResNet)",
        "Answers for each slice how much it looks like slices with tumor: the classifier's score. "
        "Slices below the gate go no further.",
    ),
    (
        "Second head, a decoder (ResUNet)",
        "Outlines the FLAIR abnormality on the slices that pass. How sure it is of its surest "
        "pixels is the outline evidence.",
    ),
    (
        "The decision",
        "A calibrated rule makes the slice score from both. Where the two contradict each other, "
        "the review page shows the conflict and says which of them decided.",
    ),
)


def network_panel(model: ModelInfo) -> html.Section:
    """The network: its two heads, its facts, its card on demand."""
    heads = [html.Div([html.H3(title), html.P(words)]) for title, words in _HEADS]
    return html.Section(
        [
            html.H2("One network, two heads on one encoder", className="panel-title"),
            html.P([html.Span(model.name, className="lead strong"), f" {model.version}"]),
            html.Div(
                [html.Div(heads, className="network-heads"), facts(model_facts(model))],
                className="network-columns",
            ),
            *card_details(model.card),
        ],
        className="panel about-wide",
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
        ("Gate", f"classifier's score {model.decision.gate:.3f}"),
        ("Slice score", _rule(model)),
        ("Outline", _outline(model)),
    ]
    metadata = model.metadata
    if metadata.data is not None:
        rows += [("Data", metadata.data.name), ("Licence of the data", metadata.data.licence)]
    if metadata.split is not None:
        rows += _split_facts(metadata.split)
    if metadata.training is not None:
        rows += _training_facts(metadata.training)
    if metadata.seed is not None:
        rows.append(("Seed", str(metadata.seed)))
    return rows


def _outline(model: ModelInfo) -> str:
    lowest = model.inference.lowest_mask_threshold
    lowered = f", where it is unsure from as low as {lowest:.2f}" if lowest > 0 else ""
    return f"pixels from {model.mask_threshold:.2f} on{lowered}"


def _operating_point(model: ModelInfo) -> str:
    chosen = model.metadata.operating_point
    words = f", {chosen}" if chosen else ""
    return f"{model.decision.threshold:.2f}{words}"


def _rule(model: ModelInfo) -> str:
    """The logistic rule of the decision, in words."""
    rule = model.decision
    return (
        f"{rule.classifier_weight:.2f} x classifier + {rule.evidence_weight:.2f} x outline evidence"
        f" {rule.intercept:+.2f}, on logits"
    )


def _split_facts(split: SplitFacts) -> list[tuple[str, str]]:
    named = (
        (split.train, "to learn from"),
        (split.validation, "for validation"),
        (split.held_out, "held out"),
    )
    counts = [f"{count} {words}" for count, words in named if count is not None]
    return [("Patients", ", ".join(counts))] if counts else []


def _training_facts(training: TrainingFacts) -> list[tuple[str, str]]:
    rows = []
    if training.epochs is not None:
        planned = training.planned_epochs or training.epochs
        interrupted = ", interrupted" if training.interrupted else ""
        rows.append(("Epochs", f"{training.epochs} of {planned}{interrupted}"))
    if training.initial_weights:
        rows.append(("Initial weights", training.initial_weights))
    return rows


def card_details(card: Path | None) -> list[html.Details | html.P]:
    """A model card on demand; a line where it is missing."""
    if card is None:
        return [html.P("This model has no model card.", className="muted")]
    try:
        text = _COMMENT.sub("", card.read_text("utf-8", errors="replace"))
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
