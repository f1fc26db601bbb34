"""The distribution of the Dice of all patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import Theme, build_template, tokens_of

if TYPE_CHECKING:
    import pandas as pd

#: Width of the columns in which dots of similar Dice are stacked.
DOT_STEP = 0.02


def stack_dots(values: np.ndarray, *, step: float = DOT_STEP) -> tuple[np.ndarray, np.ndarray]:
    """Positions of one dot per value: columns of width ``step``, stacked from 1 upwards.

    Args:
        values: ``(n,)`` floats in [0, 1].
        step: Width of a column.

    Returns:
        x ``(n,)``, the centre of each value's column; y ``(n,)``, its rank in the column from 1,
        lower values below.
    """
    columns = np.minimum((values / step).astype(int), round(1 / step) - 1)
    heights = np.zeros(len(values), int)
    counts: dict[int, int] = {}
    for place in np.argsort(values, kind="stable"):
        column = int(columns[place])
        counts[column] = counts.get(column, 0) + 1
        heights[place] = counts[column]
    return (columns + 0.5) * step, heights


def case_data(patients: pd.DataFrame) -> np.ndarray | None:
    """Customdata of the patients' dots: ``(n, 2)`` case_id and Dice as text; None if empty."""
    texts = [patients[name].to_numpy().astype(str) for name in ("case_id", "dice")]
    return np.stack(texts, axis=1) if len(patients) else None


def case_marker(patients: pd.DataFrame, selected: str, *, theme: Theme) -> dict[str, Any]:
    """How dots of patients that may cover each other look; that of one case_id is ringed."""
    tokens = tokens_of(theme)
    is_ringed = patients["case_id"].to_numpy(str) == selected
    return {
        "size": 9,
        "color": tokens.ai,
        "opacity": 0.85,
        "line": {"width": np.where(is_ringed, 3, 0), "color": tokens.text},
    }


def make_dice_figure(patients: pd.DataFrame, *, theme: Theme, selected: str = "") -> go.Figure:
    """One dot per patient, with its case_id as customdata.

    Args:
        patients: case_id, institution, dice (NaN left out).
        theme: "dark" or "light".
        selected: case_id whose dot is ringed, "" for none.
    """
    tokens = tokens_of(theme)
    shown = patients.dropna(subset=["dice"])
    dice = shown["dice"].to_numpy(float)
    x, y = stack_dots(dice)
    ringed = shown["case_id"].to_numpy(str) == selected
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        customdata=case_data(shown),
        mode="markers",
        marker={
            "size": 12,
            "color": tokens.ai,
            "line": {"width": np.where(ringed, 3, 0), "color": tokens.text},
        },
        hovertemplate="%{customdata[0]}<br>Dice %{customdata[1]:.3f}, click to list slices"
        "<extra></extra>",
        name="patients",
    )
    if len(shown):
        _add_median(figure, float(np.median(dice)), color=tokens.muted)
    tallest = int(y.max()) if len(shown) else 1
    figure.update_layout(template=build_template(theme), margin={"l": 12, "r": 12, "t": 20, "b": 4})
    figure.update_xaxes(
        range=[-0.01, 1.01],
        tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1],
        showline=True,
        title_text="Dice per patient (0 to 1)",
    )
    figure.update_yaxes(
        showticklabels=False,
        showgrid=False,
        range=[0.2, max(tallest + 0.8, 6)],
        title_text="Patients",
    )
    return attach_data(figure, dice_data(shown))


def dice_data(patients: pd.DataFrame) -> pd.DataFrame:
    """The Dice of each patient, the lowest first.

    Args:
        patients: case_id, institution, dice.
    """
    names = {"case_id": "Case", "institution": "Institution", "dice": "Dice"}
    ordered = patients.sort_values("dice", kind="stable")
    return ordered[list(names)].rename(columns=names)


def _add_median(figure: go.Figure, median: float, *, color: str) -> None:
    figure.add_vline(x=median, line={"color": color, "width": 1, "dash": "dash"}, layer="below")
    figure.add_annotation(
        x=median,
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right" if median > 0.5 else "left",
        text=f"median {median:.2f}",
        showarrow=False,
        font={"color": color},
    )
