"""A kill while a study is signed; `make soak` kills 200 times, at every step (`measure_all`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .kill_reading import kill_reading


@pytest.mark.slow
def test_nothing_recorded_is_lost_or_doubled_when_processes_are_killed(
    tmp_path: Path,
) -> None:
    outcome = kill_reading(tmp_path, kills=1, steps=frozenset({"sign"}))
    assert outcome.problems == []
    assert outcome.studies and outcome.kills.total() >= 1
