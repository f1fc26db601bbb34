"""How many tumor slices are found, for how many false alarms, and how many calls are right."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from dashboard.evaluation import Confusion
from dashboard.figures.template import Theme, Tokens, build_template, tokens_of

#: Trace names that callbacks and tests refer to.
CURVE, OPERATING_POINT, SHIPPED_POINT = "curve", "operating point", "as shipped"
_TICKS = [0, 0.25, 0.5, 0.75, 1]
#: A name's width and the place from which it is written to the left, in units of the axes; height
#: of a line and, about, of the chart.
_NAME_WIDTH, _FAR_RIGHT = 0.5, 0.6
_LINE_PX, _HEIGHT_PX = 17.0, 300.0


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
    points = [(OPERATING_POINT, 1 - current.specificity, current.sensitivity, threshold)]
    if threshold != shipped_threshold:
        points.insert(
            0, (SHIPPED_POINT, 1 - shipped.specificity, shipped.sensitivity, shipped_threshold)
        )
    _add_points(figure, points, tokens)
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    figure.update_xaxes(
        range=[-0.02, 1.02], tickvals=_TICKS, title_text="false alarms per slice without tumor"
    )
    figure.update_yaxes(range=[-0.02, 1.05], tickvals=_TICKS)
    return figure


def make_recall_figure(
    curve: pd.DataFrame, *, current: Confusion, threshold: float, theme: Theme
) -> go.Figure:
    """Draw how many calls are right over how many tumor slices are found.

    Args:
        curve: threshold, recall, precision.
        current: The four cells as measured.
        threshold: Operating point in [0, 1].
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    figure = go.Figure()
    share = current.prevalence
    if math.isfinite(share):
        figure.add_hline(
            y=share,
            line={"color": tokens.muted, "width": 1, "dash": "dash"},
            annotation={
                "text": f"marking every slice, {share:.2f}",
                "font": {"color": tokens.muted},
                "xanchor": "left",
                "x": 0,
            },
            annotation_position="top left",
        )
    figure.add_scatter(
        x=curve["recall"].to_numpy(),
        y=curve["precision"].to_numpy(),
        customdata=curve["threshold"].to_numpy(),
        mode="lines",
        line={"color": tokens.accent, "width": 2},
        hovertemplate="from %{customdata:.2f}: finds %{x:.1%}, right in %{y:.1%}<extra></extra>",
        name=CURVE,
    )
    _add_points(
        figure, [(OPERATING_POINT, current.sensitivity, current.precision, threshold)], tokens
    )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    figure.update_xaxes(range=[-0.02, 1.02], tickvals=_TICKS, title_text="tumor slices found")
    figure.update_yaxes(range=[-0.02, 1.05], tickvals=_TICKS)
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


def _add_points(
    figure: go.Figure, points: list[tuple[str, float, float, float]], tokens: Tokens
) -> None:
    """Mark points (name, x, y, threshold); a name that another would cover goes below it."""
    drawn: list[tuple[float, float]] = []
    for name, x, y, threshold in reversed(points):  # the operating point's name stays beside it
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        operating = name == OPERATING_POINT
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={"size": 13, "color": tokens.ai if operating else tokens.muted},
            cliponaxis=False,
            hovertemplate=f"{name}, {threshold:.2f}<extra></extra>",
            name=name,
        )
        figure.add_annotation(
            x=x,
            y=y,
            text=f"{name}, {threshold:.2f}",
            showarrow=False,
            xanchor="right" if x > _FAR_RIGHT else "left",
            yanchor="top",
            xshift=-9 if x > _FAR_RIGHT else 9,
            yshift=-6 - label_drop((x, y), drawn),
            font={"color": tokens.text if operating else tokens.muted},
        )
        drawn.append((x, y))


def label_drop(point: tuple[float, float], others: list[tuple[float, float]]) -> float:
    """How many pixels a point's name goes down so that it is not printed over another's.

    Args:
        point: x and y in the axes' units.
        others: Points that have their names already.
    """
    for x, y in others:
        above = (point[1] - y) * _HEIGHT_PX
        if abs(point[0] - x) < _NAME_WIDTH and abs(above) < _LINE_PX:
            return _LINE_PX + above
    return 0.0
