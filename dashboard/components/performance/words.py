"""What each figure is called, how it is written, and what it says, in words for readers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dashboard.evaluation import Estimate

#: Where a table has no figure, and what stands before a difference below 0.
NONE, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


@dataclass(frozen=True)
class FigureWords:
    """A figure in words.

    Attributes:
        title: What it is.
        meaning: What it says, in a sentence; "" where the title does.
        digits: Decimals.
        unit: Behind the number, "" for none.
    """

    title: str
    meaning: str = ""
    digits: int = 2
    unit: str = ""


FIGURES: dict[str, FigureWords] = {
    "patient_dice_mean": FigureWords(
        "Dice per patient, mean",
        "How far a patient's whole outline and the reference overlap; a missed tumor counts 0.",
    ),
    "patient_dice_median": FigureWords(
        "Dice per patient, median", "Half of the patients do better."
    ),
    "patient_iou_mean": FigureWords(
        "IoU per patient, mean", "Shared area over the area of both; stricter than Dice."
    ),
    "patients_below_0_6": FigureWords(
        "Patients with a Dice below 0.6", "Outlines that a reader would have to draw anew.", 0
    ),
    "detection": FigureWords("Patients with any tumor found", "Share of the patients.", 3),
    "hd95_px": FigureWords(
        "Distance of the borders (HD95), mean",
        "95% of each border lie nearer to the other one, within slices. Border on slices that only "
        "one of both outlines counts as one image diagonal away: this mean tells mostly how many "
        "patients have more than 5% of it.",
        1,
        "px",
    ),
    "hd95_px_median": FigureWords(
        "Distance of the borders, median patient", "The usual distance.", 1, "px"
    ),
    "hd95_mm": FigureWords(
        "Distance of the borders (HD95), mean", "The same in millimetres.", 1, "mm"
    ),
    "surface_dice": FigureWords(
        "Surface Dice", "Share of both borders that run within 2 pixels of each other."
    ),
    "surface_dice_mm": FigureWords(
        "Surface Dice, 2 mm", "Share of both borders that run within 2 mm of each other."
    ),
    "tumor_slice_dice": FigureWords(
        "Dice per slice with tumor", "A slice that was missed counts 0."
    ),
    "tumor_slice_iou": FigureWords("IoU per slice with tumor", "A slice that was missed counts 0."),
    "all_slice_dice": FigureWords(
        "Dice over all slices",
        "Two empty outlines count 1, so that most of this figure is slices without tumor.",
    ),
    "predict_nothing_dice": FigureWords(
        "… what outlining nothing would score", "The all-slice figure must be held against this."
    ),
    "slice_auc": FigureWords(
        "Slice AUC",
        "How often a slice with tumor scores higher than one without.",
        3,
    ),
    "pr_auc": FigureWords(
        "Area under precision and recall", "The same, where few slices hold tumor.", 3
    ),
    "sensitivity": FigureWords("Sensitivity", "Share of the slices with tumor that are marked."),
    "specificity": FigureWords("Specificity", "Share of the slices without that are left alone."),
    "precision": FigureWords("Right when it marks a slice", "Precision at the operating point."),
    "sensitivity_at_95_specificity": FigureWords(
        "Sensitivity at 95% specificity", "With 5 false alarms in 100 slices without tumor."
    ),
    "brier": FigureWords("Brier score", "Mean squared error of the slice score; 0 is best.", 3),
    "ece": FigureWords(
        "Calibration error (ECE)",
        "How far the slice score is from the share of tumor; 0 is best.",
        3,
    ),
    "accuracy": FigureWords("Accuracy", digits=3),
    "binary_crossentropy": FigureWords("Binary cross-entropy", digits=3),
    "log_loss": FigureWords("Cross-entropy", digits=3),
    "auc": FigureWords("AUC", digits=3),
}

OUTLINE_FIGURES = (
    "patient_dice_mean",
    "patient_dice_median",
    "patient_iou_mean",
    "patients_below_0_6",
    "detection",
    "hd95_px",
    "hd95_px_median",
    "surface_dice",
    "hd95_mm",
    "surface_dice_mm",
    "tumor_slice_dice",
    "tumor_slice_iou",
    "all_slice_dice",
    "predict_nothing_dice",
)
SLICE_FIGURES = (
    "slice_auc",
    "pr_auc",
    "sensitivity",
    "specificity",
    "precision",
    "sensitivity_at_95_specificity",
    "brier",
    "ece",
)


def figure_words(name: str) -> FigureWords:
    """Words of a figure; one that is not known keeps its own name, with spaces."""
    known = FIGURES.get(name)
    return known or FigureWords(name.replace("_", " ").strip().capitalize()[:80])


def number_words(value: float, *, digits: int = 2) -> str:
    """A number with a fixed count of decimals, or "not known"."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else "not known"


def interval_words(estimate: Estimate | None, *, digits: int = 2) -> str:
    """The 95% interval, "0.82 to 0.88", or "" where there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{number_words(estimate.low, digits=digits)} to {estimate.high:,.{digits}f}"


def part_interval_words(name: str, estimate: Estimate | None, *, patients: int) -> str:
    """The interval of some patients' figure, with the figure's own digits; one has none."""
    if estimate is not None and patients == 1:
        return "one patient"
    return interval_words(estimate, digits=figure_words(name).digits)


def estimate_words(name: str, estimate: Estimate | None) -> str:
    """A figure's number as it is written, with its unit; `NONE` where there is none."""
    if estimate is None:
        return NONE
    words = figure_words(name)
    return f"{number_words(estimate.value, digits=words.digits)} {words.unit}".strip()
