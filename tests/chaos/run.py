"""One run: the product starts, readers work, things go wrong, all is well again, the audit."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dashboard"))

from fake_server import make_environment, make_services  # noqa: E402
from service_processes import (  # noqa: E402
    PostgresServer,
    RedisServer,
    free_port,
    open_postgres,
    open_redis,
)

from dashboard.jobs import table  # noqa: E402
from dashboard.store import JobState  # noqa: E402
from dashboard.workspace.services import Services  # noqa: E402
from tests.load.kill_workers import count_finishes  # noqa: E402
from tests.small_disk import mounted_disk  # noqa: E402

from .audit import audit  # noqa: E402
from .client import Answers, Client  # noqa: E402
from .faults import Faults, SlowDisk  # noqa: E402
from .ledger import Ledger  # noqa: E402
from .readers import Reader  # noqa: E402

#: Uploads leave 512 MB of a disk free.
_DISK_MB = 640
_STARTS_WITHIN_S = 120.0
_SETTLES_WITHIN_S = 240.0
#: What readers do with whole studies; each at least once in a run.
READINGS = {"decided", "signed", "deleted", "restored"}


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        seed, seconds, readers: Of the run; seconds in which things went wrong.
        faults: How many of each kind.
        acknowledged: What readers were shown as stored and that was looked for.
        readings: How many of them were decisions, signatures, deletions, restorations.
        studies: In the worklist at the end.
        answers: How many answers had each status; "0" counts lost connections.
        longest_away_s: Longest time in which the server did not answer.
        problems: One sentence each: what is missing, wrong or there twice.
    """

    seed: int
    seconds: float
    readers: int
    faults: dict[str, int]
    acknowledged: int
    readings: dict[str, int]
    studies: int
    answers: dict[str, int]
    longest_away_s: float
    problems: tuple[str, ...]


def run_chaos(
    folder: Path,
    *,
    mode: str,
    seconds: float,
    seed: int,
    readers: int = 4,
    pause_s: tuple[float, float] = (0.3, 1.0),
    lease_s: float = 3.0,
) -> Outcome:
    """Run it once.

    Args:
        folder: For disk and logs.
        mode: ``table`` (SQLite alone) or ``redis`` (Redis and PostgreSQL).
        seconds: For how long things go wrong.
        seed: Of all that is drawn.
        readers: How many work.
        pause_s: Shortest and longest time between two faults.
        lease_s: The jobs' lease.
    """
    with mounted_disk(folder / "disk", megabytes=_DISK_MB) as disk, _servers(mode) as servers:
        redis, postgres, variables = servers
        services = make_services(disk.folder / "home", **variables)
        count_finishes(services.settings.database)
        slow = SlowDisk(folder)
        port = free_port()
        environment = make_environment(disk.folder / "home", **variables) | slow.variables
        environment |= {
            "OVERREAD_PORT": str(port),
            "OVERREAD_DEMO": "no",
            "OVERREAD_WORKERS": "2",
            "CHAOS_LEASE_S": str(lease_s),
        }
        url = f"http://127.0.0.1:{port}"
        with _running(environment, folder / "server.log", url) as process:
            watch = _Watch(url)
            people, answers, surprise = _work(
                url,
                Faults(
                    process.pid,
                    disk,
                    slow,
                    redis=redis,
                    postgres=postgres,
                    pause_s=pause_s,
                    seed=seed,
                ),
                seconds=seconds,
                seed=seed,
                readers=readers,
            )
            problems = [*surprise, *_settle(services, url)]
            problems += audit(services, people)
            problems += [f"an answer without a plain sentence: {one}" for one in answers.unplain]
            problems += [f"status 500: {one}" for one in answers.faults]
            if process.poll() is not None:
                problems.append(f"the product ended with status {process.poll()}")
            away = watch.stop()
        studies = services.store.count_studies().total
        services.store.close()
        services.results.close()
    return Outcome(
        seed=seed,
        seconds=seconds,
        readers=readers,
        faults=dict(sorted(people.counts.items())),
        acknowledged=sum(reader.notes.acknowledged for reader in people),
        readings={str(kind): n for kind, n in sorted(_count_readings(people).items())},
        studies=studies,
        answers={str(status): count for status, count in sorted(answers.statuses.items())},
        longest_away_s=round(away, 1),
        problems=tuple(problems),
    )


class _People(list[Reader]):
    """The readers, and the faults that they met."""

    counts: dict[str, int]


def _count_readings(people: list[Reader]) -> Counter[str]:
    return sum((one.notes.readings for one in people), Counter[str]())


def _work(
    url: str, faults: Faults, *, seconds: float, seed: int, readers: int
) -> tuple[_People, Answers, list[str]]:
    """Let readers work while things go wrong."""
    answers, ledger, stop = Answers(), Ledger(), threading.Event()
    chance = random.Random(seed)
    people = _People(
        Reader(Client(url, answers), ledger, stop, seed=chance.getrandbits(32))
        for _ in range(readers)
    )
    for reader in people:
        reader.start()
    try:
        faults.run(
            seconds,
            stored=lambda: answers.stored if ledger.studies() else 0,
            is_complete=lambda: _count_readings(people).keys() >= READINGS,
        )
    finally:
        faults.heal()
        stop.set()
        for reader in people:
            reader.join(60)
    people.counts = faults.counts
    return people, answers, [f"{one.name} does not end" for one in people if one.is_alive()]


def _settle(services: Services, url: str) -> Iterator[str]:
    """Wait until the server answers and no analysis waits; start failed ones again, as readers do.

    Only a full or slow disk may fail an analysis.
    """
    deadline = time.monotonic() + _SETTLES_WITHIN_S
    again: set[str] = set()
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):  # the database may still be starting
            rows = services.store.list_studies()
            for row in rows:
                if row.job_state is JobState.FAILED and row.study_id not in again:
                    again.add(row.study_id)
                    table.submit(services.store, row.study_id)
            if _answers(url) and all(row.job_state is JobState.DONE for row in rows):
                return
        time.sleep(0.2)
    yield "the server does not come to rest"


class _Watch(threading.Thread):
    """Measures for how long the server does not answer."""

    def __init__(self, url: str) -> None:
        super().__init__(name="watch", daemon=True)
        self._url, self._ended = url, threading.Event()
        self._longest = 0.0
        self.start()

    def run(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(0.1):
            if _answers(self._url):
                self._longest = max(self._longest, time.monotonic() - last)
                last = time.monotonic()

    def stop(self) -> float:
        """The longest time."""
        self._ended.set()
        self.join(10)
        return self._longest


@contextlib.contextmanager
def _servers(
    mode: str,
) -> Iterator[tuple[RedisServer | None, PostgresServer | None, dict[str, str]]]:
    if mode == "table":
        yield None, None, {}
        return
    redis = open_redis()
    try:
        postgres = open_postgres()
        try:
            url = postgres.new_database()
            yield redis, postgres, {"REDIS_URL": redis.url, "OVERREAD_DATABASE_URL": url}
        finally:
            postgres.remove()
    finally:
        redis.stop()


@contextlib.contextmanager
def _running(environment: dict[str, str], log: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.server"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text("utf-8", "replace")[-4000:])
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=5) as response:
            found: Any = json.load(response)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return bool(found.get("status") == "ok")
