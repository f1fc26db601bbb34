"""The capacity model of docs/scaling.md: ``python -m tests.load.capacity``.

Constants are read from what the measuring commands wrote (docs/measured/*.json); the rest is
arithmetic, in `plan`. The tables of the document are what this prints; a test holds them to it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).resolve().parents[2] / "docs" / "measured"
#: Share of a core or process that may be busy in the peak hour, so that queues stay short.
BUSY = 0.5
#: Writing transactions of one study: listed, queued, claimed, some of progress, finished.
WRITES_PER_STUDY = 8
_HOUR_S = 3600


@dataclass(frozen=True)
class Measured:
    """Constants per study of 36 slices, 256 x 256; from docs/measured.

    Attributes:
        worker_cpu_s: Processor time of the worker.
        worker_mb: Its memory.
        web_cpu_s: Processor time of the web process per study opened and read.
        web_mb: Its memory at work.
        requests: Requests per study opened and read.
        reading_minutes: A reviewer's time per study, as the load test has it.
        sent_bytes: Sent to the browser per study.
        study_bytes, result_bytes, database_bytes: Stored per study.
        worklist_ms_per_1000: Processor time to list 1,000 studies once.
        worklist_bytes_per_1000: Their rows, sent when one of them changes.
    """

    worker_cpu_s: float
    worker_mb: float
    web_cpu_s: float
    web_mb: float
    requests: float
    reading_minutes: float
    sent_bytes: float
    study_bytes: float
    result_bytes: float
    database_bytes: float
    worklist_ms_per_1000: float
    worklist_bytes_per_1000: float


@dataclass(frozen=True)
class Site:
    """Who uses it.

    Attributes:
        name: In the table.
        studies_per_day: That arrive.
        hours: Over which they arrive.
        peak: The busiest hour over the mean of these.
        read_share: Share of studies that somebody opens.
        stored_days: For how long studies are stored.
    """

    name: str
    studies_per_day: int
    hours: float
    peak: float
    read_share: float
    stored_days: int


SITES = (
    Site("One laptop", 30, 8, 2.0, 1.0, 365),
    Site("One hospital", 1_000, 10, 2.5, 1.0, 365),
    Site("National archive", 100_000, 24, 1.5, 0.1, 365),
)


@dataclass(frozen=True)
class Plan:
    """What a site needs.

    Attributes:
        peak_per_hour: Studies that arrive in the busiest hour.
        reviewers: Who read at the same time then.
        worker_cores: Cores for the models, at `BUSY`.
        web_processes: One core each; one at least.
        requests_per_s: In the busiest hour.
        sent_mbit_s: To browsers, likewise.
        writes_per_s: Of the database, likewise.
        disk_gb: After `Site.stored_days`, pixels and results.
        database_gb: Likewise.
        memory_gb: Of all workers (one per two cores) and web processes.
    """

    peak_per_hour: float
    reviewers: int
    worker_cores: int
    web_processes: int
    requests_per_s: float
    sent_mbit_s: float
    writes_per_s: float
    disk_gb: float
    database_gb: float
    memory_gb: float


def plan(site: Site, measured: Measured) -> Plan:
    """Work out what a site needs from what one study costs."""
    peak = site.studies_per_day / site.hours * site.peak
    read = peak * site.read_share
    cores = _at_least_one(peak * measured.worker_cpu_s / _HOUR_S / BUSY)
    web = _at_least_one(read * measured.web_cpu_s / _HOUR_S / BUSY)
    stored = site.studies_per_day * site.stored_days
    workers = math.ceil(cores / 2)
    return Plan(
        peak_per_hour=peak,
        reviewers=_at_least_one(read * measured.reading_minutes / 60),
        worker_cores=cores,
        web_processes=web,
        requests_per_s=read * measured.requests / _HOUR_S,
        sent_mbit_s=read * measured.sent_bytes * 8 / _HOUR_S / 1e6,
        writes_per_s=peak * WRITES_PER_STUDY / _HOUR_S,
        disk_gb=stored * (measured.study_bytes + measured.result_bytes) / 1e9,
        database_gb=stored * measured.database_bytes / 1e9,
        memory_gb=(workers * measured.worker_mb + web * measured.web_mb) / 1000,
    )


def read_measured(folder: Path = MEASURED) -> Measured:
    """Read the constants.

    Raises:
        FileNotFoundError: One of the measuring commands has not been run.
    """
    load = json.loads((folder / "load.json").read_text("utf-8"))
    work = json.loads((folder / "constants.json").read_text("utf-8"))
    measures: Mapping[str, Any] = load["measures"]
    opened = measures["studies_opened"]
    minutes = load["reviewers"] * load["seconds"] / 60
    return Measured(
        worker_cpu_s=work["worker_cpu_s"],
        worker_mb=work["worker_mb"],
        web_cpu_s=load["processes"]["web"]["cpu_s"] / opened,
        web_mb=load["processes"]["web"]["rss_mb"],
        requests=measures["requests_per_reviewer_minute"] * minutes / opened,
        reading_minutes=minutes / opened,
        sent_bytes=measures["bytes_sent_per_study"],
        study_bytes=work["study_bytes"],
        result_bytes=work["result_bytes"],
        database_bytes=work["database_bytes"],
        worklist_ms_per_1000=work["worklist_ms_per_1000"],
        worklist_bytes_per_1000=work["worklist_bytes_per_1000"],
    )


def constants_table(measured: Measured) -> str:
    """The constants as a Markdown table."""
    rows = [
        ("worker: processor time", f"{measured.worker_cpu_s:.2f} s"),
        ("worker: memory", f"{measured.worker_mb:.0f} MB"),
        ("web process: processor time, opened and read", f"{measured.web_cpu_s:.2f} s"),
        ("web process: memory", f"{measured.web_mb:.0f} MB"),
        ("requests, opened and read", f"{measured.requests:.0f}"),
        ("a reviewer's time, as the load test has it", f"{measured.reading_minutes:.1f} min"),
        ("sent to the browser", _bytes(measured.sent_bytes)),
        ("stored: pixels", _bytes(measured.study_bytes)),
        ("stored: result", _bytes(measured.result_bytes)),
        ("stored: database", _bytes(measured.database_bytes)),
        ("listing 1,000 studies once", f"{measured.worklist_ms_per_1000:.0f} ms"),
        ("rows of 1,000 studies", _bytes(measured.worklist_bytes_per_1000)),
    ]
    return "\n".join(
        ["| per study of 36 slices | |", "|---|---:|", *[f"| {a} | {b} |" for a, b in rows]]
    )


def sites_table(measured: Measured) -> str:
    """What each site needs as a Markdown table."""
    plans = [plan(site, measured) for site in SITES]
    rows: list[tuple[str, list[str]]] = [
        ("studies a day", [f"{site.studies_per_day:,}" for site in SITES]),
        ("over hours; busiest hour over the mean", [f"{s.hours:.0f}; {s.peak:g}" for s in SITES]),
        ("share that somebody opens", [f"{site.read_share:.0%}" for site in SITES]),
        ("studies in the busiest hour", [f"{p.peak_per_hour:,.0f}" for p in plans]),
        ("reviewers at the same time", [f"{p.reviewers:,}" for p in plans]),
        ("cores for workers", [f"{p.worker_cores:,}" for p in plans]),
        ("web processes", [f"{p.web_processes:,}" for p in plans]),
        ("memory", [f"{p.memory_gb:.1f} GB" for p in plans]),
        ("requests a second", [f"{p.requests_per_s:,.1f}" for p in plans]),
        ("to browsers", [f"{p.sent_mbit_s:,.1f} Mbit/s" for p in plans]),
        ("database writes a second", [f"{p.writes_per_s:,.2f}" for p in plans]),
        ("pixels and results of a year", [f"{p.disk_gb:,.0f} GB" for p in plans]),
        ("database after a year", [f"{p.database_gb:,.2f} GB" for p in plans]),
    ]
    head = "| | " + " | ".join(site.name for site in SITES) + " |"
    lines = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    return "\n".join([head, "|---|" + "---:|" * len(SITES), *lines])


def _at_least_one(number: float) -> int:
    return max(1, math.ceil(number))


def _bytes(size: float) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} bytes"


def main() -> int:
    """Print the tables of docs/scaling.md."""
    argparse.ArgumentParser(prog="python -m tests.load.capacity", description=__doc__).parse_args()
    measured = read_measured()
    tables = (constants_table, sites_table)
    sys.stdout.write("\n\n".join(table(measured) for table in tables) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
