"""Calibration of a score: the share of slices with tumor over the score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.template import Theme, add_diagonal, build_template, tokens_of
from pipeline.evaluation.facade import Reliability

#: Trace names, and the first item of a point's customdata; the second is the bin's place.
BEFORE, AFTER, PERFECT = "before", "after", "as it should be"
_WORDS = {BEFORE: "classifier's raw score", AFTER: "slice score, calibrated"}
_SMALLEST, _LARGEST = 7.0, 20.0


def make_reliability_figure(
    before: Sequence[Reliability], after: Sequence[Reliability], *, theme: Theme
) -> go.Figure:
    """Draw both reliability curves over the diagonal on which they should lie.

    Args:
        before: Bins that hold slices, before calibration; empty without any.
        after: The same after it.
        theme: "dark" or "light".
    """
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
            hovertemplate=f"{_WORDS[name]} %{{x:.2f}}: %{{y:.0%}} of %{{customdata[2]:,}} slices "
            "hold tumor<extra></extra>",
            name=name,
        )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    ticks = [0, 0.25, 0.5, 0.75, 1]
    figure.update_xaxes(range=[-0.04, 1.04], tickvals=ticks, title_text="score of the slices")
    figure.update_yaxes(range=[-0.04, 1.06], tickvals=ticks, tickformat=".0%")
    return figure


def bin_sizes(slices: np.ndarray) -> np.ndarray:
    """Diameters in pixels whose areas grow with the slices of a bin.

    Args:
        slices: ``(n,)`` counts.

    Returns:
        ``(n,)`` from 7 to 20.
    """
    most = np.nanmax(slices, initial=0.0)
    share = np.sqrt(np.nan_to_num(slices) / most) if most > 0 else np.zeros(len(slices))
    return _SMALLEST + (_LARGEST - _SMALLEST) * share
