"""What the pages show of measured models: cases as tables, and the files of other measurements."""

from __future__ import annotations

from dashboard.evaluation.cases import (
    CELLS,
    FEW_PATIENTS,
    Cell,
    Measured,
    called_slices,
    operating_points,
    select_cell,
)

__all__ = [
    "CELLS",
    "FEW_PATIENTS",
    "Cell",
    "Measured",
    "called_slices",
    "operating_points",
    "select_cell",
]
