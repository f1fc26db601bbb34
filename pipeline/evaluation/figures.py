"""The registry of figures: label, explanation, format and computation of each.

Everything that shows or computes a figure reads this registry: the tables of terminal, README and
model card, the performance page with its leakage exhibit and its CSV, intervals and differences. A
new figure is one entry in `FIGURES`; ``python -m pipeline evaluate --from-rows FILE`` then adds it
to an evaluation whose patients were measured before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline import metrics
from pipeline.evaluation.intervals import (
    DRAWS,
    SEED,
    Estimate,
    draw_counts,
    estimate,
    estimate_difference,
    estimate_share,
)
from pipeline.evaluation.rows import SliceTable
from pipeline.metrics import Statistic
from pipeline.reports.volume_words import number_words

#: Patients below this Dice are counted: the outline is of little use there.
LOW_DICE = 0.6
#: What is written in place of a figure that a file lacks, and of one that these rows do not define.
MISSING, NOT_DEFINED = "missing", "not defined"
#: Figures of others' programs, such as times, are written with these decimals.
_OTHER_DIGITS = 2
#: How the products are spelled that their names contain.
_PRODUCTS = {"onnxruntime": "ONNX Runtime", "tensorflow": "TensorFlow", "keras": "Keras"}


class FigureGroup(StrEnum):
    """What a figure is of."""

    OUTLINE = "Segmentation"
    SLICE_SCORE = "Slice score"
    IMAGES = "Images"


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure of an evaluation.

    Attributes:
        name: Its key in evaluation.json.
        label: What it is called in a table.
        explanation: What it says, in a sentence.
        group: The table in which it stands.
        compute: From rows to a function of how often each patient counts; the figure itself is the
            case in which every patient counts once. None where another program computes it.
        heading: A shorter label for columns and tiles; `label` by default.
        digits: Decimals.
        unit: Written behind the number.
        note: A sentence without which the figure misleads; it follows every table that shows it.
        higher_is_better: False where 0 is best. A figure of either sign is never `compared`.
        exact: Whether it is a share of patients, whose interval is exact and not drawn.
        compared: Whether both splits of the leakage exhibit are compared by it.
        in_parts: Whether it is a column of the tables of folds and institutions.
        at_operating_point: Whether it changes with the operating point of the slice score.
    """

    name: str
    label: str
    explanation: str
    group: FigureGroup
    compute: Callable[[SliceTable], Statistic] | None = None
    heading: str = ""
    digits: int = 3
    unit: str = ""
    note: str = ""
    higher_is_better: bool = True
    exact: bool = False
    compared: bool = True
    in_parts: bool = False
    at_operating_point: bool = False

    @property
    def title(self) -> str:
        """The shortest label."""
        return self.heading or self.label

    def number_words(self, value: float, *, sign: bool = False) -> str:
        """A value with the figure's decimals, without its unit."""
        return number_words(value, self.digits, sign=sign)

    def words(self, found: Estimate | None, *, sign: bool = False) -> str:
        """The figure with its unit; in words where a file lacks it or rows do not define it."""
        if found is None:
            return MISSING
        if found.value is None:
            return NOT_DEFINED
        return f"{self.number_words(found.value, sign=sign)} {self.unit}".strip()

    def interval_words(self, found: Estimate | None, *, sign: bool = False) -> str:
        """The 95% interval, such as ``0.842 to 0.885``; "" where it is missing."""
        if found is None or found.low is None or found.high is None:
            return ""
        ends = (self.number_words(end, sign=sign) for end in (found.low, found.high))
        return " to ".join(ends)


def all_figures(group: FigureGroup | None = None) -> list[Figure]:
    """The figures of an evaluation in their order, or those of one group."""
    return [figure for figure in FIGURES if group is None or figure.group == group]


def find_figure(name: str) -> Figure:
    """A figure of an evaluation; one that is not registered is called by its own name."""
    known = next((figure for figure in FIGURES if figure.name == name), None)
    return known or _unregistered(name, FigureGroup.SLICE_SCORE)


def find_image_figure(name: str, titles: Mapping[str, str] | None = None) -> Figure:
    """A figure of a classifier of single images.

    Args:
        name: As its file has it. ``sensitivity_pneumonia`` is the sensitivity of one class.
        titles: Names of the classes for readers, by class.
    """
    figure, of_class = find_class_figure(name)
    if not of_class:
        return figure
    label = f"{figure.label}, {(titles or {}).get(of_class, of_class.replace('_', ' '))}"
    return Figure(name, label, "", FigureGroup.IMAGES, digits=figure.digits)


def find_class_figure(name: str) -> tuple[Figure, str]:
    """A figure of a classifier of single images, and the class that it is of, "" for all."""
    known = {figure.name: figure for figure in IMAGE_FIGURES}
    kind, _, of_class = name.partition("_")
    if name not in known and of_class and kind in known:
        return known[kind], of_class
    return known.get(name) or _unregistered(name, FigureGroup.IMAGES), ""


def estimate_figures(
    table: SliceTable,
    figures: Iterable[Figure] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """Compute figures with their intervals.

    Args:
        table: At least one patient.
        figures: Which; by default all of them.
        draws: Number of bootstrap draws of patients.
        seed: Seed of the draws; the same seed gives the same intervals.

    Returns:
        Name to estimate, in the order of the figures.
    """
    counts = draw_counts(len(table.case_ids), draws=draws, seed=seed)
    found = {}
    for figure, statistic in _computed(table, figures):
        exact = estimate_share(statistic, len(table.case_ids)) if figure.exact else None
        found[figure.name] = exact or estimate(statistic, counts)
    return found


def compare_figures(
    first: SliceTable,
    second: SliceTable,
    figures: Iterable[Figure] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """Differences ``first - second`` of two models' figures, paired by patient.

    Each draw holds the same patients for both models.

    Args:
        first: One model's answers.
        second: The other's on the same patients in the same order; slices may differ.
        figures: Which; by default all of them.
        draws: Number of bootstrap draws.
        seed: Seed of the draws.

    Raises:
        ValueError: The patients are not the same.
    """
    if first.case_ids != second.case_ids:
        raise ValueError("models are compared on the same patients in the same order")
    counts = draw_counts(len(first.case_ids), draws=draws, seed=seed)
    pairs = zip(_computed(first, figures), _computed(second, figures), strict=True)
    return {
        figure.name: estimate_difference(one, other, counts) for (figure, one), (_, other) in pairs
    }


def _computed(
    table: SliceTable, figures: Iterable[Figure] | None
) -> list[tuple[Figure, Statistic]]:
    chosen = FIGURES if figures is None else figures
    return [(figure, figure.compute(table)) for figure in chosen if figure.compute is not None]


def _unregistered(name: str, group: FigureGroup) -> Figure:
    label = name.replace("_", " ").strip().capitalize()[:80]
    for word, product in _PRODUCTS.items():
        label = re.sub(rf"\b{word}\b", product, label, flags=re.IGNORECASE)
    label = re.sub(r" (ms)$", r" (\1)", label)
    return Figure(name, label, "", group, digits=_OTHER_DIGITS)


FIGURES: tuple[Figure, ...] = (
    Figure(
        "patient_dice_mean",
        "Mean Dice per patient",
        "Overlap of AI mask and reference outline in the whole volume; a missed tumor counts as 0.",
        FigureGroup.OUTLINE,
        lambda table: table.mean_of_patients("dice"),
        heading="Mean Dice",
        in_parts=True,
    ),
    Figure(
        "patient_dice_median",
        "Median Dice per patient",
        "Half of the patients have a higher Dice.",
        FigureGroup.OUTLINE,
        lambda table: table.median_of_patients("dice"),
        heading="Median Dice",
        compared=False,
        in_parts=True,
    ),
    Figure(
        "patient_iou_mean",
        "Mean IoU per patient",
        "Intersection over union of AI mask and reference outline; stricter than Dice.",
        FigureGroup.OUTLINE,
        lambda table: table.mean_of_patients("iou"),
        compared=False,
    ),
    Figure(
        "patients_below_0_6",
        "Patients with Dice below 0.6",
        "Segmentations that need redrawing.",
        FigureGroup.OUTLINE,
        lambda table: metrics.sum_statistic(
            table.of_patients["dice"] < LOW_DICE, groups=table.patients
        ),
        digits=0,
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "detection",
        "Patients with tumor detected",
        "Share of patients whose AI mask overlaps the reference outline.",
        FigureGroup.OUTLINE,
        lambda table: table.mean_of_patients("detected"),
        exact=True,
        compared=False,
    ),
    Figure(
        "hd95_px_median",
        "Median HD95 per patient",
        "95% of each outline lies within this distance of the other, measured within slices.",
        FigureGroup.OUTLINE,
        lambda table: table.median_of_patients("hd95_px"),
        digits=1,
        unit="px",
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "hd95_px",
        "Mean HD95 per patient",
        "Mean of the same distance.",
        FigureGroup.OUTLINE,
        lambda table: table.mean_of_patients("hd95_px"),
        digits=1,
        unit="px",
        note="HD95: in slices without the other outline, the distance is the image diagonal. The "
        "mean therefore mainly reflects how many patients have more than 5% of an outline in such "
        "slices; the median is the typical distance.",
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "surface_dice",
        "Mean surface Dice per patient (2 px)",
        "Share of both outlines within 2 pixels of the other.",
        FigureGroup.OUTLINE,
        lambda table: table.mean_of_patients("surface_dice"),
        compared=False,
    ),
    Figure(
        "hd95_mm",
        "Mean HD95 per patient, in millimetres",
        "The same distance where the pixel spacing is known.",
        FigureGroup.OUTLINE,
        lambda table: table.mean_of_patients("hd95_mm"),
        digits=1,
        unit="mm",
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "surface_dice_mm",
        "Mean surface Dice per patient (2 mm)",
        "Share of both outlines within 2 mm of the other.",
        FigureGroup.OUTLINE,
        lambda table: table.mean_of_patients("surface_dice_mm"),
        compared=False,
    ),
    Figure(
        "volume_bias",
        "Volume bias: mean difference",
        "AI volume less reference volume, in per cent of the mean of both; 0 is best.",
        FigureGroup.OUTLINE,
        lambda table: metrics.mean_statistic(table.volume_differences(), groups=table.patients),
        heading="Volume bias",
        digits=1,
        unit="%",
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "volume_limit_low",
        "Volume: lower limit of agreement",
        "Mean difference less 1.96 standard deviations (Bland and Altman).",
        FigureGroup.OUTLINE,
        lambda table: metrics.limit_statistic(
            table.volume_differences(), -metrics.AGREEMENT_DEVIATIONS, groups=table.patients
        ),
        digits=1,
        unit="%",
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "volume_limit_high",
        "Volume: upper limit of agreement",
        "Mean difference plus 1.96 standard deviations.",
        FigureGroup.OUTLINE,
        lambda table: metrics.limit_statistic(
            table.volume_differences(), metrics.AGREEMENT_DEVIATIONS, groups=table.patients
        ),
        digits=1,
        unit="%",
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "volume_excess",
        "Mean volume difference, per cent of the reference",
        "AI volume less reference volume; a few masks much larger than a small reference dominate.",
        FigureGroup.OUTLINE,
        lambda table: metrics.mean_statistic(
            metrics.relative_differences(
                table.of_patients["volume_px"], table.of_patients["reference_px"]
            ),
            groups=table.patients,
        ),
        digits=1,
        unit="%",
        higher_is_better=False,
        compared=False,
    ),
    Figure(
        "tumor_slice_dice",
        "Mean Dice per tumor slice",
        "Mean over the slices with tumor; a missed slice counts as 0.",
        FigureGroup.OUTLINE,
        lambda table: metrics.tumor_slice_dice.counted(
            table.dice, table.reference_px, groups=table.slices
        ),
        heading="Tumor-slice Dice",
        in_parts=True,
    ),
    Figure(
        "tumor_slice_iou",
        "Mean IoU per tumor slice",
        "Mean over the slices with tumor; a missed slice counts as 0.",
        FigureGroup.OUTLINE,
        lambda table: metrics.tumor_slice_dice.counted(
            metrics.iou_from_dice(table.dice), table.reference_px, groups=table.slices
        ),
        compared=False,
    ),
    Figure(
        "all_slice_dice",
        "Mean Dice over all slices",
        "Slices without lesion in either mask count as 1 and account for most of this figure.",
        FigureGroup.OUTLINE,
        lambda table: metrics.all_slice_dice.counted(table.dice, groups=table.slices),
    ),
    Figure(
        "predict_nothing_dice",
        "Mean Dice over all slices if nothing is segmented",
        "The baseline of the figure above: empty masks on all slices.",
        FigureGroup.OUTLINE,
        lambda table: metrics.predict_nothing_dice.counted(table.reference_px, groups=table.slices),
        compared=False,
    ),
    Figure(
        "slice_auc",
        "Slice AUC",
        "Probability that a slice with tumor scores higher than one without.",
        FigureGroup.SLICE_SCORE,
        lambda table: metrics.slice_auc.counted(table.reference, table.score, groups=table.slices),
        in_parts=True,
    ),
    Figure(
        "pr_auc",
        "Slice PR-AUC (average precision)",
        "Positive predictive value averaged over all sensitivities; depends on the prevalence.",
        FigureGroup.SLICE_SCORE,
        lambda table: metrics.average_precision.counted(
            table.reference, table.score, groups=table.slices
        ),
    ),
    Figure(
        "sensitivity",
        "Sensitivity at the operating point",
        "Share of slices with tumor that are marked.",
        FigureGroup.SLICE_SCORE,
        lambda table: table.mean_of_slices(table.called, among=table.reference),
        heading="Sensitivity",
        at_operating_point=True,
    ),
    Figure(
        "specificity",
        "Specificity at the operating point",
        "Share of slices without tumor that are not marked.",
        FigureGroup.SLICE_SCORE,
        lambda table: table.mean_of_slices(~table.called, among=~table.reference),
        heading="Specificity",
        at_operating_point=True,
    ),
    Figure(
        "precision",
        "Positive predictive value (PPV) at the operating point",
        "Share of marked slices that contain tumor; lower where tumor is rarer.",
        FigureGroup.SLICE_SCORE,
        lambda table: table.mean_of_slices(table.reference, among=table.called),
        heading="PPV",
        at_operating_point=True,
    ),
    Figure(
        "npv",
        "Negative predictive value (NPV) at the operating point",
        "Share of unmarked slices that contain no tumor; higher where tumor is rarer.",
        FigureGroup.SLICE_SCORE,
        lambda table: table.mean_of_slices(~table.reference, among=~table.called),
        heading="NPV",
        at_operating_point=True,
    ),
    Figure(
        "sensitivity_at_95_specificity",
        "Sensitivity at 95% specificity",
        "Highest sensitivity of any operating point that marks at most 5% of slices without tumor.",
        FigureGroup.SLICE_SCORE,
        lambda table: metrics.sensitivity_at_specificity.counted(
            table.reference, table.score, groups=table.slices
        ),
        in_parts=True,
    ),
    Figure(
        "specificity_at_95_sensitivity",
        "Specificity at 95% sensitivity",
        "Highest specificity of any operating point that marks at least 95% of slices with tumor.",
        FigureGroup.SLICE_SCORE,
        lambda table: metrics.threshold_statistic(
            table.reference,
            table.score,
            lambda called: metrics.best_where(
                called.specificity, called.sensitivity, at_least=0.95
            ),
            groups=table.slices,
        ),
    ),
    Figure(
        "brier",
        "Brier score (lower is better)",
        "Mean squared error of the slice score as a probability of tumor.",
        FigureGroup.SLICE_SCORE,
        lambda table: metrics.brier_score.counted(
            table.reference, table.score, groups=table.slices
        ),
        heading="Brier score",
        higher_is_better=False,
    ),
    Figure(
        "ece",
        "Expected calibration error (lower is better)",
        "Mean absolute difference between slice score and share of slices with tumor, weighted by"
        " the size of the bin (ECE, ten bins).",
        FigureGroup.SLICE_SCORE,
        lambda table: metrics.expected_calibration_error.counted(
            table.reference, table.score, groups=table.slices
        ),
        heading="Calibration error",
        higher_is_better=False,
        compared=False,
    ),
)

#: Figures of classifiers of single images; `pipeline.experiments` computes them.
IMAGE_FIGURES: tuple[Figure, ...] = (
    Figure("accuracy", "Accuracy", "Share of images correctly classified.", FigureGroup.IMAGES),
    Figure(
        "binary_crossentropy",
        "Binary cross-entropy",
        "Lower is better.",
        FigureGroup.IMAGES,
        higher_is_better=False,
    ),
    Figure(
        "log_loss", "Cross-entropy", "Lower is better.", FigureGroup.IMAGES, higher_is_better=False
    ),
    Figure("auc", "AUC", "0.5 is chance, 1 is perfect.", FigureGroup.IMAGES),
    Figure(
        "sensitivity",
        "Sensitivity",
        "Share of images of the class that are classified as such.",
        FigureGroup.IMAGES,
    ),
    Figure(
        "specificity",
        "Specificity",
        "Share of images of other classes that are not classified as this one.",
        FigureGroup.IMAGES,
    ),
    Figure(
        "precision",
        "Positive predictive value",
        "Share of images classified as this class that belong to it; depends on the shares of the"
        " classes.",
        FigureGroup.IMAGES,
    ),
)
