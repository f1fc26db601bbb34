"""The data behind a figure, carried by the figure: its table and its CSV are made from it.

It is stored in ``layout.meta``, which Plotly passes on unchanged, so that the browser needs no
second request (`assets/js/charts/charts.js`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

if TYPE_CHECKING:
    import pandas as pd


def attach_data(figure: go.Figure, data: pd.DataFrame) -> go.Figure:
    """Store the data of a figure in it.

    Args:
        figure: The figure, which is changed.
        data: What it shows, a row per mark; columns are named for readers, units included. Missing
            numbers are NaN or None.

    Returns:
        The same figure.
    """
    known = data.astype(object).where(data.notna(), None)
    columns = [str(name) for name in data.columns]
    figure.update_layout(meta={"columns": columns, "rows": known.to_numpy().tolist()})
    return figure


def data_of(figure: go.Figure) -> pd.DataFrame:
    """The data that `attach_data` has stored in a figure; empty if there is no data."""
    import pandas as pd

    meta = figure.layout.meta or {"columns": [], "rows": []}
    return pd.DataFrame(list(meta["rows"]), columns=list(meta["columns"]))
