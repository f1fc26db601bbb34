"""What goes wrong: killed processes, servers that go and come, a full disk and a slow one."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
from service_processes import PostgresServer, RedisServer

from tests.small_disk import SmallDisk

#: A busy machine may need so much longer to start a process.
_BUSY_S = 60.0
#: So much must be stored between two kills of the web process.
_SOME_WRITES = 6
_SOURCE = Path(__file__).with_name("slow_disk.c")


class SlowDisk:
    """Makes writes of processes slow: a library that is loaded before the C library.

    Args:
        folder: For the library and the file that switches it on.
    """

    def __init__(self, folder: Path) -> None:
        self._switch, self._library = folder / "slow", folder / "slow_disk.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise RuntimeError("The slow disk needs a C compiler (apt-get install gcc).")
        command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE)]
        subprocess.run([*command, "-ldl"], check=True, capture_output=True)

    @property
    def variables(self) -> dict[str, str]:
        """Environment of the processes that it slows down."""
        return {"LD_PRELOAD": str(self._library), "CHAOS_SLOW_DISK": str(self._switch)}

    def start(self) -> None:
        """Slow down."""
        self._switch.touch()

    def stop(self) -> None:
        """Be as fast as before."""
        self._switch.unlink(missing_ok=True)


class Faults:
    """Causes faults until it must stop, each kind in turn; then all is well again.

    Args:
        supervisor: Process id of the product's own supervisor.
        disk: The workspace's disk.
        slow: Slows it down.
        redis, postgres: If the product uses them.
        pause_s: Shortest and longest time between two faults.
        seed: Of what is drawn.

    Attributes:
        counts: How many faults there were of each kind.
    """

    def __init__(
        self,
        supervisor: int,
        disk: SmallDisk,
        slow: SlowDisk,
        *,
        redis: RedisServer | None,
        postgres: PostgresServer | None,
        pause_s: tuple[float, float],
        seed: int,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._supervisor = psutil.Process(supervisor)
        self._disk, self._slow = disk, slow
        self._redis, self._postgres = redis, postgres
        self._pause_s = pause_s
        self._stored: Callable[[], int] = lambda: 0
        self._chance = random.Random(seed)
        self._kinds: dict[str, Callable[[], None]] = {
            "web killed": self._kill_web,
            "worker killed": lambda: self._kill("tests.chaos.worker"),
            "disk full": self._fill,
            "disk slow": self._slow_down,
        }
        if redis is not None:
            self._kinds["Redis killed"] = lambda: self._restart(redis, redis.kill)
        if postgres is not None:
            self._kinds["PostgreSQL killed"] = lambda: self._restart(postgres, postgres.kill)

    def run(
        self, seconds: float, *, stored: Callable[[], int], is_complete: Callable[[], bool]
    ) -> None:
        """Cause faults for some time, from when readers have begun; each kind at least once.

        Args:
            seconds: For how long.
            stored: How much readers have stored so far.
            is_complete: Whether they have done work of every kind, which is waited for.
        """
        self._stored = stored
        self._await_work()
        until = time.monotonic() + seconds
        for turn in itertools.count():
            for kind in self._chance.sample(sorted(self._kinds), len(self._kinds)):
                time.sleep(self._chance.uniform(*self._pause_s))
                if turn and time.monotonic() > until:
                    self._await(is_complete)
                    return
                self.counts[kind] += 1
                self._kinds[kind]()

    def _await_work(self) -> None:
        """Wait until readers have stored something more: a busy machine takes its time to start."""
        before = self._stored()
        self._await(lambda: self._stored() >= before + _SOME_WRITES)

    def _await(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _BUSY_S
        while not is_so() and time.monotonic() < deadline:
            time.sleep(0.05)

    def heal(self) -> None:
        """End what goes wrong."""
        self._disk.free()
        self._slow.stop()

    def _kill_web(self) -> None:
        self._await_work()
        self._kill("dashboard.web")

    def _kill(self, module: str) -> None:
        found = [child for child in self._children() if module in _command(child)]
        if found:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._chance.choice(found).send_signal(signal.SIGKILL)

    def _children(self) -> list[psutil.Process]:
        return self._supervisor.children(recursive=True)

    def _restart(self, server: RedisServer | PostgresServer, kill: Callable[[], None]) -> None:
        kill()
        time.sleep(self._chance.uniform(0.2, 1.5))
        server.start()

    def _fill(self) -> None:
        self._disk.fill()
        time.sleep(self._chance.uniform(0.5, 2.0))
        self._disk.free()

    def _slow_down(self) -> None:
        self._slow.start()
        # a process that dies on a slow disk starts on one
        if self._chance.random() < 0.3:
            threading.Timer(0.3, self._kill, ["dashboard.web"]).start()
        time.sleep(self._chance.uniform(0.5, 2.0))
        self._slow.stop()


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
