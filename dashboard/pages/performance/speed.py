"""The view of speed: throughput of the network on each runtime, and of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

import pipeline
from dashboard.components.charts import chart
from dashboard.components.panels import NONE, not_run, panel, table
from dashboard.pages.performance import ids

if TYPE_CHECKING:
    from pipeline import (
        BenchmarkResults,
        MeasuredRoute,
        MissingRoute,
        Ratio,
        TimedTask,
        TimedTraining,
    )

BENCHMARK_COMMAND = "python -m pipeline benchmark"
#: Name of the chart of the training.
_TRAINING = "training"
_RUNTIMES = {"tensorflow": "TensorFlow", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}
#: What decides the engine's speed on the machine, by its name in the benchmark.
_FOUND = {"instructions": "instruction sets", "requests": "OpenVINO's requests at once"}
_HEAD = (
    "Method",
    "Median",
    "95th percentile",
    "Speed-up over published method",
    "Speed-up over traced TensorFlow",
    "Speed-up over OpenVINO traced, everything computed",
    "Total / runtime alone",
    "Time to first result",
    "Peak memory",
)


def layout(benchmark: BenchmarkResults | None, error: str, *, digest: str) -> html.Div:
    """Bars and a table per task.

    Args:
        benchmark: The benchmark, None where none can be shown.
        error: The reason, in one sentence; "" where the file is missing.
        digest: Digest of the installed weights.
    """
    if benchmark is None:
        notices: list[Component] = []
        if error:
            notices.append(html.P(error, className="notice notice--error", role="alert"))
        return html.Div([*notices, not_run("Speed", None, command=BENCHMARK_COMMAND)])
    children: list[Component] = []
    if digest and benchmark.network.digest != digest:
        children.append(
            html.P(
                "These timings are those of different weights from the ones installed.",
                className="notice notice--warning",
            )
        )
    bars = timed_bars(benchmark)
    children += [_task(task, one) for task, one in zip(benchmark.tasks, bars, strict=False)]
    if isinstance(benchmark.training, pipeline.TimedTraining):
        children.append(_training(benchmark.training, bars[-1]))
    return html.Div([*children, _provenance(benchmark)], className="stack")


@dataclass(frozen=True)
class TimedBars:
    """A chart of speeds.

    Attributes:
        name: In ids.
        title, measure: For readers; the measure with its unit.
        values: Label and speed of each method.
    """

    name: str
    title: str
    measure: str
    values: tuple[tuple[str, float], ...]


def timed_bars(benchmark: BenchmarkResults) -> list[TimedBars]:
    """The charts of a benchmark: one per task, and one of the training."""
    found = [
        TimedBars(
            task.name,
            task.label,
            "Slices per second",
            tuple(
                (route.label, route.slices_per_s)
                for route in task.routes
                if isinstance(route, pipeline.MeasuredRoute)
            ),
        )
        for task in benchmark.tasks
    ]
    if isinstance(benchmark.training, pipeline.TimedTraining):
        loops = tuple((loop.label, loop.images_per_s) for loop in benchmark.training.loops)
        found.append(TimedBars(_TRAINING, "Training", "Images per second", loops))
    return found


def _bar_chart(bars: TimedBars) -> html.Figure:
    return chart(
        ids.bars_id(bars.name),
        f"{bars.title}: {bars.measure.lower()}",
        reading="Longer is faster. The number at the end of each bar is its speed.",
        height=80 + 34 * max(1, len(bars.values)),
    )


def _task(task: TimedTask, bars: TimedBars) -> html.Section:
    rows = [_row(route) for route in task.routes]
    return panel(
        "",
        _bar_chart(bars),
        html.Details(
            [
                html.Summary("Timings, speed-ups and memory"),
                table(_HEAD, rows, numbers=range(1, 9)),
            ],
            className="patients-table",
        ),
        extra="stack stack--tight",
    )


def _row(route: MeasuredRoute | MissingRoute) -> html.Tr:
    if isinstance(route, pipeline.MissingRoute):
        empty = [html.Td(NONE, className="number-cell") for _ in _HEAD[2:]]
        return html.Tr([html.Td(route.label), html.Td(route.status), *empty])
    cells = [
        f"{route.p50_ms:,.0f} ms",
        f"{route.p95_ms:,.0f} ms",
        _ratio_words(route.times_faster_than.get("published")),
        _ratio_words(route.times_faster_than.get("tensorflow")),
        _ratio_words(route.times_faster_than.get("openvino-traced")),
        _ratio_words(route.over_engine),
        NONE if route.first_answer_s is None else f"{route.first_answer_s:.2f} s",
        f"{route.memory_mb:,.0f} MB",
    ]
    return html.Tr(
        [html.Td(route.label), *[html.Td(words, className="number-cell nowrap") for words in cells]]
    )


def _ratio_words(ratio: Ratio | None) -> str:
    if ratio is None:
        return NONE
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _training(training: TimedTraining, bars: TimedBars) -> html.Section:
    return panel(
        "",
        _bar_chart(bars),
        html.P(f"Speed-up: {_ratio_words(training.times_faster)}"),
        extra="stack stack--tight",
    )


def _provenance(benchmark: BenchmarkResults) -> html.Div:
    known = benchmark.environment
    facts = [known[name] for name in ("cpu", "date", "material", "answers") if known.get(name)]
    cores = [f"{known['cores']} cores"] if known.get("cores") else []
    chosen = [f"{words}: {known[name]}" for name, words in _FOUND.items() if known.get(name)]
    versions = [f"{title} {known[name]}" for name, title in _RUNTIMES.items() if known.get(name)]
    command = known.get("command") or BENCHMARK_COMMAND
    return html.Div(
        [
            html.P(
                "All methods ran in turn, round after round, each in its own process. Ratios are "
                "medians over the rounds, with 95% CI in parentheses.",
                className="muted",
            ),
            html.P(
                " · ".join([*facts[:1], *cores, *chosen, *facts[1:], *versions]), className="muted"
            ),
            html.P(["To reproduce: ", html.Code(command)]),
        ],
        className="experiment",
    )
