"""Writes measured tables into the documents: ``python -m tests.load.document``.

Each table stands between two comments that name it, ``<!-- sites -->`` and ``<!-- /sites -->``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from .capacity import (
    MEASURED,
    constants_table,
    read_measured,
    sites_table,
)
from .report import Row, table

#: How a row of the jobs table reaches a worker, by mode of `tests.load.kill_workers`.
_DELIVERIES = {"table": "table in SQLite", "redis": "Celery over Redis, table in PostgreSQL"}
_DOCS = Path(__file__).resolve().parents[2] / "docs"
SCALING, DEPLOYMENT = _DOCS / "scaling.md", _DOCS / "deployment.md"


def tables(folder: Path = MEASURED) -> dict[Path, dict[str, str]]:
    """The tables of each document by name."""
    measured = read_measured(folder)
    return {
        SCALING: {
            "constants": constants_table(measured),
            "sites": sites_table(measured),
            "load": load_table(_read(folder, "load")),
            "latency": _latency(_read(folder, "latency")),
            "startup": startup_line(_read(folder, "startup")),
        },
        DEPLOYMENT: {
            "kills": _kills(_read(folder, "kill_workers")),
            "reading": _reading(_read(folder, "kill_reading")),
            "chaos": _chaos(_read(folder, "chaos")),
            "workers": _scaling(_read(folder, "worker_scaling")),
        },
    }


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


def kills_table(modes: dict[str, Any]) -> str:
    """What became of the jobs of killed workers, by how jobs were delivered."""
    lines = [
        "| Delivery | Kills | Jobs | Done | Lost | Done twice | Taken over: median | at most |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for mode, outcome in modes.items():
        times = sorted(outcome["takeovers_s"])
        taken = f"{times[len(times) // 2]:.1f} s | {times[-1]:.1f} s" if times else "- | -"
        lines.append(
            f"| {_DELIVERIES[mode]} | {outcome['kills']} | {outcome['jobs']} | {outcome['done']}"
            f" | {outcome['jobs'] - outcome['done']} | {outcome['finished_twice']} | {taken} |"
        )
    return "\n".join(lines)


def _kills(measured: dict[str, Any]) -> str:
    return f"{kills_table(measured['modes'])}\n\n{_origin(measured)}"


def reading_table(outcome: dict[str, Any]) -> str:
    """What became of studies that were read while processes were killed."""
    by_step = ", ".join(f"{step} {count}" for step, count in outcome["kills"].items())
    return (
        "| Kills | While | Studies read to the end | Requests without an answer | Lost, twice or"
        " refused |\n|---:|---|---:|---:|---:|\n"
        f"| {sum(outcome['kills'].values())} | {by_step} | {outcome['studies']}"
        f" | {outcome['cut_off']} | {len(outcome['problems'])} |"
    )


def _reading(measured: dict[str, Any]) -> str:
    return f"{reading_table(measured)}\n\n{_origin(measured)}"


def chaos_table(modes: dict[str, Any]) -> str:
    """What went wrong while readers worked, and what the auditor found."""
    lines = [
        "| Delivery | Faults | Acknowledged writes | Of these | Missing, wrong or twice | Answers"
        " without a plain sentence, or status 500 |",
        "|---|---|---:|---|---:|---:|",
    ]
    for mode, outcome in modes.items():
        faults = ", ".join(f"{kind} {count} x" for kind, count in outcome["faults"].items())
        readings = ", ".join(f"{kind} {n}" for kind, n in outcome["readings"].items())
        answers = [one for one in outcome["problems"] if one.startswith(("an answer", "status"))]
        lines.append(
            f"| {_DELIVERIES[mode]} | {faults} | {outcome['acknowledged']} | {readings}"
            f" | {len(outcome['problems']) - len(answers)} | {len(answers)} |"
        )
    return "\n".join(lines)


def _chaos(measured: dict[str, Any]) -> str:
    return f"{chaos_table(measured['modes'])}\n\n{_origin(measured)}"


def scaling_line(measured: dict[str, Any]) -> str:
    """Two workers against one."""
    number, slices = measured["studies"], measured["studies"] * measured["slices"]
    one, two, ratios = measured["one_s"], measured["two_s"], measured["ratios"]
    spread = ""
    if len(ratios) > 1:
        spread = f" ({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} rounds)"
    return (
        f"{number} studies of {measured['slices']} slices, one thread per worker: one worker"
        f" {slices / one:.1f} slices/s, two {slices / two:.1f}: {one / two:.2f} times{spread}."
    )


def _scaling(measured: dict[str, Any]) -> str:
    return f"{scaling_line(measured)}\n\n{_origin(measured)}"


def _origin(measured: dict[str, Any]) -> str:
    return f"`{measured['command']}`, {measured['machine']['cpus']} cores, {measured['date']}."


def fill(text: str, made: dict[str, str]) -> str:
    """A document with its tables.

    Raises:
        ValueError: It has no place for one of them.
    """
    for name, content in made.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, times = place.subn(lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text)  # type: ignore[misc]
        if times != 1:
            raise ValueError(f"the document must have one place for {name}, it has {times}")
    return text


def _read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return content


def main() -> int:
    """Write the tables."""
    for path, made in tables().items():
        path.write_text(fill(path.read_text("utf-8"), made), "utf-8")
        sys.stdout.write(f"{path.name} is up to date.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
