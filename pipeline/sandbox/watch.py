"""What a child reads at the moment, and what one file may take: memory and time.

Readers announce each file (`watching`). Outside of a child that announces nothing and costs
nothing. Inside, the parent learns which file to blame should the child die, and the file gets
limits of its own: what it needs beyond them is an ordinary sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pipeline.errors import InputError


@dataclass(frozen=True)
class ReadingLimits:
    """What reading may take.

    Attributes:
        file_bytes: Memory that one file may take while it is parsed and decoded.
        file_seconds: Time that one file may take.
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


class Work(StrEnum):
    """What is limited as one."""

    FILE = "file"
    STUDY = "study"


class Watcher(Protocol):
    """Puts limits around work; a child has one."""

    def begin(self, work: Work, key: str, source: str) -> int:
        """Begin work, and return how much other work it is a part of.

        Raises:
            InputError: The same work killed an earlier child.
        """

    def renew(self) -> None:
        """Give the present work its whole time again: a part of it is done."""

    def end(self, depth: int) -> None:
        """End the work whose `begin` returned this; the one around it goes on."""


_WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_FILE_BYTES: ContextVar[int] = ContextVar("file_bytes", default=ReadingLimits.file_bytes)


def set_watcher(watcher: Watcher, *, file_bytes: int) -> None:
    """Let a watcher put limits around all work of this process from now on.

    Args:
        watcher: The watcher.
        file_bytes: Memory that one file may take by what its headers state.
    """
    _WATCHER.set(watcher)
    _FILE_BYTES.set(file_bytes)


@contextmanager
def watching(source: str, *, key: str = "", work: Work = Work.FILE) -> Iterator[None]:
    """Do work within the limits of one file, or of one study.

    Args:
        source: The file for sentences, relative to what the user gave.
        key: What names the work in every child alike; the source by default.
        work: Whether one file is read, or files that were read are put together.

    Raises:
        InputError: It took too long or too much memory, now or in an earlier child.
    """
    watcher = _WATCHER.get()
    if watcher is None:
        yield
        return
    depth = watcher.begin(work, f"{work} {key or source}", source)
    try:
        yield
    except MemoryError:
        raise memory_error(source) from None
    finally:
        watcher.end(depth)


def allowed_file_bytes() -> int:
    """Memory that one file may take, in a child and outside of one."""
    return _FILE_BYTES.get()


@contextmanager
def limit_file_bytes(size: int) -> Iterator[None]:
    """Set the memory that one file may take, by what its headers state, within the block."""
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


def _name(source: str) -> str:
    return source.rsplit("/", 1)[-1]
