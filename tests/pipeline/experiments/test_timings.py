from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_classifiers import COMPLETE, SIDE, write_weights

from pipeline.classifiers.bases import registry
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.weights import NotRun, WeightsSource
from pipeline.experiments import feature_speed, runtimes
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.options import Option
from pipeline.experiments.plans import RunContext


def quiet(done: int, total: int, message: str) -> None:
    assert 0 <= done <= total


def make_row(strategy: Strategy | None, epochs: int = 0, **options: Option) -> PlannedRow:
    return PlannedRow(
        architecture="tiny",
        strategy=strategy,
        split="none",
        epochs=epochs,
        options={"side": SIDE} | options,
        shared=frozenset(),
        minutes=1,
        left_out="",
        digest="0" * 64,
    )


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunContext:
    monkeypatch.setitem(registry.ARCHITECTURES, "tiny", COMPLETE)
    write_weights(tmp_path)
    return RunContext(None, WeightsSource(tmp_path))


def test_runtimes_take_turns_and_agree(context: RunContext) -> None:
    experiment = runtimes.open_experiment("runtimes", context)
    measurement = experiment.measure(make_row(None, rounds=4), quiet)
    figures = {name: estimate.value for name, estimate in measurement.figures.items()}
    assert set(figures) == {
        *("onnxruntime_p50_ms", "onnxruntime_p95_ms", "tensorflow_p50_ms", "tensorflow_p95_ms"),
        *("keras_predict_p50_ms", "keras_predict_p95_ms", "feature_difference"),
        *("times_faster_than_tensorflow", "times_faster_than_keras_predict"),
    }
    assert all(value is not None and value >= 0 for value in figures.values())
    assert (figures["feature_difference"] or 0) < 1e-4
    assert measurement.initial_weights == "ImageNet, all layers"


def test_latencies_by_hand() -> None:
    figures = runtimes.latency_figures(
        {
            "onnxruntime": np.array([10.0, 10, 10]),
            "tensorflow": np.array([20.0, 20, 20]),
            "keras_predict": np.array([50.0, 70, 90]),
        }
    )
    assert figures["tensorflow_p95_ms"].value == 20
    faster = figures["times_faster_than_tensorflow"]
    assert (faster.value, faster.low, faster.high) == (2, 2, 2)
    slow = figures["times_faster_than_keras_predict"]
    assert (slow.value, slow.low, slow.high) == (7, 5, 9)


def test_a_difference_between_runtimes_is_seen() -> None:
    answers = {
        "onnxruntime": lambda image: np.array([[8.0, 1.5]], np.float32),
        "tensorflow": lambda image: np.array([[10.0, 1.0]], np.float32),
    }
    assert runtimes.disagreement(answers, 8).value == pytest.approx(0.2)


def test_both_ways_of_an_epoch_are_timed(context: RunContext) -> None:
    experiment = feature_speed.open_experiment("feature-cache", context)
    row = make_row(Strategy.HEAD, epochs=2, images=16)
    measurement = experiment.measure(row, quiet)
    figures = {name: estimate.value or 0 for name, estimate in measurement.figures.items()}
    assert set(figures) == {"epoch_with_base_s", "epoch_from_features_s", "times_faster"}
    assert min(figures.values()) > 0


def test_the_gain_by_hand() -> None:
    figures = feature_speed.speed_figures(np.array([10.0, 12, 30]), np.array([1.0, 1, 1.5]))
    assert (figures["epoch_with_base_s"].value, figures["epoch_from_features_s"].value) == (12, 1)
    gain = figures["times_faster"]
    assert (gain.value, gain.low, gain.high) == (12, 10, 20)


def test_without_weights_the_gain_is_not_run(context: RunContext) -> None:
    experiment = feature_speed.open_experiment("feature-cache", RunContext(None, WeightsSource()))
    with pytest.raises(NotRun, match="frozen random base"):
        experiment.measure(make_row(Strategy.HEAD, epochs=1, images=8), quiet)
