"""How well the outlines agree with the reference: patient by patient, and by institution."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.evaluation import FEW_PATIENTS
from dashboard.figures.template import Theme, build_template, tokens_of

#: Width of the column in which dots of about the same Dice are stacked.
DOT_STEP = 0.02


def stack_dots(values: np.ndarray, *, step: float = DOT_STEP) -> tuple[np.ndarray, np.ndarray]:
    """Place one dot per value: columns of width ``step``, stacked from 1 upwards.

    Args:
        values: ``(n,)`` floats in [0, 1].
        step: Width of a column.

    Returns:
        x ``(n,)``, the centre of each value's column; y ``(n,)``, its place in the column from 1,
        lower values below.
    """
    columns = np.minimum((values / step).astype(int), round(1 / step) - 1)
    heights = np.zeros(len(values), int)
    counts: dict[int, int] = {}
    for place in np.argsort(values, kind="stable"):
        column = int(columns[place])
        counts[column] = counts.get(column, 0) + 1
        heights[place] = counts[column]
    return (columns + 0.5) * step, heights


def make_dice_figure(patients: pd.DataFrame, *, theme: Theme, selected: str = "") -> go.Figure:
    """One dot per patient; each carries its case_id as customdata.

    Args:
        patients: case_id, dice (NaN left out), volume_px, reference_px.
        theme: "dark" or "light".
        selected: case_id whose dot is ringed, "" for none.
    """
    tokens = tokens_of(theme)
    shown = patients.dropna(subset=["dice"])
    dice = shown["dice"].to_numpy(float)
    x, y = stack_dots(dice)
    ringed = shown["case_id"].to_numpy(str) == selected
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        customdata=np.stack([shown["case_id"].to_numpy(str), dice.astype(str)], axis=1)
        if len(shown)
        else None,
        mode="markers",
        marker={
            "size": 12,
            "color": tokens.ai,
            "line": {"width": np.where(ringed, 3, 0), "color": tokens.text},
        },
        hovertemplate="%{customdata[0]}<br>Dice %{customdata[1]:.3f}, click to see its slices"
        "<extra></extra>",
        name="patients",
    )
    if len(shown):
        _add_median(figure, float(np.median(dice)), color=tokens.muted)
    tallest = int(y.max()) if len(shown) else 1
    figure.update_layout(template=build_template(theme), margin={"l": 12, "r": 12, "t": 20, "b": 4})
    figure.update_xaxes(range=[-0.01, 1.01], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], showline=True)
    figure.update_yaxes(visible=False, range=[0.2, max(tallest + 0.8, 6)])
    return figure


def _add_median(figure: go.Figure, median: float, *, color: str) -> None:
    figure.add_vline(x=median, line={"color": color, "width": 1, "dash": "dash"}, layer="below")
    figure.add_annotation(
        x=median,
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right" if median > 0.5 else "left",
        text=f"median {median:.2f}",
        showarrow=False,
        font={"color": color},
    )


def make_institution_figure(institutions: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """Mean Dice by institution with its 95% interval; small groups hollow and grey.

    Args:
        institutions: institution, patients, mean, low, high (NaN without an interval).
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    places = np.arange(len(institutions))[::-1]
    few = institutions["patients"].to_numpy(int) < FEW_PATIENTS
    colors = np.where(few, tokens.muted, tokens.accent)
    figure = go.Figure()
    for place, color, low, high in zip(
        places, colors, institutions["low"], institutions["high"], strict=True
    ):
        if np.isfinite(low) and np.isfinite(high):
            figure.add_scatter(
                x=[low, high],
                y=[place, place],
                mode="lines",
                line={"color": color, "width": 2},
                hoverinfo="skip",
            )
    figure.add_scatter(
        x=institutions["mean"],
        y=places,
        mode="markers",
        marker={
            "size": 11,
            "color": np.where(few, tokens.panel, tokens.accent),
            "line": {"width": 2, "color": colors},
        },
        customdata=[
            _interval_words(*row)
            for row in institutions[["institution", "mean", "low", "high"]].itertuples(index=False)
        ],
        hovertemplate="%{customdata}<extra></extra>",
        name="institutions",
    )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 4, "b": 4})
    _label_institutions(figure, institutions, places, color=tokens.text)
    return figure


def _label_institutions(
    figure: go.Figure, institutions: pd.DataFrame, places: np.ndarray, *, color: str
) -> None:
    """Name each row, and let the axis begin below the lowest interval."""
    labels = [
        f"{name}, {count} patient{'s' if count != 1 else ''}"
        for name, count in zip(institutions["institution"], institutions["patients"], strict=True)
    ]
    bounds = institutions[["mean", "low"]].min().min() if len(institutions) else 0.5
    start = max(0.0, np.floor((bounds - 0.02) * 10) / 10) if np.isfinite(bounds) else 0.0
    figure.update_xaxes(range=[start, 1.01], dtick=0.1 if start >= 0.4 else 0.2, showgrid=True)
    figure.update_yaxes(
        tickvals=places,
        ticktext=labels,
        range=[-0.6, len(institutions) - 0.4],
        showgrid=False,
        tickfont={"color": color},
        ticklabelstandoff=12,
    )


def _interval_words(name: str, mean: float, low: float, high: float) -> str:
    words = f"{low:.2f} to {high:.2f}" if np.isfinite(low) else "one patient"
    return f"{name}: {mean:.2f}, {words}"
