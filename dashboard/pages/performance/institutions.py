"""The view by institution, and of institutions that were left out of training."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.figure_words import difference_interval, difference_words
from dashboard.components.panels import chart, legend, not_run, panel, table
from dashboard.evaluation import FEW_PATIENTS
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.patients import part_table
from pipeline.evaluation.facade import STORED_NOTE, Figures, LeftOut, LeftOutNotRun, find_figure

#: Trains without one institution; shown where the evaluation file names no command.
WITHOUT_COMMAND = "python -m pipeline train --data DIR --output runs/without-CODE --without CODE"


def layout(data: PageData) -> html.Div:
    """A strip per institution, their figures, the institutions left out."""
    evaluation = data.evaluation
    institutions = [(part.code, part, ()) for part in evaluation.institutions]
    title = "Dice of each patient by institution; click a dot for its case"
    height = 70 + 64 * max(1, data.measured.patients["institution"].nunique())
    return html.Div(
        [
            panel(
                title,
                chart(ids.graph_id(ids.INSTITUTIONS), title, height=height, clickable=True),
                legend(
                    ("mark--ai", "one patient"),
                    ("mark--diamond", "mean with its 95% interval"),
                    (
                        "mark--diamond-hollow",
                        f"fewer than {FEW_PATIENTS} patients: too few to rely on",
                    ),
                ),
            ),
            html.Div(id=ids.rows_id("case")),
            panel("Figures by institution", part_table("institution", institutions)),
            html.Div(id=ids.rows_id("group")),
            _left_out_panel(evaluation.leave_institution_out),
        ],
        className="stack",
    )


def _left_out_panel(parts: Sequence[LeftOut | LeftOutNotRun]) -> html.Section:
    title = "Dice at an institution that the network was not trained on"
    if not parts:
        return panel(title, not_run("Leave one institution out", None, command=WITHOUT_COMMAND))
    measured = [part for part in parts if isinstance(part, LeftOut)]
    missing = [part for part in parts if isinstance(part, LeftOutNotRun)]
    shown: list[Component] = []
    if measured:
        shown = [
            chart(ids.LEFT_OUT, title, height=50 + 56 * len(measured)),
            legend(
                ("mark--hollow", "cross-validated, same patients"),
                ("mark--solid", "institution left out"),
            ),
            _difference_table(measured),
        ]
    shown += [html.P(one.explanation, className="muted") for one in measured if one.explanation]
    if any(one.stored for one in measured):
        shown.append(html.P(STORED_NOTE, className="muted"))
    return panel(
        title,
        html.P(
            "The network was trained again without one institution and then measured there, beside "
            "the cross-validation of the same patients, in which other patients of their "
            "institution were used for training.",
            className="muted",
        ),
        *shown,
        *[not_run(f"Without {one.code} ({one.patients} patients)", one) for one in missing],
        extra="stack stack--tight",
    )


def _difference_table(parts: Sequence[LeftOut]) -> html.Div:
    dice = find_figure("patient_dice_mean")
    nothing: Figures = {}
    rows = []
    for part in parts:
        difference = part.difference
        interval = difference_interval(dice, difference)
        numbers = [
            f"{part.patients:,}",
            dice.words((part.cross_validated or nothing).get(dice.name)),
            dice.words(part.figures.get(dice.name)),
        ]
        rows.append(
            html.Tr(
                [
                    html.Td(part.code, className="strong"),
                    *[html.Td(words, className="number-cell") for words in numbers],
                    html.Td(difference_words(dice, difference), className="number-cell strong"),
                    html.Td(
                        "one patient" if difference and part.patients == 1 else interval,
                        className="number-cell muted nowrap",
                    ),
                ]
            )
        )
    head = ["Institution", "Patients", "Cross-validated", "Left out", "Difference", "95% interval"]
    return table(head, rows, numbers=range(1, 6))
