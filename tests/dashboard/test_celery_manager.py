"""Background callbacks over a real Redis, in a real process that follows them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import follower_callbacks
import pytest
from fake_server import wait_for
from service_processes import RedisServer

from dashboard.celery_manager import FollowerManager

HERE = Path(__file__).resolve().parent
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def manager(redis_server: RedisServer) -> FollowerManager:
    redis_server.client().flushall()
    return follower_callbacks.build(redis_server.url)


@pytest.fixture
def start(redis_server: RedisServer) -> Iterator[Start]:
    """Starts a process that runs background callbacks."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        paths = os.pathsep.join((str(HERE.parents[1]), str(HERE)))
        command = [sys.executable, str(HERE / "follower_callbacks.py"), redis_server.url]
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.DEVNULL
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def call(manager: FollowerManager, name: str, key: str, steps: int) -> str:
    return manager.call_job_fn(key, manager.func_registry[name], [steps], {})


def test_callbacks_tell_progress_and_result_and_end_alone(
    manager: FollowerManager, start: Start
) -> None:
    start()
    long, short, bad = (
        call(manager, name, key, steps)
        for name, key, steps in (("count", "a", 600), ("count", "b", 3), ("fail", "c", 1))
    )
    assert manager.job_running(long) and manager.job_running(short)
    assert "step" in wait_for(lambda: manager.get_progress("a"))[0]
    wait_for(lambda: manager.result_ready("b"))
    assert manager.get_result("b", short) == {"steps": 3}
    assert not manager.job_running(short)
    wait_for(lambda: manager.result_ready("c"))
    assert manager.get_result("c", bad)["background_callback_error"]["msg"] == "why"
    assert manager.job_running(long)  # nobody's end was its end
    manager.terminate_job(long)
    assert not manager.job_running(long)
    other = call(manager, "count", "d", 3)
    wait_for(lambda: manager.result_ready("d"))
    assert manager.get_result("d", other) == {"steps": 3}
    manager.get_progress("a")
    assert manager.get_progress("a") is None and not manager.result_ready("a")


def test_a_process_that_ends_hands_its_callbacks_on(manager: FollowerManager, start: Start) -> None:
    first = start()
    job = call(manager, "count", "a", 30)
    wait_for(lambda: manager.get_progress("a"))
    start()
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    assert manager.job_running(job)
    wait_for(lambda: manager.result_ready("a"))
    assert manager.get_result("a", job) == {"steps": 30}


def test_a_callback_whose_process_was_killed_is_not_running(
    manager: FollowerManager, start: Start, redis_server: RedisServer
) -> None:
    process = start()
    job = call(manager, "count", "a", 600)
    wait_for(lambda: manager.get_progress("a"))
    process.kill()
    process.wait()
    client = redis_server.client()
    assert 0 < client.ttl(f"overread-alive-{job}") <= 15
    client.delete(f"overread-alive-{job}")  # time that passes
    assert not manager.job_running(job)


def test_unknown_handles_are_no_jobs(manager: FollowerManager) -> None:
    for job in (None, ""):
        assert not manager.job_running(job)
        manager.terminate_job(job)
        assert manager.terminate_unhealthy_job(job) is False
    assert manager.get_result("nothing", "nobody") is manager.UNDEFINED
