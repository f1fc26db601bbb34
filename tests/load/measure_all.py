"""Measures what docs/scaling.md and docs/deployment.md show: ``python -m tests.load.measure_all``.

About 45 minutes on a quiet machine. Each command writes a file into docs/measured, the last step
writes the documents' tables from them. A file names the command that wrote
it, which may differ from the list where the list was changed later.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .capacity import MEASURED
from .running_server import ROOT

#: File in docs/measured, and the command that writes it.
COMMANDS: tuple[tuple[str, Sequence[str]], ...] = (
    ("startup", ("tests.load.startup",)),
    ("constants", ("tests.load.constants",)),
    ("latency", ("tests.load.latency",)),
    ("load", ("tests.load", "--worker", "rule", "--seconds", "60")),
    ("worklist", ("tests.load.many_studies",)),
    ("kill_workers", ("tests.load.kill_workers", "--kills", "50")),
    ("kill_reading", ("tests.load.kill_reading", "--kills", "200")),
    ("chaos", ("tests.chaos", "--seconds", "600")),
    ("mutants", ("tests.fuzz", "--mutants", "10000")),
    ("worker_scaling", ("tests.load.worker_scaling", "--studies", "8", "--rounds", "3")),
)
#: These make a workspace of their own; worker scaling keeps only its own studies in one.
_OWN_FOLDERS = ("startup", "worklist", "kill_workers", "kill_reading", "chaos", "mutants")
_HOMES = {"worker_scaling": "scaling"}


def main() -> int:
    """Run all of them, then write the documents."""
    MEASURED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="overread-measure-") as temporary:
        for name, (module, *more) in COMMANDS:
            command = [sys.executable, "-m", module, *more]
            command += ["--json", str(MEASURED / f"{name}.json")]
            if name not in _OWN_FOLDERS:
                command += ["--home", str(Path(temporary) / _HOMES.get(name, "shared"))]
            sys.stdout.write(f"{module} {' '.join(more)}\n")
            sys.stdout.flush()
            if subprocess.run(command, cwd=ROOT, check=False).returncode:
                sys.stderr.write(f"{module} failed; its file is as it was.\n")
                return 1
    return subprocess.run(
        [sys.executable, "-m", "tests.load.document"], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
