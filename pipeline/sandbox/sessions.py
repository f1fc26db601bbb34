"""Jobs in children, as the rest of the program uses them.

A session is one job on one input, such as the reading of an upload. Its child may die of a file:
of time, of memory, of a decoder's fault. The session then starts another one, which refuses that
file with a sentence and does the rest.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

from pipeline.errors import InputError, ProgressCallback
from pipeline.sandbox import messages
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
    Receiver,
    Refused,
    Request,
    Setup,
)
from pipeline.sandbox.watch import ReadingLimits, crash_error, time_error
from pipeline.sandbox.work_note import read_note

_LOG = logging.getLogger(__name__)
#: Memory that a child's allocator uses again instead of returning it to the system.
_KEPT_BYTES = 32 << 20
#: Longest silence of a child that works on no file: folders are listed, copies compared.
_SILENT_S = 600.0
#: Children that work at once; others wait for their turn.
_AT_ONCE = 4
#: Sessions at once, those that wait included. Each holds a thread of the web process, which has
#: more of them, so that pages always find one.
MOST_SESSIONS = 20
_BUSY = "Too many uploads are being read at the moment. Try again in a minute."
_FAILED = "The files cannot be read: reading them failed. The log of the server has the details."


class _Late(Exception):
    """A child took longer than its work may take."""


class _Server:
    """The process that forks children, one for each process that reads files.

    Args:
        modules: Modules that it imports before it forks.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = modules
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.turns = threading.BoundedSemaphore(_AT_ONCE)
        self.places = threading.BoundedSemaphore(MOST_SESSIONS)

    def start(self) -> None:
        """Start the process, unless it runs."""
        with self._lock:
            self._ensure()

    def start_child(self) -> tuple[int, socket.socket]:
        """Start a child; returns its number and its socket.

        Raises:
            Broken: The server does not start.
        """
        ours, theirs = socket.socketpair()
        try:
            with self._lock:
                number = next(self._numbers)
                for attempt in (1, 2):
                    control = self._ensure()
                    try:
                        order = ORDER.pack(START, number)
                        socket.send_fds(control, [order], [theirs.fileno()])
                        return number, ours
                    except OSError:
                        self._drop()
                        if attempt == 2:
                            raise
        except OSError as error:
            ours.close()
            raise Broken from error
        finally:
            theirs.close()
        raise AssertionError("unreachable")

    def kill_child(self, number: int) -> None:
        """Kill a child that may have ended already."""
        with self._lock:
            if self._control is not None:
                with suppress(OSError):
                    self._control.sendall(ORDER.pack(KILL, number))

    def forget(self) -> None:
        """Leave the server to the process that started it: this one is its fork."""
        self._lock = threading.Lock()
        self.turns = threading.BoundedSemaphore(_AT_ONCE)
        self.places = threading.BoundedSemaphore(MOST_SESSIONS)
        if self._control is not None:
            self._control.close()
        self._control = self._process = None

    def _ensure(self) -> socket.socket:
        if self._control is not None and self._process is not None:
            if self._process.poll() is None:
                return self._control
            code = self._process.returncode
            _LOG.warning("The server of reading processes ended (status %d); it restarts.", code)
        self._drop()
        ours, theirs = socket.socketpair()
        with theirs:
            level = str(logging.getLogger("pipeline").getEffectiveLevel())
            command = [sys.executable, "-W", "ignore", "-m", "pipeline.sandbox.child"]
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), level, *self._modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(),
                cwd="/",
            )
        self._control = ours
        return ours

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def _environment() -> dict[str, str]:
    """The environment of children: no settings, no addresses, no secrets."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    return {
        **kept,
        "PATH": os.defpath,
        "HOME": "/",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        # a hostile file keeps one core busy, not all; and libraries' threads do not survive a fork
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # a child is new for every input: with the C library's own thresholds it asks the system for
        # fresh memory for every picture, and each page of that costs a fault
        "MALLOC_MMAP_THRESHOLD_": str(_KEPT_BYTES),
        "MALLOC_TRIM_THRESHOLD_": str(_KEPT_BYTES),
    }


@cache
def server_of(modules: tuple[str, ...]) -> _Server:
    """The server of this process whose children know some modules."""
    server = _Server(modules)
    os.register_at_fork(after_in_child=server.forget)
    return server


class Session:
    """A job on one input, in a child; see `open_session`."""

    def __init__(
        self,
        server: _Server,
        setup: Setup,
        progress: ProgressCallback | None,
    ) -> None:
        self._server, self._setup, self._progress = server, setup, progress
        self._opening: tuple[Message, str] | None = None
        self._number = 0
        self._channel: socket.socket | None = None
        self._shown = (0, 1, "Waiting for other files to be read")
        self._heard = 0.0
        self._is_second = False

    def ask(self, document: str, arrays: Sequence[messages.Array] = ()) -> Message:
        """Ask the job, and wait for its answer. What is asked first opens the input.

        Raises:
            InputError: The job refuses all of it, or it cannot be done.
            Cancelled: ``progress`` raised it; the session is over.
        """
        request = Message(document, tuple(arrays))
        self._is_second = False
        with self._turn():
            while True:
                try:
                    if self._channel is None:
                        self._start()
                        if self._opening is not None:
                            self._open_again(*self._opening)
                    answer = self._exchange(request)
                except (Broken, _Late) as error:
                    self._refuse(late=isinstance(error, _Late))
                    continue
                except InputError:
                    raise
                except BaseException:
                    self.close()
                    raise
                self._opening = self._opening or (request, answer.document)
                return answer

    def close(self) -> None:
        """End the child."""
        if self._channel is not None:
            self._channel.close()
            self._server.kill_child(self._number)
            self._channel = None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        while not self._server.turns.acquire(timeout=0.5):
            self._wait()
        try:
            yield
        finally:
            self._server.turns.release()

    def _start(self) -> None:
        _empty(Path(self._setup.folder))
        self._number, self._channel = self._server.start_child()
        messages.send(self._channel, self._setup)

    def _open_again(self, request: Message, answer: str) -> None:
        """Open the input in another child.

        Raises:
            InputError: It is no longer as it was: later requests would mean other things.
        """
        if self._exchange(request).document != answer:
            raise InputError("", _FAILED)

    def _refuse(self, *, late: bool) -> None:
        """Blame the work that the child was at. Where it was at none, another child may try once.

        The system kills a child when memory is short, or fails to fork one: no file is to blame.

        Raises:
            InputError: The second was at none either, or at one that should have been refused.
        """
        working = read_note(Path(self._setup.folder))
        self.close()
        if working is None or working.work is None:
            if late or self._is_second:
                raise InputError("", _FAILED)
            self._is_second = True
            _LOG.warning("A process ended between files; its work begins once more in another.")
            return
        if working.key in self._setup.refused:
            raise InputError("", _FAILED)
        error = (time_error if late else crash_error)(working.source)
        _LOG.warning(
            "A process that reads files %s and was replaced.", "took too long" if late else "ended"
        )
        refused = {**self._setup.refused, working.key: error.message}
        self._setup = self._setup.model_copy(update={"refused": refused})

    def _exchange(self, request: Message) -> Message:
        assert self._channel is not None
        receiver = Receiver(self._channel, self._check)
        self._heard = time.monotonic()
        heads = messages.heads_of(request.arrays)
        sent = Request(document=request.document, arrays=heads)
        messages.send(self._channel, sent, request.arrays)
        while True:
            message = receiver.message()
            self._heard = time.monotonic()
            if isinstance(message, Progress):
                self._shown = (message.done, message.total, message.message)
                self._wait()
            elif isinstance(message, Confined):
                _report(message.holds)
            elif isinstance(message, Refused):
                raise message.refusal.error()
            elif isinstance(message, Failed):
                raise InputError("", _FAILED)
            elif isinstance(message, Answer):
                if sum(head.nbytes for head in message.arrays) > self._setup.limits.study_bytes:
                    raise Broken
                arrays = tuple(receiver.array(head) for head in message.arrays)
                return Message(message.document, arrays)

    def _check(self) -> None:
        """Give up a child that takes too long.

        Raises:
            _Late: It does.
        """
        limits = self._setup.limits
        note = read_note(Path(self._setup.folder))
        now = time.monotonic()  # after the note was read: what it says began before
        if note is None or note.work is None:
            if now - self._heard > _SILENT_S:
                raise _Late
        elif not 0 <= now - note.since <= min(note.seconds, limits.longest_seconds):
            raise _Late
        self._wait()

    def _wait(self) -> None:
        if self._progress is not None:
            self._progress(*self._shown)


@contextmanager
def open_session(
    job: str,
    *,
    modules: tuple[str, ...],
    readable: Iterable[Path] = (),
    limits: ReadingLimits | None = None,
    progress: ProgressCallback | None = None,
) -> Iterator[Session]:
    """Start a job, which ends with the block.

    Args:
        job: ``module:class`` of a `pipeline.sandbox.child.Job`.
        modules: Modules that children of its kind have imported before they start.
        readable: Files and folders that it may read.
        limits: What reading may take.
        progress: Called with (done, total, what is being done), also while it waits; may raise
            `Cancelled`.

    Raises:
        InputError: Too many sessions are open.
    """
    server = server_of(modules)
    if not server.places.acquire(blocking=False):
        raise InputError("", _BUSY)
    with ExitStack() as stack:
        stack.callback(server.places.release)
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="overread-", ignore_cleanup_errors=True)
        )
        setup = Setup(
            job=job,
            limits=limits or ReadingLimits(),
            folder=folder,
            readable=tuple(readable),
            refused={},
        )
        session = Session(server, setup, progress)
        try:
            yield session
        finally:
            session.close()


@cache
def _report(holds: tuple[str, ...]) -> None:
    _LOG.info("Files are read in processes of their own, limited in: %s.", ", ".join(holds))


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
