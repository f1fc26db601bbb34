"""Starts web process, workers and preparation, keeps them running, and ends them together.

Each child leads its own process group, so that Ctrl-C reaches this process only and a child's own
children (exports, the process that runs Celery's jobs) end with it. If this process is killed, the
children notice within a second.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from dashboard.processes.parent import parent_arguments
from dashboard.workspace.settings import Settings, known_environment

_LOG = logging.getLogger(__name__)
_GRACE_S = 10.0
_POLL_S = 0.2
_WEB_STARTS_WITHIN_S = 60.0
_MAX_BACK_OFF_S = 30.0
#: A child that ran longer than this restarts at once.
_HEALTHY_S = 60.0


@dataclass
class Child:
    """A process that is kept running.

    Attributes:
        module: Module that it runs.
        process: The process, or None before its first start.
        started: When it was last started (monotonic seconds).
        failures: Starts in a row that ended early.
        next_start: When it may be restarted (monotonic seconds).
    """

    module: str
    process: subprocess.Popen[bytes] | None = field(default=None)
    started: float = 0.0
    failures: int = 0
    next_start: float = 0.0

    def start(self) -> None:
        """Start it in its own process group."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, *parent_arguments()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=known_environment(),  # what is unknown was reported by this process
        )

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self.process is not None and self.process.poll() is None

    def note_end(self) -> None:
        """Decide when it may restart: at once, or later each time it ends early."""
        lived = time.monotonic() - self.started
        self.failures = 0 if lived > _HEALTHY_S else self.failures + 1
        pause = min(_MAX_BACK_OFF_S, 2.0**self.failures / 2) if self.failures else 0.0
        self.next_start = time.monotonic() + pause
        self.process = None
        _LOG.warning("%s ended; it restarts in %.0f s.", self.module, pause)

    def signal_group(self, number: int) -> None:
        """Send a signal to it and to its own children."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except (ProcessLookupError, PermissionError):
                pass


class Supervisor:
    """Runs the whole server as one command.

    Args:
        settings: How it runs.
    """

    def __init__(self, settings: Settings) -> None:
        self.stopping = threading.Event()
        self._settings = settings
        self._web = Child("dashboard.web")
        self._workers = [Child("dashboard.worker") for _ in range(settings.workers)]
        self._prepare = Child("dashboard.prepare")

    def run(self) -> int:
        """Run until asked to stop; returns the exit status."""
        try:
            self._web.start()
            if not self._wait_for_web():
                if self.stopping.is_set():
                    return 0
                return 2 if self._web.process and self._web.process.poll() == 2 else 1
            for child in (*self._workers, self._prepare):
                child.start()
            return self._watch()
        finally:
            self._end()

    def _watch(self) -> int:
        while not self.stopping.wait(_POLL_S):
            if not self._web.running:
                sys.stderr.write("The web process ended; Overread stops.\n")
                return 1
            if self._prepare.process is not None and not self._prepare.running:
                self._prepare.process = None  # it has finished
            for worker in self._workers:
                if worker.process is not None and not worker.running:
                    worker.signal_group(signal.SIGKILL)
                    worker.note_end()
                if worker.process is None and time.monotonic() >= worker.next_start:
                    worker.start()
        return 0

    def _wait_for_web(self) -> bool:
        """Wait until the web process answers, and print the address."""
        host = self._settings.host
        name = "127.0.0.1" if host in ("0.0.0.0", "::", "[::]") else host
        if ":" in name and not name.startswith("["):
            name = f"[{name}]"
        address = f"http://{name}:{self._settings.port}"
        deadline = time.monotonic() + _WEB_STARTS_WITHIN_S
        while self._web.running and not self.stopping.is_set():
            if _answers(f"{address}/api/health"):
                sys.stdout.write(f"Overread runs at {address} (Ctrl-C stops it)\n")
                sys.stdout.flush()
                return True
            if time.monotonic() > deadline:
                sys.stderr.write("The web process does not answer; Overread stops.\n")
                return False
            self.stopping.wait(_POLL_S)
        return False

    def _end(self) -> None:
        """End all children: ask first, then kill those that still run."""
        children = (self._prepare, *self._workers, self._web)
        for child in children:
            child.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        for child in children:
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    _LOG.warning("%s did not end in time and is killed.", child.module)
                child.signal_group(signal.SIGKILL)  # and any children that it left
                child.process.wait()


def host_is_known(host: str) -> bool:
    """Whether the name on which the web process listens can be resolved."""
    try:
        socket.getaddrinfo(host.strip("[]"), None)
    except (OSError, UnicodeError):
        return False
    return True


def port_is_free(host: str, port: int) -> bool:
    """Whether the web process can listen on this port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return False
    return True


def _answers(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
