"""The server under load: web process and worker of their own, in a temporary workspace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
_START_S = 120.0
#: The worker that runs the models; one that waits as long as they would; one whose lease a variable
#: shortens.
WORKERS = {
    "models": "dashboard.worker",
    "rule": "tests.load.rule_worker",
    "short lease": "tests.chaos.worker",
}


class RunningServer:
    """Web process, worker and, where the workspace is new, the demo studies.

    Args:
        home: The workspace.
        worker: One of `WORKERS`.
        demo: Whether the demo studies are made.
        variables: Further settings.

    Attributes:
        url: Where it answers.
        environment: Its settings.
    """

    def __init__(
        self, home: Path, *, worker: str = "models", demo: bool = True, **variables: str
    ) -> None:
        self.home = home
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "OVERREAD_HOME": str(home),
            "OVERREAD_PORT": str(port),
            "OVERREAD_DEMO": "yes" if demo else "no",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **variables,
        }
        self._modules = {"web": "dashboard.web", "worker": WORKERS[worker]}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all; returns when the server answers and nothing waits for its analysis.

        Raises:
            RuntimeError: It does not start.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        for name, module in self._modules.items():
            self._start(name, module)
        self.await_answer()

    def await_answer(self) -> None:
        """Wait until the server answers.

        Raises:
            RuntimeError: It does not start.
        """
        until = time.monotonic() + _START_S
        while not self._answers():
            if time.monotonic() > until or self._processes["web"].poll() is not None:
                raise RuntimeError((self.home / "web.log").read_text())
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        """End a process as ``kill -9`` does, and start it again without waiting for it."""
        process = self._processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._start(name, self._modules[name])

    def prepare(self, *, timeout_s: float = 1200.0) -> None:
        """Make the demo studies where they are wanted, and await the analyses.

        Raises:
            RuntimeError: They do not become ready in time.
        """
        self._start("prepare", "dashboard.prepare")
        self.await_analyses(timeout_s=timeout_s)

    def await_analyses(self, *, timeout_s: float = 1200.0) -> None:
        """Wait until nothing is prepared, queued or running.

        Raises:
            RuntimeError: That takes too long.
        """
        until = time.monotonic() + timeout_s
        while self._preparing() or self._waiting():
            if time.monotonic() > until:
                raise RuntimeError("The studies are not ready in time; see the workspace's logs.")
            time.sleep(0.5)

    def restart(self) -> None:
        """End web process and worker and start them again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End what was started."""
        for process in self._processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def processes(self) -> dict[str, psutil.Process]:
        """The running processes by name: ``web``, ``worker``."""
        return {
            name: psutil.Process(process.pid)
            for name, process in self._processes.items()
            if process.poll() is None
        }

    def counts(self) -> dict[str, int]:
        """Analyses by state, as the database has them."""
        from dashboard.workspace.services import build_services
        from dashboard.workspace.settings import read_settings

        store = build_services(read_settings(self.environment)).store
        return {str(state): number for state, number in store.count_studies().states.items()}

    def _start(self, name: str, module: str) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _preparing(self) -> bool:
        prepare = self._processes.get("prepare")
        return prepare is not None and prepare.poll() is None

    def _waiting(self) -> bool:
        counts = self.counts()
        return any(counts.get(state, 0) for state in ("queued", "running"))

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/health", timeout=5) as response:
                answer: Any = json.load(response)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        return bool(answer.get("status") == "ok")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
