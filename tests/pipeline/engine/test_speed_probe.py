"""Requests at once: the fastest is chosen, stored for the machine, and measured again elsewhere."""

import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.engine.base import Arrays
from pipeline.engine.speed_probe import PROBE_FILE, choose_streams, fastest, machine_digest


class TimedStage:
    """A stage that takes as long as it is made to."""

    engine, precision = "openvino", "f32"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.shapes: set[tuple[int, ...]] = set()

    def predict(self, inputs: object) -> Arrays:
        (batch,) = inputs  # type: ignore[misc]
        self.shapes.add(batch.shape)
        time.sleep(self._seconds)
        return [np.zeros((len(batch), 1), np.float32)]


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({1: 1.0, 2: 0.9, 4: 1.2}, 2),
        ({1: 1.0, 2: 0.99, 4: 0.98}, 1),
        ({1: 1.0, 2: 0.6, 4: 0.5}, 4),
        ({1: 1.0}, 1),
    ],
)
def test_more_requests_are_chosen_where_they_are_clearly_faster(
    seconds: dict[int, float], chosen: int
) -> None:
    assert fastest(seconds) == chosen


def test_the_choice_is_stored_for_the_machine(tmp_path: Path) -> None:
    opened: list[int] = []

    def open_stage(streams: int) -> TimedStage:
        opened.append(streams)
        return TimedStage({1: 0.02, 2: 0.001}[streams])

    def choose(machine: str) -> int:
        return choose_streams(
            tmp_path, open_stage, threads=2, shape=(64, 64, 5), machine=machine_digest(machine)
        )

    assert [choose("first"), choose("first")] == [2, 2]
    assert opened == [1, 2], "measured once"
    assert choose("other") == 2
    assert opened == [1, 2] * 2
    (tmp_path / PROBE_FILE).write_text('{"streams": 900}')
    assert choose("other") == 2
    assert opened == [1, 2] * 3


def test_a_single_thread_needs_no_measurement(tmp_path: Path) -> None:
    def refuse(streams: int) -> TimedStage:
        raise AssertionError(streams)

    digest = machine_digest()
    assert choose_streams(tmp_path, refuse, threads=1, shape=(64, 64, 5), machine=digest) == 1
    assert not list(tmp_path.iterdir())
