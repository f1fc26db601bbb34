"""The figures of an evaluation: what they are called, their order, and their values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation import metrics
from pipeline.evaluation.rows import SliceTable

#: Patients below this Dice are counted: the outline is of little use there.
LOW_DICE = 0.6
#: How the figures are called in a table, in the order in which they are told.
FIGURE_LABELS = {
    "patient_dice_mean": "Dice per patient, mean",
    "patient_dice_median": "Dice per patient, median",
    "patient_iou_mean": "IoU per patient, mean",
    "patients_below_0_6": "Patients below Dice 0.6",
    "detection": "Patients whose outline meets the reference",
    "hd95_px_median": "HD95 per patient, median (px, in plane)",
    "hd95_px": "HD95 per patient, mean (px, in plane)",
    "surface_dice": "Surface Dice per patient, mean (2 px)",
    "hd95_mm": "HD95 per patient, mean (mm, in plane)",
    "surface_dice_mm": "Surface Dice per patient, mean (2 mm)",
    "tumor_slice_dice": "Dice per tumor slice (missed: 0)",
    "tumor_slice_iou": "IoU per tumor slice (missed: 0)",
    "all_slice_dice": "Dice over all slices (both empty: 1)",
    "predict_nothing_dice": "  what an empty answer would score",
    "slice_auc": "Slice AUC",
    "pr_auc": "Slice PR-AUC (average precision)",
    "sensitivity": "Sensitivity at the operating point",
    "specificity": "Specificity at the operating point",
    "precision": "Precision at the operating point",
    "sensitivity_at_95_specificity": "Sensitivity at 95% specificity",
    "brier": "Brier score (0 is best)",
    "ece": "Calibration error (0 is best)",
}

#: Figures by the stage that answers for them. The outline's are of what the gate lets through.
STAGE_FIGURES = {
    "classifier": (
        "slice_auc",
        "pr_auc",
        "sensitivity",
        "specificity",
        "precision",
        "sensitivity_at_95_specificity",
        "brier",
        "ece",
    ),
    "segmenter": (
        "patient_dice_mean",
        "patient_dice_median",
        "patient_iou_mean",
        "patients_below_0_6",
        "detection",
        "hd95_px_median",
        "hd95_px",
        "surface_dice",
        "hd95_mm",
        "surface_dice_mm",
        "tumor_slice_dice",
        "tumor_slice_iou",
        "all_slice_dice",
        "predict_nothing_dice",
    ),
}


def compute_figures(table: SliceTable) -> dict[str, float]:
    """Every figure over all patients of a table, NaN where it is not defined."""
    counted = metrics.confusion(table.reference, table.called)
    scores = (table.reference, table.score)
    iou = metrics.iou_from_dice(table.dice)
    return {
        "patient_dice_mean": _mean(table.patient_dice),
        "patient_dice_median": _median(table.patient_dice),
        "patient_iou_mean": _mean(table.patient_iou),
        "patients_below_0_6": float(np.count_nonzero(table.patient_dice < LOW_DICE)),
        "detection": _mean(table.detected),
        "hd95_px": _mean(table.hd95_px),
        "hd95_px_median": _median(table.hd95_px),
        "surface_dice": _mean(table.surface_dice),
        "hd95_mm": _mean(table.hd95_mm),
        "surface_dice_mm": _mean(table.surface_dice_mm),
        "tumor_slice_dice": metrics.tumor_slice_dice(table.dice, table.reference_px),
        "tumor_slice_iou": metrics.tumor_slice_dice(iou, table.reference_px),
        "all_slice_dice": metrics.all_slice_dice(table.dice),
        "predict_nothing_dice": metrics.predict_nothing_dice(table.reference_px),
        "slice_auc": metrics.slice_auc(*scores),
        "pr_auc": metrics.average_precision(*scores),
        "sensitivity": counted.sensitivity,
        "specificity": counted.specificity,
        "precision": counted.precision,
        "sensitivity_at_95_specificity": metrics.sensitivity_at_specificity(*scores),
        "brier": metrics.brier_score(*scores),
        "ece": metrics.expected_calibration_error(*scores),
    }


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _median(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")
