"""Training curves: one measure by epoch, the runs over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.evaluation.history import Measure, TrainingRun
from dashboard.figures.chart_data import attach_data
from dashboard.figures.template import Theme, build_template, tokens_of

if TYPE_CHECKING:
    import pandas as pd

#: Ends of trace names, after the run's: which images a line is of, and the marked epoch.
TRAINING, VALIDATION, USED_EPOCH = "training", "validation", "used epoch"
#: Tokens of the runs' colours; further runs have them again, with a mark on their lines.
RUN_COLORS = ("accent", "ai", "reference", "correction", "error", "done", "warning")
_MARKS = ("", "circle-open", "square-open", "diamond-open")


@dataclass(frozen=True)
class RunStyle:
    """The look of a run: a token, and a Plotly symbol on its lines, "" for none."""

    color: str
    mark: str


def run_styles(runs: Sequence[TrainingRun]) -> dict[str, RunStyle]:
    """The look of each run by its name, the same in every chart."""
    found = {}
    for place, run in enumerate(runs):
        turn, color = divmod(place, len(RUN_COLORS))
        found[run.name] = RunStyle(RUN_COLORS[color], _MARKS[min(turn, len(_MARKS) - 1)])
    return found


def make_training_figure(
    runs: Sequence[TrainingRun],
    measure: Measure,
    *,
    styles: Mapping[str, RunStyle],
    theme: Theme,
) -> go.Figure:
    """The measure by epoch: validation solid, training dotted, the used epoch a dot.

    Args:
        runs: The runs to draw; those whose history lacks the measure are left out.
        measure: The measure.
        styles: The look of each run, by its name.
        theme: "dark" or "light".
    """
    figure = go.Figure()
    last = 1.0
    for run in runs:
        for column, which in ((measure.name, TRAINING), (f"val_{measure.name}", VALIDATION)):
            if column in run.history:
                _add_line(figure, run, column, which, style=styles[run.name], theme=theme)
                last = max(last, float(run.history["epoch"].max()))
        _mark_epoch(figure, run, measure, style=styles[run.name], theme=theme)
    figure.update_layout(template=build_template(theme), margin={"l": 4, "r": 12, "t": 12, "b": 4})
    figure.update_xaxes(
        title_text="Epoch", range=[1 - last / 40, last * 1.025], nticks=6, tickformat="d"
    )
    range_words = "" if measure.loss else " (0 to 1)"
    figure.update_yaxes(nticks=5, title_text=measure.title.partition(" (")[0] + range_words)
    if measure.loss:
        figure.update_yaxes(rangemode="tozero")
    return attach_data(figure, training_data(runs, measure))


def training_data(runs: Sequence[TrainingRun], measure: Measure) -> pd.DataFrame:
    """A row per run and epoch: run, epoch, training, validation, whether the epoch is used."""
    import pandas as pd

    columns = ["Run", "Epoch", f"{measure.title}, {TRAINING}", f"{measure.title}, {VALIDATION}"]
    rows = []
    for run in runs:
        names = (measure.name, f"val_{measure.name}")
        if not any(name in run.history for name in names):
            continue
        for record in run.history.to_dict("records"):
            epoch = int(record["epoch"])
            used = "yes" if epoch == run.epochs else ""
            rows.append((run.name, epoch, *(record.get(name) for name in names), used))
    return pd.DataFrame(rows, columns=[*columns, "Used"])


def _add_line(
    figure: go.Figure,
    run: TrainingRun,
    column: str,
    which: str,
    *,
    style: RunStyle,
    theme: Theme,
) -> None:
    color = getattr(tokens_of(theme), style.color)
    trained = which == TRAINING
    figure.add_scatter(
        x=run.history["epoch"].to_numpy(float),
        y=run.history[column].to_numpy(float),
        mode="lines+markers" if style.mark else "lines",
        line={"color": color, "width": 2, "dash": "dot" if trained else "solid"},
        marker={"symbol": style.mark or "circle", "size": 6, "color": color},
        hovertemplate=f"{run.name}, epoch %{{x}}: {which} %{{y:.3f}}<extra></extra>",
        name=f"{run.name}, {which}",
        showlegend=True,
    )


def _mark_epoch(
    figure: go.Figure, run: TrainingRun, measure: Measure, *, style: RunStyle, theme: Theme
) -> None:
    """Mark the epoch whose weights are used, on the line of validation where there is one."""
    columns = [n for n in (f"val_{measure.name}", measure.name) if n in run.history]
    at = run.history.index[run.history["epoch"] == run.epochs]
    if not columns or not len(at):
        return
    value = float(run.history.loc[at[0], columns[0]])
    if not np.isfinite(value):
        return
    figure.add_scatter(
        x=[run.epochs],
        y=[value],
        mode="markers",
        marker={"size": 11, "color": getattr(tokens_of(theme), style.color)},
        hovertemplate=f"{run.name}, epoch {run.epochs} used: {value:.3f}<extra></extra>",
        name=f"{run.name}, {USED_EPOCH}",
        showlegend=False,
        cliponaxis=False,
    )
