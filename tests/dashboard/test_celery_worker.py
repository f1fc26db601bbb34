"""Workers over a real Redis: woken up, killed, cancelled, and when Redis itself goes away."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_server import add_case, make_case, make_environment, make_services, wait_for
from service_processes import RedisServer
from worker_processes import WorkerProcesses

from dashboard.broker import ANALYSES
from dashboard.jobs import table
from dashboard.services import Services
from dashboard.store import JobState, StudyRow

LEASE_S = 2.0


@pytest.fixture
def shared(tmp_path: Path, redis_server: RedisServer) -> Services:
    redis_server.client().flushall()
    return make_services(tmp_path / "home", REDIS_URL=redis_server.url)


@pytest.fixture
def workers(shared: Services, redis_server: RedisServer) -> Iterator[WorkerProcesses]:
    variables = make_environment(shared.settings.home, REDIS_URL=redis_server.url)
    processes = WorkerProcesses(variables, lease_s=LEASE_S)
    yield processes
    processes.end()


def rows(parts: Services, state: JobState) -> list[StudyRow]:
    return [row for row in parts.store.list_studies() if row.job_state is state]


def all_done(parts: Services, number: int) -> Callable[[], bool]:
    return lambda: parts.store.count_studies().states == {JobState.DONE: number}


def attempts(parts: Services) -> list[int]:
    found = [table.state(parts.store, row.job_id or 0) for row in parts.store.list_studies()]
    return [job.attempts for job in found if job is not None]


def test_a_message_says_nothing_but_that_a_job_waits(
    shared: Services, redis_server: RedisServer
) -> None:
    add_case(shared, make_case())
    message = json.loads(redis_server.client().lrange(ANALYSES, 0, -1)[0])
    assert message["content-type"] == "application/json"
    assert message["headers"]["argsrepr"] == "()"


def test_two_workers_share_the_jobs_and_those_opened_go_first(
    shared: Services, workers: WorkerProcesses
) -> None:
    ids = [add_case(shared, make_case(seed=seed)) for seed in range(6)]
    table.submit(shared.store, ids[-1], priority=table.PRIORITY_OPENED)
    workers.start(0.1)
    wait_for(lambda: rows(shared, JobState.RUNNING) or rows(shared, JobState.DONE))
    first = [row.study_id for row in shared.store.list_studies() if row.job_state != "queued"]
    assert first == ids[-1:]
    workers.start(0.1)
    wait_for(all_done(shared, 6))
    assert attempts(shared) == [1] * 6
    for process in workers.started:
        process.terminate()
        assert process.wait(20) == 0


def test_lost_messages_are_made_up_for(
    shared: Services, workers: WorkerProcesses, redis_server: RedisServer
) -> None:
    for seed in range(4):
        add_case(shared, make_case(seed=seed))
    client = redis_server.client()
    assert client.llen(ANALYSES) == 4
    client.flushall()
    workers.start(0.05)  # it looks once itself; the other three rows need messages
    wait_for(all_done(shared, 4), seconds=30)
    assert attempts(shared) == [1] * 4


def test_killed_workers_job_is_taken_over(shared: Services, workers: WorkerProcesses) -> None:
    add_case(shared, make_case())
    lost = workers.start(60)
    wait_for(lambda: shared.store.list_studies()[0].job_message)
    workers.start(0.05)
    lost.send_signal(signal.SIGKILL)
    lost.wait()
    wait_for(all_done(shared, 1), seconds=LEASE_S + 15)
    assert attempts(shared) == [2]


def test_worker_told_to_end_gives_its_job_to_another(
    shared: Services, workers: WorkerProcesses
) -> None:
    add_case(shared, make_case(n=100))
    first = workers.start(0.1)
    wait_for(lambda: shared.store.list_studies()[0].job_message)
    first.terminate()
    assert first.wait(20) == 0
    assert rows(shared, JobState.QUEUED)
    workers.start(0.001)
    wait_for(all_done(shared, 1))
    assert attempts(shared) == [1]


def test_cancel_leaves_the_neighbours_job_alone(shared: Services, workers: WorkerProcesses) -> None:
    for seed in range(2):
        add_case(shared, make_case(n=60, seed=seed))
    for _ in range(2):
        workers.start(0.1)
    both = wait_for(lambda: (found := rows(shared, JobState.RUNNING)) and len(found) == 2 and found)
    table.cancel(shared.store, both[0].job_id)
    wait_for(lambda: rows(shared, JobState.CANCELLED))
    wait_for(lambda: rows(shared, JobState.DONE), seconds=30)
    assert attempts(shared) == [1, 1]
    assert [process.poll() for process in workers.started] == [None, None]


def test_redis_may_go_and_come_back(
    shared: Services, workers: WorkerProcesses, redis_server: RedisServer
) -> None:
    workers.start(0.05)
    add_case(shared, make_case(seed=0))
    wait_for(all_done(shared, 1))
    redis_server.stop(signal.SIGKILL)
    try:
        began = time.monotonic()
        add_case(shared, make_case(seed=1))  # is told nothing of it
        assert time.monotonic() - began < 5
    finally:
        redis_server.start()
    wait_for(all_done(shared, 2), seconds=40)
    assert workers.started[0].poll() is None
