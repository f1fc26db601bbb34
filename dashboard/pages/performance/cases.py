"""The cases behind a figure: tables of slices, linked where the workspace has the study."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.components.panels import number_words
from dashboard.evaluation.installed import KnownStudy
from dashboard.studies.addresses import review_href

if TYPE_CHECKING:
    import pandas as pd

#: Rows that a list shows; the CSV download contains all.
MAX_ROWS = 200
#: Why some rows have no link: a study of the same name with other slices is no substitute.
UNLINKED = "Cases without a link are not in this workspace with all their evaluated slices."
#: Explains `operating_point` of a row.
OWN_POINT = (
    "Each fold has its own operating point, chosen during its training; the column shows the "
    "lowest slice score marked in the fold."
)
#: Shown instead of a slice's Dice where neither mask marks anything.
NO_LESION = "no lesion in either"
#: Pictures of a list.
MAX_PICTURES = 48


def case_panel(
    title: str,
    rows: pd.DataFrame,
    *,
    studies: Mapping[str, KnownStudy],
    close_id: str | dict[str, Any],
    note: str = "",
    parts: bool = False,
    gallery: bool = False,
) -> html.Section:
    """A list of slices under a title, with a button that closes it.

    Args:
        title: What the rows have in common.
        rows: case_id, index, score, reference_px, mask_px, dice, in the order to show; also
            operating_point where slices were not all counted at the same one.
        studies: Studies of this workspace by case_id; their rows open the slice in Review.
        close_id: Id of the button.
        note: A sentence below the title.
        parts: Whether to show the inputs of the slice score, which rows hold then as
            classifier_score and outline_evidence.
        gallery: Whether to show the slices as pictures where the workspace has them, with the list
            on demand.
    """
    shown = slice_pictures(rows, studies=studies) if gallery else []
    if not note and not rows["case_id"].isin(list(studies)).all():
        note = UNLINKED
    if "operating_point" in rows:
        note = f"{OWN_POINT} {note}".strip()
    hidden = len(rows) - MAX_ROWS
    if hidden > 0:
        note = f"{note} First {MAX_ROWS} of {len(rows):,} shown; the CSV contains all.".strip()
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
            html.Ul(shown, className="slice-pictures") if shown else None,
            *_listed(rows, studies=studies, parts=parts, folded=bool(shown)),
        ],
        className="panel case-panel",
        **aria(label=title, live="polite"),
    )


def slice_pictures(
    rows: pd.DataFrame, *, studies: Mapping[str, KnownStudy], count: int = MAX_PICTURES
) -> list[html.Li]:
    """The first rows whose slices can be shown, as pictures that open the slice in Review."""
    found: list[html.Li] = []
    for case_id, index, score in zip(rows["case_id"], rows["index"], rows["score"], strict=True):
        study, number = studies.get(str(case_id)), int(index)
        address = study.thumbnail_of(number) if study else ""
        if study is None or not address:
            continue
        words = [
            html.Span(str(case_id), className="truncate"),
            html.Span(f"slice {number}, score {number_words(score)}", className="muted tabular"),
        ]
        picture = html.Img(src=address, alt="", className="thumbnail", width=96, height=96)
        href = review_href(study.study_id, slice_number=number)
        found.append(html.Li(dcc.Link([picture, *words], href=href, className="slice-picture")))
        if len(found) == count:
            break
    return found


def _listed(
    rows: pd.DataFrame, *, studies: Mapping[str, KnownStudy], parts: bool, folded: bool
) -> list[Component]:
    """The table of the slices, on demand where there are pictures of them."""
    if not len(rows):
        return [html.P("No slices.", className="muted")]
    listed = slice_table(rows.head(MAX_ROWS), studies=studies, parts=parts)
    if not folded:
        return [listed]
    summary = html.Summary(f"List of all {len(rows):,} slices")
    return [html.Details([summary, listed], className="patients-table")]


def slice_table(
    rows: pd.DataFrame, *, studies: Mapping[str, KnownStudy], parts: bool = False
) -> html.Div:
    """A row per slice; Dice comes early, so that a narrow page shows it."""
    pictures = any(study.thumbnail_url for study in studies.values())
    head = ["Case", "Slice", "Slice score"]
    head += ["Operating point"] * ("operating_point" in rows)
    head += [*(["Classifier score", "Segmentation confidence"] * parts)]
    head += ["Dice", "AI (px)", "Reference (px)"]
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
    import pandas as pd

    number = int(row["index"])
    name: Component | str = str(row["case_id"])
    picture = ""
    if study is not None:
        name = dcc.Link(name, href=review_href(study.study_id, slice_number=number))
        picture = study.thumbnail_of(number)
    own = "operating_point" in row
    digits = 3 if own else 2  # a score may differ from its operating point in the third decimal
    numbers = [str(number), number_words(row["score"], digits=digits)]
    if own:
        numbers.append(number_words(row["operating_point"], digits=digits))
    if parts:
        numbers += [number_words(row[key]) for key in ("classifier_score", "outline_evidence")]
    numbers.append(NO_LESION if pd.isna(row["dice"]) else number_words(row["dice"]))
    numbers += [f"{int(row[key]):,}" for key in ("mask_px", "reference_px")]
    cells = [html.Td(_thumbnail(picture))] * pictures
    cells += [html.Td(name, className="case-name")]
    cells += [html.Td(words, className="number-cell") for words in numbers]
    return html.Tr(cells)


def _thumbnail(address: str) -> html.Img | None:
    if not address:
        return None
    return html.Img(src=address, alt="", className="thumbnail", width=40, height=40)
