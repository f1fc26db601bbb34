"""The server of children, and a child: ``python -m pipeline.sandbox.child``.

The server imports the readers once and forks a child for each request of its parent, in
milliseconds. It never opens a file of a user, and knows no environment of the parent. A child does
one job: it is confined first, then it answers requests until its parent ends it.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol

from pipeline.errors import InputError
from pipeline.sandbox import messages
from pipeline.sandbox.confinement import confine, end_with_parent
from pipeline.sandbox.messages import (
    KILL,
    ORDER,
    START,
    Answer,
    Broken,
    Confined,
    Failed,
    Message,
    Progress,
    Refusal,
    Refused,
    Setup,
)
from pipeline.sandbox.watch import ReadingLimits, Work, set_watcher, time_error
from pipeline.sandbox.work_note import NoteWriter

_LOG = logging.getLogger(__name__)
#: The part of a file's time after which it is stopped from inside; a decoder that does not notice
#: is killed by the parent at the end of it.
_INSIDE = 0.9
#: A signal that a library ignored comes again.
_AGAIN_S = 0.5
#: Progress is sent this often; a message for every file would keep the parent busy.
_PROGRESS_S = 0.05
_PAGE = resource.getpagesize()
#: Python and libraries, which a child may read to import what it has not imported yet.
_PROGRAMS = (
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
    "/dev/null",
    "/dev/urandom",
    "/sys/devices/system/cpu",
)


class Job(Protocol):
    """What a child does; made without arguments in it."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        """Answer a request; the first one opens the input.

        Raises:
            InputError: It cannot be answered; the sentence may be shown.
        """


def serve(control: socket.socket, modules: list[str]) -> None:
    """Import modules, then start and kill children until the parent ends."""
    for name in modules:
        import_module(name)
    gc.freeze()  # children share this memory as long as nothing writes to it
    children: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    # not select(), which refuses descriptors from 1024 on: ours has the number that it had in a
    # parent with that many open files
    waiting = select.poll()
    for source in (control.fileno(), woken):
        waiting.register(source, select.POLLIN)
    while True:
        ready = {source for source, _ in waiting.poll()}
        if woken in ready:
            os.read(woken, 4096)
            _reap(children)
        if control.fileno() not in ready:
            continue
        order, descriptors = _receive_order(control)
        if order is None:
            break
        kind, number = order
        if kind == KILL and number in children:
            os.kill(children[number], signal.SIGKILL)
        elif kind == START and descriptors:
            children[number] = _fork(socket.socket(fileno=descriptors[0]), (control, woken, wake))
    for pid in children.values():
        os.kill(pid, signal.SIGKILL)


def _receive_order(control: socket.socket) -> tuple[tuple[bytes, int] | None, list[int]]:
    try:
        content, descriptors, _, _ = socket.recv_fds(control, ORDER.size, 1)
    except OSError:
        return None, []
    while content and len(content) < ORDER.size:
        rest = control.recv(ORDER.size - len(content))
        if not rest:
            return None, []
        content += rest
    return (ORDER.unpack(content) if content else None), list(descriptors)


def _reap(children: dict[int, int]) -> None:
    for number, pid in list(children.items()):
        ended, _ = os.waitpid(pid, os.WNOHANG)
        if ended:
            del children[number]


def _fork(channel: socket.socket, others: tuple[socket.socket, int, int]) -> int:
    server = os.getpid()
    pid = os.fork()
    if pid:
        channel.close()
        return pid
    try:
        end_with_parent()
        if os.getppid() == server:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            others[0].close()
            os.close(others[1])
            os.close(others[2])
            _work(channel)
    except Exception:
        _LOG.exception("a child failed")
    finally:
        os._exit(0)


def _work(channel: socket.socket) -> None:
    """Do one job in this child until the parent ends it."""
    with suppress(Broken):
        setup = messages.receive_of_parent(channel)
        if not isinstance(setup, Setup):
            return
        watcher = _set_up(channel, setup)
        module, _, name = setup.job.partition(":")
        job: Job = getattr(import_module(module), name)()
        while True:
            received = messages.receive_of_parent(channel)
            if isinstance(received, Setup):
                return
            _answer(channel, job, received[1])
            watcher.end(0)


def _set_up(channel: socket.socket, setup: Setup) -> _Watcher:
    limits, folder = setup.limits, Path(setup.folder)
    os.nice(limits.niceness)
    os.chdir(folder)
    tempfile.tempdir = setup.folder
    watcher = _Watcher(folder, limits, setup.refused)
    package = Path(__file__).resolve().parents[1]
    programs = [Path(path) for path in (*_PROGRAMS, sys.prefix, sys.base_prefix)]
    holds = confine(
        readable=[*programs, package, *setup.readable],
        writable=folder,
        written_bytes=limits.written_bytes,
    )
    set_watcher(watcher, file_bytes=limits.file_bytes)
    messages.send(channel, Confined(holds=(*watcher.holds, *holds)))
    return watcher


def _answer(channel: socket.socket, job: Job, request: Message) -> None:
    sent = 0.0

    def progress(done: int, total: int, message: str) -> None:
        nonlocal sent
        if done >= total or time.monotonic() - sent > _PROGRESS_S:
            messages.send(channel, Progress(done=done, total=total, message=message))
            sent = time.monotonic()

    try:
        answer = job.answer(request, progress)
        heads = messages.heads_of(answer.arrays)
    except InputError as error:
        messages.send(channel, Refused(refusal=Refusal.of(error)))
        return
    except Broken:
        raise
    except Exception:
        _LOG.exception("a request could not be answered")
        messages.send(channel, Failed())
        return
    messages.send(channel, Answer(document=answer.document, arrays=heads), answer.arrays)


@dataclass(frozen=True)
class _Present:
    """Work that has begun, with its time and the address space up to which it may go."""

    work: Work
    key: str
    source: str
    seconds: float
    most_bytes: int


class _Watcher:
    """Limits memory and time of each file in this child, and notes it for the parent."""

    def __init__(self, folder: Path, limits: ReadingLimits, refused: dict[str, str]) -> None:
        self._note, self._limits, self._refused = NoteWriter(folder), limits, refused
        self._present: list[_Present] = []
        try:
            self._sizes: int | None = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._sizes = None  # macOS knows neither this nor the limit
        self._most = self._size() + 2 * limits.study_bytes + limits.file_bytes
        if self._sizes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (self._most, self._most))
        self.holds = ("memory", "time") if self._sizes is not None else ("time",)
        signal.signal(signal.SIGALRM, self._stop)

    def check(self, key: str, source: str) -> None:
        """As `pipeline.sandbox.watch.Watcher`."""
        if key in self._refused:
            raise InputError(source, self._refused[key])

    def begin(self, work: Work, key: str, source: str, size: int) -> int:
        """As `pipeline.sandbox.watch.Watcher`."""
        depth = len(self._present)
        limits = self._limits
        is_file = work is Work.FILE
        allowed = limits.bytes_of(size) if is_file else limits.study_bytes
        seconds = limits.seconds_of(size) if is_file else limits.study_seconds
        most = min(self._size() + allowed, self._most)
        self._present.append(_Present(work, key, source, seconds, most))
        self._apply()
        return depth

    def renew(self) -> None:
        """As `pipeline.sandbox.watch.Watcher`."""
        if self._present:
            self._apply()

    def end(self, depth: int) -> None:
        """As `pipeline.sandbox.watch.Watcher`."""
        del self._present[depth:]
        self._apply()

    def _apply(self) -> None:
        if not self._present:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._limit(self._most)
            self._note.write(None)
            return
        one = self._present[-1]
        self._limit(one.most_bytes)
        self._note.write(one.work, one.key, one.source, one.seconds)
        signal.setitimer(signal.ITIMER_REAL, _INSIDE * one.seconds, _AGAIN_S)

    def _limit(self, size: int) -> None:
        if self._sizes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (size, self._most))

    def _size(self) -> int:
        """Address space of this process."""
        if self._sizes is None:
            return 0
        return int(os.pread(self._sizes, 64, 0).split()[0]) * _PAGE

    def _stop(self, *_: object) -> None:
        if self._present:
            raise time_error(self._present[-1].source)


def main() -> NoReturn:
    """Serve the parent whose socket's number is the first argument."""
    # the parent decides: it may have to finish something before it ends
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        level=int(sys.argv[2]),
    )
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[3:])
    sys.exit(0)


if __name__ == "__main__":
    main()
