"""Numbers as horizontal bars."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import Theme, build_template, tokens_of

#: Trace name.
BARS = "bars"


def make_bar_figure(
    values: Sequence[tuple[str, float]], *, measure: str, row: str, theme: Theme
) -> go.Figure:
    """One bar per number, the first at the top, with the number at its end.

    Args:
        values: Label and number of each bar.
        measure: What the numbers are, with their unit: the title of their axis.
        row: What a bar is.
        theme: "dark" or "light".
    """
    import pandas as pd

    tokens = tokens_of(theme)
    figure = go.Figure()
    figure.add_bar(
        x=[number for _, number in values],
        y=[label for label, _ in values],
        orientation="h",
        width=0.5,
        marker={"color": tokens.accent},
        text=[f"{number:,.1f}" for _, number in values],
        textposition="outside",
        textfont={"color": tokens.text},
        cliponaxis=False,
        hoverinfo="skip",
        name=BARS,
    )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 44, "t": 4, "b": 4})
    figure.update_xaxes(rangemode="tozero", showgrid=True, title_text=measure)
    figure.update_yaxes(
        autorange="reversed",
        showgrid=False,
        tickfont={"color": tokens.text},
        ticklabelstandoff=12,
        title_text=row,
    )
    return attach_data(figure, pd.DataFrame(list(values), columns=[row, measure]))
