"""The view by institution, and what is left of a figure at an institution never learned from."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from dashboard.components.performance import ids
from dashboard.components.performance.data import PageData
from dashboard.components.performance.parts import (
    chart,
    legend,
    not_run,
    panel,
    small_button,
    table,
)
from dashboard.components.performance.words import (
    MINUS,
    NONE,
    estimate_words,
    interval_words,
    part_interval_words,
)
from dashboard.evaluation.sections import LeftOut, Part

_FIGURES = ("patient_dice_mean", "patient_dice_median", "slice_auc", "sensitivity", "specificity")
_HEAD = ("Dice, mean", "Dice, median", "Slice AUC", "Sensitivity", "Specificity")
#: Trains without one institution; shown where the evaluation file names no command.
WITHOUT_COMMAND = "python -m pipeline train --data DIR --output runs/without-CODE --without CODE"


def layout(data: PageData) -> html.Div:
    """A strip per institution, their figures, the institutions left out."""
    sections = data.evaluation.sections
    title = "Dice of each patient by institution; click a dot for its case"
    height = 70 + 64 * max(1, data.evaluation.patients["institution"].nunique())
    return html.Div(
        [
            panel(
                title,
                chart(ids.graph_id(ids.INSTITUTIONS), title, height=height, clickable=True),
                legend(
                    ("mark--ai", "one patient"),
                    ("mark--diamond", "mean with its 95% interval"),
                    ("mark--diamond-hollow", "fewer than ten patients: little to rely on"),
                ),
            ),
            html.Div(id=ids.rows_id("case")),
            _figures_panel(sections.institutions),
            html.Div(id=ids.rows_id("group")),
            _left_out_panel(sections.left_out),
        ],
        className="stack",
    )


def _figures_panel(institutions: Sequence[Part]) -> html.Section | None:
    if not institutions:
        return None
    rows = [
        html.Tr(
            [
                html.Td(part.name, className="strong"),
                html.Td(f"{part.patients:,}", className="number-cell"),
                html.Td(f"{part.slices:,}", className="number-cell"),
                *[figure_cell(part, name) for name in _FIGURES],
                html.Td(small_button("Patients", ids.pick_id("institution", part.name))),
            ]
        )
        for part in institutions
    ]
    head = ["Institution", "Patients", "Slices", *_HEAD, ""]
    return panel("Figures by institution", table(head, rows, numbers=range(1, 8)))


def figure_cell(part: Part, name: str) -> html.Td:
    """A figure of a part, its interval below, or that it is of one patient."""
    estimate = part.figures.get(name)
    return html.Td(
        [
            html.Div(estimate_words(name, estimate)),
            html.Div(
                part_interval_words(name, estimate, patients=part.patients),
                className="meaning nowrap",
            ),
        ],
        className="number-cell",
    )


def _left_out_panel(left_out: Sequence[LeftOut]) -> html.Section:
    title = "Dice at an institution that the network has never learned from"
    measured = [one for one in left_out if one.not_run is None]
    missing = [one for one in left_out if one.not_run is not None]
    if not left_out:
        return panel(title, not_run("Leave one institution out", None, command=WITHOUT_COMMAND))
    return panel(
        title,
        html.P(
            "The network was trained again without one institution and then measured there. The "
            "same patients are held against the cross-validation, where others of their "
            "institution were learned from.",
            className="muted",
        ),
        chart(ids.LEFT_OUT, title, height=50 + 56 * len(measured)) if measured else None,
        legend(
            ("mark--hollow", "cross-validated, same patients"),
            ("mark--solid", "institution left out"),
        )
        if measured
        else None,
        _difference_table(measured) if measured else None,
        *[html.P(one.explanation, className="muted") for one in measured if one.explanation],
        *[not_run(f"Without {one.code} ({one.patients} patients)", one.not_run) for one in missing],
        extra="stack stack--tight",
    )


def _difference_table(left_out: Sequence[LeftOut]) -> html.Div:
    name = "patient_dice_mean"
    rows = []
    for one in left_out:
        difference = one.difference
        words = NONE if difference is None else f"{difference.value:+.3f}".replace("-", MINUS)
        rows.append(
            html.Tr(
                [
                    html.Td(one.code, className="strong"),
                    html.Td(f"{one.patients:,}", className="number-cell"),
                    html.Td(
                        estimate_words(name, one.cross_validated.get(name)), className="number-cell"
                    ),
                    html.Td(estimate_words(name, one.figures.get(name)), className="number-cell"),
                    html.Td(words, className="number-cell strong"),
                    html.Td(
                        "one patient"
                        if difference is not None and one.patients == 1
                        else interval_words(difference, digits=3).replace("-", MINUS),
                        className="number-cell muted nowrap",
                    ),
                ]
            )
        )
    head = ["Institution", "Patients", "Cross-validated", "Left out", "Difference", "95% interval"]
    return table(head, rows, numbers=range(1, 6))
