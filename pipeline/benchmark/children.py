"""Starts routes and commands in processes of their own, one of which works at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import InputError

_ROOT = Path(__file__).resolve().parents[2]


class Child:
    """A route at work; use it as a context, so that its process ends.

    Args:
        plan: What `pipeline.benchmark.child` is to do; ``route`` names it.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._route = str(plan["route"])
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.benchmark.child", json.dumps(dict(plan))],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def first(self, order: Mapping[str, Any]) -> float:
        """Seconds from the start of the process to its first answer."""
        self.ask(order)
        return time.perf_counter() - self._began

    def ask(self, order: Mapping[str, Any]) -> dict[str, float]:
        """Give an order and wait for the answer.

        Raises:
            InputError: The process has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(dict(order)) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise InputError(self._route, f"The route {self._route} ended without an answer.")
        answer: dict[str, float] = json.loads(line)
        return answer


def time_command(arguments: Sequence[str]) -> tuple[float, float]:
    """Run ``python -m pipeline`` to its end.

    Args:
        arguments: What follows.

    Returns:
        Seconds, and the most memory that its process held, in MB.

    Raises:
        InputError: It failed.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError("", f"The command {arguments[0]} failed.")
    return seconds, in_mb(used.ru_maxrss)


def in_mb(maxrss: int) -> float:
    """The most memory of a process in MB, as `resource` counts it on this system."""
    return maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
