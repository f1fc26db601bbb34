"""Tables of patients, linked where the workspace has the study."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.components.panels import ONE_PATIENT, number_words, table
from dashboard.pages.performance import ids
from pipeline.evaluation.facade import Figure, Part, all_figures

if TYPE_CHECKING:
    import pandas as pd

#: Diagonal of the evaluated slices, whose size is the network's input; the evaluation file does not
#: hold it. It is the largest distance, and that of pixels without a counterpart in their slice.
FARTHEST_PX = math.hypot(256, 256)
UNMATCHED = "unmatched"
HD95_NOTE = (
    f"HD95 is measured within slices. {UNMATCHED.capitalize()}: more than 5% of one outline lies "
    f"on slices without the other; HD95 then equals the image diagonal ({FARTHEST_PX:.0f} px)."
)
_HEAD = ("Case", "Institution", "Dice", "HD95 (px)", "AI (px)", "Reference (px)", "Slices")


def patient_table(
    patients: pd.DataFrame, links: Mapping[str, Component | str]
) -> tuple[html.Div, html.P]:
    """Patients, lowest Dice first, and an explanation of their HD95.

    Args:
        patients: case_id, institution, fold, dice, hd95_px, volume_px, reference_px, slices.
        links: Link of each case_id that can be opened.
    """
    ordered = patients.sort_values("dice", na_position="first")
    folds = bool((patients["fold"] != "").any())
    head = [*_HEAD[:2], *(["Fold"] if folds else []), *_HEAD[2:]]
    rows = [_patient_row(row, links, folds=folds) for row in ordered.to_dict("records")]
    shown = table(head, rows, numbers=range(2 + folds, len(head)), extra="patient-rows")
    return shown, html.P(HD95_NOTE, className="muted secondary patient-note")


def patients_panel(
    title: str,
    patients: pd.DataFrame,
    *,
    links: Mapping[str, Component | str],
    close_id: str | dict[str, Any],
) -> html.Section:
    """A list of patients under a title, with a button that closes it."""
    return html.Section(
        [
            html.Div(
                [html.H2(title, className="panel-title"), small_button("Close", id=close_id)],
                className="case-head",
            ),
            *patient_table(patients, links),
        ],
        className="panel case-panel",
        **aria(label=title, live="polite"),
    )


def _patient_row(
    row: Mapping[Hashable, Any], links: Mapping[str, Component | str], *, folds: bool
) -> html.Tr:
    name = str(row["case_id"])
    cells = [html.Td(links.get(name, name)), html.Td(str(row["institution"]))]
    if folds:
        cells.append(html.Td(str(row["fold"]).removeprefix("fold "), className="nowrap"))
    numbers = [
        number_words(row["dice"], digits=2),
        _hd95_words(row["hd95_px"]),
        *(number_words(row[key], digits=0) for key in ("volume_px", "reference_px", "slices")),
    ]
    return html.Tr(cells + [html.Td(words, className="number-cell") for words in numbers])


def _hd95_words(value: float) -> str:
    """The distance, or `UNMATCHED`."""
    return UNMATCHED if value > FARTHEST_PX - 0.05 else number_words(value, digits=1)


def part_table(kind: str, parts: Sequence[tuple[str, Part, Sequence[Component]]]) -> html.Div:
    """Key figures of each part of the patients, with a button that lists its patients.

    Args:
        kind: ``fold`` or ``institution``.
        parts: Name of each part, its figures, and components to show after its name.
    """
    figures = [figure for figure in all_figures() if figure.in_parts]
    rows = [
        html.Tr(
            [
                html.Td([html.Span(name, className="strong"), " ", *marks]),
                *[
                    html.Td(f"{count:,}", className="number-cell")
                    for count in (part.patients, part.slices)
                ],
                *[_part_cell(figure, part) for figure in figures],
                html.Td(small_button("List patients", id=ids.pick_id(kind, name))),
            ]
        )
        for name, part, marks in parts
    ]
    titles = [kind.capitalize(), "Patients", "Slices", *(figure.title for figure in figures)]
    return table([*titles, ""], rows, numbers=range(1, len(titles)))


def _part_cell(figure: Figure, part: Part) -> html.Td:
    """A figure with its interval below; a single patient has no interval."""
    found = part.figures.get(figure.name)
    interval = figure.interval_words(found) if part.patients != 1 or not found else ONE_PATIENT
    return html.Td(
        [html.Div(figure.words(found)), html.Div(interval, className="meaning")],
        className="number-cell",
    )
