"""Volume and diameter of a patient's lesions over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import Theme, build_template, tokens_of

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the data.
DATE, VOLUME, LONGEST, PERPENDICULAR = (
    "Date",
    "Volume (mL)",
    "Longest diameter (mm)",
    "Perpendicular diameter (mm)",
)
#: Column that says which study is in view.
IN_VIEW = "In view"


def make_volumes_figure(points: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """The volume by date as a line, the longest diameter as a dotted one with an axis at the right.

    Args:
        points: A row per study with the columns `DATE` ("YYYY-MM-DD"), `VOLUME`, `LONGEST`,
            `PERPENDICULAR` (missing ones are None) and `IN_VIEW` (bool); those without a date are
            left out.
        theme: "dark" or "light".
    """
    tokens = tokens_of(theme)
    shown = points[points[DATE] != ""].sort_values(DATE)
    sizes = [11 if is_in_view else 7 for is_in_view in shown[IN_VIEW]]
    figure = go.Figure()
    for column, color, dash, axis in (
        (VOLUME, tokens.accent, "solid", "y"),
        (LONGEST, tokens.muted, "dot", "y2"),
    ):
        figure.add_scatter(
            x=shown[DATE],
            y=shown[column],
            name=column,
            mode="lines+markers",
            line={"color": color, "dash": dash},
            marker={"color": color, "size": sizes},
            yaxis=axis,
            connectgaps=True,
            hovertemplate=f"%{{x|%Y-%m-%d}}: %{{y:.1f}}<extra>{column}</extra>",
        )
    figure.update_layout(
        template=build_template(theme),
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        showlegend=False,
        xaxis={"type": "date", "tickformat": "%Y-%m", "nticks": 4, "title": None},
        yaxis={"title": {"text": "mL"}, "rangemode": "tozero", "nticks": 4},
        yaxis2={
            "title": {"text": "mm (dotted)"},
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
            "tickmode": "auto",
            "nticks": 4,
        },
    )
    return attach_data(figure, shown.drop(columns=IN_VIEW))
