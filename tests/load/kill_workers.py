"""Kills workers in the middle of a job: ``python -m tests.load.kill_workers --kills 50``.

Workers answer by rule, as slowly as a model. A worker that holds a job is killed with ``kill -9``
and replaced by a new worker, while jobs wait. Triggers in the database count how often each job
becomes done, independently of the program; at the end, the readable results are counted.

With both ways of running: the table alone in SQLite (one machine, the default), and Redis with
PostgreSQL (several machines).
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dashboard"))

from fake_server import add_case, make_case, make_environment, make_services  # noqa: E402
from service_processes import open_postgres, open_redis  # noqa: E402
from worker_processes import WorkerProcesses  # noqa: E402

from dashboard.store import JobState  # noqa: E402
from dashboard.store.postgres import driver_url  # noqa: E402
from dashboard.store.schema import JobRecord  # noqa: E402
from dashboard.workspace.services import Services  # noqa: E402
from tests.load.document import kills_table  # noqa: E402
from tests.load.measuring import write_measurement  # noqa: E402

_SLICE_S = 0.25
_POLL_S = 0.05
_WORKERS = 2

_COUNT_IN_SQLITE = """
CREATE TRIGGER count_finishes AFTER UPDATE OF state ON jobs
WHEN NEW.state = 'done' AND OLD.state <> 'done'
BEGIN INSERT INTO finishes VALUES (NEW.job_id, NEW.created_at); END
"""
_COUNT_IN_POSTGRES = """
CREATE FUNCTION count_finish() RETURNS trigger AS $$
BEGIN INSERT INTO finishes VALUES (NEW.job_id, NEW.created_at); RETURN NEW; END $$ LANGUAGE plpgsql;
CREATE TRIGGER count_finishes AFTER UPDATE OF state ON jobs FOR EACH ROW
WHEN (NEW.state = 'done' AND OLD.state <> 'done') EXECUTE FUNCTION count_finish();
"""
_READ_FINISHES = """
SELECT job_id, created_at, count(*) FROM finishes GROUP BY job_id, created_at
"""


@dataclass(frozen=True)
class Outcome:
    """What became of the jobs.

    Attributes:
        kills: Workers that were killed while they held a job.
        jobs: Jobs that were submitted.
        done: Jobs that are done.
        finished_twice: Jobs that became done more than once.
        results: Jobs whose result can be read.
        takeovers_s: Seconds from each kill until another worker held the job.
        seconds: How long all of it took.
    """

    kills: int
    jobs: int
    done: int
    finished_twice: int
    results: int
    takeovers_s: tuple[float, ...]
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether nothing was lost and nothing finished twice."""
        return self.done == self.jobs == self.results and self.finished_twice == 0


@dataclass(frozen=True)
class _Held:
    """A job that a worker holds."""

    job_id: int
    owner: str
    attempts: int

    @property
    def worker(self) -> int:
        """The started process, which leads the group of the one that runs jobs; 0 if gone."""
        try:
            return os.getpgid(int(self.owner.rsplit("-", 2)[1]))
        except ProcessLookupError:
            return 0


class Killer:
    """Kills and replaces workers until enough were killed, then waits for the jobs to end.

    Args:
        services: The server's parts, with jobs that wait.
        start: Starts a worker.
    """

    def __init__(
        self, services: Services, start: Callable[[], subprocess.Popen[bytes]], *, seed: int = 0
    ) -> None:
        self._services, self._start = services, start
        self._chance = random.Random(seed)
        self._workers = {process.pid: process for process in (start() for _ in range(_WORKERS))}
        self._killed: dict[int, float] = {}  # when the worker of a job was killed
        self.takeovers: list[float] = []
        self.kills = 0

    def kill(self, wanted: int) -> None:
        """Kill workers that hold a job which has not lost one yet."""
        while self.kills < wanted:
            fresh = [held for held in self.look() if held.attempts == 1]
            fresh = [held for held in fresh if held.worker in self._workers]
            if not fresh:
                if self._over():
                    return
                time.sleep(_POLL_S)
                continue
            chosen = self._chance.choice(fresh)
            time.sleep(self._chance.uniform(0, 2 * _SLICE_S))  # anywhere in the job
            process = self._workers.pop(chosen.worker, None)
            if process is None:
                continue
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            now = time.monotonic()
            replacement = self._start()
            self._workers[replacement.pid] = replacement
            if chosen in self.look():  # it had not ended a moment before
                self.kills += 1
                self._killed[chosen.job_id] = now

    def wait(self, *, seconds: float) -> None:
        """Wait until every job has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            if self._over():
                return
            time.sleep(_POLL_S)

    def _over(self) -> bool:
        states = self._services.store.count_studies().states
        return not states.get(JobState.QUEUED) and not states.get(JobState.RUNNING)

    def look(self) -> list[_Held]:
        """Jobs that are held now; notes which were taken over."""
        with self._services.store.reading() as session:
            rows = session.query(JobRecord.job_id, JobRecord.owner, JobRecord.attempts)
            rows = rows.filter(JobRecord.state == JobState.RUNNING)
            held = [_Held(*row) for row in rows]
        for job in held:
            if job.attempts > 1 and job.job_id in self._killed:
                self.takeovers.append(time.monotonic() - self._killed.pop(job.job_id))
        return held


def kill_workers(folder: Path, *, kills: int, lease_s: float, variables: dict[str, str]) -> Outcome:
    """Run workers on a new workspace and kill them.

    Args:
        folder: For the workspace.
        kills: How many.
        lease_s: The jobs' lease.
        variables: Settings beside the workspace: Redis, the database.
    """
    began = time.monotonic()
    services = make_services(folder / "home", **variables)
    count_finishes(services.settings.database)
    environment = make_environment(folder / "home", **variables)
    processes = WorkerProcesses(environment, lease_s=lease_s)
    number = kills + kills // 2 + 2
    studies = [add_case(services, make_case(seed=seed)) for seed in range(number)]
    try:
        killer = Killer(services, lambda: processes.start(_SLICE_S))
        killer.kill(kills)
        killer.wait(seconds=60 + 4 * lease_s + number)
    finally:
        processes.end()
    rows = [services.store.study(study) for study in studies]
    keys = [services.result_key(row.content_digest) for row in rows if row is not None]
    finishes = read_finishes(services.settings.database)
    services.store.close()
    return Outcome(
        kills=killer.kills,
        jobs=number,
        done=sum(row is not None and row.job_state is JobState.DONE for row in rows),
        finished_twice=sum(count > 1 for count in finishes.values()),
        results=sum(services.results.answer(key or "") is not None for key in keys),
        takeovers_s=tuple(killer.takeovers),
        seconds=time.monotonic() - began,
    )


@contextmanager
def several_machines() -> Iterator[dict[str, str]]:
    """Settings of a Redis and a PostgreSQL, started for this."""
    redis = open_redis()
    try:
        postgres = open_postgres()
        try:
            yield {"REDIS_URL": redis.url, "OVERREAD_DATABASE_URL": postgres.new_database()}
        finally:
            postgres.remove()
    finally:
        redis.stop()


def count_finishes(url: str) -> None:
    """Have the database count how often each job becomes done, independently of the program."""
    engine = create_engine(driver_url(url) if url.startswith("postgres") else url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE finishes (job_id INTEGER, created_at TEXT)"))
        is_sqlite = engine.dialect.name == "sqlite"
        connection.exec_driver_sql(_COUNT_IN_SQLITE if is_sqlite else _COUNT_IN_POSTGRES)
    engine.dispose()


def read_finishes(url: str) -> dict[str, int]:
    """How often each job became done, by its number and the time when it was added.

    SQLite gives the number of a job that was deleted with its study to another one.
    """
    engine = create_engine(driver_url(url) if url.startswith("postgres") else url)
    with engine.connect() as connection:
        found = connection.execute(text(_READ_FINISHES))
        counts = {f"{job} of {added}": int(count) for job, added, count in found}
    engine.dispose()
    return counts


def main() -> int:
    """Kill workers both ways and print what became of the jobs."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.kill_workers", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--lease", type=float, default=15.0, help="seconds; 15 is the real one")
    parser.add_argument("--mode", choices=("table", "redis", "both"), default="both")
    parser.add_argument("--json", type=Path, help="store the outcomes in this file")
    arguments = parser.parse_args()
    outcomes: dict[str, Outcome] = {}
    for mode in ("table", "redis") if arguments.mode == "both" else (arguments.mode,):
        with tempfile.TemporaryDirectory(prefix="overread-kill-") as folder:
            options = {"kills": arguments.kills, "lease_s": arguments.lease}
            if mode == "table":
                outcome = kill_workers(Path(folder), variables={}, **options)
            else:
                with several_machines() as variables:
                    outcome = kill_workers(Path(folder), variables=variables, **options)
        outcomes[mode] = outcome
        sys.stdout.write(f"{kills_table({mode: asdict(outcome)})}\n")
        sys.stdout.flush()
    if arguments.json:
        write_measurement(
            arguments.json,
            f"{parser.prog} --kills {arguments.kills}",
            {"modes": {mode: asdict(outcome) for mode, outcome in outcomes.items()}},
        )
    return 0 if all(outcome.sound for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
