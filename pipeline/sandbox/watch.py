"""What a child reads at the moment, and what one file may take: memory and time.

Readers announce each file (`watching`). Outside of a child that announces nothing and costs
nothing. Inside, the parent learns which file to blame should the child die, and the file gets
limits of its own: what it needs beyond them is an ordinary sentence.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pipeline.errors import InputError

_OPENCV_NO_MEMORY = -4
#: Memory for each byte of a file beside what every file may take.
BYTES_PER_BYTE = 5
#: A slow disk, unpacking on a busy machine.
BYTES_PER_SECOND = 8 << 20


@dataclass(frozen=True)
class ReadingLimits:
    """What reading may take.

    Attributes:
        file_bytes: Memory that one file may take while it is parsed and decoded, beside
            `BYTES_PER_BYTE` for each of its own bytes: a large volume needs several copies.
        file_seconds: Time that one file may take, beside a second for every `BYTES_PER_SECOND`.
        study_bytes: Memory that the decoded files of one study may take to be put together; also
            the most that comes back of one study.
        study_seconds: Time for that, from one file to the next.
        written_bytes: Largest file that may be written: an unpacked member of an archive.
        niceness: How far reading steps back for other work of the machine, 0 to 19.
    """

    file_bytes: int = 1 << 30
    file_seconds: float = 20.0
    study_bytes: int = 4 << 30
    study_seconds: float = 120.0
    written_bytes: int = 2 << 30
    niceness: int = 0

    @property
    def longest_seconds(self) -> float:
        """The most time that anything may take."""
        return max(self.study_seconds, self.seconds_of(self.written_bytes))

    def bytes_of(self, size: int) -> int:
        """Memory that a file of a size may take."""
        return _bytes_of(self.file_bytes, size)

    def seconds_of(self, size: int) -> float:
        """Time that a file of a size may take."""
        return self.file_seconds + size / BYTES_PER_SECOND


class Work(StrEnum):
    """What is limited as one."""

    FILE = "file"
    STUDY = "study"


class Watcher(Protocol):
    """Puts limits around work; a child has one."""

    def check(self, key: str, source: str) -> None:
        """Check that work may begin.

        Raises:
            InputError: The same work killed an earlier child.
        """

    def begin(self, work: Work, key: str, source: str, size: int) -> int:
        """Begin work, and return how much other work it is a part of."""

    def renew(self) -> None:
        """Give the present work its whole time again: a part of it is done."""

    def end(self, depth: int) -> None:
        """End the work whose `begin` returned this; the one around it goes on."""


_WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_FILE_BYTES: ContextVar[int] = ContextVar("file_bytes", default=ReadingLimits.file_bytes)
_FILE_SIZE: ContextVar[int] = ContextVar("file_size", default=0)


def set_watcher(watcher: Watcher, *, file_bytes: int) -> None:
    """Let a watcher put limits around all work of this process from now on.

    Args:
        watcher: The watcher.
        file_bytes: Memory that one file may take by what its headers state.
    """
    _WATCHER.set(watcher)
    _FILE_BYTES.set(file_bytes)


@contextmanager
def watching(
    source: str, *, key: str = "", work: Work = Work.FILE, size: int = 0
) -> Iterator[None]:
    """Do work within the limits of one file, or of one study.

    Args:
        source: The file for sentences, relative to what the user gave.
        key: What names the work in every child alike; the source by default.
        work: Whether one file is read, or files that were read are put together.
        size: Bytes of the file.

    Raises:
        InputError: It took too long or too much memory, now or in an earlier child.
    """
    token = _FILE_SIZE.set(size)
    try:
        with _limited(source, f"{work} {key or source}", work, size):
            yield
    finally:
        _FILE_SIZE.reset(token)


@contextmanager
def _limited(source: str, key: str, work: Work, size: int) -> Iterator[None]:
    watcher = _WATCHER.get()
    if watcher is None:
        yield
        return
    watcher.check(key, source)
    depth = watcher.begin(work, key, source, size)
    try:
        yield
    except Exception as error:
        if _lacks_memory(error):
            raise memory_error(source) from None
        raise
    finally:
        watcher.end(depth)


def allowed_file_bytes() -> int:
    """Memory that the file which is read may take, in a child and outside of one."""
    return _bytes_of(_FILE_BYTES.get(), _FILE_SIZE.get())


@contextmanager
def limit_file_bytes(size: int) -> Iterator[None]:
    """Set the memory that every file may take, by what its headers state, within the block."""
    token = _FILE_BYTES.set(size)
    try:
        yield
    finally:
        _FILE_BYTES.reset(token)


def renew() -> None:
    """Give the file that is read its whole time again: one of its parts is done."""
    watcher = _WATCHER.get()
    if watcher is not None:
        watcher.renew()


def memory_error(source: str) -> InputError:
    """The sentence on a file that needs too much memory."""
    return InputError(
        source, f"{_name(source)} needs too much memory to be read. Export it smaller."
    )


def time_error(source: str) -> InputError:
    """The sentence on a file that takes too long."""
    return InputError(source, f"{_name(source)} takes too long to be read. Export it again.")


def crash_error(source: str) -> InputError:
    """The sentence on a file that ended the process that read it."""
    return InputError(
        source, f"{_name(source)} cannot be read: it is damaged or of an unknown kind."
    )


def _bytes_of(file_bytes: int, size: int) -> int:
    """Memory that a file of a size may take, where each may take ``file_bytes``."""
    return min(file_bytes + BYTES_PER_BYTE * size, max(file_bytes, ReadingLimits.study_bytes))


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether memory ran out, also where a reader took that for a damaged file."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if getattr(error, "code", None) == _OPENCV_NO_MEMORY:
            return True
        error = error.__context__
    return False


def _name(source: str) -> str:
    return source.rsplit("/", 1)[-1]
