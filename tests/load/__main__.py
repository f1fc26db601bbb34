"""The load test: ``python -m tests.load --reviewers 50 --seconds 120``.

Starts a server of its own in a temporary workspace with the demo studies (or takes ``--url``),
lets reviewers work on it, and prints how long it made them wait. ``--json FILE`` keeps all figures,
among them the constants of the capacity model (`tests.load.capacity`).
"""

from __future__ import annotations

from locust.env import Environment  # isort: skip  # first: it replaces blocking calls by gevent's

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent

from .measures import Measures, measure_storage
from .reading_model import ReadingModel
from .report import ProcessUse, Tally, as_json, cpu_seconds, table
from .reviewer import Reviewer
from .running_server import WORKERS, RunningServer
from .study_maker import StudyMaker

_SAMPLE_S = 2.0
_RAMP_S = 15.0


@dataclass(frozen=True)
class Run:
    """What one run found.

    Attributes:
        tally: Times of all requests after the reviewers had arrived.
        uses: Web process and worker, while it ran.
        seconds: How long it ran.
    """

    tally: Tally
    uses: dict[str, ProcessUse]
    seconds: float


def run_reviewers(
    url: str,
    count: int,
    seconds: float,
    *,
    server: RunningServer | None,
    ramp_s: float = _RAMP_S,
    maker: StudyMaker | None = None,
) -> Run:
    """Let reviewers work.

    Args:
        url: The server.
        count: Reviewers.
        seconds: How long they are measured, after all have arrived.
        server: Where it is our own, its processes are watched.
        ramp_s: Within how many seconds the reviewers arrive; not measured.
        maker: Makes the studies that are uploaded.
    """
    tally = Tally()
    given = {"abstract": False, "host": url, "maker": maker or StudyMaker()}
    user = type("OneReviewer", (Reviewer,), given)
    environment = Environment(user_classes=[user], catch_exceptions=False)
    runner = environment.create_local_runner()
    runner.start(count, spawn_rate=max(1.0, 1.2 * count / max(ramp_s, 0.1)))
    gevent.sleep(ramp_s)
    environment.events.request.add_listener(tally.hear)
    processes = server.processes() if server else {}
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    uses = {name: ProcessUse() for name in processes}
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        gevent.sleep(min(_SAMPLE_S, left))
        for name, process in processes.items():
            uses[name].look(process, before[name])
    took = time.monotonic() - began
    environment.events.request.remove_listener(tally.hear)
    runner.quit()
    return Run(tally, uses, took)


def main(arguments: list[str] | None = None) -> int:
    """Run the load test; returns 1 where a request failed."""
    given = _parse(arguments)
    server = None
    with tempfile.TemporaryDirectory(prefix="overread-load-") as temporary:
        home = Path(given.home or temporary) / "workspace"
        try:
            if not given.url:
                server = RunningServer(home, worker=given.worker, demo=True)
                server.start()
                sys.stdout.write("The studies are being made and analysed ...\n")
                server.prepare()
            stored = measure_storage(home) if server else None
            run = run_reviewers(
                given.url or server.url,  # type: ignore[union-attr]  # one of both is there
                given.reviewers,
                given.seconds,
                server=server,
            )
            measures = Measures.of(run.tally, run.uses, run.seconds, given.reviewers, stored)
        finally:
            if server:
                server.stop()
    _print(run, measures, given)
    return 1 if any(run.tally.errors.values()) else 0


def _print(run: Run, measures: Measures, given: argparse.Namespace) -> None:
    rows = run.tally.rows()
    write = sys.stdout.write
    write(f"{given.reviewers} reviewers, {run.seconds:.0f} s. {ReadingModel().in_words()}\n\n")
    write(table(rows) + "\n\n")
    for name, use in run.uses.items():
        memory = f"{use.rss_mb:.0f} MB RSS, {use.pss_mb:.0f} MB PSS, {use.own_mb:.0f} MB own"
        write(f"{name}: {memory}, {use.cpu_s:.1f} s CPU, {use.threads} threads\n")
    write(measures.in_words() + "\n")
    for kind, messages in run.tally.errors.items():
        for message, times in Counter(messages).most_common(3):
            write(f"{times} x {kind}: {message}\n")
    if given.json:
        content: dict[str, Any] = {
            "command": f"python -m tests.load --reviewers {given.reviewers}"
            f" --seconds {given.seconds:.0f} --worker {given.worker}",
            "machine": {"cpus": os.cpu_count(), "system": platform.machine()},
            "reviewers": given.reviewers,
            "seconds": round(run.seconds, 1),
            "worker": given.worker,
            "measures": measures.as_dict(),
            **as_json(rows, run.uses),
        }
        given.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--reviewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120.0, help="measured after all arrived")
    parser.add_argument("--url", default="", help="a server that runs already")
    parser.add_argument("--home", default="", help="keep the workspace here, for another run")
    parser.add_argument(
        "--worker", choices=sorted(WORKERS), default="models", help="rule: wait, load no models"
    )
    parser.add_argument("--json", type=Path, help="store the figures in this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
