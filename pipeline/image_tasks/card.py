"""The figures of an image task's evaluation.json as Markdown, for its model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LABELS = {
    "accuracy": "Accuracy",
    "binary_crossentropy": "Binary cross-entropy (0 is best)",
    "log_loss": "Cross-entropy (0 is best)",
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
}


def render_results(evaluation: Mapping[str, Any]) -> str:
    """The results section of the card (`pipeline.evaluation.report.write_section`)."""
    counts, environment = evaluation["counts"], evaluation["environment"]
    lines = [
        f"Measured on {evaluation['split']}: {counts['images']} images in {counts['groups']} groups"
        f" ({evaluation['measures']}). Intervals: {environment['intervals']}.",
        "",
        *(f"**{caution}**" for caution in evaluation["cautions"][:1]),
        "",
        "| | Value | 95% interval |",
        "|---|---|---|",
    ]
    for name, figure in evaluation["figures"].items():
        interval = f"{_number(figure['low'])} to {_number(figure['high'])}"
        lines.append(f"| {_label(name)} | {_number(figure['value'])} | {interval} |")
    lines += [
        "",
        "Counts of all repeats together:",
        "",
        *_confusion(evaluation["confusion"]),
        "",
        _calibration(evaluation),
        "",
    ]
    lines += [
        f"Published beside it: {entry['label']}, {entry['figure']} ({entry['source']})."
        for entry in evaluation["published"]
    ]
    lines.append(
        f"One answer takes {environment['seconds_per_image']:g} s with heat map, on"
        f" {environment['cpu']}, {environment['cores']} cores, {environment['engine']}."
    )
    return "\n".join(lines) + "\n"


def _label(name: str) -> str:
    if name in _LABELS:
        return _LABELS[name]
    kind, _, of = name.partition("_")
    return f"{kind.capitalize()}, {of}"


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _confusion(confusion: Mapping[str, Any]) -> list[str]:
    labels = confusion["labels"]
    rows = [
        f"| {label} | " + " | ".join(str(count) for count in counts) + " |"
        for label, counts in zip(labels, confusion["counts"], strict=True)
    ]
    head = "| Label \\ answer | " + " | ".join(labels) + " |"
    return [head, "|---" * (len(labels) + 1) + "|", *rows]


def _calibration(evaluation: Mapping[str, Any]) -> str:
    calibration = evaluation["calibration"]
    before, after = calibration["before"], calibration["after"]
    return (
        f"Calibration (temperature {calibration['temperature']:.2f}, chosen on other folds): error"
        f" of the answered class {before['ece']:.3f} before, {after['ece']:.3f} after;"
        f" cross-entropy {before['cross_entropy']:.3f} before, {after['cross_entropy']:.3f} after."
    )
