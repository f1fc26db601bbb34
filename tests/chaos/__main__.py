"""Chaos from the command line: ``python -m tests.chaos --seconds 1200 --seed 1``.

Both ways of running, one after the other: the table alone in SQLite, and Redis with PostgreSQL.
``--json FILE`` keeps the figures. Returns 1 where something is missing, wrong or there twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.load.measuring import write_measurement

from .run import Outcome, run_chaos


def main() -> int:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="of each way of running")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--lease", type=float, default=15.0, help="seconds; 15 is the real one")
    parser.add_argument("--mode", choices=("table", "redis", "both"), default="both")
    parser.add_argument("--json", type=Path, help="store the figures in this file")
    parser.add_argument("--log", type=Path, help="keep the server's logs in this folder")
    given = parser.parse_args()
    outcomes: dict[str, Outcome] = {}
    for mode in ("table", "redis") if given.mode == "both" else (given.mode,):
        with tempfile.TemporaryDirectory(prefix="overread-chaos-") as folder:
            outcomes[mode] = run_chaos(
                Path(folder),
                mode=mode,
                seconds=given.seconds,
                seed=given.seed,
                readers=given.readers,
                pause_s=(1.0, 8.0) if given.seconds >= 120 else (0.3, 1.0),
                lease_s=given.lease,
            )
            if given.log:
                given.log.mkdir(parents=True, exist_ok=True)
                log = (Path(folder) / "server.log").read_bytes()
                (given.log / f"{mode}.log").write_bytes(log)
        sys.stdout.write(f"{mode}: {asdict(outcomes[mode])}\n")
        sys.stdout.flush()
    if given.json:
        command = f"{parser.prog} --seconds {given.seconds:.0f} --seed {given.seed}"
        modes = {mode: asdict(outcome) for mode, outcome in outcomes.items()}
        write_measurement(given.json, command, {"modes": modes})
    return 1 if any(outcome.problems for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
