"""Reads files one after the other, each in a process of its own, and measures memory and time.

A script, so that imports are paid for once: it forks for each file. `Measured` starts it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What came of one file.

    Attributes:
        cases: Shapes of the cases.
        messages: Sentences on what was not read.
        notices: Sentences on what was passed over.
        warnings: Sentences that stay with the cases.
        peak_mb: Memory beyond that before reading, at its peak.
        seconds: Of processor time.
        ended: "" where reading returned, else how its process ended: a signal, or ``timeout``.
        digest: Of the cases' pixels.
    """

    cases: tuple[tuple[int, ...], ...] = ()
    messages: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    peak_mb: float = 0.0
    seconds: float = 0.0
    ended: str = ""
    digest: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether the file became a case, a notice or a sentence of its own."""
        return not self.ended and bool(self.cases or self.messages or self.notices)


class Measured:
    """A process that reads files on demand."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, path: Path, *, memory_mb: int = 1024, limit_s: float = 60) -> Outcome:
        """Read one file with a limit of memory per file, in a process of its own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"path": str(path), "memory_mb": memory_mb, "limit_s": limit_s}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return _outcome(json.loads(self._process.stdout.readline()))


def read_here(path: Path) -> Outcome:
    """Read a file in this process: fast, without a measure of memory."""
    return _outcome(_read(path, 1024))


def _outcome(answer: dict[str, Any]) -> Outcome:
    return Outcome(
        **{k: tuple(map(_freeze, v)) if isinstance(v, list) else v for k, v in answer.items()}
    )


def _freeze(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@contextlib.contextmanager
def start_measured() -> Iterator[Measured]:
    """Start the process; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    try:
        yield Measured(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def _peak_mb() -> float:
    """Largest memory of this process so far."""
    with contextlib.suppress(OSError):  # Linux; the other number includes the parent's
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _read(path: Path, memory_mb: int) -> dict[str, object]:
    import hashlib

    from pipeline.data.reading.reading import read_cases
    from pipeline.sandbox.watch import limit_file_bytes

    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    start = resource.getrusage(resource.RUSAGE_SELF)
    before = _peak_mb()
    with limit_file_bytes(memory_mb << 20):
        report = read_cases([path])
    used = resource.getrusage(resource.RUSAGE_SELF)
    digest = hashlib.sha256()
    for case in report.cases:
        digest.update(case.pixels.tobytes())
    return {
        "cases": [case.pixels.shape for case in report.cases],
        "messages": [error.message for error in report.errors],
        "notices": list(report.notices),
        "warnings": [words for case in report.cases for words in case.warnings],
        "peak_mb": _peak_mb() - before,
        "seconds": used.ru_utime + used.ru_stime - start.ru_utime - start.ru_stime,
        "digest": digest.hexdigest(),
    }


def _in_a_child(path: Path, memory_mb: int, limit_s: float) -> str:
    back, to = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(back)
        signal.setitimer(signal.ITIMER_REAL, limit_s)  # its signal ends the process
        try:
            answer = json.dumps(_read(path, memory_mb))
        except BaseException as error:
            answer = json.dumps({"ended": repr(error)[:200]})
        with os.fdopen(to, "w") as stream:
            stream.write(answer)
        os._exit(0)
    os.close(to)
    with os.fdopen(back) as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        how = "timeout" if number == signal.SIGALRM else signal.Signals(number).name
        return json.dumps({"ended": how})
    return answer


def main() -> None:
    """Answer each line of the standard input with one."""
    import logging

    import cv2
    import nibabel  # noqa: F401
    import SimpleITK  # noqa: F401
    import tifffile  # noqa: F401

    import pipeline.data.reading.code_streams
    import pipeline.data.reading.dicom_series
    import pipeline.data.reading.reading  # noqa: F401

    cv2.setNumThreads(1)
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        request = json.loads(line)
        answer = _in_a_child(Path(request["path"]), request["memory_mb"], request["limit_s"])
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
