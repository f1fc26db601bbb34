"""Programs of the load test in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Runs a program that prints JSON last; it gets a folder for the workspace.

    Locust replaces the blocking calls of Python by gevent's, so that it needs its own process.
    """

    def run(program: str) -> dict[str, Any]:
        command = [sys.executable, "-c", program, str(tmp_path_factory.mktemp("load") / "home")]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run
