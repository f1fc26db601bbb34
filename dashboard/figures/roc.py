"""The ROC curve and the precision-recall curve of the slice score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import (
    MINUS,
    Theme,
    Tokens,
    add_diagonal,
    build_template,
    tokens_of,
)
from pipeline.evaluation.facade import RecallPoint, RocPoint

#: Trace names that callbacks and tests refer to.
CURVE, OPERATING_POINT, DEFAULT_POINT = "curve", "operating point", "default"
_TICKS = [0, 0.25, 0.5, 0.75, 1]
#: Width of a point's label, and the x from which labels go to the left of their points, in units of
#: the axes; height of a line and approximate height of the chart.
_NAME_WIDTH, _FAR_RIGHT = 0.5, 0.6
_LINE_PX, _HEIGHT_PX = 17.0, 300.0


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold of the slice score with its rates in [0, 1], NaN where they are unknown."""

    threshold: float
    sensitivity: float
    specificity: float
    ppv: float


def make_roc_figure(
    roc: Sequence[RocPoint], *, current: OperatingPoint, default: OperatingPoint, theme: Theme
) -> go.Figure:
    """The ROC curve with the operating point, and the default one where they differ.

    Args:
        roc: The curve; its points carry their threshold as customdata, so that a click can move the
            operating point.
        current: The chosen operating point.
        default: The operating point of the installed model.
        theme: "dark" or "light".
    """
    import pandas as pd

    tokens = tokens_of(theme)
    figure = go.Figure()
    add_diagonal(figure, tokens, name="chance")
    curve = [(point.false_positive_rate, point.sensitivity, point.threshold) for point in roc]
    _add_curve(figure, curve, tokens, words="sensitivity %{y:.1%}, false-positive rate %{x:.1%}")
    points = [(OPERATING_POINT, current)]
    if current.threshold != default.threshold:
        points.insert(0, (DEFAULT_POINT, default))
    places = [
        (name, 1 - point.specificity, point.sensitivity, point.threshold) for name, point in points
    ]
    _add_points(figure, places, tokens)
    _set_axes(figure, theme, x=f"False-positive rate (1 {MINUS} specificity)", y="Sensitivity")
    rows = [(name, threshold, x, y) for name, x, y, threshold in places]
    rows += [(CURVE, threshold, x, y) for x, y, threshold in curve]
    columns = ["Point", "Threshold", "False-positive rate", "Sensitivity"]
    return attach_data(figure, pd.DataFrame(rows, columns=columns))


def make_recall_figure(
    curve: Sequence[RecallPoint], *, current: OperatingPoint, prevalence: float, theme: Theme
) -> go.Figure:
    """The precision-recall curve: positive predictive value against sensitivity.

    Args:
        curve: The curve.
        current: The default operating point.
        prevalence: Share of the slices with tumor, drawn as the baseline; NaN where it is unknown.
        theme: "dark" or "light".
    """
    import pandas as pd

    tokens = tokens_of(theme)
    figure = go.Figure()
    if math.isfinite(prevalence):
        figure.add_hline(
            y=prevalence,
            line={"color": tokens.muted, "width": 1, "dash": "dash"},
            annotation={
                "text": f"prevalence {prevalence:.2f}",
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
    _set_axes(figure, theme, x="Sensitivity", y="Positive predictive value")
    rows = [(OPERATING_POINT, current.threshold, current.sensitivity, current.ppv)]
    rows += [(CURVE, threshold, x, y) for x, y, threshold in places]
    columns = ["Point", "Threshold", "Sensitivity", "Positive predictive value"]
    return attach_data(figure, pd.DataFrame(rows, columns=columns))


def _set_axes(figure: go.Figure, theme: Theme, *, x: str, y: str) -> None:
    margin = {"l": 4, "r": 12, "t": 12, "b": 4}
    figure.update_layout(template=build_template(theme), margin=margin)
    figure.update_xaxes(range=[-0.02, 1.02], tickvals=_TICKS, title_text=x)
    figure.update_yaxes(range=[-0.02, 1.05], tickvals=_TICKS, title_text=y)


def _add_curve(
    figure: go.Figure, places: list[tuple[float, float, float]], tokens: Tokens, *, words: str
) -> None:
    """Add a curve of (x, y, threshold) whose points carry the threshold as customdata."""
    x, y, thresholds = zip(*places, strict=True) if places else ((), (), ())
    figure.add_scatter(
        x=x,
        y=y,
        customdata=thresholds,
        mode="lines+markers",
        line={"color": tokens.accent, "width": 2},
        marker={"size": 10, "color": tokens.accent, "opacity": 0},
        hovertemplate=f"threshold %{{customdata:.2f}}: {words}<extra></extra>",
        name=CURVE,
    )


def _add_points(
    figure: go.Figure, points: list[tuple[str, float, float, float]], tokens: Tokens
) -> None:
    """Add points (name, x, y, threshold); a label that would overlap another goes below it."""
    drawn: list[tuple[float, float]] = []
    for name, x, y, threshold in reversed(points):  # the operating point's label keeps its place
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        operating = name == OPERATING_POINT
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={"size": 13, "color": tokens.ai if operating else tokens.muted},
            cliponaxis=False,
            hovertemplate=f"{name} {threshold:.2f}<extra></extra>",
            name=name,
        )
        figure.add_annotation(
            x=x,
            y=y,
            text=f"{name} {threshold:.2f}",
            showarrow=False,
            xanchor="right" if x > _FAR_RIGHT else "left",
            yanchor="top",
            xshift=-9 if x > _FAR_RIGHT else 9,
            yshift=-6 - label_drop((x, y), drawn),
            font={"color": tokens.text if operating else tokens.muted},
        )
        drawn.append((x, y))


def label_drop(point: tuple[float, float], others: list[tuple[float, float]]) -> float:
    """Pixels by which a point's label is moved down so that it does not overlap another.

    Args:
        point: x and y in the axes' units.
        others: Points that are already labelled.
    """
    for x, y in others:
        above = (point[1] - y) * _HEIGHT_PX
        if abs(point[0] - x) < _NAME_WIDTH and abs(above) < _LINE_PX:
            return _LINE_PX + above
    return 0.0
