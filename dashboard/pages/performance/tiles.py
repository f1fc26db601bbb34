"""Tiles of the performance page: a figure with its interval, the headline, rates at a point."""

from __future__ import annotations

import math
from collections.abc import Mapping

from dash import html

from dashboard.evaluation import Cell
from dashboard.figures.template import CI
from pipeline.evaluation.facade import (
    Confusion,
    Estimate,
    Figure,
    Figures,
    all_figures,
)

#: Title of each cell of the confusion matrix, and the order in which its slices are listed.
CELL_WORDS: dict[Cell, tuple[str, str]] = {
    "tp": ("True positive", "lowest score first"),
    "fn": ("False negative", "largest lesion first"),
    "fp": ("False positive", "highest score first"),
    "tn": ("True negative", "highest score first"),
}


def figure_tile(figure: Figure, found: Estimate | None, *, note: str = "") -> html.Section:
    """A figure with its interval and a second figure for comparison.

    Args:
        figure: The figure.
        found: Its value, None where the evaluation file lacks it.
        note: A second figure in words, "" for none.
    """
    interval = figure.interval_words(found)
    children: list[html.Div | html.H2] = [
        html.H2(figure.label, className="panel-title"),
        html.Div(figure.words(found), className="number"),
    ]
    if interval:
        children.append(html.Div(f"{CI} {interval}", className="muted secondary tabular"))
    if note:
        children.append(html.Div(note, className="muted secondary tabular"))
    return html.Section(children, className="panel performance-tile")


def headline(figures: Figures) -> html.Section:
    """The main figures in two sentences."""
    sensitivity, specificity = (value_of(figures, name) for name in ("sensitivity", "specificity"))
    dice = figures.get("patient_dice_mean")
    parts: list[str | html.B] = []
    if math.isfinite(sensitivity) and math.isfinite(specificity):
        parts += [
            "Of 100 slices with tumor, the AI misses ",
            html.B(_of_hundred(1 - sensitivity)),
            "; of 100 without tumor, it marks ",
            html.B(_of_hundred(1 - specificity)),
            ". ",
        ]
    if dice is not None and dice.value is not None:
        parts += [
            "The mean Dice per patient is ",
            html.B(f"{dice.value:.2f}"),
            ".",
        ]
    return html.Section(html.P(parts, className="lead"), className="panel performance-tile")


def rate_words(rates: Mapping[str, Estimate], counts: Confusion) -> list[html.Div]:
    """The figures at one operating point, and the prevalence of tumor among the slices."""
    rows = [
        (figure.title, figure.words(found), figure.interval_words(found), figure.label)
        for figure in all_figures()
        if figure.at_operating_point
        for found in [rates.get(figure.name)]
    ]
    if math.isfinite(counts.prevalence):
        share, title = f"{counts.prevalence:.3f}", "Share of slices with tumor"
        rows.append(("Prevalence", share, "of slices", title))
    return [
        html.Div([html.Span(name, title=title), html.B(value), html.Span(more, className="muted")])
        for name, value, more, title in rows
    ]


def value_of(figures: Mapping[str, Estimate], name: str) -> float:
    """The value of a figure, NaN where it is missing or not defined."""
    found = figures.get(name)
    return math.nan if found is None or found.value is None else found.value


def _of_hundred(share: float) -> str:
    count = round(100 * share)
    return str(count) if count or share == 0 else "fewer than 1"
