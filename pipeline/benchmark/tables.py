"""The benchmark as text."""

from __future__ import annotations

from pipeline.benchmark.results import (
    BenchmarkResults,
    MeasuredRoute,
    TimedTask,
    TimedTraining,
)
from pipeline.benchmark.routes import BASELINE, PUBLISHED, TENSORFLOW
from pipeline.benchmark.statistics import Ratio

_HEAD = (
    "Method",
    "Median (ms)",
    "95th percentile (ms)",
    "Slices/s",
    "Speed-up over published method",
    "Speed-up over traced TensorFlow",
    "Speed-up over OpenVINO traced, everything computed",
    "Total / runtime alone",
    "Time to first result (s)",
    "Peak memory (MB)",
)


#: What the engine found and left out, by its name in the environment.
_FOUND = {
    "instructions": "instruction sets",
    "precision": "precision in use",
    "requests": "OpenVINO's requests at once",
    "savings": "engines save by",
}


def format_benchmark(results: BenchmarkResults) -> str:
    """Tables for a terminal or a Markdown page."""
    parts = []
    for task in results.tasks:
        parts += ["", f"{task.label}:", "", *_route_lines(task)]
    if isinstance(results.training, TimedTraining):
        parts += ["", "Training, images per second:", "", *_training_lines(results.training)]
    environment = results.environment
    versions = ", ".join(
        f"{name} {environment[name]}"
        for name in ("tensorflow", "openvino", "onnxruntime")
        if name in environment
    )
    found = "".join(
        f", {words}: {environment[name]}" for name, words in _FOUND.items() if name in environment
    )
    parts += [
        "",
        f"{environment['cpu']}, {environment['cores']} cores{found},"
        f" threads: {environment['threads']}; "
        f"{versions}; {environment['date']}. To reproduce: `{environment['command']}`.",
    ]
    return "\n".join(parts[1:])


def _route_lines(task: TimedTask) -> list[str]:
    lines = [_line(_HEAD), "|---" * len(_HEAD) + "|"]
    for route in task.routes:
        if not isinstance(route, MeasuredRoute):
            lines.append(_line((route.label, route.status, *["-"] * (len(_HEAD) - 2))))
            continue
        over = route.times_faster_than
        cells = (
            route.label,
            f"{route.p50_ms:.0f}",
            f"{route.p95_ms:.0f}",
            f"{route.slices_per_s:.1f}",
            _ratio(over.get(PUBLISHED)),
            _ratio(over.get(TENSORFLOW)),
            _ratio(over.get(BASELINE)),
            _ratio(route.over_engine),
            "-" if route.first_answer_s is None else f"{route.first_answer_s:.2f}",
            f"{route.memory_mb:.0f}",
        )
        lines.append(_line(cells))
    return lines


def _training_lines(training: TimedTraining) -> list[str]:
    lines = ["| Loop | Images/s |", "|---|---|"]
    lines += [f"| {loop.label} | {loop.images_per_s:.1f} |" for loop in training.loops]
    return [*lines, "", f"Speed-up: {_ratio(training.times_faster)}"]


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
