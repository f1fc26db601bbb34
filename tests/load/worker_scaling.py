"""Two workers against one: ``python -m tests.load.worker_scaling --home DIR``.

Real models, one thread for each worker, studies of 36 slices of 256 x 256 pixels. Rounds of one and
of two workers take turns; a round begins when all its workers have loaded their models, and ends
with its last study. The workspace is kept, so that the models are exported once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import text

from dashboard.jobs import table
from dashboard.processes.parent import parent_arguments
from dashboard.store import JobState, Origin
from dashboard.studies import intake
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import read_settings
from pipeline import Case
from pipeline.data.case import SequenceName, SourceKind

from .document import scaling_line
from .measuring import write_measurement

ROOT = Path(__file__).resolve().parents[2]
SLICES, SIZE = 36, 256
_READY = "The models are ready."
_READY_WITHIN_S, _DONE_WITHIN_S = 180.0, 600.0


def make_study(seed: int) -> Case:
    """A head-like ellipsoid with a bright spot and noise, ``(36, 256, 256, 1)`` uint8."""
    edge = np.linspace(-1, 1, SIZE)
    z, y, x = np.linspace(-1, 1, SLICES)[:, None, None], edge[:, None], edge[None]
    head = (x / 0.7) ** 2 + (y / 0.85) ** 2 + (z / 1.2) ** 2 < 1
    spot = ((x - 0.3) / 0.2) ** 2 + ((y - 0.1) / 0.2) ** 2 + (z / 0.4) ** 2 < 1
    noise = np.random.default_rng(seed).integers(0, 20, head.shape)
    pixels = (80 * head + 130 * spot + noise).astype(np.uint8)
    return Case(
        case_id=f"scaling-{seed}",
        kind=SourceKind.IMAGES,
        pixels=pixels[..., None],
        sequences=(SequenceName.FLAIR,),
        indices=tuple(range(1, SLICES + 1)),
        sources=tuple(f"{k}.png" for k in range(1, SLICES + 1)),
        spacing_mm=(4.0, 1.0, 1.0),
    )


def measure_round(services: Services, workers: int) -> float:
    """Seconds that some workers take for all studies of the workspace."""
    with services.store.writing() as session:
        session.execute(text("DELETE FROM jobs"))
    shutil.rmtree(services.settings.results)
    home = services.settings.home
    with _running(home, workers):
        rows = services.store.list_studies()
        began = time.monotonic()
        for row in rows:
            table.submit(services.store, row.study_id)
        _wait(lambda: _all_done(services, len(rows)))
        return time.monotonic() - began


def _all_done(services: Services, number: int) -> bool:
    states = services.store.count_studies().states
    if states.get(JobState.FAILED):
        raise SystemExit("An analysis failed; see the logs in the workspace.")
    return states == {JobState.DONE: number}


@contextmanager
def _running(home: Path, workers: int) -> Iterator[None]:
    """Worker processes with one thread each, their models loaded."""
    environment = {**os.environ, "OVERREAD_HOME": str(home), "OVERREAD_THREADS": "1"}
    logs = [home / f"worker-{number}.log" for number in range(workers)]
    command = [sys.executable, "-m", "dashboard.worker", *parent_arguments()]
    processes = []
    for log in logs:
        with log.open("wb") as stream:
            processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stream))
    try:
        _wait(lambda: all(_READY in log.read_text("utf-8") for log in logs), _READY_WITHIN_S)
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def _wait(condition: Callable[[], bool], seconds: float = _DONE_WITHIN_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The workers did not get that far; see the logs in the workspace.")
        time.sleep(0.02)


def main() -> int:
    """Measure and print the ratio; with ``--json``, store it."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.worker_scaling")
    parser.add_argument("--home", type=Path, required=True, help="workspace, made where missing")
    parser.add_argument("--studies", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    settings = read_settings({"OVERREAD_HOME": str(arguments.home)})
    services = build_services(settings)
    for seed in range(services.store.count_studies().total, arguments.studies):
        intake.add_case(services, make_study(seed), Origin.UPLOAD, "")
    number = services.store.count_studies().total
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(arguments.rounds):
        for workers in times:
            times[workers].append(measure_round(services, workers))
            sys.stderr.write(f"workers: {workers}, {times[workers][-1]:.1f} s\n")
    one, two = (statistics.median(times[workers]) for workers in (1, 2))
    found = {
        "studies": number,
        "slices": SLICES,
        "one_s": round(one, 2),
        "two_s": round(two, 2),
        "ratios": [round(a / b, 3) for a, b in zip(times[1], times[2], strict=True)],
    }
    sys.stdout.write(f"{scaling_line(found)}\n")
    if arguments.json:
        command = f"{parser.prog} --studies {arguments.studies} --rounds {arguments.rounds}"
        write_measurement(arguments.json, command, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
