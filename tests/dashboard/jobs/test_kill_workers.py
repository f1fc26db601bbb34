"""A few kills, a short lease; `python -m tests.load.kill_workers` does fifty with the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_processes import PostgresServer, RedisServer

from tests.load.kill_workers import kill_workers


@pytest.mark.parametrize("mode", ["table", "redis"])
def test_killed_workers_lose_nothing_and_finish_nothing_twice(
    mode: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    variables = {}
    if mode == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        postgres: PostgresServer = request.getfixturevalue("postgres")
        redis.client().flushall()
        variables = {"REDIS_URL": redis.url, "OVERREAD_DATABASE_URL": postgres.new_database()}
    outcome = kill_workers(tmp_path, kills=2, lease_s=2.0, variables=variables)
    assert outcome.kills == 2
    assert (outcome.done, outcome.results) == (outcome.jobs, outcome.jobs)
    assert outcome.finished_twice == 0
    assert len(outcome.takeovers_s) == 2 and max(outcome.takeovers_s) < 20
