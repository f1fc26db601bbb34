"""How many tumor slices the classifier finds, for how many false alarms."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.evaluation import Confusion
from dashboard.figures.template import Theme, Tokens, build_template, tokens_of

#: Trace names that callbacks and tests refer to.
CURVE, OPERATING_POINT, SHIPPED_POINT = "curve", "operating point", "as shipped"


def make_roc_figure(
    roc: pd.DataFrame,
    *,
    current: Confusion,
    threshold: float,
    shipped: Confusion,
    shipped_threshold: float,
    theme: Theme,
) -> go.Figure:
    """Draw the curve with the operating point on it, and the shipped one where they differ.

    Args:
        roc: threshold, sensitivity, false_positive_rate; the curve's points carry their threshold
            as customdata, so that a click can move the operating point.
        current: The four cells at ``threshold``.
        threshold: Operating point in [0, 1].
        shipped: The four cells at ``shipped_threshold``.
        shipped_threshold: Operating point of the shipped model.
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    figure = go.Figure()
    _add_curve(figure, roc, tokens)
    if threshold != shipped_threshold:
        _add_point(figure, shipped, shipped_threshold, name=SHIPPED_POINT, color=tokens.muted)
    _add_point(figure, current, threshold, name=OPERATING_POINT, color=tokens.ai)
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    ticks = [0, 0.25, 0.5, 0.75, 1]
    figure.update_xaxes(
        range=[-0.02, 1.02], tickvals=ticks, title_text="false alarms per slice without tumor"
    )
    figure.update_yaxes(range=[-0.02, 1.05], tickvals=ticks)
    return figure


def _add_curve(figure: go.Figure, roc: pd.DataFrame, tokens: Tokens) -> None:
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": tokens.muted, "width": 1, "dash": "dash"},
        opacity=0.6,
        hoverinfo="skip",
        name="chance",
    )
    figure.add_scatter(
        x=roc["false_positive_rate"].to_numpy(),
        y=roc["sensitivity"].to_numpy(),
        customdata=roc["threshold"].to_numpy(),
        mode="lines+markers",
        line={"color": tokens.accent, "width": 2},
        marker={"size": 10, "color": tokens.accent, "opacity": 0},
        hovertemplate="from %{customdata:.2f}: finds %{y:.1%}, marks %{x:.1%} falsely"
        "<extra></extra>",
        name=CURVE,
    )


def _add_point(
    figure: go.Figure, counts: Confusion, threshold: float, *, name: str, color: str
) -> None:
    figure.add_scatter(
        x=[1 - counts.specificity],
        y=[counts.sensitivity],
        mode="markers+text",
        marker={"size": 13, "color": color},
        text=[f"{name}, {threshold:.2f}"],
        textposition="bottom right",
        cliponaxis=False,
        hovertemplate=f"{name}, {threshold:.2f}: finds %{{y:.1%}}, marks %{{x:.1%}} falsely"
        "<extra></extra>",
        name=name,
    )
