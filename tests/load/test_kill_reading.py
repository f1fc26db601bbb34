"""A kill while a study is signed; `make soak` kills 200 times, at every step."""

from __future__ import annotations

from pathlib import Path

import pytest

from .kill_reading import STEPS, kill_reading


@pytest.mark.slow
@pytest.mark.soak
def test_nothing_recorded_is_lost_or_doubled_when_processes_are_killed(
    tmp_path: Path, soak: bool
) -> None:
    kills, steps = (200, STEPS) if soak else (1, frozenset({"sign"}))
    outcome = kill_reading(tmp_path, kills=kills, steps=steps)
    assert outcome.problems == []
    assert outcome.studies and outcome.kills.total() >= kills
