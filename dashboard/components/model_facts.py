"""A model's facts from its metadata.json, and its model card."""

from __future__ import annotations

import re
from pathlib import Path

from dash import dcc, html

from dashboard.components.panels import TIMES
from dashboard.figures.template import MINUS
from pipeline import SHORT_SEQUENCE_LABELS, ModelInfo, SplitFacts, TrainingFacts

#: A longer model card is cut.
MAX_CARD_CHARACTERS = 60_000

NO_CARD = "No model card found."

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
#: A link of a card to a document beside it.
_BESIDE = re.compile(r"\]\((?=[A-Za-z0-9_-]+\.md\))")
_CHANNEL_WORDS = SHORT_SEQUENCE_LABELS | {
    "flair-below": "FLAIR of the slice below",
    "flair-above": "FLAIR of the slice above",
}
_HEADS = (
    (
        "Head 1: classifier (ResNet)",
        "The classifier score states how closely a slice resembles slices with tumor. Slices below "
        "the gate are not segmented.",
    ),
    (
        "Head 2: decoder (ResUNet)",
        "Segments the FLAIR abnormality on the remaining slices. The segmentation confidence is "
        "that of its most confident pixels.",
    ),
    (
        "Decision",
        "A calibrated rule combines both into the slice score. Where classifier and segmentation "
        "disagree, the review page shows the conflict and which of them prevailed.",
    ),
)


def network_panel(model: ModelInfo) -> html.Section:
    """The network: its two heads, its facts, its model card on demand."""
    heads = [html.Div([html.H3(title), html.P(words)]) for title, words in _HEADS]
    return html.Section(
        [
            html.H2("One network: two heads on a shared encoder", className="panel-title"),
            html.P([html.Span(model.name, className="lead strong"), f" {model.version}"]),
            html.Div(
                [html.Div(heads, className="network-heads"), facts(model_facts(model))],
                className="network-columns",
            ),
            *card_details(model.card, task=model.task_name),
        ],
        className="panel about-wide",
    )


def facts(rows: list[tuple[str, str]]) -> html.Dl:
    """A list of names and values."""
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
        ("Input", f"{size} {TIMES} {size} px: {channels}"),
        ("Detection threshold (operating point)", _operating_point(model)),
        ("Gate", f"classifier score {model.decision.gate:.3f}"),
        ("Slice score (logit)", decision_words(model)),
        ("Mask threshold", mask_threshold_words(model)),
    ]
    metadata = model.metadata
    if metadata.data is not None:
        rows += [("Training data", metadata.data.name), ("Data licence", metadata.data.licence)]
    if metadata.split is not None:
        rows += _split_facts(metadata.split)
    if metadata.training is not None:
        rows += _training_facts(metadata.training)
    if metadata.seed is not None:
        rows.append(("Seed", str(metadata.seed)))
    return rows


def mask_threshold_words(model: ModelInfo) -> str:
    """The threshold of the probability map, and how far it may be lowered."""
    lowest = model.inference.lowest_mask_threshold
    lowered = f"; down to {lowest:.2f} per study for a higher expected Dice" if lowest > 0 else ""
    return f"{model.mask_threshold:.2f}{lowered}"


def _operating_point(model: ModelInfo) -> str:
    chosen = model.metadata.operating_point
    words = f", {chosen}" if chosen else ""
    return f"{model.decision.threshold:.2f}{words}"


def decision_words(model: ModelInfo) -> str:
    """The logistic rule of the decision as a formula."""
    rule = model.decision
    sign = "+" if rule.intercept >= 0 else MINUS
    return (
        f"{rule.classifier_weight:.2f} {TIMES} classifier + "
        f"{rule.evidence_weight:.2f} {TIMES} segmentation {sign} {abs(rule.intercept):.2f}"
    )


def _split_facts(split: SplitFacts) -> list[tuple[str, str]]:
    named = (
        (split.train, "training"),
        (split.validation, "validation"),
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


def card_details(card: Path | None, *, task: str) -> list[html.Details | html.P]:
    """A model card on demand; a sentence where it is missing.

    Args:
        card: The file, or None.
        task: Name of the model's task, which the addresses of the documents beside the card name.
    """
    if card is None:
        return [html.P(NO_CARD, className="muted")]
    try:
        text = _COMMENT.sub("", card.read_text("utf-8", errors="replace"))
    except OSError:
        return [html.P("The model card could not be read.", className="muted")]
    return [
        html.Details(
            [
                html.Summary("Model card"),
                dcc.Markdown(
                    _BESIDE.sub(f"](/data/models/{task}/", text[:MAX_CARD_CHARACTERS]),
                    className="model-card",
                    link_target="_blank",
                ),
            ],
            className="model-card-frame",
        )
    ]
