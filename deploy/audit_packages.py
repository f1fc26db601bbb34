"""Runs pip-audit over a lock file; what it could not check is never reported as sound.

Usage: ``python deploy/audit_packages.py LOCK``. The status is 1 where a package has a known
vulnerability, where only some could be checked, or where the lock cannot be read. Where none could
be checked because no database is reached, a notice says so and the status is 0: not every network
has one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

NOT_CHECKED = "THE PACKAGES WERE NOT CHECKED FOR KNOWN VULNERABILITIES"


def judge(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Read a report of pip-audit; returns the exit status and what to print."""
    packages = report["dependencies"]
    lines = [
        f"{one['name']} {one['version']}: {found['id']}, fixed in"
        f" {', '.join(found['fix_versions']) or 'no version yet'}"
        for one in packages
        for found in one.get("vulns", ())
    ]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    checked = len(packages) - len(skipped)
    if not checked:
        return 0, ["", f"*** NO DATABASE IS REACHED: {NOT_CHECKED}. ***", ""]
    if skipped:
        lines.append(f"Not checked, {len(skipped)} of {len(packages)}: {', '.join(skipped)}")
    if not lines:
        lines.append(f"No known vulnerability in {checked} packages.")
        return 0, lines
    return 1, lines


def main() -> int:
    """Audit a lock file."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    command += ["--format", "json", "--progress-spinner", "off", "-r", sys.argv[1]]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        status, lines = judge(json.loads(done.stdout))
    except (ValueError, KeyError):  # it ended before it had a report
        reason = (done.stderr.strip().splitlines() or ["pip-audit gave no reason"])[-1]
        status = 0 if "connect" in reason.lower() else 1
        lines = ["", f"*** {reason[:300]}", f"*** {NOT_CHECKED}. ***", ""]
    sys.stdout.write("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
