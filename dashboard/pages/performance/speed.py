"""The view of speed: how fast the network answers on each runtime, and who it was compared with."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.figure_words import NONE
from dashboard.components.panels import not_run, panel, table
from pipeline import BenchmarkResults, MeasuredRoute, MissingRoute, Ratio, TimedTask, TimedTraining

BENCHMARK_COMMAND = "python -m pipeline benchmark"
_HEAD = (
    "Way",
    "p50",
    "p95",
    "Times the published way",
    "Times traced TensorFlow",
    "Over the runtime alone",
    "First answer",
    "Memory",
)


def layout(benchmark: BenchmarkResults | None, error: str, *, digest: str) -> html.Div:
    """Bars and a table per task.

    Args:
        benchmark: The file, None where none can be shown.
        error: Why not, in one sentence; "" where there is no file.
        digest: Of the shipped weights.
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
                "These times are of other weights than the installed ones.",
                className="notice notice--warning",
            )
        )
    children += [_task(task) for task in benchmark.tasks]
    if isinstance(benchmark.training, TimedTraining):
        children.append(_training(benchmark.training))
    return html.Div([*children, _provenance(benchmark)], className="stack")


def _task(task: TimedTask) -> html.Section:
    measured = [route for route in task.routes if isinstance(route, MeasuredRoute)]
    fastest = max((route.slices_per_s for route in measured), default=1.0)
    rows = [_row(route) for route in task.routes]
    return panel(
        task.label,
        bars("Slices per second", [(r.label, r.slices_per_s) for r in measured], longest=fastest),
        html.Details(
            [html.Summary("Times, ratios and memory"), table(_HEAD, rows, numbers=range(1, 8))],
            className="patients-table",
        ),
        extra="stack stack--tight",
    )


def bars(label: str, values: list[tuple[str, float]], *, longest: float) -> html.Div:
    """Horizontal bars with their numbers beside them.

    Args:
        label: What the numbers are.
        values: Words and number of each bar.
        longest: The number that fills the width.
    """
    lines = [
        html.Div(
            [
                html.Div(words, className="bar-words"),
                html.Div(
                    html.Div(className="bar", style={"width": f"{100 * value / longest:.1f}%"}),
                    className="bar-track",
                    **aria(hidden="true"),
                ),
                html.Div(f"{value:,.1f}", className="bar-number strong"),
            ],
            className="bar-line",
        )
        for words, value in values
    ]
    return html.Div(
        [html.P(label, className="muted secondary"), *lines], className="bars", role="group"
    )


def _row(route: MeasuredRoute | MissingRoute) -> html.Tr:
    if isinstance(route, MissingRoute):
        empty = [html.Td(NONE, className="number-cell") for _ in _HEAD[2:]]
        return html.Tr([html.Td(route.label), html.Td(route.status), *empty])
    cells = [
        f"{route.p50_ms:,.0f} ms",
        f"{route.p95_ms:,.0f} ms",
        _ratio_words(route.times_faster_than.get("published")),
        _ratio_words(route.times_faster_than.get("tensorflow")),
        _ratio_words(route.over_engine),
        f"{route.first_answer_s:.2f} s",
        f"{route.memory_mb:,.0f} MB",
    ]
    return html.Tr(
        [html.Td(route.label), *[html.Td(words, className="number-cell nowrap") for words in cells]]
    )


def _ratio_words(ratio: Ratio | None) -> str:
    if ratio is None:
        return NONE
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _training(training: TimedTraining) -> html.Section:
    loops = [(loop.label, loop.images_per_s) for loop in training.loops]
    longest = max((rate for _, rate in loops), default=1.0)
    return panel(
        "Training",
        bars("Images per second", loops, longest=longest),
        html.P(f"Times faster: {_ratio_words(training.times_faster)}"),
        extra="stack stack--tight",
    )


def _provenance(benchmark: BenchmarkResults) -> html.Div:
    known = benchmark.environment
    facts = [known[name] for name in ("cpu", "date", "material", "answers") if known.get(name)]
    cores = [f"{known['cores']} cores"] if known.get("cores") else []
    versions = [
        f"{name} {known[name]}"
        for name in ("tensorflow", "openvino", "onnxruntime")
        if known.get(name)
    ]
    command = known.get("command") or BENCHMARK_COMMAND
    return html.Div(
        [
            html.P(
                "All ways answered in turn, round after round, each in a process of its own; ratios"
                " are taken round by round, with the 95% interval of their median.",
                className="muted",
            ),
            html.P(" · ".join([*facts[:1], *cores, *facts[1:], *versions]), className="muted"),
            html.P(["Run it again: ", html.Code(command)]),
        ],
        className="experiment",
    )
