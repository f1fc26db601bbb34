"""Receives the files of an upload on disk and enforces limits while they arrive.

A batch is a folder below the workspace, named by the browser; its files appear under their relative
names only when they are complete. Every name is untrusted.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

from dashboard.workspace.faults import find_fault
from dashboard.workspace.received import UploadRefused, safe_relative_name
from pipeline import is_disk_full, put_in_place

try:  # Windows has no fcntl: there, an upload may be released while it is read.
    import fcntl
except ImportError:  # pragma: no cover
    fcntl = None  # type: ignore[assignment]

#: Folder of a batch's complete files. Readers see the name when there is no image in it.
UPLOAD_FOLDER = "the upload"

_BATCH = re.compile(r"[0-9a-f]{16,64}")
_CHUNK = 1 << 20
_STALE_S = 24 * 3600
_TAKEN = ".taken"
_CANCELLED = ".cancelled"
#: Free space that uploads leave on the disk for studies and database.
_SPARE_BYTES = 512 << 20


@dataclass
class _Tally:
    """Files and bytes of a batch."""

    files: int = 0
    size: int = 0


class Uploads:
    """Uploads that are not finished.

    Args:
        folder: Folder of the batches.
        max_bytes: Largest size of a batch.
        max_files: Largest number of files in a batch.
    """

    def __init__(self, folder: Path, *, max_bytes: int, max_files: int) -> None:
        self._folder = folder
        self._max_bytes, self._max_files = max_bytes, max_files
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}

    def receive(self, batch: str, name: str, stream: IO[bytes], *, length: int | None) -> int:
        """Store a file, replacing one of the same name.

        Args:
            batch: Name of the batch.
            name: The file's relative name, as the browser sends it.
            stream: Its bytes.
            length: How many there should be, where that is known.

        Returns:
            Bytes stored.

        Raises:
            UploadRefused: A limit is exceeded, the name is not acceptable, or the disk is full.
        """
        root = self._root(batch)
        if not root.exists():
            self.remove_stale()
        target = root / UPLOAD_FOLDER / safe_relative_name(name)
        shown = target.name
        self._check_room(batch, length or 0, shown)
        self._count(batch, files=1)
        partial = root / "incoming" / secrets.token_hex(8)
        size = 0
        try:
            partial.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with partial.open("xb") as output:
                while chunk := stream.read(_CHUNK):
                    size += len(chunk)
                    self._count(batch, size=len(chunk))
                    output.write(chunk)
            if length is not None and size != length:
                sentence = f"{shown} arrived cut short. Send it again."
                raise UploadRefused(HTTPStatus.BAD_REQUEST, sentence)
            self._put_in_place(batch, partial, target)
        except BaseException as error:
            partial.unlink(missing_ok=True)
            self._count(batch, files=-1, size=-size)
            if isinstance(error, OSError):
                raise _disk_refusal(error, shown) from error
            raise
        return size

    @contextmanager
    def take(self, batch: str) -> Iterator[Path | None]:
        """The folder of a batch's files, deleted afterwards; None where nothing arrived.

        Where disk, database or shared storage refuse, the batch stays, to be finished again.
        """
        root = self._root(batch)
        self.release(batch)
        taken = root.with_name(f"{root.name}.{secrets.token_hex(4)}{_TAKEN}")
        with _lock_folder(root) as is_locked:  # while it is read: see `release`
            try:
                if not is_locked:
                    raise FileNotFoundError(root)
                root.rename(taken)  # a second reader finds nothing
            except OSError:
                yield None
                return
            with self._lock:
                self._tallies.pop(batch, None)
            try:
                files = taken / UPLOAD_FOLDER
                yield files if files.is_dir() else None
            except Exception as error:
                if find_fault(error) and not self.is_cancelled(batch):
                    taken.rename(root)
                raise
            finally:
                shutil.rmtree(taken, ignore_errors=True)
                self._mark(batch).unlink(missing_ok=True)

    def release(self, batch: str = "*") -> None:
        """Let a batch, or all of them, be finished again after its reader died."""
        for taken in self._folder.glob(f"{batch}.*{_TAKEN}"):
            root = taken.with_name(taken.name.partition(".")[0])
            with _lock_folder(taken) as is_locked:
                if is_locked and not root.exists():
                    try:
                        taken.rename(root)
                    except OSError:
                        continue

    def discard(self, batch: str) -> None:
        """Delete a batch, if it exists; one that is being read is marked as cancelled."""
        with self.take(batch):
            pass
        if any(self._folder.glob(f"{batch}.*{_TAKEN}")):
            self._mark(batch).touch(mode=0o600)

    def is_cancelled(self, batch: str) -> bool:
        """Whether a batch was discarded while it is read, by whichever process."""
        return self._mark(batch).exists()

    def remove_stale(self) -> None:
        """Delete batches that were not finished within a day."""
        for path in self._folder.iterdir():
            if time.time() - _last_change(path) < _STALE_S:
                continue
            if path.suffix == _CANCELLED:
                path.unlink(missing_ok=True)
                continue
            with _lock_folder(path) as is_locked:
                if is_locked:
                    shutil.rmtree(path, ignore_errors=True)
                    with self._lock:
                        self._tallies.pop(path.name, None)

    def _root(self, batch: str) -> Path:
        if _BATCH.fullmatch(batch) is None:
            raise UploadRefused(HTTPStatus.NOT_FOUND, "There is no such upload.")
        return self._folder / batch

    def _mark(self, batch: str) -> Path:
        """Exists where a batch was discarded while it was read."""
        return self._root(batch).with_name(f"{batch}{_CANCELLED}")

    def _put_in_place(self, batch: str, partial: Path, target: Path) -> None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock:
            replaced = target.stat().st_size if target.is_file() else None
            put_in_place(partial, target)
        if replaced is not None:
            self._count(batch, files=-1, size=-replaced)

    def _check_room(self, batch: str, length: int, shown: str) -> None:
        """Refuse a file that does not fit on the disk before it is read."""
        with self._lock:
            size = self._tally(batch).size
        if size + length > self._max_bytes:
            raise self._too_large()
        if shutil.disk_usage(self._folder).free < length + _SPARE_BYTES:
            raise _disk_refusal(OSError(errno.ENOSPC, ""), shown)

    def _count(self, batch: str, *, files: int = 0, size: int = 0) -> None:
        with self._lock:
            tally = self._tally(batch)
            if files > 0 and tally.files + files > self._max_files:
                raise UploadRefused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"An upload may hold {self._max_files:,} files; the others were left out.",
                )
            tally.files += files
            tally.size += size
            if size > 0 and tally.size > self._max_bytes:
                raise self._too_large()

    def _tally(self, batch: str) -> _Tally:
        """Files and bytes of a batch, counted on disk after a restart; call it with the lock."""
        if batch not in self._tallies:
            sizes = [
                path.stat().st_size
                for path in (self._folder / batch / UPLOAD_FOLDER).rglob("*")
                if path.is_file()
            ]
            self._tallies[batch] = _Tally(len(sizes), sum(sizes))
        return self._tallies[batch]

    def _too_large(self) -> UploadRefused:
        return UploadRefused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"An upload may hold {size_words(self._max_bytes)}; send the files in several uploads.",
        )


def size_words(count: int) -> str:
    """Bytes in MB or GB: "380 MB", "2 GB", "1.5 GB"."""
    mebibytes = count / 2**20
    if mebibytes < 1024:
        return f"{mebibytes:.0f} MB"
    return f"{mebibytes / 1024:.1f}".removesuffix(".0") + " GB"


@contextmanager
def _lock_folder(folder: Path) -> Iterator[bool]:
    """Lock a folder, even if it is renamed; False where it is deleted or locked.

    The lock ends with its process.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY) if fcntl else os.open(os.devnull, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        is_locked = True
        try:
            if fcntl:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            is_locked = False
        yield is_locked
    finally:
        os.close(descriptor)


def _last_change(folder: Path) -> float:
    """When the last file arrived in a batch: each file passes through one of its folders."""
    times = [0.0]
    for path in (folder, folder / "incoming", folder / UPLOAD_FOLDER):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times)


def _disk_refusal(error: OSError, shown: str) -> UploadRefused:
    if is_disk_full(error):
        return UploadRefused(
            HTTPStatus.INSUFFICIENT_STORAGE, f"{shown} was left out: the server's disk is full."
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY):
        return UploadRefused(
            HTTPStatus.CONFLICT, f"{shown} was left out: a folder of the upload has its name."
        )
    return UploadRefused(HTTPStatus.INTERNAL_SERVER_ERROR, f"{shown} could not be written to disk.")


def folder_entries(folder: Path) -> list[Path]:
    """Paths to read: loose files one by one, so that each unreadable one is reported.

    Files in subfolders are read with the folder itself, under their relative names.
    """
    entries = sorted(folder.iterdir())
    loose = [entry for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    nested = any(entry.is_dir() for entry in entries)
    return [*loose, folder] if nested or not loose else loose
