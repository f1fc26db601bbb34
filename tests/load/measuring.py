"""The command line that measurements of a running server share."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from .running_server import WORKERS


class Measure(Protocol):
    """Measures a server that is started in a folder."""

    def __call__(self, home: Path, *, worker: str, count: int) -> Mapping[str, Any]:
        """Figures by name."""


def run_measurement(
    name: str,
    description: str | None,
    measure: Measure,
    *,
    count: int,
    counted: str,
    describe: Callable[[Mapping[str, Any]], str],
) -> int:
    """Measure as the command line asks, print the figures and store them where asked.

    Args:
        name: The module of `tests.load` that is run.
        description: What it measures.
        measure: Does it.
        count: How many studies, where the command line does not say.
        counted: What these are.
        describe: From the figures to what is printed.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.load.{name}", description=description)
    parser.add_argument("--count", type=int, default=count, help=counted)
    parser.add_argument("--home", default="", help="keep the workspace here, for another run")
    parser.add_argument("--worker", choices=sorted(WORKERS), default="models")
    parser.add_argument("--json", type=Path, help="store the figures in this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=f"overread-{name}-") as temporary:
        home = Path(given.home or temporary) / "workspace"
        found = measure(home, worker=given.worker, count=given.count)
    sys.stdout.write(f"{describe(found)}\n")
    if given.json:
        command = f"{parser.prog} --count {given.count} --worker {given.worker}"
        write_measurement(given.json, command, found)
    return 0


def write_measurement(path: Path, command: str, found: Mapping[str, Any]) -> None:
    """Store figures with the command that prints them again, the machine and the day."""
    machine = {"cpus": os.cpu_count(), "system": platform.machine()}
    day = datetime.now(UTC).date().isoformat()
    content = {"command": command, "machine": machine, "date": day, **found}
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
