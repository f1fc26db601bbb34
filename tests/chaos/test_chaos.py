"""Some seconds of chaos with a fixed seed; `make soak` has 20 minutes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .run import READINGS, run_chaos

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.mark.parametrize("mode", ["table", "redis"])
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(mode: str, tmp_path: Path) -> None:
    outcome = run_chaos(tmp_path, mode=mode, seconds=8, seed=1)
    assert outcome.problems == ()
    assert outcome.studies >= 1 and outcome.acknowledged > outcome.readers
    assert outcome.readings.keys() >= READINGS
    kinds = {"web killed", "worker killed", "disk full", "disk slow"}
    if mode == "redis":
        kinds |= {"Redis killed", "PostgreSQL killed"}
    assert set(outcome.faults) == kinds
