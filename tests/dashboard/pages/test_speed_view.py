"""The view of speed: what the benchmark's file says, and what is shown where it is missing."""

from dataclasses import replace

from dashboard.pages.performance import speed
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
    times_faster_than={"published": Ratio(6.0, 5.5, 6.5)},
    over_engine=Ratio(1.2, 1.1, 1.3),
)
MISSING = MissingRoute(route="onnxruntime", label="ONNX Runtime")
BENCHMARK = BenchmarkResults(
    network=TimedNetwork("resunet-resnet18", "2.0.0", "a" * 64),
    environment={"cpu": "a CPU", "cores": "2", "date": "2026-11-21", "openvino": "1.0"},
    tasks=(TimedTask("slice", "One slice", 1, (MEASURED, MISSING)),),
    training=TimedTraining(
        rounds=5,
        loops=(TimedLoop("plain", "plain", 10.0), TimedLoop("own", "own", 25.0)),
        times_faster=Ratio(2.5, 2.4, 2.6),
    ),
)


def shown(benchmark: BenchmarkResults | None = BENCHMARK, error: str = "", *, digest: str) -> str:
    return str(speed.layout(benchmark, error, digest=digest).to_plotly_json())


def test_every_route_has_its_times_and_ratios() -> None:
    text = shown(digest="a" * 64)
    for words in ("50 ms", "60 ms", "6.00 (5.50 to 6.50)", "1.20 (1.10 to 1.30)", "0.90 s", "25.0"):
        assert words in text
    assert MISSING.status in text
    assert "notice--warning" not in text


def test_times_of_other_weights_say_so() -> None:
    assert "notice--warning" in shown(digest="b" * 64)


def test_without_a_file_the_command_is_named() -> None:
    assert speed.BENCHMARK_COMMAND in shown(None, digest="")
    assert "It is damaged." in shown(None, "It is damaged.", digest="")


def test_training_that_was_left_out_is_left_out() -> None:
    quick = replace(BENCHMARK, training=TrainingNotRun())
    assert "25.0" not in shown(quick, digest="a" * 64)
