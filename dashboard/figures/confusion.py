"""A confusion matrix of any number of classes, with the rates of its rows and columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import Theme, build_template, mix, tokens_of
from pipeline.image_tasks.facade import ConfusionMatrix

if TYPE_CHECKING:
    import pandas as pd

#: Trace names: cells in which prediction and label agree, and the others.
CORRECT, ERRORS = "correct", "errors"
#: Names of the four cells of two classes, by whether the label and the prediction are positive.
CELL_NAMES = {
    (True, True): "True positive",
    (True, False): "False negative",
    (False, True): "False positive",
    (False, False): "True negative",
}
#: Share of the mark's colour in a cell that holds its whole row; text stays legible on it.
_STRONGEST = 0.36
_NUMBER_PX = 20
#: Characters of a class's title in one line.
_LINE = 16


def matrix_height(classes: int) -> int:
    """Height in pixels at which a matrix of so many classes is legible."""
    return 130 + 84 * classes


def make_confusion_figure(
    matrix: ConfusionMatrix,
    *,
    theme: Theme,
    titles: Mapping[str, str] | None = None,
    positive: str | None = None,
    unit: str = "images",
    axes: tuple[str, str] = ("Prediction", "Label"),
) -> go.Figure:
    """Counts and their share of the row, sensitivity at the right, predictive value below.

    Clicks carry the place of a cell as x (prediction) and y (label), both from 0. Of two classes
    the positive one is first, as in every table of two by two.

    Args:
        matrix: Counts, a row per class of the data, a column per predicted class.
        theme: "dark" or "light".
        titles: Names of the classes for readers, by label; the label where missing.
        positive: Of two classes the positive one, by default the second, as in the metrics of image
            tasks: the rates of the other one are then named specificity and NPV.
        unit: What is counted.
        axes: What the columns and the rows are.
    """
    tokens = tokens_of(theme)
    if len(matrix.labels) == 2:
        positive = matrix.labels[1] if positive is None else positive
        matrix = _positive_first(matrix, positive)
    names = [(titles or {}).get(label, label) for label in matrix.labels]
    counts = np.array(matrix.counts, float)
    by_label = _shares(counts, axis=1)
    right = np.eye(len(names), dtype=bool)
    figure = go.Figure()
    for name, shown, color in ((CORRECT, right, tokens.accent), (ERRORS, ~right, tokens.muted)):
        figure.add_heatmap(
            z=np.where(shown, np.nan_to_num(by_label), np.nan),
            zmin=0,
            zmax=1,
            colorscale=[[0, tokens.raised], [1, mix(color, tokens.raised, share=_STRONGEST)]],
            showscale=False,
            hoverongaps=False,
            hoverinfo="none",
            xgap=2,
            ygap=2,
            name=name,
        )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 104, "t": 4, "b": 48})
    _set_axes(figure, [_wrap(name) for name in names], unit=unit, axes=axes, color=tokens.text)
    words = _cell_words(matrix, counts, positive) + _margin_words(matrix, counts, positive)
    figure.update_layout(annotations=[{"showarrow": False, **one} for one in words])
    return attach_data(figure, confusion_data(matrix, names, unit=unit, axes=axes))


def _positive_first(matrix: ConfusionMatrix, positive: str) -> ConfusionMatrix:
    if matrix.labels[0] == positive:
        return matrix
    counts = tuple(tuple(reversed(row)) for row in reversed(matrix.counts))
    return ConfusionMatrix(labels=tuple(reversed(matrix.labels)), counts=counts)


def confusion_data(
    matrix: ConfusionMatrix,
    names: list[str] | None = None,
    *,
    unit: str = "images",
    axes: tuple[str, str] = ("Prediction", "Label"),
) -> pd.DataFrame:
    """A row per cell: label, prediction, count, its share of the row and of the column.

    Args:
        matrix: The counts.
        names: Names of the classes for readers; the labels by default.
        unit: What is counted.
        axes: What the columns and the rows are.
    """
    import pandas as pd

    names = names or list(matrix.labels)
    counts = np.array(matrix.counts, float)
    by_label, by_prediction = _shares(counts, axis=1), _shares(counts, axis=0)
    rows = [
        (names[row], names[k], matrix.counts[row][k], by_label[row, k], by_prediction[row, k])
        for row in range(len(names))
        for k in range(len(names))
    ]
    columns = [axes[1], axes[0], unit.capitalize(), "Share of row", "Share of column"]
    return pd.DataFrame(rows, columns=columns)


def _shares(counts: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Counts as shares of their row (1) or column (0); NaN in an empty one."""
    whole = counts.sum(axis=axis, keepdims=True)
    return np.divide(counts, whole, out=np.full_like(counts, np.nan), where=whole > 0)


def _cell_words(
    matrix: ConfusionMatrix, counts: NDArray[np.float64], positive: str | None
) -> list[dict[str, Any]]:
    """In each cell its count, its share of the row, and of two classes its name."""
    by_label = _shares(counts, axis=1)
    words = []
    for row, label in enumerate(matrix.labels):
        for k, predicted in enumerate(matrix.labels):
            name = "" if positive is None else CELL_NAMES[label == positive, predicted == positive]
            number, share = f"{counts[row, k]:,.0f}", f"{_percent(by_label[row, k])} of row"
            words += [
                {"x": k, "y": row, "text": text, "yshift": shift, "font": {"size": size}}
                for text, shift, size in ((name, 24, 12), (number, 1, _NUMBER_PX), (share, -21, 12))
                if text
            ]
    return words


def _set_axes(
    figure: go.Figure, names: list[str], *, unit: str, axes: tuple[str, str], color: str
) -> None:
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "showgrid": False,
        "tickfont": {"color": color},
    }
    end = len(names) - 0.5
    figure.update_xaxes(
        **ticks,
        side="top",
        range=[-0.5, end],
        title_text=f"{axes[0]} ({unit})",
        constrain="domain",
    )
    figure.update_yaxes(**ticks, range=[end, -0.5], title_text=f"{axes[1]} ({unit})")


def _margin_words(
    matrix: ConfusionMatrix, counts: NDArray[np.float64], positive: str | None
) -> list[dict[str, Any]]:
    """The rate of each row at its right, and of each column below it."""
    by_label, by_prediction = _shares(counts, axis=1), _shares(counts, axis=0)
    right = {"x": 1, "xref": "x domain", "xanchor": "left", "xshift": 10, "align": "left"}
    below = {"y": 0, "yref": "y domain", "yanchor": "top", "yshift": -6}
    words: list[dict[str, Any]] = []
    for place, label in enumerate(matrix.labels):
        negative = positive is not None and label != positive
        row_rate, column_rate = ("Specificity", "NPV") if negative else ("Sensitivity", "PPV")
        of_row, of_column = by_label[place, place], by_prediction[place, place]
        words += [
            right | {"y": place, "text": f"{row_rate}<br><b>{_percent(of_row)}</b>"},
            below | {"x": place, "text": f"{column_rate}<br><b>{_percent(of_column)}</b>"},
        ]
    return words


def _percent(share: float) -> str:
    return f"{share:.1%}" if math.isfinite(share) else "not defined"


def _wrap(title: str) -> str:
    """A title in lines of about `_LINE` characters."""
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
