"""Measured models as the pages show them: cases as tables, and other measurements."""

from __future__ import annotations

from dashboard.evaluation.cases import (
    CELLS,
    FEW_PATIENTS,
    Cell,
    Measured,
    operating_points,
    select_cell,
)

__all__ = [
    "CELLS",
    "FEW_PATIENTS",
    "Cell",
    "Measured",
    "operating_points",
    "select_cell",
]
