"""Dice per patient by institution, with each institution's mean and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.evaluation import FEW_PATIENTS
from dashboard.figures.chart_data import attach_data
from dashboard.figures.dice import case_data, case_marker, dice_data
from dashboard.figures.template import CI, Theme, build_template, tokens_of, with_interval
from pipeline.evaluation.facade import InstitutionPart, find_figure

if TYPE_CHECKING:
    import pandas as pd

#: Trace names.
PATIENTS, MEANS = "patients", "institutions"
#: Dots of similar Dice are placed one above the other, this far apart at most.
_BIN, _SPREAD, _STEP = 0.012, 0.3, 0.11
_MEAN_BELOW = 0.36
_DICE = "patient_dice_mean"


def make_institution_figure(
    patients: pd.DataFrame,
    institutions: Sequence[InstitutionPart],
    *,
    theme: Theme,
    selected: str = "",
) -> go.Figure:
    """One row per institution: a dot per patient, and below them the mean with its 95% interval.

    Args:
        patients: case_id, institution, dice (NaN left out).
        institutions: The largest first; one of a single patient has no interval.
        theme: "dark" or "light".
        selected: case_id whose dot is ringed, "" for none.
    """
    tokens = tokens_of(theme)
    places = {part.code: float(k) for k, part in enumerate(reversed(institutions))}
    figure = go.Figure()
    shown = patients.dropna(subset=["dice"])
    shown = shown[shown["institution"].isin(list(places))]
    figure.add_scatter(
        x=shown["dice"],
        y=_spread(shown, places),
        customdata=case_data(shown),
        mode="markers",
        marker=case_marker(shown, selected, theme=theme),
        hovertemplate="%{customdata[0]}<br>Dice %{customdata[1]:.3f}, click to list slices"
        "<extra></extra>",
        name=PATIENTS,
    )
    _add_means(figure, institutions, places, theme)
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 4, "b": 4})
    _set_axes(figure, shown, institutions, places, color=tokens.text)
    return attach_data(figure, _data(shown, institutions))


def _data(shown: pd.DataFrame, institutions: Sequence[InstitutionPart]) -> pd.DataFrame:
    """The mean of each institution with its interval, then the Dice of each patient."""
    import pandas as pd

    rows = []
    for part in institutions:
        found = part.figures.get(_DICE)
        ends = (found.low, found.high) if found and part.patients > 1 else (None, None)
        name = f"mean of {part.patients}"
        rows.append((part.code, name, found.value if found else None, *ends))
    for case, code, dice in dice_data(shown).itertuples(index=False):
        rows.append((code, case, dice, None, None))
    low, high = f"{CI}, low", f"{CI}, high"
    return pd.DataFrame(rows, columns=["Institution", "Case", "Dice", low, high])


def _spread(shown: pd.DataFrame, places: dict[str, float]) -> np.ndarray:
    """Heights of the dots: their institution's row, dots of similar Dice above each other."""
    heights = np.array([places[name] for name in shown["institution"]], float)
    columns = (shown["dice"].to_numpy(float) / _BIN).round().astype(int)
    seen: dict[tuple[float, int], int] = {}
    for k, key in enumerate(zip(heights.tolist(), columns.tolist(), strict=True)):
        count = seen.get(key, 0)
        seen[key] = count + 1
        side = 1 if count % 2 else -1
        heights[k] += max(-_SPREAD, min(_SPREAD, side * ((count + 1) // 2) * _STEP))
    return heights


def _add_means(
    figure: go.Figure,
    institutions: Sequence[InstitutionPart],
    places: dict[str, float],
    theme: Theme,
) -> None:
    tokens = tokens_of(theme)
    dice = find_figure(_DICE)
    known = [
        (part, found, found.value, places[part.code] - _MEAN_BELOW)
        for part in institutions
        if (found := part.figures.get(_DICE)) is not None and found.value is not None
    ]
    few = [part.patients < FEW_PATIENTS for part, *_ in known]
    colors = [tokens.muted if is_few else tokens.accent for is_few in few]
    words = []
    for (part, found, _, height), color in zip(known, colors, strict=True):
        interval = dice.interval_words(found) if part.patients > 1 else ""
        words.append(f"{part.code}: mean {with_interval(dice.words(found), interval)}")
        if part.patients > 1:
            figure.add_scatter(
                x=[found.low, found.high],
                y=[height, height],
                mode="lines",
                line={"color": color, "width": 2},
                hoverinfo="skip",
                name=CI,
            )
    figure.add_scatter(
        x=[value for _, _, value, _ in known],
        y=[height for *_, height in known],
        mode="markers",
        marker={
            "size": 10,
            "symbol": "diamond",
            "color": [tokens.panel if is_few else tokens.accent for is_few in few],
            "line": {"width": 2, "color": colors},
        },
        text=words,
        hovertemplate="%{text}<extra></extra>",
        name=MEANS,
    )


def _set_axes(
    figure: go.Figure,
    shown: pd.DataFrame,
    institutions: Sequence[InstitutionPart],
    places: dict[str, float],
    *,
    color: str,
) -> None:
    """Label each row, and start the axis below the lowest dot."""
    labels = [f"{part.code} (n = {part.patients})" for part in institutions]
    ends = [part.figures[_DICE].low for part in institutions if _DICE in part.figures]
    lowest = min([1.0, *shown["dice"], *(low for low in ends if low is not None)])
    start = max(-0.01, np.floor((lowest - 0.02) * 10) / 10)
    figure.update_xaxes(
        range=[start, 1.01],
        dtick=0.1 if start >= 0.4 else 0.2,
        showgrid=True,
        title_text="Dice per patient (0 to 1)",
    )
    figure.update_yaxes(
        title_text="Institution",
        tickvals=[places[part.code] for part in institutions],
        ticktext=labels,
        range=[-0.7, len(institutions) - 0.4],
        showgrid=False,
        tickfont={"color": color},
        ticklabelstandoff=12,
    )
