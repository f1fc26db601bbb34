"""The worklist's grid: one row per study, drawn by `assets/js/worklist/`.

Rows come from the server in blocks (`/api/worklist/rows`), filtered, searched and sorted there, so
that a worklist of 100,000 studies opens as fast as one of ten.
"""

from __future__ import annotations

from typing import Any

import dash_ag_grid
from dash import html

GRID = "worklist-grid"

#: How columns of numbers sort: the largest first; the server puts empty cells last.
_NUMBERS: dict[str, Any] = {"sortingOrder": ["desc", "asc", None]}
#: Rows of a block, and how many blocks the browser keeps.
BLOCK, BLOCKS = 100, 4

_COLUMNS: list[dict[str, Any]] = [
    {
        "field": "patient",
        "headerName": "Patient",
        "flex": 1,
        "minWidth": 160,
        "cellRenderer": "OverreadPatient",
    },
    {"field": "study_date", "headerName": "Study date", "width": 108, "cellClass": "quiet"},
    {
        "field": "added_at",
        "headerName": "Waiting",
        "headerTooltip": "Time since the study arrived",
        "width": 88,
        "cellRenderer": "OverreadAge",
        "sortingOrder": ["asc", "desc", None],  # the one that waits longest comes first
    },
    {"field": "sequences", "headerName": "Sequences", "width": 112, "cellClass": "quiet"},
    {"field": "slices", "headerName": "Slices", "width": 94, "type": "rightAligned", **_NUMBERS},
    {"field": "origin_words", "headerName": "Source", "width": 92, "cellClass": "quiet"},
    {"field": "state_words", "headerName": "State", "width": 136, "cellRenderer": "OverreadState"},
    {
        "field": "why",
        "headerName": "Why it is here",
        "flex": 5,  # the words decide what is read first; the tooltip has them in full
        "minWidth": 150,
        "cellClass": "quiet",
        "cellRenderer": "OverreadWhy",
        "sortable": False,
    },
    {
        "field": "volume_ml",
        "headerName": "Volume (mL)",
        "width": 116,
        "type": "rightAligned",
        "cellRenderer": "OverreadVolume",
        **_NUMBERS,
    },
    {
        "field": "change_percent",
        "headerName": "Change",
        "headerTooltip": "Change of the volume since the patient's study before",
        "width": 78,
        "type": "rightAligned",
        "cellRenderer": "OverreadChange",
        "sortable": False,
    },
    {
        "field": "expected_dice",
        "headerName": "Expected Dice",
        "headerTooltip": "Expected Dice of the AI outline",
        "wrapHeaderText": True,
        "width": 96,
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
        "flex": 1,
        "minWidth": 150,
        "cellRenderer": "OverreadNotes",
        "sortable": False,
    },
    {"field": "reader", "headerName": "Reader", "width": 110, "cellClass": "quiet"},
]

_OPTIONS: dict[str, Any] = {
    "theme": {"function": "overreadTheme(agGrid)"},
    "rowHeight": 34,
    "headerHeight": 34,
    "animateRows": False,
    "ensureDomOrder": True,  # screen readers and the Tab key follow the order on screen
    "suppressColumnVirtualisation": True,
    "rowSelection": {
        "mode": "multiRow",
        "checkboxes": True,
        "headerCheckbox": False,
        "enableClickSelection": False,
    },
    "selectionColumnDef": {"width": 40, "resizable": False, "suppressHeaderMenuButton": True},
    # Dash's own source of rows, which worklist.js replaces, never answers and would count as busy
    "maxConcurrentDatasourceRequests": 10,
    "cacheBlockSize": BLOCK,
    "maxBlocksInCache": BLOCKS,
    "navigateToNextCell": {"function": "overreadNextCell(params)"},
}


def layout(count: int) -> html.Div:
    """The grid, without rows: the browser asks for them.

    Args:
        count: How many studies there are, so that a place in the list can be found again at once.
    """
    grid = dash_ag_grid.AgGrid(
        id=GRID,
        rowModelType="infinite",
        columnDefs=_COLUMNS,
        getRowId="params.data.study_id",
        defaultColDef={
            "resizable": True,
            "sortable": True,
            "suppressMovable": True,
            "suppressHeaderMenuButton": True,
            "minWidth": 60,
        },
        dashGridOptions={**_OPTIONS, "infiniteInitialRowCount": max(count, 1)},
        eventListeners={
            "cellKeyDown": ["overreadGridKey(params)"],
            "cellClicked": ["overreadGridClick(params)"],
            "modelUpdated": ["overreadGridRows(params)"],
            "gridSizeChanged": ["overreadGridSize(params)"],
            "bodyScrollEnd": ["overreadGridScroll(params)"],
            "selectionChanged": ["overreadGridSelection(params)"],
        },
        style={"height": "100%", "width": "100%"},
        className="study-grid",
    )
    return html.Div(grid, id="worklist-grid-frame", className="study-grid-frame")
