"""Reads mutants of sound files: ``python -m tests.fuzz --mutants 10000``.

With ``--packages`` it reads the files that pydicom, nibabel and highdicom test with instead: those
that are installed, and those of source distributions in ``--sources FOLDER``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.measured_reading import start_measured
from tests.fuzz.mutants import HANG_S, Findings, kinds_of, read_mutants
from tests.fuzz.package_files import PACKAGES, installed_files, read_files, unpack_sources
from tests.fuzz.sound_files import make_sound_files
from tests.load.measuring import write_measurement


def main() -> int:
    """Read them and report; 1 where one is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the mutants that are faults")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--packages", action="store_true")
    parser.add_argument("--sources", type=Path, help="folder of source distributions (.tar.gz)")
    chosen = parser.parse_args()
    start = time.monotonic()
    if chosen.packages:
        found, facts, command = _read_packages(chosen.sources)
    else:
        found, facts, command = _read_mutants(chosen)
    for name, outcome in found.faults:
        sys.stdout.write(f"{name}: {outcome.ended or outcome.messages or 'silence'}\n")
    for words, n in kinds_of(found).most_common(20):
        sys.stdout.write(f"{n}: {words}\n")
    figures = {
        **facts,
        "read": found.read,
        "named": found.named,
        "crashed": found.crashed,
        f"over_{HANG_S:.0f}_s": found.hung,
        "neither_read_nor_named": found.unnamed,
        "worst_mb": round(found.worst_mb),
        "worst_seconds": round(found.worst_s, 2),
        "seconds": round(time.monotonic() - start),
    }
    sys.stdout.write(f"{figures}\n")
    if chosen.json is not None:
        write_measurement(chosen.json, command, figures)
    return 1 if found.faults else 0


def _read_mutants(chosen: argparse.Namespace) -> tuple[Findings, dict[str, int], str]:
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)

    def progress(findings: Findings) -> None:
        if findings.n % 500 == 0:
            sys.stdout.write(f"{findings.n:,} read, {len(findings.faults)} faults\n")
            sys.stdout.flush()

    sound = make_sound_files()
    found = read_mutants(sound, chosen.mutants, chosen.seed, keep=chosen.keep, progress=progress)
    command = f"python -m tests.fuzz --mutants {chosen.mutants} --seed {chosen.seed}"
    return found, {"mutants": found.n, "kinds": len(sound)}, command


def _read_packages(sources: Path | None) -> tuple[Findings, dict[str, int], str]:
    paths = [path for package in PACKAGES for path in installed_files(package)]
    n_installed, command = len(paths), "python -m tests.fuzz --packages"
    with tempfile.TemporaryDirectory(prefix="overread-sources-") as folder:
        if sources is not None:
            paths += unpack_sources(sources, Path(folder))
            command += " --sources FOLDER"
        with start_measured() as running:
            found = read_files(paths, running.read)
    return found, {"files": found.n, "installed": n_installed}, command


if __name__ == "__main__":
    sys.exit(main())
