"""How fast the web process imports, and what it holds: ``python -m tests.load.startup``."""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|\s*(\S+)")
_PROGRAM = """
import json, sys, time
began, cpu = time.perf_counter(), time.process_time()
from dashboard.web import load_app
load_app()
took, cpu = time.perf_counter() - began, time.process_time() - cpu
modules = sorted(sys.modules)
import psutil
memory = psutil.Process().memory_full_info()
print(json.dumps({"seconds": took, "cpu_s": cpu, "rss_mb": memory.rss / 1e6,
                  "pss_mb": memory.pss / 1e6, "modules": modules}))
"""


@dataclass(frozen=True)
class Startup:
    """What importing the app, as the web process does, costs in a fresh process.

    Attributes:
        seconds: Wall clock.
        cpu_s: Processor time, in seconds.
        rss_mb, pss_mb: Memory afterwards, in MB (1e6 bytes).
        modules: Names of everything that is imported.
    """

    seconds: float
    cpu_s: float
    rss_mb: float
    pss_mb: float
    modules: tuple[str, ...]


def measure_startup(home: Path) -> Startup:
    """Import the app in a fresh process, on a workspace whose tables exist."""
    if not any(home.iterdir()):
        _python(["-c", "import dashboard.app"], home)
    done = _python(["-c", _PROGRAM], home)
    measured = json.loads(done.stdout.splitlines()[-1])
    return Startup(**{**measured, "modules": tuple(measured["modules"])})


def slowest_imports(home: Path, count: int) -> list[tuple[float, str]]:
    """The imports that take longest by themselves: (milliseconds, module)."""
    done = _python(["-X", "importtime", "-c", "import dashboard.app"], home)
    found = [
        (int(line[1]) / 1000, line[3])
        for line in map(_LINE.match, done.stderr.splitlines())
        if line
    ]
    return sorted(found, reverse=True)[:count]


def _python(arguments: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OVERREAD_HOME": str(home)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def main() -> int:
    """Print the median of some starts and the slowest imports."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.startup", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", type=Path, help="store the figures in this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overread-startup-") as home:
        measure_startup(Path(home))  # files are in the system's cache, modules are compiled
        starts = [measure_startup(Path(home)) for _ in range(given.times)]
        slow = slowest_imports(Path(home), 12)
    seconds = statistics.median(start.seconds for start in starts)
    cpu = statistics.median(start.cpu_s for start in starts)
    memory = statistics.median(start.rss_mb for start in starts)
    sys.stdout.write(
        f"import of the web process: {seconds:.2f} s, {cpu:.2f} s of processor time (medians of"
        f" {given.times}), {memory:.0f} MB RSS, {len(starts[-1].modules)} modules\n"
    )
    for milliseconds, name in slow:
        sys.stdout.write(f"{milliseconds:8.1f} ms  {name}\n")
    if given.json:
        content = {**asdict(starts[-1]), "seconds": round(seconds, 3), "cpu_s": round(cpu, 3)}
        content["rss_mb"] = round(memory, 1)
        content["modules"] = len(starts[-1].modules)
        content["command"] = f"python -m tests.load.startup --times {given.times}"
        given.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
