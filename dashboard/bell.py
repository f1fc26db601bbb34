"""Wakes an idle worker of the same machine as soon as a job is queued.

A named pipe in the workspace: whoever queues a job writes a byte, and one of the workers that wait
reads it. It is a hint and nothing more: a worker looks into the jobs table at its own pace too, so
that a byte that is lost, or a worker on another machine, costs a moment and no job.
"""

from __future__ import annotations

import os
import selectors
import time
from pathlib import Path

_CAPACITY = 1 << 16


class Bell:
    """The pipe.

    Args:
        path: Where it is, or is made; without named pipes (Windows) `wait` only waits.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pipe: int | None = None

    def ring(self) -> None:
        """Wake a worker that waits; nobody listening is no error."""
        pipe = self._open()
        if pipe is not None:
            try:
                os.write(pipe, b"!")
            except OSError:  # full: there are more rings in it than workers
                pass

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most that long. Returns whether there was one."""
        pipe = self._open()
        if pipe is None:
            time.sleep(seconds)
            return False
        with selectors.DefaultSelector() as waiting:  # select() refuses files beyond the 1024th
            waiting.register(pipe, selectors.EVENT_READ)
            if not waiting.select(seconds):
                return False
        try:  # all rings at once: a worker takes job after job before it waits again
            return bool(os.read(pipe, _CAPACITY))
        except OSError:  # another worker was faster
            return False

    def _open(self) -> int | None:
        """Open the pipe for both ends, so that neither waits for the other."""
        if self._pipe is None and hasattr(os, "mkfifo"):
            try:
                if not self._path.is_fifo():
                    self._path.unlink(missing_ok=True)
                    os.mkfifo(self._path, 0o600)
                self._pipe = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:  # a file system without named pipes
                return None
        return self._pipe
