"""The lists of cases that open below the figures of the performance page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash.development.base_component import Component

from dashboard.evaluation import CELLS, Measured, operating_points, select_cell
from dashboard.evaluation.installed import known_studies, study_links
from dashboard.figures.reliability import BEFORE
from dashboard.pages.performance import ids
from dashboard.pages.performance.cases import case_panel
from dashboard.pages.performance.inputs import Selection, bin_rows
from dashboard.pages.performance.patients import patients_panel
from dashboard.pages.performance.slice_score import DECISIONS
from dashboard.pages.performance.tiles import CELL_WORDS

if TYPE_CHECKING:
    import pandas as pd


def list_group(chosen: Selection, measured: Measured, threshold: float | None) -> Component | None:
    """Slices or patients of the chosen group; None where none is chosen.

    Args:
        chosen: What `Selection.existing` returns.
        measured: The evaluation with the cases.
        threshold: Operating point of the cells; None for the default.
    """
    kind, which = chosen.kind, chosen.which
    if kind in ("fold", "institution"):
        patients = measured.patients[measured.patients[kind] == which]
        name = which if kind == "fold" else f"Institution {which}"
        title = f"{name[:1].upper()}{name[1:]}: {len(patients):,} patients, lowest Dice first"
        links = study_links(measured)
        return patients_panel(title, patients, links=links, close_id=ids.close_id("group"))
    slices = _with_operating_points(measured)
    if kind == "cell":
        rows, title = _cell_rows(which, slices, threshold)
    elif kind == "decided":
        rows, title = _decided_rows(which, slices)
    elif kind == "bin":
        rows = bin_rows(which, measured, slices)
        score = "classifier score" if which.startswith(BEFORE) else "slice score"
        title = f"{len(rows):,} slices of similar {score}, highest first"
    else:
        return None
    return case_panel(
        title,
        rows,
        studies=known_studies(measured, rows["case_id"]),
        close_id=ids.close_id("group"),
        parts=kind in ("decided", "bin"),
        gallery=kind == "cell",
    )


def list_case(chosen: Selection, measured: Measured) -> Component | None:
    """Slices of the chosen case; None where none is chosen."""
    case = chosen.case
    if not case:
        return None
    slices = _with_operating_points(measured)
    rows = slices[slices["case_id"] == case].sort_values("index")
    return case_panel(
        f"{case}: all slices",
        rows,
        studies=known_studies(measured, [case]),
        close_id=ids.close_id("case"),
        note=f"This case is not in this workspace with all {len(rows):,} evaluated slices. To see "
        "its images, add them together on the worklist.",
    )


def _with_operating_points(measured: Measured) -> pd.DataFrame:
    """The slices with the operating point of their fold, where folds differ in it."""
    points = operating_points(measured.patients, measured.slices)
    return measured.slices if points.empty else measured.slices.assign(operating_point=points)


def _cell_rows(
    which: str, slices: pd.DataFrame, threshold: float | None
) -> tuple[pd.DataFrame, str]:
    cell = next(one for one in CELLS if one == which)
    rows = select_cell(slices, threshold, cell)
    if threshold is not None:
        rows = rows.drop(columns="operating_point", errors="ignore")
    name, order = CELL_WORDS[cell]
    default = threshold is None
    point = "at the default threshold" if default else f"at a threshold of {threshold:.2f}"
    kind = name.lower().replace(" ", "-")
    return rows, f"{len(rows):,} {kind} slices {point}, {order}"


def _decided_rows(which: str, slices: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Slices with one kind of decision: errors first, then by score."""
    rows = slices[slices["decided_by"] == which]
    wrong = rows["called"].astype(bool) != rows["reference_tumor"].astype(bool)
    rows = rows.assign(wrong=wrong).sort_values(
        ["wrong", "score"], ascending=False, ignore_index=True
    )
    words = DECISIONS.get(which, (which, ""))[0]
    return rows, f"{words}: {len(rows):,} slices, errors first"
