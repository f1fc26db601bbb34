"""Writes the measured tables into docs/scaling.md: ``python -m tests.load.document``.

Each table stands between two comments that name it, ``<!-- sites -->`` and ``<!-- /sites -->``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .capacity import (
    MEASURED,
    constants_table,
    read_measured,
    sites_table,
    worklist_table,
)
from .report import Row, table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"


def tables(folder: Path = MEASURED) -> dict[str, str]:
    """All tables of the document by name."""
    measured = read_measured(folder)
    made: dict[str, Callable[[], str]] = {
        "constants": lambda: constants_table(measured),
        "sites": lambda: sites_table(measured),
        "worklist": lambda: worklist_table(measured),
        "load": lambda: load_table(_read(folder, "load")),
        "latency": lambda: _latency(_read(folder, "latency")),
        "startup": lambda: startup_line(_read(folder, "startup")),
    }
    return {name: make() for name, make in made.items()}


def load_table(run: dict[str, Any]) -> str:
    """Times of all kinds of requests, and what the web process used."""
    rows = [Row(**kind) for kind in run["kinds"]]
    web = run["processes"]["web"]
    return (
        f"{run['reviewers']} reviewers for {run['seconds']:.0f} s,"
        f" {run['machine']['cpus']} cores for server and reviewers together:\n\n{table(rows)}\n\n"
        f"The web process held {web['rss_mb']:.0f} MB (RSS; {web['own_mb']:.0f} MB its own) and"
        f" used {web['cpu_s']:.1f} s of processor time,"
        f" {run['measures']['web_cpu_ms_per_request']} ms per request."
    )


def latency_table(kinds: dict[str, Any]) -> str:
    """From the click to the overlay."""
    heads = "not analysed before: p50, ms | p95 | cached: p50 | p95 | server's part, p95"
    lines = [f"| a study of | {heads} |", "|---|---:|---:|---:|---:|---:|"]
    for name, kind in kinds.items():
        cells = [kind["uncached_ms"], kind["cached_ms"]]
        times = " | ".join(f"{cell[p]:.0f}" for cell in cells for p in ("p50", "p95"))
        lines.append(f"| {name} | {times} | {kind['cached_server_ms']['p95']:.0f} |")
    return "\n".join(lines)


def _latency(measured: dict[str, Any]) -> str:
    cores = f"{measured['machine']['cpus']} cores for server, worker and browser together"
    return f"{latency_table(measured['kinds'])}\n\n`{measured['command']}`, {cores}."


def startup_line(startup: dict[str, Any]) -> str:
    """What the import of the app costs."""
    return (
        f"`import dashboard.app` takes {startup['seconds']:.2f} s and leaves"
        f" {startup['rss_mb']:.0f} MB (RSS) and {startup['modules']:,} modules."
    )


def fill(text: str, made: dict[str, str]) -> str:
    """The document with its tables.

    Raises:
        ValueError: It has no place for one of them.
    """
    for name, content in made.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, times = place.subn(lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text)  # type: ignore[misc]
        if times != 1:
            raise ValueError(f"{DOCUMENT.name} must have one place for {name}, it has {times}")
    return text


def _read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return content


def main() -> int:
    """Write the tables."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text("utf-8"), tables()), "utf-8")
    sys.stdout.write(f"{DOCUMENT.name} is up to date.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
