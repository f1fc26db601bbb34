"""Jobs delivered over a real Redis: in order, once, to others when a worker or Redis is lost."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from fake_server import add_case, make_case, make_environment, make_services, wait_for
from service_processes import RedisServer
from worker_processes import WorkerProcesses

from dashboard.jobs import delivery, table
from dashboard.store import JobState, ModelKey, StudyRow
from dashboard.store.database import now_utc
from dashboard.workspace import broker
from dashboard.workspace.services import Services

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[3]
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


def waiting(redis_server: RedisServer) -> list[int]:
    """Numbers of the jobs whose messages wait, in the order in which they are delivered."""
    client = redis_server.client()
    keys = [delivery.QUEUE, *(f"{delivery.QUEUE}\x06\x16{step}" for step in range(1, 10))]
    found = [json.loads(text) for key in keys for text in reversed(client.lrange(key, 0, -1))]
    assert all(message["content-type"] == "application/json" for message in found)
    bodies = [json.loads(base64.b64decode(message["body"])) for message in found]
    return [arguments[0] for arguments, _, _ in bodies]


def test_each_job_is_one_message_with_its_number_and_priority(
    shared: Services, redis_server: RedisServer
) -> None:
    ids = [add_case(shared, make_case(seed=seed)) for seed in range(3)]
    jobs = [table.submit(shared.store, study) for study in ids]  # asked for again: no message
    image = table.submit_image(
        shared.store, "a" * 32, ModelKey("chest-xray", "b" * 64), restart=True
    )
    table.submit(shared.store, ids[2], priority=table.PRIORITY_OPENED)
    assert waiting(redis_server) == [jobs[2], image, *jobs]


def test_waiting_jobs_whose_message_is_lost_are_sent_again_once(
    shared: Services, redis_server: RedisServer
) -> None:
    app = broker.build_celery(redis_server.url)
    jobs = [table.submit(shared.store, add_case(shared, make_case(seed=k))) for k in range(3)]
    delivery.resend(app, shared.store)
    assert waiting(redis_server) == jobs  # nothing is lost
    redis_server.client().flushall()
    delivery.resend(app, shared.store)
    assert waiting(redis_server) == []  # they may still be on their way
    shared.store.clock = lambda: now_utc() + timedelta(seconds=11)
    threads = [threading.Thread(target=delivery.resend, args=(app, shared.store)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting(redis_server) == jobs


def test_a_job_that_was_given_back_is_sent_at_once_and_before_others(
    shared: Services, redis_server: RedisServer
) -> None:
    jobs = [table.submit(shared.store, add_case(shared, make_case(seed=k))) for k in range(3)]
    redis_server.client().flushall()
    broker.send(broker.build_celery(redis_server.url), jobs[0], table.PRIORITY_ARRIVED)
    broker.send(broker.build_celery(redis_server.url), jobs[2], table.PRIORITY_OPENED)
    table.claim(shared.store, "w", job_id=jobs[1])
    table.end(shared.store, jobs[1], "w", JobState.QUEUED)
    delivery.resend(broker.build_celery(redis_server.url), shared.store)
    assert waiting(redis_server) == [jobs[2], jobs[1], jobs[0]]


def test_messages_for_rows_that_are_done_held_or_gone_do_nothing(
    shared: Services, workers: WorkerProcesses, redis_server: RedisServer
) -> None:
    app = broker.build_celery(redis_server.url)
    study = add_case(shared, make_case())
    job_id = table.submit(shared.store, study)
    for number in (job_id, job_id, 999):
        broker.send(app, number, table.PRIORITY_OPENED)
    shared.store.lease = timedelta(seconds=60)
    assert table.claim(shared.store, "somebody else") is not None
    workers.start(0.01)
    wait_for(lambda: not waiting(redis_server))
    time.sleep(1)
    held = table.state(shared.store, job_id)
    assert held is not None and held.owner == "somebody else"
    table.end(shared.store, job_id, "somebody else", JobState.CANCELLED)
    broker.send(app, job_id, table.PRIORITY_OPENED)
    add_case(shared, make_case(seed=1))
    wait_for(lambda: rows(shared, JobState.DONE))
    assert [row.study_id for row in rows(shared, JobState.CANCELLED)] == [study]


def test_celery_s_own_commands_see_the_worker_and_the_job_that_it_runs(
    shared: Services, workers: WorkerProcesses, redis_server: RedisServer
) -> None:
    workers.start(60)
    add_case(shared, make_case())
    running = wait_for(lambda: rows(shared, JobState.RUNNING))
    inspect = broker.build_celery(redis_server.url).control.inspect(timeout=10, limit=1)
    ((name, answer),) = (inspect.ping() or {}).items()
    assert answer == {"ok": "pong"}
    environment = make_environment(shared.settings.home, REDIS_URL=redis_server.url)
    # With a destination the command ends with its answer, and not at the end of the time.
    words = ["inspect", "active", "--json", "--timeout", "10", "--destination", name]
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "dashboard.app:celery_app", *words],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ((active,),) = json.loads(done.stdout).values()
    assert (active["name"], active["args"]) == (delivery.RUN_JOB, [running[0].job_id])
    (stats,) = (inspect.stats() or {}).values()
    assert stats["pool"]["max-concurrency"] == 1


def test_celery_s_events_report_a_job_from_the_message_to_the_end(
    shared: Services, workers: WorkerProcesses, redis_server: RedisServer
) -> None:
    seen: list[str] = []
    app = broker.build_celery(redis_server.url)
    workers.start(0.01)
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, {"*": lambda event: seen.append(event["type"])})
        listening = threading.Thread(target=receiver.capture)
        listening.start()
        try:
            wait_for(lambda: "worker-heartbeat" in seen)
            add_case(shared, make_case())
            wait_for(lambda: "task-succeeded" in seen)
        finally:
            receiver.should_stop = True
            listening.join()
    steps = [kind for kind in seen if kind.startswith("task")]
    assert sorted(steps) == ["task-received", "task-sent", "task-started", "task-succeeded"]


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
    assert workers.terminate() == [0, 0]


def test_lost_messages_are_made_up_for(
    shared: Services, workers: WorkerProcesses, redis_server: RedisServer
) -> None:
    for seed in range(4):
        add_case(shared, make_case(seed=seed))
    redis_server.client().flushall()
    workers.start(0.05)
    wait_for(all_done(shared, 4))
    assert attempts(shared) == [1] * 4


def test_killed_workers_job_is_taken_over(shared: Services, workers: WorkerProcesses) -> None:
    add_case(shared, make_case())
    lost = workers.start(60)
    wait_for(lambda: shared.store.list_studies()[0].job_message)
    workers.start(0.05)
    os.killpg(lost.pid, signal.SIGKILL)
    lost.wait()
    wait_for(all_done(shared, 1))
    assert attempts(shared) == [2]


def test_a_lost_process_that_runs_jobs_is_replaced(
    shared: Services, workers: WorkerProcesses
) -> None:
    add_case(shared, make_case(n=10))
    worker = workers.start(0.2)
    running = wait_for(lambda: rows(shared, JobState.RUNNING))
    job = table.state(shared.store, running[0].job_id or 0)
    assert job is not None
    child = int(job.owner.rsplit("-", 2)[1])
    assert psutil.Process(child).ppid() == worker.pid
    os.kill(child, signal.SIGKILL)
    wait_for(all_done(shared, 1))
    assert attempts(shared) == [2]
    assert worker.poll() is None


def test_a_process_that_runs_jobs_and_is_asked_to_end_alone_is_replaced(
    shared: Services, workers: WorkerProcesses
) -> None:
    add_case(shared, make_case(n=40))
    workers.start(0.1)
    running = wait_for(lambda: rows(shared, JobState.RUNNING))
    job = table.state(shared.store, running[0].job_id or 0)
    assert job is not None
    os.kill(int(job.owner.rsplit("-", 2)[1]), signal.SIGTERM)
    wait_for(all_done(shared, 1))
    assert attempts(shared) == [1]  # given back, and done by another process


def test_worker_asked_to_end_gives_its_job_to_another(
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
    wait_for(lambda: rows(shared, JobState.DONE))
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
        add_case(shared, make_case(seed=1))  # no message can be sent
        assert time.monotonic() - began < 5
    finally:
        redis_server.start()
    wait_for(all_done(shared, 2))
    assert workers.started[0].poll() is None
