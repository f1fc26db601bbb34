"""What the pages say of the shipped models, from the files beside them."""

from __future__ import annotations

from dashboard.evaluation.counting import (
    CELLS,
    FEW_PATIENTS,
    Cell,
    Confusion,
    called_slices,
    count_confusion,
    estimate_rates,
    institution_dice,
    operating_points,
    select_cell,
)
from dashboard.evaluation.document import Evaluation, OldEvaluation, parse_evaluation
from dashboard.evaluation.estimates import Estimate, EvaluationError, NotRun

__all__ = [
    "CELLS",
    "FEW_PATIENTS",
    "Cell",
    "Confusion",
    "Estimate",
    "Evaluation",
    "EvaluationError",
    "NotRun",
    "OldEvaluation",
    "called_slices",
    "count_confusion",
    "estimate_rates",
    "institution_dice",
    "operating_points",
    "parse_evaluation",
    "select_cell",
]
