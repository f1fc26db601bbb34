"""The view of speed: what the benchmark's file says, and what is told where it cannot be shown."""

import copy
from typing import Any

import pytest

from dashboard.evaluation.benchmark import parse_benchmark
from dashboard.pages.performance import speed
from pipeline import InputError

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "network": {"name": "resunet-resnet18", "version": "2.0.0", "digest": "a" * 64},
    "environment": {"cpu": "a CPU", "cores": "2", "date": "2026-11-21", "openvino": "1.0"},
    "tasks": [
        {
            "label": "One slice",
            "routes": [
                {
                    "label": "OpenVINO",
                    "status": "measured",
                    "p50_ms": 50.0,
                    "p95_ms": 60.0,
                    "slices_per_s": 20.0,
                    "first_answer_s": 0.9,
                    "memory_mb": 400.0,
                    "times_faster_than": {"published": {"value": 6.0, "low": 5.5, "high": 6.5}},
                    "over_engine": {"value": 1.2, "low": 1.1, "high": 1.3},
                },
                {"label": "ONNX Runtime", "status": "not installed"},
            ],
        }
    ],
    "training": {
        "status": "measured",
        "loops": [{"label": "plain", "images_per_s": 10.0}, {"label": "own", "images_per_s": 25.0}],
        "times_faster": {"value": 2.5, "low": 2.4, "high": 2.6},
    },
}


def shown(**changes: Any) -> str:
    benchmark = parse_benchmark(DOCUMENT | changes)
    return str(speed.layout(benchmark, "", digest="a" * 64).to_plotly_json())


def test_every_way_has_its_times_and_ratios() -> None:
    text = shown()
    for words in ("50 ms", "60 ms", "6.00 (5.50 to 6.50)", "1.20 (1.10 to 1.30)", "0.90 s", "25.0"):
        assert words in text
    assert "not installed" in text
    assert "other weights" not in text


def test_times_of_other_weights_say_so() -> None:
    benchmark = parse_benchmark(DOCUMENT)
    assert "other weights" in str(speed.layout(benchmark, "", digest="b" * 64).to_plotly_json())


def test_without_a_file_the_command_is_named() -> None:
    text = str(speed.layout(None, "", digest="").to_plotly_json())
    assert "python -m pipeline benchmark" in text
    assert "cannot" in str(speed.layout(None, "It cannot be read.", digest="").to_plotly_json())


def test_training_that_was_left_out_is_left_out() -> None:
    assert "Training" not in shown(training={"status": "not run"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("tasks", 0, "routes", 0, "p50_ms"), "fast"),
        (("tasks", 0, "routes", 0, "slices_per_s"), -1),
        (("tasks", 0, "routes", 0, "memory_mb"), float("nan")),
        (("tasks", 0, "routes", 0, "times_faster_than"), None),
        (("training", "times_faster"), {}),
    ],
)
def test_a_file_that_does_not_fit_is_one_sentence(path: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    part: Any = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(InputError, match="run the benchmark again"):
        parse_benchmark(document)
