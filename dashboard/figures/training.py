"""How a shipped model learned: one measure by epoch, training against validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.template import Theme, build_template, tokens_of

#: What a history may hold, in the order in which it is drawn, with the words that the title uses.
MEASURES: tuple[tuple[str, str], ...] = (
    ("patient_dice", "Dice per patient"),
    ("auc", "slice AUC"),
    ("accuracy", "accuracy"),
    ("loss", "loss"),
)
LOSS = "loss"


@dataclass(frozen=True)
class Measure:
    """A column of the history and its validation twin; one of the two may be missing ("")."""

    training: str
    validation: str
    words: str


def parse_history(rows: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """The rows of a history.csv as a table whose epochs count from 1 (Keras counts from 0)."""
    history = pd.DataFrame([dict(row) for row in rows])
    if "epoch" not in history:
        return pd.DataFrame({"epoch": []})
    history = history.dropna(subset=["epoch"]).sort_values("epoch", ignore_index=True)
    if len(history) and history["epoch"].min() == 0:
        history["epoch"] += 1
    return history


def choose_measures(history: pd.DataFrame) -> list[Measure]:
    """What to draw: of `MEASURES`, what the history holds."""
    names = [pair for pair in MEASURES if _columns(history, pair[0])]
    return [
        Measure(
            training=name if name in history else "",
            validation=f"val_{name}" if f"val_{name}" in history else "",
            words=words,
        )
        for name, words in names
    ]


def shipped_epoch(metadata: Mapping[str, Any]) -> int | None:
    """Epoch, from 1, whose weights a model's metadata.json describes; None where it says none."""
    training = metadata.get("training")
    epoch = training.get("epochs") if isinstance(training, Mapping) else None
    return epoch if isinstance(epoch, int) and not isinstance(epoch, bool) else None


def _columns(history: pd.DataFrame, name: str) -> bool:
    return name in history or f"val_{name}" in history


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
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    last = float(epochs.max()) if len(epochs) else 1.0
    figure.update_xaxes(
        title_text="epoch", range=[1 - last / 40, last * 1.025], nticks=6, tickformat="d"
    )
    figure.update_yaxes(nticks=4)
    if measure.words == LOSS:
        figure.update_yaxes(rangemode="tozero")
    return figure


def _label_lines(figure: go.Figure) -> None:
    """Write each line's name at its right end where there are two, the upper one above its line."""
    ends = sorted(((float(line.y[-1]), line) for line in figure.data if len(line.y)), key=_height)
    if len(ends) < 2:
        return
    for rank, (height, line) in enumerate(ends):
        figure.add_annotation(
            x=line.x[-1],
            y=height,
            text=line.name,
            xanchor="right",
            yshift=(rank * 2 - 1) * 14,
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
