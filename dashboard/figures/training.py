"""How a shipped model learned: one measure by epoch, training against validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.template import Theme, build_template, tokens_of

#: Measures in the order in which they are preferred, with the words that the title uses.
MEASURES: dict[str, tuple[tuple[str, str], ...]] = {
    "classifier": (("auc", "slice AUC"), ("accuracy", "accuracy"), ("loss", "loss")),
    "segmenter": (
        ("patient_dice", "Dice per patient"),
        ("dice", "Dice"),
        ("soft_dice", "soft Dice"),
        ("loss", "loss"),
    ),
}


@dataclass(frozen=True)
class Measure:
    """A column of the history and its validation twin; one of the two may be missing ("")."""

    training: str
    validation: str
    words: str


def choose_measure(history: pd.DataFrame, stage: str) -> Measure | None:
    """The most telling measure that the history holds, or None where it holds none."""
    for name, words in MEASURES.get(stage, MEASURES["segmenter"]):
        validation = f"val_{name}"
        if name in history or validation in history:
            return Measure(
                training=name if name in history else "",
                validation=validation if validation in history else "",
                words=words,
            )
    return None


def make_training_figure(
    history: pd.DataFrame, measure: Measure, *, shipped_epoch: int | None, theme: Theme
) -> go.Figure:
    """Draw the measure by epoch, with the shipped epoch marked.

    Args:
        history: One row per epoch; ``epoch`` and the measure's columns as numbers.
        measure: What to draw.
        shipped_epoch: Epoch whose weights are shipped, None where the model does not say.
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    figure = go.Figure()
    epochs = history["epoch"].to_numpy(float)
    for column, name, color in (
        (measure.training, "training", tokens.muted),
        (measure.validation, "validation", tokens.accent),
    ):
        if column:
            figure.add_scatter(
                x=epochs,
                y=history[column].to_numpy(float),
                mode="lines",
                line={"color": color, "width": 2},
                hovertemplate=f"epoch %{{x}}: {name} %{{y:.3f}}<extra></extra>",
                name=name,
            )
    _label_lines(figure)
    _mark_epoch(figure, history, measure.validation or measure.training, shipped_epoch, theme=theme)
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 76, "t": 12, "b": 4})
    figure.update_xaxes(title_text="epoch", rangemode="tozero", nticks=6)
    if measure.words != "loss":
        figure.update_yaxes(range=[0, 1.05], tickvals=[0, 0.5, 1])
    else:
        figure.update_yaxes(rangemode="tozero", nticks=4)
    return figure


def _label_lines(figure: go.Figure) -> None:
    """Write each line's name at its right end, apart from each other."""
    ends = sorted(((float(line.y[-1]), line) for line in figure.data if len(line.y)), key=_height)
    for rank, (height, line) in enumerate(ends):
        figure.add_annotation(
            x=line.x[-1],
            y=height,
            text=line.name,
            xanchor="left",
            xshift=8,
            yshift=0 if len(ends) == 1 else (rank * 2 - 1) * 8,
            showarrow=False,
            font={"color": line.line.color},
        )


def _height(end: tuple[float, go.Scatter]) -> float:
    return end[0] if np.isfinite(end[0]) else 0.0


def _mark_epoch(
    figure: go.Figure, history: pd.DataFrame, column: str, epoch: int | None, *, theme: Theme
) -> None:
    at = history.index[history["epoch"] == epoch]
    if epoch is None or not len(at):
        return
    value = float(history.loc[at[0], column])
    figure.add_scatter(
        x=[epoch],
        y=[value],
        mode="markers",
        marker={"size": 11, "color": tokens_of(theme).accent},
        hovertemplate=f"shipped: epoch {epoch}, {value:.3f}<extra></extra>",
        name="shipped epoch",
        cliponaxis=False,
    )
