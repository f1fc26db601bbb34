"""Ids of the performance page.

Components that only some views hold have pattern-matching ids: a callback that names such a
component with ALL runs on every view.
"""

from __future__ import annotations

from typing import Any

from dash import ALL

PREFIX = "performance"

#: Types of components that select cases: charts, the confusion matrix, buttons, buttons that close.
GRAPH, MATRIX = f"{PREFIX}-graph", f"{PREFIX}-matrix"
PICK, CLOSE = f"{PREFIX}-pick", f"{PREFIX}-close"

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
AGREEMENT = f"{PREFIX}-agreement"
RECALL = f"{PREFIX}-recall"
RELIABILITY = f"{PREFIX}-reliability"
FOLDS = f"{PREFIX}-folds"
LEAKAGE = f"{PREFIX}-leakage"


def graph_id(name: Any) -> dict[str, Any]:
    """Id of a chart whose points open cases or list slices; ALL for all of them."""
    return {"type": GRAPH, "which": name}


def matrix_id(which: Any) -> dict[str, Any]:
    """Id of the confusion matrix of the slices, whose cells list them; ALL where a view has it."""
    return {"type": MATRIX, "which": which}


def experiment_id(name: Any) -> dict[str, Any]:
    """Id of the confusion matrix of an experiment; ALL for all of them."""
    return {"type": f"{PREFIX}-experiment", "which": name}


def system_id(name: Any) -> dict[str, Any]:
    """Id of the choice of an experiment's system; ALL for all of them."""
    return {"type": f"{PREFIX}-system", "which": name}


def bars_id(name: Any) -> dict[str, Any]:
    """Id of a chart of speeds; ALL for all of them."""
    return {"type": f"{PREFIX}-bars", "which": name}


def pick_id(kind: Any, which: Any) -> dict[str, Any]:
    """Id of a button that lists the cases behind a figure; ALL for all of them."""
    return {"type": PICK, "kind": kind, "which": which}


def rows_id(kind: Any) -> dict[str, Any]:
    """Id of the place of a list of this kind; ALL for all places of a view."""
    return {"type": f"{PREFIX}-rows", "which": kind}


def close_id(kind: Any) -> dict[str, Any]:
    """Id of the button that closes the list of a kind; ALL for all of them."""
    return {"type": CLOSE, "which": kind}


def training_id(group: Any, measure: Any) -> dict[str, Any]:
    """Id of a training chart; ALL for all of them."""
    return {"type": f"{PREFIX}-training", "group": group, "which": measure}


def runs_id(group: Any) -> dict[str, Any]:
    """Id of the choice of runs that a group's training charts show; ALL for all groups."""
    return {"type": f"{PREFIX}-runs", "group": group}
