"""One or two measurements of each figure, row by row, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import CI, Theme, build_template, tokens_of, with_interval
from pipeline.evaluation.facade import Estimate, Figure

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pair:
    """One row: its label, the figure, and two measurements of it; None where one is missing."""

    label: str
    figure: Figure
    first: Estimate | None
    second: Estimate | None = None


def make_pair_figure(
    pairs: Sequence[Pair], *, names: tuple[str, str], axes: tuple[str, str], theme: Theme
) -> go.Figure:
    """Each row's two measurements with their intervals, the first hollow, the second solid.

    Args:
        pairs: Rows, the first at the top.
        names: Names of the first and the second measurement; the second is "" where no row has one.
        axes: Titles of the axes: what is measured, and what a row is.
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    figure = go.Figure()
    places = np.arange(len(pairs))[::-1].astype(float)
    apart = 0.14 if any(pair.second for pair in pairs) else 0.0
    styles = (
        (names[0], [pair.first for pair in pairs], apart, tokens.muted, bool(apart)),
        (names[1], [pair.second for pair in pairs], -apart, tokens.accent, False),
    )
    for name, estimates, shift, color, hollow in styles:
        color = color if hollow or apart else tokens.accent
        shown = [
            (e, y + shift, p)
            for e, y, p in zip(estimates, places, pairs, strict=True)
            if e is not None and e.value is not None
        ]
        _add_intervals(figure, [(e, y) for e, y, _ in shown], color)
        if shown:
            figure.add_scatter(
                x=[e.value for e, _, _ in shown],
                y=[y for _, y, _ in shown],
                customdata=[f"{p.label}, {name}: {_words(p.figure, e)}" for e, _, p in shown],
                mode="markers",
                marker={
                    "size": 11,
                    "color": tokens.panel if hollow else color,
                    "line": {"color": color, "width": 2},
                },
                hovertemplate="%{customdata}<extra></extra>",
                cliponaxis=False,
                showlegend=bool(name),
                name=name,
            )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 4, "b": 4})
    _set_axes(figure, pairs, places, color=tokens.text)
    figure.update_xaxes(title_text=axes[0])
    figure.update_yaxes(title_text=axes[1])
    return attach_data(figure, _data(pairs, names, row=axes[1]))


def _data(pairs: Sequence[Pair], names: tuple[str, str], *, row: str) -> pd.DataFrame:
    """A row per pair: its label, then value and interval of each measurement."""
    import pandas as pd

    shown = [name for name in names if name]
    columns = [row]
    for name in shown:
        columns += [name.capitalize(), f"{name}, {CI}, low", f"{name}, {CI}, high"]
    rows = []
    for pair in pairs:
        cells: list[str | float | None] = [pair.label]
        for found in (pair.first, pair.second)[: len(shown)]:
            cells += [found.value, found.low, found.high] if found else [None, None, None]
        rows.append(cells)
    return pd.DataFrame(rows, columns=columns)


def _add_intervals(figure: go.Figure, rows: list[tuple[Estimate, float]], color: str) -> None:
    x: list[float | None] = []
    y: list[float | None] = []
    for estimate, place in rows:
        if estimate.low is not None and estimate.high is not None:
            x += [estimate.low, estimate.high, None]
            y += [place, place, None]
    if x:
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": color, "width": 2},
            hoverinfo="skip",
            name=CI,
        )


def _set_axes(figure: go.Figure, pairs: Sequence[Pair], places: np.ndarray, *, color: str) -> None:
    ends = [
        number
        for pair in pairs
        for estimate in (pair.first, pair.second)
        if estimate
        for number in (estimate.value, estimate.low, estimate.high)
        if number is not None and np.isfinite(number)
    ]
    start = max(0.0, np.floor((min(ends, default=0.5) - 0.01) * 10) / 10)
    stop = max(1.0, max(ends, default=1.0))
    figure.update_xaxes(
        range=[start, stop + 0.01 * (stop - start)],
        dtick=0.1 if stop - start <= 0.6 else 0.2,
        showgrid=True,
    )
    figure.update_yaxes(
        tickvals=places,
        ticktext=[pair.label for pair in pairs],
        range=[-0.6, len(pairs) - 0.4],
        showgrid=False,
        tickfont={"color": color},
        ticklabelstandoff=12,
    )


def _words(figure: Figure, estimate: Estimate) -> str:
    return with_interval(figure.words(estimate), figure.interval_words(estimate))
