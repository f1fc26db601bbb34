"""Starts web process, workers and preparation, keeps them running, and ends them together.

A process that ends is restarted: at once, and later each time it ends soon after its start. Where
it does so again and again, one sentence says so, and this process ends with status 1, so that a
process manager notices. Only the preparation is given up alone: studies can be read without it.

Each child leads its own process group, so that Ctrl-C reaches this process only and a child's own
children (exports, the process that runs Celery's jobs) end with it. If this process is killed, the
children notice within a second.
"""

from __future__ import annotations

import contextlib
import logging
import math
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
from typing import TextIO

from dashboard.processes.interpreter import warn_about_faults
from dashboard.processes.parent import parent_arguments
from dashboard.workspace.settings import Settings, known_environment

_LOG = logging.getLogger(__name__)
_GRACE_S = 10.0
_POLL_S = 0.2
_WEB_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True)
class RestartRule:
    """When a process that ended is restarted.

    Attributes:
        healthy_s: A child that ran longer than this restarts at once.
        most_early_ends: So many other ends within ``window_s`` are too many.
        window_s: See there.
        shortest_pause_s, longest_pause_s: Pause after the first early end, doubled with each.
    """

    healthy_s: float = 20.0
    most_early_ends: int = 8
    window_s: float = 300.0
    shortest_pause_s: float = 0.5
    longest_pause_s: float = 30.0


@dataclass
class Child:
    """A process that is kept running.

    Attributes:
        module: Module that it runs.
        name: What sentences call it.
        rule: When it is restarted.
        once: Whether it is done when it ends with status 0.
        process: The process, or None while it does not run.
        started: When it was last started (monotonic seconds).
        early_ends: When it ended soon after its start, within the last minutes.
        next_start: When it may be started; infinite if it never may again.
    """

    module: str
    name: str
    rule: RestartRule = RestartRule()
    once: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None)
    started: float = 0.0
    early_ends: list[float] = field(default_factory=list)
    next_start: float = 0.0

    def start(self) -> None:
        """Start it in its own process group; a start that fails counts as an early end."""
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *parent_arguments()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=known_environment(),  # what is unknown was reported by this process
            )
        except OSError as error:  # no memory, too many processes
            _LOG.warning("%s could not be started: %s.", self.name, error.strerror)
            self._plan_restart()

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self.process is not None and self.process.poll() is None

    @property
    def given_up(self) -> bool:
        """Whether it ended early too often."""
        return len(self.early_ends) >= self.rule.most_early_ends

    def look(self) -> None:
        """Note its end, and start it when it is time."""
        if self.process is not None and not self.running:
            status = self.process.returncode
            self.signal_group(signal.SIGKILL)  # and any children that it left
            self.process = None
            if self.once and status == 0:
                self.next_start = math.inf
            else:
                self._plan_restart()
        if self.process is None and not self.given_up and time.monotonic() >= self.next_start:
            self.start()

    def _plan_restart(self) -> None:
        """Decide when it may restart: at once, or later each time it ends early."""
        now = time.monotonic()
        if now - self.started > self.rule.healthy_s:
            self.early_ends.clear()
        else:
            self.early_ends = [
                *(at for at in self.early_ends if now - at < self.rule.window_s),
                now,
            ]
        early = len(self.early_ends)
        pause = self.rule.shortest_pause_s * 2.0 ** (early - 1) if early else 0.0
        pause = min(pause, self.rule.longest_pause_s)
        self.next_start = now + pause
        if not self.given_up:
            _LOG.warning("%s ended; it restarts in %.1f s.", self.name, pause)

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
        worker: Module of the workers; tests pass their own.
        rule: When processes are restarted, likewise.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        worker: str = "dashboard.worker",
        rule: RestartRule | None = None,
    ) -> None:
        rule = rule or RestartRule()
        self.stopping = threading.Event()
        self._settings = settings
        self._web = Child("dashboard.web", "The web process", rule)
        self._workers = [Child(worker, "A worker", rule) for _ in range(settings.workers)]
        self._prepare = Child(
            "dashboard.prepare", "The preparation of the worklist", rule, once=True
        )

    def run(self) -> int:
        """Run until asked to stop; returns the exit status."""
        try:
            self._web.start()
            if not self._wait_for_web():
                if self.stopping.is_set():
                    return 0
                return 2 if self._web.process and self._web.process.poll() == 2 else 1
            return self._watch()
        finally:
            self._end()

    def _watch(self) -> int:
        needed = (self._web, *self._workers)
        is_prepared = True
        while not self.stopping.wait(_POLL_S):
            for child in (*needed, self._prepare):
                child.look()
            for child in needed:
                if child.given_up:
                    _say(sys.stderr, f"{_give_up_words(child)} Overread stops.")
                    return 1
            if is_prepared and self._prepare.given_up:
                is_prepared = False
                _say(
                    sys.stderr,
                    f"{_give_up_words(self._prepare)} Studies of the library may be missing"
                    " until Overread is started again.",
                )
        return 0

    def _wait_for_web(self) -> bool:
        """Wait until the web process answers, and print the address."""
        host = self._settings.host
        name = "127.0.0.1" if host in ("0.0.0.0", "::", "[::]") else host
        if ":" in name and not name.startswith("["):
            name = f"[{name}]"
        address = f"http://{name}:{self._settings.port}"
        deadline = time.monotonic() + _WEB_STARTS_WITHIN_S
        while not self.stopping.is_set():
            status = self._web.process.poll() if self._web.process else None
            if status is not None and status >= 0:
                return False  # it said why
            self._web.look()  # one that was killed gets another chance
            if _answers(f"{address}/api/health"):
                _say(sys.stdout, f"Overread runs at {address} (Ctrl-C stops it)")
                warn_about_faults()
                return True
            if time.monotonic() > deadline:
                _say(sys.stderr, "The web process does not answer; Overread stops.")
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
                    _LOG.warning("%s did not end in time and is killed.", child.name)
                child.signal_group(signal.SIGKILL)  # and any children that it left
                child.process.wait()


def _give_up_words(child: Child) -> str:
    return (
        f"{child.name} ended {len(child.early_ends)} times in a row soon after its start; the log"
        " says why."
    )


def _say(stream: TextIO, sentence: str) -> None:
    """Write a line; a terminal that is gone or a log on a full disk stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        stream.write(f"{sentence}\n")
        stream.flush()


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
