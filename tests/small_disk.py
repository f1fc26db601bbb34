"""A disk of some megabytes that tests fill: a file system in memory, mounted for one test."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_BLOCK = bytes(1 << 12)


class SmallDisk:
    """A mounted disk.

    Args:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Take all space but some bytes."""
        free = shutil.disk_usage(self.folder).free
        with self._ballast.open("ab", buffering=0) as stream, contextlib.suppress(OSError):
            os.posix_fallocate(stream.fileno(), stream.tell(), max(1, free - leave - (1 << 20)))
            stream.seek(0, os.SEEK_END)
        free = shutil.disk_usage(self.folder).free
        with self._ballast.open("ab", buffering=0) as stream, contextlib.suppress(OSError):
            for _ in range(max(0, free - leave) // len(_BLOCK)):
                stream.write(_BLOCK)

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def mounted_disk(folder: Path, *, megabytes: int = 16) -> Iterator[SmallDisk]:
    """Mount a small disk; skips the test where this user may not."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)]
    done = None
    if os.name == "posix" and shutil.which("mount"):
        done = subprocess.run(command, capture_output=True, text=True)
    if done is None or done.returncode != 0:
        pytest.skip("No small disk can be mounted here; it takes Linux and the right to mount.")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)
