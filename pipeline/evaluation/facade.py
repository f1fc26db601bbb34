"""What ``dashboard/`` may call of the evaluation: its types, its reader, its registry of figures.

Light: NumPy and pydantic; neither scikit-learn nor SciPy, nor a model runtime, is imported.
"""

from __future__ import annotations

from pipeline.evaluation.document import (
    Calibration,
    CalibrationCurve,
    Evaluation,
    Figures,
    Fold,
    FoldNotRun,
    InstitutionPart,
    Leakage,
    LeftOut,
    LeftOutNotRun,
    MeasuredNetwork,
    NotRun,
    OldEvaluation,
    Part,
    SameSlices,
    read_evaluation,
)
from pipeline.evaluation.figures import (
    MISSING,
    Figure,
    FigureGroup,
    all_figures,
    estimate_figures,
    find_class_figure,
    find_figure,
    find_image_figure,
)
from pipeline.evaluation.intervals import Estimate
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow, SliceTable
from pipeline.evaluation.tables import STORED_NOTE, format_figures_csv
from pipeline.metrics import (
    Confusion,
    RecallPoint,
    Reliability,
    RocPoint,
    calibration_bin,
    confusion,
    volume_differences,
)

__all__ = [
    "MISSING",
    "STORED_NOTE",
    "Calibration",
    "CalibrationCurve",
    "Confusion",
    "Estimate",
    "Evaluation",
    "EvaluationRows",
    "Figure",
    "FigureGroup",
    "Figures",
    "Fold",
    "FoldNotRun",
    "InstitutionPart",
    "Leakage",
    "LeftOut",
    "LeftOutNotRun",
    "MeasuredNetwork",
    "NotRun",
    "OldEvaluation",
    "Part",
    "PatientRow",
    "RecallPoint",
    "Reliability",
    "RocPoint",
    "SameSlices",
    "SliceRow",
    "SliceTable",
    "all_figures",
    "calibration_bin",
    "confusion",
    "estimate_figures",
    "find_class_figure",
    "find_figure",
    "find_image_figure",
    "format_figures_csv",
    "read_evaluation",
    "volume_differences",
]
