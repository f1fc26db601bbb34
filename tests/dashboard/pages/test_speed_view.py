"""The view of speed: the benchmark, and what is shown where its file is missing."""

from dataclasses import replace

from dash import html, no_update
from page_calls import find, of_type, rows_of, with_class, words_of

from dashboard.components.panels import NONE
from dashboard.figures.chart_data import data_of
from dashboard.pages.performance import charts, ids, speed
from pipeline import (
    BenchmarkResults,
    MeasuredRoute,
    MissingRoute,
    Ratio,
    TimedTask,
    TimedTraining,
)
from pipeline.benchmark.results import TimedLoop, TimedNetwork, TrainingNotRun

MEASURED = MeasuredRoute(
    route="openvino-f32",
    label="OpenVINO",
    precision="f32",
    rounds=5,
    p50_ms=50.0,
    p95_ms=60.0,
    engine_p50_ms=40.0,
    slices_per_s=20.0,
    first_answer_s=0.9,
    memory_mb=400.0,
    times_faster_than={
        "published": Ratio(6.0, 5.5, 6.5),
        "openvino-traced": Ratio(2.0, 1.9, 2.1),
    },
    over_engine=Ratio(1.2, 1.1, 1.3),
)
MISSING = MissingRoute(route="onnxruntime", label="ONNX Runtime")
BENCHMARK = BenchmarkResults(
    network=TimedNetwork("resunet-resnet18", "2.0.0", "a" * 64),
    environment={
        "cpu": "a CPU",
        "cores": "2",
        "date": "2026-11-21",
        "openvino": "1.0",
        "instructions": "avx2",
    },
    tasks=(TimedTask("slice", "One slice", 1, (MEASURED, MISSING)),),
    training=TimedTraining(
        rounds=5,
        loops=(TimedLoop("plain", "plain", 10.0), TimedLoop("own", "own", 25.0)),
        times_faster=Ratio(2.5, 2.4, 2.6),
    ),
)


def shown(benchmark: BenchmarkResults = BENCHMARK, *, digest: str = "a" * 64) -> html.Div:
    return speed.layout(benchmark, "", digest=digest)


def test_every_route_has_its_times_and_ratios() -> None:
    _, measured, missing = rows_of(shown())
    ratios = ["6.00 (5.50 to 6.50)", NONE, "2.00 (1.90 to 2.10)", "1.20 (1.10 to 1.30)"]
    assert measured == ["OpenVINO", "50 ms", "60 ms", *ratios, "0.90 s", "400 MB"]
    assert missing == ["ONNX Runtime", MISSING.status, *[NONE] * 7]


def test_a_command_has_no_times_inside_the_engine() -> None:
    command = replace(MEASURED, engine_p50_ms=None, first_answer_s=None, over_engine=None)
    task = TimedTask("folder", "A folder", 144, (command,))
    _, row = rows_of(shown(replace(BENCHMARK, tasks=(task,))))
    assert row[-3:] == [NONE, NONE, "400 MB"]


def test_bars_show_the_throughput_of_inference_and_training() -> None:
    inference, training = speed.timed_bars(BENCHMARK)
    assert inference.values == (("OpenVINO", 20.0),)
    assert training.values == (("plain", 10.0), ("own", 25.0))
    for bars in (inference, training):
        assert find(shown(), ids.bars_id(bars.name)) is not None
    without = replace(BENCHMARK, training=TrainingNotRun())
    assert speed.timed_bars(without) == [inference]


def test_bars_are_drawn_from_the_file(served, monkeypatch) -> None:
    charts_of = [ids.bars_id("slice"), ids.bars_id("other")]
    assert charts.draw_bars("dark", charts_of) == [no_update, no_update]
    monkeypatch.setattr(charts, "read_benchmark", lambda: (BENCHMARK, ""))
    figure, nothing = charts.draw_bars("dark", charts_of)
    assert data_of(figure).to_numpy().tolist() == [["OpenVINO", 20.0]]
    assert nothing is no_update


def test_times_of_other_weights_come_with_a_warning() -> None:
    assert not with_class(shown(), "notice--warning")
    assert len(with_class(shown(digest="b" * 64), "notice--warning")) == 1


def test_without_a_file_the_command_is_named() -> None:
    commands = of_type(speed.layout(None, "", digest=""), html.Code)
    assert [words_of(command) for command in commands] == [speed.BENCHMARK_COMMAND]
    (error,) = with_class(speed.layout(None, "It is damaged.", digest=""), "notice--error")
    assert words_of(error) == "It is damaged."
