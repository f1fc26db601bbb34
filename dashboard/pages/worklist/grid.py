"""The worklist's grid: one row per study, drawn by `assets/js/worklist/`.

Rows live in the browser ("clientSide" row model): a row is under 1 kB, so that the few thousand
studies of one server are sent in one answer, and searching, sorting and moving by keys need no
server. The infinite row model would cost all three, and loses selection and scrolling on each
refresh.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dash_ag_grid
from dash import html

from dashboard.store import JobState, Origin, StudyRow
from dashboard.studies.addresses import review_href
from pipeline import SHORT_SEQUENCE_LABELS

GRID = "worklist-grid"

ORIGIN_WORDS = {Origin.UPLOAD: "Upload", Origin.LIBRARY: "Library", Origin.DEMO: "Demo"}

_COLUMNS: list[dict[str, Any]] = [
    {
        "field": "patient",
        "headerName": "Patient",
        "flex": 3,
        "minWidth": 170,
        "cellRenderer": "OverreadPatient",
    },
    {"field": "study_date", "headerName": "Study date", "width": 108, "cellClass": "quiet"},
    {"field": "sequences", "headerName": "Sequences", "width": 128, "cellClass": "quiet"},
    {"field": "slices", "headerName": "Slices", "width": 82, "type": "rightAligned"},
    {"field": "origin_words", "headerName": "Source", "width": 92, "cellClass": "quiet"},
    {"field": "state_words", "headerName": "State", "width": 200, "cellRenderer": "OverreadState"},
    {
        "field": "score",
        "headerName": "Highest slice score",
        "width": 158,
        "cellRenderer": "OverreadScore",
    },
    {
        "field": "volume_ml",
        "headerName": "Volume, mL",
        "width": 116,
        "type": "rightAligned",
        "cellRenderer": "OverreadVolume",
    },
    {
        "field": "notes",
        "headerName": "Notes",
        "flex": 4,
        "minWidth": 100,
        "cellRenderer": "OverreadNotes",
    },
    {"field": "origin", "hide": True, "filter": "agTextColumnFilter"},
]

_OPTIONS: dict[str, Any] = {
    "theme": {"function": "overreadTheme(agGrid)"},
    "rowHeight": 34,
    "headerHeight": 34,
    "animateRows": False,
    "suppressColumnVirtualisation": True,
    "navigateToNextCell": {"function": "overreadNextCell(params)"},
}


def layout(rows: list[dict[str, Any]]) -> html.Div:
    """The grid.

    Args:
        rows: What `describe_studies` answers.
    """
    grid = dash_ag_grid.AgGrid(
        id=GRID,
        rowData=rows,
        columnDefs=_COLUMNS,
        getRowId="params.data.study_id",
        defaultColDef={
            "resizable": True,
            "sortable": True,
            "suppressMovable": True,
            "suppressHeaderMenuButton": True,
            "minWidth": 60,
        },
        dashGridOptions=_OPTIONS,
        eventListeners={
            "cellKeyDown": ["overreadGridKey(params)"],
            "cellClicked": ["overreadGridClick(params)"],
            "modelUpdated": ["overreadGridRows(params)"],
            "gridSizeChanged": ["overreadGridSize(params)"],
        },
        style={"height": "100%", "width": "100%"},
        className="study-grid",
    )
    return html.Div(grid, id="worklist-grid-frame", className="study-grid-frame")


def describe_studies(studies: Iterable[StudyRow]) -> list[dict[str, Any]]:
    """The grid's rows, plain JSON."""
    return [describe_study(study) for study in studies]


def describe_study(study: StudyRow) -> dict[str, Any]:
    """One row of the grid."""
    analysed = study.job_state is JobState.DONE
    return {
        "study_id": study.study_id,
        "href": review_href(study.study_id),
        "patient": study.patient or study.case_id,
        "study_date": study.study_date,
        "sequences": sequence_words(study.sequences),
        "slices": study.slices,
        "origin": str(study.origin),
        "origin_words": ORIGIN_WORDS[study.origin],
        "state": str(study.job_state or ""),
        "state_words": state_words(study),
        "progress": study.job_done / study.job_total if study.job_total else 0,
        "score": round(study.highest_score, 4)
        if analysed and study.highest_score is not None
        else None,
        "volume_ml": round(study.volume_ml, 2)
        if analysed and study.volume_ml is not None
        else None,
        "no_spacing": analysed and study.volume_ml is None,
        "synthetic": study.synthetic,
        "warnings": list(study.warnings),
        "sequence_note": sequence_note(study.sequences),
        "error": study.job_error if study.job_state is JobState.FAILED else "",
        "notes": notes_text(study),
        "deletable": study.origin is Origin.UPLOAD,
    }


def sequence_words(sequences: Iterable[str]) -> str:
    """Names of the sequences, each once, FLAIR first; "" where none is known."""
    known = [
        SHORT_SEQUENCE_LABELS[name] for name in map(str, sequences) if name in SHORT_SEQUENCE_LABELS
    ]
    once = list(dict.fromkeys(known))
    return " ".join(sorted(once, key=lambda name: name != "FLAIR")) or "not known"


def sequence_note(sequences: Iterable[str]) -> str:
    """What a narrow cell tells where no sequence is FLAIR; the warnings say it in full."""
    names = list(map(str, sequences))
    if "flair" in names:
        return ""
    return "Not FLAIR" if names and "unknown" not in names else "Not known to be FLAIR"


def state_words(study: StudyRow) -> str:
    """Where the study's analysis stands."""
    if study.job_state is JobState.RUNNING:
        return study.job_message or "Analysing"
    words = {
        None: "Not analysed",
        JobState.QUEUED: "Queued",
        JobState.DONE: "Analysed",
        JobState.FAILED: "Failed: see why",
        JobState.CANCELLED: "Cancelled",
    }
    return words[study.job_state]


def notes_text(study: StudyRow) -> str:
    """All notes as one text, for searching, sorting and the tooltip."""
    parts = ["Synthetic"] if study.synthetic else []
    if study.job_state is JobState.FAILED and study.job_error:
        parts.append(study.job_error)
    return " ".join([*parts, *study.warnings])
