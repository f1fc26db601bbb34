"""Tiles of the performance page: a figure with its interval, a cell of the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.buttons import button
from dashboard.components.performance.words import interval_words, number_words
from dashboard.evaluation import Cell, Confusion, Estimate

#: A component's id: a string, or the dictionary of a pattern.
ComponentId = str | dict[str, Any]

#: Title of each cell, the lines that the viewer would draw there (AI amber, reference teal), and
#: in which order its slices are listed.
CELL_WORDS: dict[Cell, tuple[str, tuple[str, ...], str]] = {
    "found": ("Tumor, found", ("ai", "reference"), "least sure first"),
    "missed": ("Tumor, missed", ("reference",), "largest first"),
    "marked": ("No tumor, marked", ("ai",), "surest first"),
    "unmarked": ("No tumor, unmarked", (), "highest score first"),
}


def figure_tile(
    title: str, estimate: Estimate | None, *, digits: int = 2, note: str = ""
) -> html.Section:
    """A figure with its 95% interval and a line that puts it in proportion.

    Args:
        title: What the figure is.
        estimate: The figure, None where the evaluation file does not hold it.
        digits: Decimals.
        note: What it should be held against, "" for nothing.
    """
    number = number_words(estimate.value, digits=digits) if estimate else "not measured"
    interval = interval_words(estimate, digits=digits) if estimate else ""
    children: list[html.Div | html.H2] = [
        html.H2(title, className="panel-title"),
        html.Div(number, className="number"),
    ]
    if interval:
        children.append(html.Div(f"95% interval {interval}", className="muted secondary tabular"))
    if note:
        children.append(html.Div(note, className="muted secondary tabular"))
    return html.Section(children, className="panel performance-tile")


def headline(counts: Confusion, dice: Estimate | None) -> html.Section:
    """What the figures mean, in a sentence."""
    parts: list[str | html.B] = []
    if math.isfinite(counts.sensitivity) and math.isfinite(counts.specificity):
        parts += [
            "Of 100 slices with tumor it misses ",
            html.B(_of_hundred(1 - counts.sensitivity)),
            "; of 100 without, it marks ",
            html.B(_of_hundred(1 - counts.specificity)),
            ". ",
        ]
    if dice is not None:
        parts += [
            "Its outline of a patient and the reference outline reach a Dice of ",
            html.B(number_words(dice.value)),
            " on average.",
        ]
    return html.Section(html.P(parts, className="lead"), className="panel performance-tile")


def cell_tile(
    cell: Cell, *, tile_id: ComponentId, count_id: ComponentId, pictures_id: ComponentId
) -> html.Button:
    """One cell of the confusion matrix, a button that lists its slices.

    Args:
        cell: Which.
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
            html.Span(["List them", f", {order}"], className="cell-open"),
        ],
        id=tile_id,
        className="panel cell-tile",
    )


def rate_words(rates: Mapping[str, Estimate], counts: Confusion) -> list[html.Div]:
    """Sensitivity, specificity and what a call is worth, at one operating point."""
    rows = []
    for name in ("sensitivity", "specificity"):
        rate = rates.get(name)
        if rate is not None:
            rows.append((name.capitalize(), number_words(rate.value), interval_words(rate)))
    if math.isfinite(counts.precision):
        share = f"where {counts.prevalence:.0%} hold tumor"
        rows.append(("Right when it marks a slice", number_words(counts.precision), share))
    return [
        html.Div([html.Span(name), html.B(value), html.Span(more, className="muted")])
        for name, value, more in rows
    ]


def _of_hundred(share: float) -> str:
    count = round(100 * share)
    return str(count) if count or share == 0 else "fewer than 1"
