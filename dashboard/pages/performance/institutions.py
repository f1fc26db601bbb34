"""The view of the institutions, and of those left out of training."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.charts import chart, legend
from dashboard.components.panels import (
    ONE_PATIENT,
    ROUNDED,
    not_run,
    panel,
    table,
)
from dashboard.evaluation import FEW_PATIENTS
from dashboard.figures.template import CI
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.patients import part_table
from pipeline.evaluation.facade import STORED_NOTE, Figures, LeftOut, LeftOutNotRun, find_figure

#: Trains without one institution; shown where the evaluation file names no command.
WITHOUT_COMMAND = "python -m pipeline train --data DIR --output runs/without-CODE --without CODE"


def layout(data: PageData) -> html.Div:
    """The patients of each institution, its figures, the institutions left out of training."""
    evaluation = data.evaluation
    institutions = [(part.code, part, ()) for part in evaluation.institutions]
    title = "Dice per patient by institution"
    height = 100 + 64 * max(1, data.measured.patients["institution"].nunique())
    return html.Div(
        [
            panel(
                "",
                chart(
                    ids.graph_id(ids.INSTITUTIONS),
                    title,
                    reading="Further right is better. A click on a dot opens the case.",
                    height=height,
                    clickable=True,
                    marks=legend(
                        ("mark--ai", "one patient"),
                        ("mark--diamond", f"mean with {CI}"),
                        (
                            "mark--diamond-hollow",
                            f"fewer than {FEW_PATIENTS} patients: interpret with caution",
                        ),
                    ),
                ),
            ),
            html.Div(id=ids.rows_id("case")),
            panel("Metrics by institution", part_table("institution", institutions)),
            html.Div(id=ids.rows_id("group")),
            _left_out_panel(evaluation.leave_institution_out),
        ],
        className="stack",
    )


def _left_out_panel(parts: Sequence[LeftOut | LeftOutNotRun]) -> html.Section:
    title = "Leave-one-institution-out: Dice at institutions excluded from training"
    if not parts:
        return panel(title, not_run("Leave-one-institution-out", None, command=WITHOUT_COMMAND))
    measured = [part for part in parts if isinstance(part, LeftOut)]
    missing = [part for part in parts if isinstance(part, LeftOutNotRun)]
    shown: list[Component] = []
    if measured:
        shown = [
            chart(
                ids.LEFT_OUT,
                title,
                reading="Lower dot: trained without the institution. The further left of the upper "
                "one, the worse the network transfers.",
                height=90 + 56 * len(measured),
                marks=legend(
                    ("mark--hollow", "cross-validated, same patients"),
                    ("mark--solid", "institution left out"),
                ),
            ),
            _difference_table(measured),
        ]
    explained = " ".join(one.explanation for one in measured if one.explanation)
    if measured:
        shown.append(html.P(f"{ROUNDED} {explained}".strip(), className="muted"))
    if any(one.stored for one in measured):
        shown.append(html.P(STORED_NOTE, className="muted"))
    return panel(
        "" if measured else title,
        html.P(
            "The network was retrained without one institution and then evaluated at that "
            "institution. The comparison is the cross-validation of the same patients, in which "
            "other patients of the institution were used for training.",
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
        interval = dice.interval_words(difference, sign=True)
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
                    html.Td(dice.words(difference, sign=True), className="number-cell strong"),
                    html.Td(
                        ONE_PATIENT if difference and part.patients == 1 else interval,
                        className="number-cell muted nowrap",
                    ),
                ]
            )
        )
    head = ["Institution", "Patients", "Cross-validated", "Left out", "Difference", CI]
    return table(head, rows, numbers=range(1, 6))
