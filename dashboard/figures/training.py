"""Training curves: one measure by epoch, of training and validation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.evaluation.history import Measure
from dashboard.figures.template import Theme, build_template, tokens_of

LOSS = "loss"
#: Trace name.
USED_EPOCH = "used epoch"


def used_epoch_words(epoch: int | None, epochs: int) -> str:
    """The epoch whose weights are used, as in "final epoch (20 of 20) used"; "" where unknown."""
    if epoch is None or not 0 < epoch <= epochs:
        return ""
    return (
        f"final epoch ({epoch} of {epochs}) used"
        if epoch == epochs
        else (f"epoch {epoch} of {epochs} used")
    )


def make_training_figure(
    history: pd.DataFrame, measure: Measure, *, used_epoch: int | None, theme: Theme
) -> go.Figure:
    """The measure by epoch, with the epoch marked whose weights are used.

    Args:
        history: One row per epoch; ``epoch`` and the measure's columns as numbers.
        measure: The measure to draw.
        used_epoch: Epoch whose weights are used, None where the model does not state it.
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
    _mark_epoch(figure, history, measure.validation or measure.training, used_epoch, theme=theme)
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    last = float(epochs.max()) if len(epochs) else 1.0
    figure.update_xaxes(
        title_text="Epoch", range=[1 - last / 40, last * 1.025], nticks=6, tickformat="d"
    )
    figure.update_yaxes(nticks=4)
    if measure.words == LOSS:
        figure.update_yaxes(rangemode="tozero")
    return figure


def _label_lines(figure: go.Figure) -> None:
    """Label each of two lines at its right end, the upper one above its line."""
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
        hovertemplate=f"{used_epoch_words(epoch, len(history))}: {value:.3f}<extra></extra>",
        name=USED_EPOCH,
        cliponaxis=False,
    )
