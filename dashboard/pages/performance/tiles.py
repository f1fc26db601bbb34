"""Tiles of the performance page: a figure with its interval, a cell of the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.buttons import button
from dashboard.evaluation import Cell
from dashboard.figures.template import CI
from pipeline.evaluation.facade import (
    Confusion,
    Estimate,
    Figure,
    Figures,
    all_figures,
)

#: A component's id: a string, or the dictionary of a pattern.
ComponentId = str | dict[str, Any]

#: Title of each cell, the outlines that the viewer draws there (AI amber, reference teal), and the
#: order in which its slices are listed.
CELL_WORDS: dict[Cell, tuple[str, tuple[str, ...], str]] = {
    "tp": ("True positive", ("ai", "reference"), "lowest score first"),
    "fn": ("False negative", ("reference",), "largest lesion first"),
    "fp": ("False positive", ("ai",), "highest score first"),
    "tn": ("True negative", (), "highest score first"),
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


def cell_tile(
    cell: Cell, *, tile_id: ComponentId, count_id: ComponentId, pictures_id: ComponentId
) -> html.Button:
    """One cell of the confusion matrix, a button that lists its slices.

    Args:
        cell: The cell.
        tile_id: Id of the button.
        count_id: Id of its number, which a callback fills.
        pictures_id: Id of its row of pictures, which a callback fills.
    """
    title, lines, order = CELL_WORDS[cell]
    swatches = [html.Span(className=f"swatch--{line}", **aria(hidden="true")) for line in lines]
    return button(
        [
            html.Span([title, html.Span(swatches, className="cell-lines")], className="cell-title"),
            html.Span(id=count_id, className="number"),
            html.Span(id=pictures_id, className="cell-thumbnails"),
            html.Span(f"List slices, {order}", className="cell-open"),
        ],
        id=tile_id,
        className="panel cell-tile",
    )


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
