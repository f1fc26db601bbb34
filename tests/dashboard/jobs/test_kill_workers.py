"""A few kills with a short lease; `make soak` kills fifty, with the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_processes import PostgresServer, RedisServer

from tests.load.kill_workers import kill_workers


@pytest.mark.services
@pytest.mark.soak
@pytest.mark.parametrize("mode", ["table", "redis"])
def test_killed_workers_lose_nothing_and_finish_nothing_twice(
    mode: str, tmp_path: Path, request: pytest.FixtureRequest, soak: bool
) -> None:
    variables = {}
    if mode == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        postgres: PostgresServer = request.getfixturevalue("postgres")
        redis.client().flushall()
        variables = {"REDIS_URL": redis.url, "OVERREAD_DATABASE_URL": postgres.new_database()}
    kills, lease_s = (50, 15.0) if soak else (2, 2.0)
    outcome = kill_workers(tmp_path, kills=kills, lease_s=lease_s, variables=variables)
    assert outcome.kills == kills
    assert (outcome.done, outcome.results) == (outcome.jobs, outcome.jobs)
    assert outcome.finished_twice == 0
    assert len(outcome.takeovers_s) == kills and max(outcome.takeovers_s) < lease_s + 18
