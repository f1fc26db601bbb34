"""How AI volumes and reference volumes agree: the plot of Bland and Altman."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from dashboard.figures.chart_data import attach_data
from dashboard.figures.dice import case_data, case_marker
from dashboard.figures.template import Theme, build_template, tokens_of
from pipeline import number_words
from pipeline.evaluation.facade import Estimate, find_figure, volume_differences

if TYPE_CHECKING:
    import pandas as pd

#: Trace name of the patients' dots.
PATIENTS = "patients"
#: The horizontal lines: figure, its name in the chart, dash.
_LINES = (
    ("volume_limit_high", "upper limit", "dash"),
    ("volume_bias", "mean", "solid"),
    ("volume_limit_low", "lower limit", "dash"),
)
_MEAN, _DIFFERENCE = "Mean volume (px)", "AI less reference (%)"


def make_agreement_figure(
    patients: pd.DataFrame, figures: Mapping[str, Estimate], *, theme: Theme, selected: str = ""
) -> go.Figure:
    """A dot per patient by mean volume and difference, with mean difference and limits.

    Args:
        patients: case_id, institution, dice, volume_px, reference_px; those without reference
            tumor are left out.
        figures: The evaluation's; a line that it lacks is not drawn.
        theme: "dark" or "light".
        selected: case_id whose dot is ringed, "" for none.
    """
    tokens = tokens_of(theme)
    shown = agreement_data(patients)
    figure = go.Figure()
    figure.add_scatter(
        x=shown[_MEAN],
        y=shown[_DIFFERENCE],
        customdata=case_data(shown),
        mode="markers",
        marker=case_marker(shown, selected, theme=theme),
        text=[number_words(value, 0, sign=True) for value in shown[_DIFFERENCE]],
        hovertemplate="%{customdata[0]}<br>AI less reference %{text}%, mean volume %{x:,.0f} px,"
        " click to list slices<extra></extra>",
        name=PATIENTS,
    )
    figure.add_hline(y=0, line={"color": tokens.line, "width": 1}, layer="below")
    for name, words, dash in _LINES:
        found = figures.get(name)
        if found is None or found.value is None:
            continue
        line = {"color": tokens.accent, "width": 1.5, "dash": dash}
        figure.add_hline(y=found.value, line=line, layer="below")
        figure.add_annotation(
            x=1,
            xref="paper",
            y=found.value,
            xanchor="left",
            xshift=6,
            yanchor="middle",
            align="left",
            text=f"{words}<br>{find_figure(name).words(found, sign=True)}",
            showarrow=False,
            font={"color": tokens.muted},
        )
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 84, "t": 8, "b": 4})
    # Numbers at 1, 2 and 5 of each power of ten.
    figure.update_xaxes(
        type="log", dtick="D2", title_text="Mean of AI and reference volume (pixels)"
    )
    figure.update_yaxes(title_text="AI less reference (%)", ticksuffix="%", zeroline=False)
    names = {"case_id": "Case", "institution": "Institution"}
    return attach_data(figure, shown.drop(columns="dice").rename(columns=names))


def agreement_data(patients: pd.DataFrame) -> pd.DataFrame:
    """Mean volume and difference of each patient, the most negative difference first.

    Args:
        patients: As of `make_agreement_figure`.
    """
    kept = patients[["case_id", "institution", "dice"]].copy()
    kept[_MEAN] = (patients["volume_px"] + patients["reference_px"]) / 2
    kept[_DIFFERENCE] = volume_differences(patients["volume_px"], patients["reference_px"])
    return kept.dropna(subset=[_DIFFERENCE]).sort_values(_DIFFERENCE, kind="stable")
