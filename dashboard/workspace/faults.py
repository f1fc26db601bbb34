"""What stops the server from storing anything, and what readers are shown then.

A full disk, a disk that fails, a database that does not answer: none is the fault of what was sent,
each passes, and nothing is half-written meanwhile (`pipeline.storage.atomic_files`, transactions).
Whatever met one shows its sentence; browsers and workers try again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

from pipeline import NO_STORAGE, InputError, StorageError, is_disk_full


@dataclass(frozen=True)
class Fault:
    """What stops the server.

    Attributes:
        status: HTTP status of the answer; browsers send again what got one of 500 and above.
        sentence: What a reader is shown.
    """

    status: HTTPStatus
    sentence: str


DISK_FULL = Fault(
    HTTPStatus.INSUFFICIENT_STORAGE,
    "The server's disk is full, and nothing was stored. Make room on it; then try again.",
)
DISK_FAILED = Fault(
    HTTPStatus.INSUFFICIENT_STORAGE,
    "The server's disk cannot be written, and nothing was stored. Check it; then try again.",
)
NO_STORAGE_ANSWER = Fault(HTTPStatus.SERVICE_UNAVAILABLE, NO_STORAGE)
NO_DATABASE = Fault(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The review database does not answer, and nothing was stored. Try again in a moment.",
)
_SQLITE = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_IOERR: DISK_FAILED,
    sqlite3.SQLITE_READONLY: DISK_FAILED,
    sqlite3.SQLITE_CANTOPEN: DISK_FAILED,
}
_POSTGRES_DISK_FULL = "53100"


class NotStored(InputError):
    """A study could not be stored, which is no fault of its files: they may be read again later.

    Args:
        case_id: The study's name.
        fault: What stopped the server.
    """

    def __init__(self, case_id: str, fault: Fault) -> None:
        super().__init__(case_id, fault.sentence)
        self.fault = fault


def find_fault(error: BaseException) -> Fault | None:
    """The fault behind an error; None if something else caused it."""
    if isinstance(error, NotStored):
        return error.fault
    if isinstance(error, StorageError):  # it may be full elsewhere; its callers have own sentences
        return None
    if isinstance(error, OSError):
        return DISK_FULL if is_disk_full(error) else None
    if isinstance(error, TimeoutError):  # no connection became free
        return NO_DATABASE
    if isinstance(error, sqlite3.OperationalError):  # of a cache
        return _SQLITE.get(_code(error))
    if not isinstance(error, OperationalError | InterfaceError):
        is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
        return NO_DATABASE if is_lost else None
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _SQLITE.get(_code(cause), NO_DATABASE)
    if getattr(cause, "sqlstate", None) == _POSTGRES_DISK_FULL:
        return DISK_FULL
    return NO_DATABASE


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 if SQLite itself gave none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
