"""The probability of each class of an image, as bars."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import Theme, build_template, tokens_of

#: Trace name.
CLASSES = "classes"


def make_probability_figure(
    probabilities: Sequence[tuple[str, float]], *, theme: Theme
) -> go.Figure:
    """One bar per class, the most probable one in the colour of the AI.

    Args:
        probabilities: Title of each class and its probability in [0, 1], in the order to show.
        theme: "dark" or "light".
    """
    import pandas as pd

    tokens = tokens_of(theme)
    names = [name for name, _ in probabilities]
    shares = [share for _, share in probabilities]
    most = max(shares, default=0.0)
    figure = go.Figure()
    figure.add_bar(
        x=shares,
        y=names,
        orientation="h",
        width=0.5,
        marker={"color": [tokens.ai if share == most else tokens.muted for share in shares]},
        text=[f"{share:.0%}" if share >= 0.01 else "<1%" for share in shares],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        name=CLASSES,
    )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 44, "t": 4, "b": 4})
    figure.update_xaxes(range=[0, 1], tickvals=[0, 0.5, 1], tickformat=".0%", showgrid=True)
    figure.update_xaxes(title_text="Probability")
    figure.update_yaxes(
        autorange="reversed",
        showgrid=False,
        tickfont={"color": tokens.text},
        ticklabelstandoff=12,
    )
    data = pd.DataFrame(list(probabilities), columns=["Class", "Probability"])
    return attach_data(figure, data)
