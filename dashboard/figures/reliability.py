"""Calibration of a score: the share of slices with tumor against the score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import Theme, add_diagonal, build_template, tokens_of
from pipeline.evaluation.facade import Reliability

#: Trace names; also the first item of a point's customdata, of which the second is its index.
BEFORE, AFTER, PERFECT = "before", "after", "perfect calibration"
#: What each curve is of.
WORDS = {BEFORE: "Classifier score, uncalibrated", AFTER: "Slice score, calibrated"}
_SMALLEST, _LARGEST = 7.0, 20.0


def make_reliability_figure(
    before: Sequence[Reliability], after: Sequence[Reliability], *, theme: Theme
) -> go.Figure:
    """Both reliability curves, with the diagonal of perfect calibration.

    Args:
        before: Bins with slices, before calibration; may be empty.
        after: The same after calibration.
        theme: "dark" or "light".
    """
    import pandas as pd

    tokens = tokens_of(theme)
    figure = go.Figure()
    add_diagonal(figure, tokens, name=PERFECT)
    styles = ((BEFORE, before, tokens.muted, True), (AFTER, after, tokens.accent, False))
    for name, bins, color, hollow in styles:
        if not bins:
            continue
        counts = [one.slices for one in bins]
        figure.add_scatter(
            x=[one.score for one in bins],
            y=[one.tumor_rate for one in bins],
            customdata=[[name, place, count] for place, count in enumerate(counts)],
            mode="lines+markers",
            line={"color": color, "width": 1.5, "dash": "dot" if hollow else "solid"},
            marker={
                "size": bin_sizes(np.array(counts, float)),
                "color": tokens.panel if hollow else color,
                "line": {"color": color, "width": 2},
            },
            hovertemplate=f"{WORDS[name]} %{{x:.2f}}: %{{y:.0%}} of %{{customdata[2]:,}} slices "
            "contain tumor<extra></extra>",
            name=name,
        )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    ticks = [0, 0.25, 0.5, 0.75, 1]
    figure.update_xaxes(range=[-0.04, 1.04], tickvals=ticks, title_text="Score (mean of a bin)")
    figure.update_yaxes(
        range=[-0.04, 1.06], tickvals=ticks, tickformat=".0%", title_text="Slices with tumor (%)"
    )
    rows = [
        (WORDS[name], one.score, one.tumor_rate, one.slices)
        for name, bins, *_ in styles
        for one in bins
    ]
    columns = ["Score", "Mean score", "Share of slices with tumor", "Slices"]
    return attach_data(figure, pd.DataFrame(rows, columns=columns))


def bin_sizes(slices: np.ndarray) -> np.ndarray:
    """Diameters of points in pixels; their areas grow with the number of slices in a bin.

    Args:
        slices: ``(n,)`` counts.

    Returns:
        ``(n,)`` from 7 to 20.
    """
    most = np.nanmax(slices, initial=0.0)
    share = np.sqrt(np.nan_to_num(slices) / most) if most > 0 else np.zeros(len(slices))
    return _SMALLEST + (_LARGEST - _SMALLEST) * share
