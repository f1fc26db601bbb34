"""The cases behind a figure: tables of slices, with a picture and a way in where they are here."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.components.figure_words import NONE
from dashboard.evaluation.installed import KnownStudy
from dashboard.studies.addresses import review_href

#: Rows that a list shows; the CSV holds all.
MAX_ROWS = 200
#: Slices that no row may open: a study of the same name but with other slices is no substitute.
NOT_HERE = "Cases that are not in this workspace with all evaluated slices"
#: What `operating_point` of a row is.
OWN_POINT = (
    "Each fold is counted at an operating point of its own, chosen in its training; shown is the "
    "lowest slice score that the fold marked."
)
#: Pictures on a tile.
MAX_PICTURES = 4


def case_panel(
    title: str,
    rows: pd.DataFrame,
    *,
    studies: Mapping[str, KnownStudy],
    close_id: str | dict[str, Any],
    note: str = "",
    parts: bool = False,
) -> html.Section:
    """A list of slices under a title, with a button that closes it.

    Args:
        title: What the rows have in common.
        rows: case_id, index, score, reference_px, mask_px, dice; in the order to show.
            operating_point as well where slices were not all counted at the same one.
        studies: Studies of this workspace by case_id; their rows open the slice in Review, the
            others say that they cannot.
        close_id: Id of the button.
        note: A sentence under the title.
        parts: Show what the slice score was made from; rows hold classifier_score and
            outline_evidence then.
    """
    if not note and not rows["case_id"].isin(list(studies)).all():
        note = f"{NOT_HERE} are listed without a link."
    if "operating_point" in rows:
        note = f"{OWN_POINT} {note}".strip()
    hidden = len(rows) - MAX_ROWS
    if hidden > 0:
        note = f"{note} The first {MAX_ROWS} of {len(rows):,}; the CSV holds all.".strip()
    return html.Section(
        [
            html.Div(
                [
                    html.H2(title, className="panel-title"),
                    small_button("Close", id=close_id),
                ],
                className="case-head",
            ),
            html.P(note, className="muted secondary") if note else None,
            slice_table(rows.head(MAX_ROWS), studies=studies, parts=parts)
            if len(rows)
            else html.P("No slices.", className="muted"),
        ],
        className="panel case-panel",
        **aria(label=title, live="polite"),
    )


def pictures(
    rows: pd.DataFrame, *, studies: Mapping[str, KnownStudy], count: int = MAX_PICTURES
) -> list[Component]:
    """The first few rows whose slices can be shown, as pictures."""
    found: list[Component] = []
    for case_id, number in zip(rows["case_id"], rows["index"], strict=True):
        study = studies.get(str(case_id))
        picture = _thumbnail(study.thumbnail_of(_whole(number))) if study else None
        if picture is not None:
            found.append(picture)
        if len(found) == count:
            break
    return found


def slice_table(
    rows: pd.DataFrame, *, studies: Mapping[str, KnownStudy], parts: bool = False
) -> html.Div:
    """Table of slices, one row each; Dice stands early, so that a narrow page shows it."""
    pictures = any(study.thumbnail_url for study in studies.values())
    head = ["Case", "Slice", "Slice score"]
    head += ["Operating point"] * ("operating_point" in rows)
    head += [*(["Classifier", "Outline evidence"] * parts), "Dice", "AI, px", "Reference, px"]
    body = [
        _slice_row(row, studies.get(str(row["case_id"])), pictures=pictures, parts=parts)
        for row in rows.to_dict("records")
    ]
    return html.Div(
        html.Table(
            [
                html.Thead(
                    html.Tr(
                        ([html.Th(html.Span("Picture", className="visually-hidden"))] * pictures)
                        + [html.Th(head[0])]
                        + [html.Th(words, className="number-cell") for words in head[1:]]
                    )
                ),
                html.Tbody(body),
            ],
            className="data-table",
        ),
        className="table-wrap case-rows",
        tabIndex=0,
    )


def _slice_row(
    row: Mapping[Hashable, Any], study: KnownStudy | None, *, pictures: bool, parts: bool
) -> html.Tr:
    number = _whole(row["index"])
    name: Component | str = str(row["case_id"])
    picture = ""
    if study is not None:
        name = dcc.Link(name, href=review_href(study.study_id, slice_number=number))
        picture = study.thumbnail_of(number)
    own = "operating_point" in row
    digits = 3 if own else 2  # two hide which of a score and its operating point is larger
    numbers = [str(number), _decimal(row["score"], none=NONE, digits=digits)]
    if own:
        numbers.append(_decimal(row["operating_point"], none=NONE, digits=digits))
    if parts:
        numbers += [
            _decimal(row["classifier_score"], none=NONE),
            _decimal(row["outline_evidence"], none="none"),
        ]
    numbers.append(_decimal(row["dice"], none="both empty"))
    numbers += [f"{_whole(row[key]):,}" for key in ("mask_px", "reference_px")]
    cells = [html.Td(_thumbnail(picture))] * pictures
    cells += [html.Td(name, className="case-name")]
    cells += [html.Td(words, className="number-cell") for words in numbers]
    return html.Tr(cells)


def _thumbnail(address: str) -> html.Img | None:
    if not address:
        return None
    return html.Img(src=address, alt="", className="thumbnail", width=40, height=40)


def _whole(value: object) -> int:
    number = float(value) if isinstance(value, int | float) else math.nan
    return int(number) if math.isfinite(number) else 0


def _decimal(value: object, *, none: str, digits: int = 2) -> str:
    number = float(value) if isinstance(value, int | float) else math.nan
    return f"{number:.{digits}f}" if math.isfinite(number) else none
