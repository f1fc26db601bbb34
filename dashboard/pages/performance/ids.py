"""Ids of the performance page.

Components that only some views hold have pattern-matching ids: a callback that names such a
component with ALL runs on every view.
"""

from __future__ import annotations

from typing import Any

from dash import ALL

PREFIX = "performance"

# on every view
SELECTION = f"{PREFIX}-selection"
LOCATION = f"{PREFIX}-location"
DOWNLOAD = f"{PREFIX}-download"
FIGURES_CSV = f"{PREFIX}-figures-csv"
SLICES_CSV, PATIENTS_CSV = f"{PREFIX}-slices-csv", f"{PREFIX}-patients-csv"

# on the overview
THRESHOLD, THRESHOLD_WORDS = f"{PREFIX}-threshold", f"{PREFIX}-threshold-words"
RESET = f"{PREFIX}-reset"
ROC = f"{PREFIX}-roc"
RATES = f"{PREFIX}-rates"
DICE = f"{PREFIX}-dice"
#: `dcc.Store`: the operating point that the reader has chosen; None for the default.
POINT = {"type": f"{PREFIX}-point", "which": "chosen"}
ANY_POINT = POINT | {"which": ALL}

# on the other views
INSTITUTIONS, LEFT_OUT = f"{PREFIX}-institutions", f"{PREFIX}-left-out"
RECALL = f"{PREFIX}-recall"
RELIABILITY = f"{PREFIX}-reliability"
FOLDS = f"{PREFIX}-folds"
LEAKAGE = f"{PREFIX}-leakage"


def graph_id(name: Any) -> dict[str, Any]:
    """Id of a chart whose points open cases or list slices; ALL for all of them."""
    return {"type": f"{PREFIX}-graph", "which": name}


def cell_id(cell: Any) -> dict[str, Any]:
    """Id of a cell's tile; ALL for the four."""
    return pick_id("cell", cell)


def count_id(cell: Any) -> dict[str, Any]:
    """Id of the number on a cell's tile; ALL for the four, in the order of `CELLS`."""
    return {"type": f"{PREFIX}-count", "which": cell}


def pictures_id(cell: Any) -> dict[str, Any]:
    """Id of the pictures on a cell's tile; ALL for the four."""
    return {"type": f"{PREFIX}-pictures", "which": cell}


def pick_id(kind: Any, which: Any) -> dict[str, Any]:
    """Id of a button that lists the cases behind a figure; ALL for all of them."""
    return {"type": f"{PREFIX}-pick", "kind": kind, "which": which}


def rows_id(kind: Any) -> dict[str, Any]:
    """Id of the place of a list of this kind; ALL for all places of a view."""
    return {"type": f"{PREFIX}-rows", "which": kind}


def close_id(kind: Any) -> dict[str, Any]:
    """Id of the button that closes the list of a kind; ALL for all of them."""
    return {"type": f"{PREFIX}-close", "which": kind}


def training_id(place: Any) -> dict[str, Any]:
    """Id of a training chart; ALL for all of them."""
    return {"type": f"{PREFIX}-training", "which": place}
