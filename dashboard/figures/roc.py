"""Sensitivity over false-positive rate, and positive predictive value over sensitivity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.figures.template import (
    Theme,
    Tokens,
    add_diagonal,
    build_template,
    tokens_of,
)
from pipeline.evaluation.facade import RecallPoint, RocPoint

#: Trace names that callbacks and tests refer to.
CURVE, OPERATING_POINT, SHIPPED_POINT = "curve", "operating point", "as shipped"
_TICKS = [0, 0.25, 0.5, 0.75, 1]
#: A name's width and the place from which it is written to the left, in units of the axes; height
#: of a line and, about, of the chart.
_NAME_WIDTH, _FAR_RIGHT = 0.5, 0.6
_LINE_PX, _HEIGHT_PX = 17.0, 300.0


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold of the slice score and its rates in [0, 1], NaN where they are not known."""

    threshold: float
    sensitivity: float
    specificity: float
    ppv: float


def make_roc_figure(
    roc: Sequence[RocPoint], *, current: OperatingPoint, shipped: OperatingPoint, theme: Theme
) -> go.Figure:
    """Draw the curve with the operating point on it, and the shipped one where they differ.

    Args:
        roc: The curve; its points carry their threshold as customdata, so that a click can move the
            operating point.
        current: Where the operating point is.
        shipped: Operating point of the shipped model.
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    figure = go.Figure()
    add_diagonal(figure, tokens, name="chance")
    curve = [(point.false_positive_rate, point.sensitivity, point.threshold) for point in roc]
    _add_curve(figure, curve, tokens, words="sensitivity %{y:.1%}, false-positive rate %{x:.1%}")
    points = [(OPERATING_POINT, current)]
    if current.threshold != shipped.threshold:
        points.insert(0, (SHIPPED_POINT, shipped))
    places = [
        (name, 1 - point.specificity, point.sensitivity, point.threshold) for name, point in points
    ]
    _add_points(figure, places, tokens)
    _set_axes(figure, theme, x="false-positive rate (1 - specificity)", y="sensitivity")
    return figure


def make_recall_figure(
    curve: Sequence[RecallPoint], *, current: OperatingPoint, prevalence: float, theme: Theme
) -> go.Figure:
    """Draw the positive predictive value over the sensitivity.

    Args:
        curve: The curve.
        current: Operating point as measured.
        prevalence: Share of the slices that hold tumor; NaN where it is not known.
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    figure = go.Figure()
    if math.isfinite(prevalence):
        figure.add_hline(
            y=prevalence,
            line={"color": tokens.muted, "width": 1, "dash": "dash"},
            annotation={
                "text": f"marking every slice, {prevalence:.2f}",
                "font": {"color": tokens.muted},
                "xanchor": "left",
                "x": 0,
            },
            annotation_position="top left",
        )
    places = [(point.recall, point.precision, point.threshold) for point in curve]
    _add_curve(figure, places, tokens, words="sensitivity %{x:.1%}, PPV %{y:.1%}")
    place = (OPERATING_POINT, current.sensitivity, current.ppv, current.threshold)
    _add_points(figure, [place], tokens)
    _set_axes(figure, theme, x="sensitivity", y="positive predictive value")
    return figure


def _set_axes(figure: go.Figure, theme: Theme, *, x: str, y: str) -> None:
    margin = {"l": 4, "r": 12, "t": 12, "b": 4}
    figure.update_layout(template=build_template(theme), margin=margin)
    figure.update_xaxes(range=[-0.02, 1.02], tickvals=_TICKS, title_text=x)
    figure.update_yaxes(range=[-0.02, 1.05], tickvals=_TICKS, title_text=y)


def _add_curve(
    figure: go.Figure, places: list[tuple[float, float, float]], tokens: Tokens, *, words: str
) -> None:
    """Draw a curve of (x, y, threshold); its points carry the threshold as customdata."""
    x, y, thresholds = zip(*places, strict=True) if places else ((), (), ())
    figure.add_scatter(
        x=x,
        y=y,
        customdata=thresholds,
        mode="lines+markers",
        line={"color": tokens.accent, "width": 2},
        marker={"size": 10, "color": tokens.accent, "opacity": 0},
        hovertemplate=f"from %{{customdata:.2f}}: {words}<extra></extra>",
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
