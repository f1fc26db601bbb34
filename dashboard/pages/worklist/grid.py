"""The worklist's grid: one row per study, drawn by `assets/js/worklist/`.

Rows are held in the browser ("clientSide" row model): a row is under 1 kB, so that the few thousand
studies of one server fit in one response, and searching, sorting and keyboard navigation need no
server. The infinite row model would give up all three, and loses selection and scroll position on
each refresh.
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

UNKNOWN = "unknown"
NO_SPACING = "The files contain no pixel spacing."
OPEN_FOR_FIGURES = "Analysed by an earlier version. Open the study for its figures."
NOT_FLAIR, SEQUENCE_UNKNOWN = "Not FLAIR", "Sequence unknown"
ORIGIN_WORDS = {Origin.UPLOAD: "Upload", Origin.LIBRARY: "Library", Origin.DEMO: "Demo"}
STATE_WORDS = {
    None: "Not analysed",
    JobState.QUEUED: "Queued",
    JobState.RUNNING: "Analysing",
    JobState.DONE: "Analysed",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}

#: How columns of numbers sort: the largest first, empty cells last in either direction.
_NUMBERS: dict[str, Any] = {
    "sortingOrder": ["desc", "asc", None],
    "comparator": {"function": "overreadCompareNumbers"},
}

_COLUMNS: list[dict[str, Any]] = [
    {
        "field": "patient",
        "headerName": "Patient",
        "flex": 3,
        "minWidth": 150,
        "cellRenderer": "OverreadPatient",
        "getQuickFilterText": {"function": "overreadNames(params)"},
    },
    {"field": "study_date", "headerName": "Study date", "width": 108, "cellClass": "quiet"},
    {"field": "sequences", "headerName": "Sequences", "width": 128, "cellClass": "quiet"},
    {"field": "slices", "headerName": "Slices", "width": 94, "type": "rightAligned", **_NUMBERS},
    {"field": "origin_words", "headerName": "Source", "width": 92, "cellClass": "quiet"},
    {"field": "state_words", "headerName": "Status", "width": 200, "cellRenderer": "OverreadState"},
    {
        "field": "volume_ml",
        "headerName": "Volume (mL)",
        "width": 116,
        "type": "rightAligned",
        "cellRenderer": "OverreadVolume",
        **_NUMBERS,
    },
    {
        "field": "expected_dice",
        "headerName": "Exp. Dice",
        "headerTooltip": "Expected Dice of the AI outline",
        "width": 100,
        "type": "rightAligned",
        "cellRenderer": "OverreadShare",
        **_NUMBERS,
    },
    {
        "field": "conflicts",
        "headerName": "Conflicts",
        "headerTooltip": "Slices on which classifier and segmentation disagree",
        "width": 100,
        "type": "rightAligned",
        **_NUMBERS,
    },
    {
        "field": "cautions",
        "headerName": "Cautions",
        "headerTooltip": "Reasons not to rely on the result",
        "width": 98,
        "type": "rightAligned",
        **_NUMBERS,
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
    "ensureDomOrder": True,  # screen readers and the Tab key follow the order on screen
    "suppressColumnVirtualisation": True,
    "navigateToNextCell": {"function": "overreadNextCell(params)"},
}


def layout(rows: list[dict[str, Any]]) -> html.Div:
    """The grid.

    Args:
        rows: What `describe_study` returns for each study.
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
            "bodyScrollEnd": ["overreadGridScroll(params)"],
        },
        style={"height": "100%", "width": "100%"},
        className="study-grid",
    )
    return html.Div(grid, id="worklist-grid-frame", className="study-grid-frame")


def describe_study(study: StudyRow, *, may_delete: bool = True) -> dict[str, Any]:
    """One row of the grid as plain JSON.

    Args:
        study: The study.
        may_delete: Whether its reader may delete it, if it is an upload.
    """
    analysed = study.job_state is JobState.DONE
    claims = study.claims if analysed else None
    return {
        "study_id": study.study_id,
        "href": review_href(study.study_id),
        "patient": study.name,
        "names": names_text(study),
        "study_date": study.study_date,
        "sequences": sequence_words(study.sequences),
        "slices": study.slices,
        "origin": str(study.origin),
        "origin_words": ORIGIN_WORDS[study.origin],
        "state": str(study.job_state or ""),
        "state_words": state_words(study),
        "progress": study.job_done / study.job_total if study.job_total else 0,
        "volume_ml": study.volume_ml if claims and not claims.unfit else None,
        "no_volume": _why_no_volume(study) if analysed else "",
        "expected_dice": claims.expected_dice if claims else None,
        "conflicts": claims.conflicts if claims else None,
        "cautions": claims.cautions if claims else None,
        "synthetic": study.synthetic,
        "warnings": list(study.warnings),
        "sequence_note": sequence_note(study.sequences),
        "error": study.job_error if study.job_state is JobState.FAILED else "",
        "notes": notes_text(study),
        "deletable": may_delete and study.origin is Origin.UPLOAD,
        "cancellable": study.job_state in (JobState.QUEUED, JobState.RUNNING),
    }


def names_text(study: StudyRow) -> str:
    """All that a study is called, for search and the tooltip: its label before its identifiers."""
    return " · ".join(dict.fromkeys(filter(None, (study.name, study.patient, study.case_id))))


def _why_no_volume(study: StudyRow) -> str:
    """Why an analysed study has no volume in its row, or ""."""
    if study.claims is None:
        return OPEN_FOR_FIGURES
    if study.claims.unfit:
        return study.claims.unfit
    return NO_SPACING if study.volume_ml is None else ""


def sequence_words(sequences: Iterable[str]) -> str:
    """Names of the sequences, each once, FLAIR first; `UNKNOWN` where none is known."""
    known = [
        SHORT_SEQUENCE_LABELS[name] for name in map(str, sequences) if name in SHORT_SEQUENCE_LABELS
    ]
    once = list(dict.fromkeys(known))
    return " ".join(sorted(once, key=lambda name: name != "FLAIR")) or UNKNOWN


def sequence_note(sequences: Iterable[str]) -> str:
    """A short note where no sequence is FLAIR, for a narrow cell; the warnings explain it."""
    names = list(map(str, sequences))
    if "flair" in names:
        return ""
    return NOT_FLAIR if names and "unknown" not in names else SEQUENCE_UNKNOWN


def state_words(study: StudyRow) -> str:
    """The status of the study's analysis, with its progress while it is running."""
    words = STATE_WORDS[study.job_state]
    if study.job_state is JobState.RUNNING and study.job_total:
        return f"{words}, {100 * study.job_done // study.job_total}%"
    return words


def notes_text(study: StudyRow) -> str:
    """All notes as one text, for search, sorting and the tooltip."""
    parts = ["Synthetic"] if study.synthetic else []
    if study.job_state is JobState.FAILED and study.job_error:
        parts.append(study.job_error)
    return " ".join([*parts, *study.warnings])
