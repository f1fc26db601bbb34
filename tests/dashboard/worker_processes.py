"""Starts worker processes that answer by rule, and ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fake_server import wait_for

HERE = Path(__file__).resolve().parent


class WorkerProcesses:
    """Worker processes on one workspace.

    Args:
        variables: Their settings.
        lease_s: Their lease; short where a test waits for it to run out.
        program: The worker's file beside this one.
    """

    def __init__(
        self, variables: Mapping[str, str], *, lease_s: float = 15, program: str = "slow_worker.py"
    ) -> None:
        self._variables, self._lease_s, self._program = dict(variables), lease_s, program
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, seconds_a_slice: float) -> subprocess.Popen[bytes]:
        """Start one."""
        paths = os.pathsep.join((str(HERE.parents[1]), str(HERE)))
        process = subprocess.Popen(
            [sys.executable, str(HERE / self._program), str(seconds_a_slice), str(self._lease_s)],
            env={**os.environ, **self._variables, "PYTHONPATH": paths},
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def terminate(self) -> list[int]:
        """Ask all to end; returns their exit statuses.

        One that is still starting, because another did all the work, would end by the signal
        itself: each is asked once it handles the signal.
        """
        for process in self.started:
            wait_for(partial(_handles, process.pid, signal.SIGTERM))
            process.terminate()
        return [process.wait(20) for process in self.started]

    def end(self) -> None:
        """Kill what is left."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _handles(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal (proc_pid_status(5), ``SigCgt``)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
