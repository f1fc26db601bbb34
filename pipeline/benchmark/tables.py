"""The benchmark's document as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def format_benchmark(document: Mapping[str, Any]) -> str:
    """Tables for a terminal or a Markdown page."""
    parts = []
    for task in document["tasks"]:
        parts += ["", f"{task['label']}:", "", *_route_lines(task)]
    training = document["training"]
    if training["status"] == "measured":
        parts += ["", "Training, images per second:", "", *_training_lines(training)]
    environment = document["environment"]
    versions = ", ".join(
        f"{name} {environment[name]}"
        for name in ("tensorflow", "openvino", "onnxruntime")
        if name in environment
    )
    parts += [
        "",
        f"{environment['cpu']}, {environment['cores']} cores, threads: {environment['threads']}; "
        f"{versions}; {environment['date']}. Printed again by `{environment['command']}`.",
    ]
    return "\n".join(parts[1:])


def _route_lines(task: Mapping[str, Any]) -> list[str]:
    head = (
        "| Way | p50 ms | p95 ms | slices/s | times the published way | times TensorFlow | "
        "over the engine alone | first answer s | memory MB |"
    )
    lines = [head, "|---|" + "---|" * (head.count("|") - 2)]
    for row in task["routes"]:
        if row["status"] != "measured":
            lines.append(f"| {row['label']} | {row['status']} |" + " - |" * (head.count("|") - 3))
            continue
        over = row["times_faster_than"]
        cells = [
            row["label"],
            f"{row['p50_ms']:.0f}",
            f"{row['p95_ms']:.0f}",
            f"{row['slices_per_s']:.1f}",
            _ratio(over.get("published")),
            _ratio(over.get("tensorflow")),
            _ratio(row["over_engine"]),
            f"{row['first_answer_s']:.2f}",
            f"{row['memory_mb']:.0f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _training_lines(training: Mapping[str, Any]) -> list[str]:
    lines = ["| Loop | images/s |", "|---|---|"]
    lines += [f"| {row['label']} | {row['images_per_s']:.1f} |" for row in training["loops"]]
    return [*lines, "", f"Times faster: {_ratio(training['times_faster'])}"]


def _ratio(ratio: Mapping[str, float] | None) -> str:
    if ratio is None:
        return "-"
    return f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
