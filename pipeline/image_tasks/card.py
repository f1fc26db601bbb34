"""The figures of an image task's evaluation.json as Markdown, for its model card."""

from __future__ import annotations

from pipeline.classifiers.scoring import ConfusionMatrix
from pipeline.evaluation.figures import Figure, find_image_figure
from pipeline.image_tasks.evaluation import ImageCalibration, ImageEvaluation


def format_results(evaluation: ImageEvaluation) -> str:
    """The results section of the card (`pipeline.evaluation.report.write_section`)."""
    counts, environment = evaluation.counts, evaluation.environment
    lines = [
        f"Evaluated on {evaluation.split}: {counts.images} images in {counts.groups} groups"
        f" ({evaluation.measures}). Intervals: {environment['intervals']}.",
        "",
        *(f"**{caution}**" for caution in evaluation.cautions[:1]),
        "",
        "| Metric | Value | 95% CI |",
        "|---|---|---|",
    ]
    for name, found in evaluation.figures.items():
        figure = find_image_figure(name)
        interval = figure.interval_words(found) or figure.words(found)
        lines.append(f"| {_label(figure)} | {figure.words(found)} | {interval} |")
    lines += [
        "",
        "Confusion matrix over all repeats:",
        "",
        *_confusion(evaluation.confusion),
        "",
        _calibration(evaluation.calibration),
        "",
    ]
    lines += [
        f"Published for comparison: {entry.label}, {entry.figure} ({entry.source})."
        for entry in evaluation.published
    ]
    lines.append(
        f"One image takes {environment['seconds_per_image']:g} s with its saliency map, on"
        f" {environment['cpu']}, {environment['cores']} cores, {environment['engine']}."
    )
    return "\n".join(lines) + "\n"


def _label(figure: Figure) -> str:
    return figure.label if figure.higher_is_better else f"{figure.label} (lower is better)"


def _confusion(confusion: ConfusionMatrix) -> list[str]:
    labels = confusion.labels
    rows = [
        f"| {label} | " + " | ".join(str(count) for count in counts) + " |"
        for label, counts in zip(labels, confusion.counts, strict=True)
    ]
    head = "| Label \\ prediction | " + " | ".join(labels) + " |"
    return [head, "|---" * (len(labels) + 1) + "|", *rows]


def _calibration(calibration: ImageCalibration) -> str:
    before, after = calibration.before, calibration.after
    return (
        f"Calibration (temperature {calibration.temperature:.2f}, chosen on other folds): expected"
        f" calibration error of the predicted class {before.ece:.3f} before, {after.ece:.3f} after;"
        f" cross-entropy {before.cross_entropy:.3f} before, {after.cross_entropy:.3f} after."
    )
