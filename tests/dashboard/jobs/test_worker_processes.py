"""What happens to real worker processes: killed, stopped, several at once."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from fake_server import add_case, fake_factory, make_case, make_environment, wait_for
from worker_processes import WorkerProcesses

from dashboard.jobs import table
from dashboard.jobs.execution import Worker
from dashboard.store import LEASE, JobState, Store
from dashboard.store.database import now_utc
from dashboard.workspace.services import Services

pytestmark = pytest.mark.services

Start = Callable[[float], "subprocess.Popen[bytes]"]


@pytest.fixture
def workers(parts: Services) -> Iterator[WorkerProcesses]:
    """Worker processes on the workspace of ``parts``."""
    processes = WorkerProcesses(make_environment(parts.settings.home))
    yield processes
    processes.end()


@pytest.fixture
def start(workers: WorkerProcesses) -> Start:
    return workers.start


def state(parts: Services) -> JobState | None:
    return parts.store.list_studies()[0].job_state


def test_killed_worker_is_noticed_and_its_job_taken_over(parts: Services, start: Start) -> None:
    add_case(parts, make_case())
    process = start(60)
    wait_for(lambda: parts.store.list_studies()[0].job_message)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert state(parts) is JobState.RUNNING  # nobody can know yet
    later = Store(
        parts.settings.database,
        model=parts.store.model,
        clock=lambda: now_utc() + LEASE + timedelta(seconds=1),
    )
    assert table.release_expired(later) == 1
    assert state(parts) is JobState.QUEUED
    assert Worker(parts, make_analyser=fake_factory()).run_one()
    assert state(parts) is JobState.DONE


def test_a_worker_that_must_end_returns_its_job(parts: Services, start: Start) -> None:
    add_case(parts, make_case(n=100))
    process = start(0.05)
    wait_for(lambda: parts.store.list_studies()[0].job_message)
    process.terminate()
    assert process.wait(40) == 0
    assert state(parts) is JobState.QUEUED


def test_two_workers_share_the_jobs_and_none_is_run_twice(
    parts: Services, workers: WorkerProcesses
) -> None:
    for seed in range(8):
        add_case(parts, make_case(seed=seed))
    for _ in range(2):
        workers.start(0.05)
    wait_for(lambda: parts.store.count_studies().states == {JobState.DONE: 8})
    assert workers.terminate() == [0, 0]
    for row in parts.store.list_studies():
        job = table.state(parts.store, row.job_id or 0)
        assert job is not None and job.attempts == 1


def test_cancel_reaches_another_process(parts: Services, start: Start) -> None:
    add_case(parts, make_case(n=100))
    start(0.1)
    row = wait_for(lambda: next((r for r in parts.store.list_studies() if r.job_message), None))
    table.cancel(parts.store, row.job_id)
    wait_for(lambda: state(parts) is JobState.CANCELLED)
