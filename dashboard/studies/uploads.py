"""Stores the files of an upload on disk while they arrive, in as many requests as they need.

A batch is a folder, named by the browser and owned by one reader::

    BATCH/owner             who may use it; its time says whether `_delete_unsure` has been here
    BATCH/lock              held shared while a file arrives, alone while the batch is read or
                            deleted; its time is that of the last change
    BATCH/tally             files and bytes that the batch has reserved
    BATCH/arriving/ID.json  what was stated of a file when it was created
    BATCH/arriving/ID.part  its bytes so far; they are its offset
    BATCH/the upload/NAME   the file, once it is complete
    BATCH/cancelled         its sender has ended it
    BATCH.report            what became of the upload, for a sender who did not receive the answer

All of it is in files, and every change is made under a lock of the operating system, which ends
with its process: any process that can reach the folder continues an upload, after any other was
killed. Only studies that were read of it are forced to the disk. So a batch distrusts files that
arrived before the machine started: after a power cut a file may have its size and not its bytes.
Every name is untrusted.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from dashboard.workspace.faults import find_fault
from dashboard.workspace.received import NotThere, UploadRefused, safe_relative_name
from pipeline import DeclaredModel, is_disk_full, put_in_place, replacing, write_text

#: Folder of a batch's complete files. Readers see the name when there is no image in it.
UPLOAD_FOLDER = "the upload"
#: How long a batch is kept after its last change.
KEPT_S: Final = 24 * 3600
#: Status of bytes that do not have the stated checksum, of the tus protocol.
CHECKSUM_MISMATCH: Final = 460

_BATCH = re.compile(r"[0-9a-f]{16,64}")
_ARRIVING, _OWNER, _LOCK, _TALLY, _CANCELLED = "arriving", "owner", "lock", "tally", "cancelled"
_CHUNK = 1 << 20
#: How long reading a batch waits for the last bytes of a file that another request is storing.
WAIT_S = 5.0
_POLL_S = 0.05
#: Free space that uploads leave on the disk for studies and database.
SPARE_BYTES = 512 << 20
_NO_UPLOAD = "There is no such upload."
_NO_FILE = "There is no such file in the upload."


class _Owner(DeclaredModel):
    """Who may use a batch."""

    reader: str


class _Report(DeclaredModel):
    """What became of a batch, and whose it was."""

    reader: str
    report: str


class _Stated(DeclaredModel):
    """What was stated of a file when it was created.

    Attributes:
        name: Its relative name, checked.
        length: Its bytes when it is complete.
        metadata: The header that stated it, returned as it was sent.
    """

    name: str
    length: int
    metadata: str


@dataclass(frozen=True)
class ArrivingFile:
    """A file of an upload.

    Attributes:
        file_id: In its address.
        name: Its relative name.
        length: Its bytes when it is complete.
        offset: Its bytes that have arrived.
        metadata: The header that stated it.
        expires: When it is deleted unless it changes, in seconds since the epoch.
    """

    file_id: str
    name: str
    length: int
    offset: int
    metadata: str
    expires: float


@dataclass(frozen=True)
class Checksum:
    """What the bytes of a request must have.

    Attributes:
        algorithm: A name that `hashlib` knows.
        digest: Its value.
    """

    algorithm: str
    digest: bytes


@dataclass
class _Tally:
    """Files and bytes that a batch has reserved."""

    files: int = 0
    size: int = 0


class Uploads:
    """Uploads that are not finished.

    Args:
        folder: Folder of the batches. Several processes may share it.
        max_bytes: Largest size of a batch.
        max_files: Largest number of files in a batch.
    """

    def __init__(self, folder: Path, *, max_bytes: int, max_files: int) -> None:
        self._folder = folder
        self._max_bytes, self._max_files = max_bytes, max_files

    @property
    def max_bytes(self) -> int:
        """Largest size of a batch."""
        return self._max_bytes

    def create(
        self,
        batch: str,
        reader: str,
        name: str,
        length: int,
        *,
        metadata: str = "",
        stream: IO[bytes] | None = None,
        sent: int | None = None,
        checksum: Checksum | None = None,
    ) -> ArrivingFile:
        """Begin a file, in a new batch if none has this name.

        Args:
            batch: Name of the batch.
            reader: Who sends it; a batch belongs to the reader of its first file.
            name: The file's relative name, as the browser sends it.
            length: Its bytes when it is complete.
            metadata: What `ArrivingFile.metadata` returns.
            stream: The first bytes, or all of them.
            sent: How many the stream should have, where that is known. With fewer the sender is
                gone and does not know the file's address: nothing is stored then.
            checksum: Of the bytes in the stream.

        Raises:
            NotThere: The batch belongs to another reader.
            UploadRefused: A limit is exceeded, the name is not acceptable, or the disk is full.
        """
        stated = _Stated(name=safe_relative_name(name).as_posix(), length=length, metadata=metadata)
        try:
            return self._begin(batch, reader, stated, stream, sent, checksum)
        except BaseException:
            self._delete_empty(self._root(batch))
            raise

    def append(
        self,
        batch: str,
        reader: str,
        file_id: str,
        offset: int,
        stream: IO[bytes],
        *,
        sent: int | None = None,
        checksum: Checksum | None = None,
    ) -> ArrivingFile:
        """Store more bytes of a file; those that arrive before the stream breaks are stored.

        Args:
            batch: Name of the batch.
            reader: Whose it is.
            file_id: The file.
            offset: Where the bytes belong, which must be the end of what has arrived.
            stream: The bytes.
            sent: How many the stream should have, where that is known.
            checksum: Of the bytes. Without it, or if it fits, they are stored.

        Raises:
            NotThere: There is no such file, or it is another reader's.
            UploadRefused: The offset is another one, the bytes are too many or have another
                checksum, another request is storing bytes of this file, or the disk is full.
        """
        with self._using(batch, reader) as root:
            stated = _read_statement(root, file_id)
            try:
                output = _part(root, file_id).open("r+b", buffering=0)
            except FileNotFoundError:
                found = self._describe(root, file_id, stated)
                if offset == found.offset and not sent:  # a repeated last request
                    return found
                raise _wrong_offset(found.offset) from None
            with output:
                if not _lock(output.fileno()):
                    raise UploadRefused(
                        HTTPStatus.LOCKED,
                        f"Another request is storing bytes of {_shown(stated)}; send these later.",
                    )
                size = os.fstat(output.fileno()).st_size
                if offset != size or not _part(root, file_id).exists():
                    raise _wrong_offset(self._describe(root, file_id, stated).offset)
                if sent is not None and offset + sent > stated.length:
                    raise _too_long(stated)
                try:
                    with _disk_errors(stated):
                        try:
                            _receive(output, stream, offset, stated, checksum)
                        finally:
                            os.utime(root / _LOCK)
                        self._settle(root, file_id, stated)
                except UploadRefused as error:
                    if error.status == HTTPStatus.INSUFFICIENT_STORAGE:
                        self._forget(root, file_id, stated)
                    raise
            return self._describe(root, file_id, stated)

    def find(self, batch: str, reader: str, file_id: str) -> ArrivingFile:
        """What has arrived of a file.

        Raises:
            NotThere: There is no such file, or it is another reader's.
        """
        with self._using(batch, reader) as root:
            return self._describe(root, file_id, _read_statement(root, file_id))

    def list_files(self, batch: str, reader: str) -> list[ArrivingFile]:
        """What has arrived of each file of a batch.

        Raises:
            NotThere: There is no such batch, or it is another reader's.
        """
        with self._using(batch, reader) as root:
            found = []
            for file_id, stated in _statements(root):
                with suppress(NotThere):
                    found.append(self._describe(root, file_id, stated))
            return found

    def open_complete(self, batch: str, reader: str, file_id: str) -> IO[bytes]:
        """The bytes of a complete file, to be closed by the caller.

        Raises:
            NotThere: There is no such file, it is not complete, or it is another reader's.
        """
        with self._using(batch, reader) as root:
            stated = _read_statement(root, file_id)
            if self._describe(root, file_id, stated).offset != stated.length:
                raise NotThere("The file is not complete.")
            return _target(root, stated).open("rb")

    def remove(self, batch: str, reader: str, file_id: str) -> None:
        """Delete a file, complete or not.

        Raises:
            NotThere: There is no such file, or it is another reader's.
        """
        with self._using(batch, reader) as root:
            stated = _read_statement(root, file_id)
            is_complete = not _part(root, file_id).exists()
            self._forget(root, file_id, stated)
            if is_complete:
                _target(root, stated).unlink(missing_ok=True)

    @contextmanager
    def take(self, batch: str, reader: str, *, files: int) -> Iterator[Path | None]:
        """The folder of a batch's complete files, deleted afterwards; None where nothing arrived.

        If the process dies in between, or disk, database or shared storage refuse, the batch stays
        and can be taken again.

        Args:
            batch: Name of the batch.
            reader: Whose it is.
            files: How many files the sender counts as complete.

        Raises:
            UploadRefused: Fewer are here (409: they must be sent again), or the batch is being read
                or has not been left alone (423).
        """
        root = self._root(batch)
        try:
            with _held(root / _LOCK, alone=True, wait_s=WAIT_S):
                self._check_owner(root, reader)
                if (root / _CANCELLED).exists():
                    _delete(root)
                    yield None
                    return
                _delete_unsure(root)
                complete = self._count_complete(root)
                if complete < files:
                    raise UploadRefused(
                        HTTPStatus.CONFLICT,
                        f"Only {complete:,} of {files:,} files have arrived; send the rest again.",
                    )
                try:
                    is_there = (root / UPLOAD_FOLDER).is_dir()
                    yield root / UPLOAD_FOLDER if is_there else None
                except Exception as error:
                    if not find_fault(error) or (root / _CANCELLED).exists():
                        _delete(root)
                    raise
                _delete(root)
        except _Gone:
            yield None

    def store_report(self, batch: str, reader: str, report: str) -> None:
        """Store what became of a batch for a day."""
        path = self._report(batch)
        with suppress(OSError):  # the studies are stored; only a repeated question has no answer
            write_text(path, _Report(reader=reader, report=report).model_dump_json())

    def find_report(self, batch: str, reader: str) -> str | None:
        """What became of a batch, or None if that is not known to this reader."""
        try:
            found = _Report.model_validate_json(self._report(batch).read_bytes())
        except (OSError, ValidationError):
            return None
        return found.report if found.reader == reader else None

    def discard(self, batch: str, reader: str) -> None:
        """Delete a batch, if it exists; one that is being read is marked as cancelled.

        Raises:
            NotThere: It is another reader's.
        """
        root = self._root(batch)
        with suppress(FileNotFoundError):
            self._check_owner(root, reader)
            (root / _CANCELLED).touch(mode=0o600)
            self._delete_cancelled(root)

    def is_cancelled(self, batch: str) -> bool:
        """Whether a batch was discarded while it is read, by whichever process."""
        root = self._root(batch)
        return not root.exists() or (root / _CANCELLED).exists()

    def remove_stale(self) -> None:
        """Delete batches that did not change for a day, and what a killed process left."""
        for path in self._folder.iterdir():
            if time.time() < _expiry(path):
                continue
            try:
                with _held(path / _LOCK, alone=True):
                    _delete(path)
            except _Gone:  # no batch, or one that was not made completely
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            except UploadRefused:  # somebody uses it
                continue

    # ---- batches ----
    def _root(self, batch: str) -> Path:
        if _BATCH.fullmatch(batch) is None:
            raise NotThere(_NO_UPLOAD)
        return self._folder / batch

    def _report(self, batch: str) -> Path:
        return self._root(batch).with_suffix(".report")

    @contextmanager
    def _using(self, batch: str, reader: str, *, make: bool = False) -> Iterator[Path]:
        """A batch's folder, which nobody reads or deletes meanwhile."""
        root = self._root(batch)
        if make and not root.exists():
            self.remove_stale()
            _make(root, reader)
        try:
            with _held(root / _LOCK):
                self._check_owner(root, reader)
                if (root / _CANCELLED).exists():
                    raise UploadRefused(HTTPStatus.GONE, "The upload was cancelled.")
                if time.time() > _expiry(root):
                    raise UploadRefused(
                        HTTPStatus.GONE, "The upload was left for too long; send its files again."
                    )
                _delete_unsure(root)
                yield root
        except _Gone:
            raise NotThere(_NO_UPLOAD) from None
        finally:
            if (root / _CANCELLED).exists():
                self._delete_cancelled(root)

    @staticmethod
    def _check_owner(root: Path, reader: str) -> None:
        try:
            owner = _Owner.model_validate_json((root / _OWNER).read_bytes())
        except ValidationError:
            raise NotThere(_NO_UPLOAD) from None
        if not secrets.compare_digest(owner.reader.encode(), reader.encode()):
            raise NotThere(_NO_UPLOAD)

    @staticmethod
    def _delete_cancelled(root: Path) -> None:
        """Delete a cancelled batch unless somebody uses it, who will then."""
        with suppress(_Gone, UploadRefused), _held(root / _LOCK, alone=True):
            _delete(root)

    @staticmethod
    def _delete_empty(root: Path) -> None:
        """Delete a batch without files, such as one that was made on a full disk."""
        with suppress(_Gone, UploadRefused), _held(root / _LOCK, alone=True):
            if not any(_statements(root)):
                _delete(root)

    # ---- files ----
    def _begin(
        self,
        batch: str,
        reader: str,
        stated: _Stated,
        stream: IO[bytes] | None,
        sent: int | None,
        checksum: Checksum | None,
    ) -> ArrivingFile:
        """As `create`, which deletes a batch that this leaves empty."""
        with self._using(batch, reader, make=True) as root:
            target = _target(root, stated)
            if target.is_dir() or any(
                parent.is_file() for parent in target.parents if root in parent.parents
            ):
                raise _name_taken(stated)
            if shutil.disk_usage(self._folder).free < stated.length + SPARE_BYTES:
                raise _disk_refusal(OSError(errno.ENOSPC, ""), stated)
            self._reserve(root, stated)
            file_id = secrets.token_hex(16)
            try:
                with _disk_errors(stated):
                    part = _part(root, file_id)
                    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                    with os.fdopen(descriptor, "r+b", buffering=0) as output:
                        _lock(output.fileno())
                        with replacing(_statement(root, file_id), durable=False) as draft:
                            draft.write_text(stated.model_dump_json(), "utf-8")
                        if stream is not None:
                            size = _receive(output, stream, 0, stated, checksum)
                            if sent is not None and size != sent:
                                raise UploadRefused(
                                    HTTPStatus.BAD_REQUEST,
                                    f"{_shown(stated)} arrived cut short. Send it again.",
                                )
                        self._settle(root, file_id, stated)
            except BaseException:
                self._forget(root, file_id, stated)
                raise
            return self._describe(root, file_id, stated)

    def _describe(self, root: Path, file_id: str, stated: _Stated) -> ArrivingFile:
        try:
            offset = _part(root, file_id).stat().st_size
        except FileNotFoundError:
            target = _target(root, stated)
            if not target.is_file() or target.stat().st_size != stated.length:
                raise NotThere(_NO_FILE) from None
            offset = stated.length
        return ArrivingFile(
            file_id, stated.name, stated.length, offset, stated.metadata, _expiry(root)
        )

    def _settle(self, root: Path, file_id: str, stated: _Stated) -> None:
        """Put a file in its place if all of it has arrived."""
        part, target = _part(root, file_id), _target(root, stated)
        if part.stat().st_size < stated.length:
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _tally(root) as tally:
            replaces = target.exists()
            put_in_place(part, target, durable=False)
            if not replaces:
                return
            for other_id, other in list(_statements(root)):
                if other_id != file_id and other.name == stated.name:
                    if not _part(root, other_id).exists():
                        _statement(root, other_id).unlink(missing_ok=True)
                        tally.files -= 1
                        tally.size -= other.length

    def _count_complete(self, root: Path) -> int:
        complete = 0
        for file_id, stated in list(_statements(root)):
            if _part(root, file_id).exists():  # the process died before it was put in its place
                self._settle(root, file_id, stated)
            with suppress(NotThere):
                complete += self._describe(root, file_id, stated).offset == stated.length
        return complete

    def _reserve(self, root: Path, stated: _Stated) -> None:
        """Count a file in, or refuse it."""
        with _tally(root) as tally:
            if not self._fits(tally, stated):
                self._drop_abandoned(root, stated, tally)
            if tally.files + 1 > self._max_files:
                raise UploadRefused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"An upload may hold {self._max_files:,} files; the others were left out.",
                )
            if tally.size + stated.length > self._max_bytes:
                raise UploadRefused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"An upload may hold {size_words(self._max_bytes)};"
                    " send the files in several uploads.",
                )
            tally.files += 1
            tally.size += stated.length

    def _fits(self, tally: _Tally, stated: _Stated) -> bool:
        return tally.files + 1 <= self._max_files and tally.size + stated.length <= self._max_bytes

    def _drop_abandoned(self, root: Path, stated: _Stated, tally: _Tally) -> None:
        """Delete beginnings of the same file whose sender never received the answer."""
        for file_id, other in list(_statements(root)):
            if other.name != stated.name:
                continue
            with suppress(FileNotFoundError), _part(root, file_id).open("r+b") as part:
                if _lock(part.fileno()):
                    _statement(root, file_id).unlink(missing_ok=True)
                    _part(root, file_id).unlink(missing_ok=True)
                    tally.files -= 1
                    tally.size -= other.length

    def _forget(self, root: Path, file_id: str, stated: _Stated) -> None:
        """Delete what has arrived of a file; the statement first: without it there is no file."""
        with _tally(root) as tally:
            _statement(root, file_id).unlink(missing_ok=True)
            _part(root, file_id).unlink(missing_ok=True)
            tally.files -= 1
            tally.size -= stated.length


class _Gone(Exception):
    """There is no batch any more."""


def _make(root: Path, reader: str) -> None:
    """Make a batch's folder in one step, unless another request was faster."""
    new = root.with_name(f".new-{secrets.token_hex(8)}")
    try:
        (new / _ARRIVING).mkdir(mode=0o700, parents=True)
        new.chmod(0o700)
        write_text(new / _OWNER, _Owner(reader=reader).model_dump_json())
        (new / _LOCK).touch(mode=0o600)
        try:
            put_in_place(new, root)
        except OSError:
            if not root.exists():
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _delete(root: Path) -> None:
    """Delete a batch: first its name, so that a killed process leaves none that looks whole."""
    removed = root.with_name(f".removed-{secrets.token_hex(8)}")
    with suppress(OSError):
        root.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)


def _delete_unsure(root: Path) -> None:
    """Delete files of a batch that arrived before the machine started; they are sent again.

    What a power cut left of them may have the right size and other bytes.
    """
    started = _machine_start()
    if (root / _OWNER).stat().st_mtime >= started:
        return
    with _tally(root) as tally:
        for folder in (_ARRIVING, UPLOAD_FOLDER):
            for parent, _, names in os.walk(root / folder):
                for path in (Path(parent, name) for name in names):
                    with suppress(FileNotFoundError):
                        if path.stat().st_mtime < started:
                            path.unlink()
        lengths = [stated.length for _, stated in _statements(root)]
        tally.files, tally.size = len(lengths), sum(lengths)
        os.utime(root / _OWNER)


def _machine_start() -> float:
    """When this machine was started, in seconds since the epoch."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # the other one stands still in sleep on Linux
    return time.time() - (time.monotonic() if clock is None else time.clock_gettime(clock))


def _expiry(root: Path) -> float:
    """When a batch, or what is left of one, may be deleted."""
    for path in (root / _LOCK, root):
        with suppress(OSError):
            return path.stat().st_mtime + KEPT_S
    return 0.0


def _part(root: Path, file_id: str) -> Path:
    return root / _ARRIVING / f"{file_id}.part"


def _statement(root: Path, file_id: str) -> Path:
    return root / _ARRIVING / f"{file_id}.json"


def _target(root: Path, stated: _Stated) -> Path:
    return root / UPLOAD_FOLDER / safe_relative_name(stated.name)


def _read_statement(root: Path, file_id: str) -> _Stated:
    try:
        return _Stated.model_validate_json(_statement(root, file_id).read_bytes())
    except (OSError, ValidationError):
        raise NotThere(_NO_FILE) from None


def _statements(root: Path) -> Iterator[tuple[str, _Stated]]:
    for path in (root / _ARRIVING).glob("*.json"):
        with suppress(NotThere):
            yield path.stem, _read_statement(root, path.stem)


def _receive(
    output: IO[bytes], stream: IO[bytes], offset: int, stated: _Stated, checksum: Checksum | None
) -> int:
    """Write a stream at the end of a file. Returns how many bytes it had."""
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    output.seek(offset)
    end = offset
    try:
        while chunk := _read(stream):
            if end + len(chunk) > stated.length:
                raise _too_long(stated)
            if digest is not None:
                digest.update(chunk)
            view = memoryview(chunk)
            while view:
                written = output.write(view)
                view = view[written:]
                end += written
    except UploadRefused:
        os.ftruncate(output.fileno(), offset)
        raise
    if checksum is not None and digest is not None and digest.digest() != checksum.digest:
        os.ftruncate(output.fileno(), offset)
        raise UploadRefused(
            CHECKSUM_MISMATCH,
            f"Bytes of {_shown(stated)} were altered on the way; send them again.",
        )
    return end - offset


def _read(stream: IO[bytes]) -> bytes:
    """The next bytes of a stream; none where the connection broke, as at its end."""
    try:
        return stream.read(_CHUNK)
    except (ConnectionError, TimeoutError):
        return b""


@contextmanager
def _tally(root: Path) -> Iterator[_Tally]:
    """A batch's tally, which no other request changes meanwhile; counted again if it is damaged."""
    descriptor = os.open(root / _TALLY, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        match = re.fullmatch(rb"(\d{1,9}) (\d{1,19})\n *", stream.read(64))
        if match:
            tally = _Tally(int(match[1]), int(match[2]))
        else:
            lengths = [stated.length for _, stated in _statements(root)]
            tally = _Tally(len(lengths), sum(lengths))
        try:
            yield tally
        finally:
            stream.seek(0)
            line = f"{max(tally.files, 0)} {max(tally.size, 0)}\n"
            stream.write(line.ljust(40).encode())


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file; False where another request has locked it."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _held(path: Path, *, alone: bool = False, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of a batch.

    Raises:
        _Gone: The batch does not exist, or was deleted before the lock was held.
        UploadRefused: Others hold it after the wait (423).
    """
    try:
        stream = path.open("r+b")
    except OSError:
        raise _Gone from None
    with stream:
        until = time.monotonic() + wait_s
        while not _lock(stream.fileno(), shared=not alone):
            if time.monotonic() > until:
                raise UploadRefused(
                    HTTPStatus.LOCKED, "The upload is being read or is still arriving; ask again."
                )
            time.sleep(_POLL_S)
        try:
            is_same = os.path.samestat(os.fstat(stream.fileno()), path.stat())
        except OSError:
            is_same = False
        if not is_same:
            raise _Gone
        yield


def _shown(stated: _Stated) -> str:
    return stated.name.rpartition("/")[2]


def _wrong_offset(offset: int) -> UploadRefused:
    return UploadRefused(
        HTTPStatus.CONFLICT, f"The next byte that the server expects is byte {offset:,}."
    )


def _too_long(stated: _Stated) -> UploadRefused:
    return UploadRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"More bytes of {_shown(stated)} were sent than its stated {stated.length:,}.",
    )


def _name_taken(stated: _Stated) -> UploadRefused:
    return UploadRefused(
        HTTPStatus.BAD_REQUEST,
        f"{_shown(stated)} was left out: a folder or file of the upload has its name.",
    )


@contextmanager
def _disk_errors(stated: _Stated) -> Iterator[None]:
    """Turn errors of the disk into sentences."""
    try:
        yield
    except OSError as error:
        raise _disk_refusal(error, stated) from error


def _disk_refusal(error: OSError, stated: _Stated) -> UploadRefused:
    shown = _shown(stated)
    if is_disk_full(error):
        return UploadRefused(
            HTTPStatus.INSUFFICIENT_STORAGE, f"{shown} was left out: the server's disk is full."
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY):
        return _name_taken(stated)
    return UploadRefused(HTTPStatus.INTERNAL_SERVER_ERROR, f"{shown} could not be written to disk.")


def size_words(count: int) -> str:
    """Bytes in MB or GB: "380 MB", "2 GB", "1.5 GB"."""
    mebibytes = count / 2**20
    if mebibytes < 1024:
        return f"{mebibytes:.0f} MB"
    return f"{mebibytes / 1024:.1f}".removesuffix(".0") + " GB"


def folder_entries(folder: Path) -> list[Path]:
    """Paths to read: loose files one by one, so that each unreadable one is reported.

    Files in subfolders are read with the folder itself, under their relative names.
    """
    entries = sorted(folder.iterdir())
    loose = [entry for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    nested = any(entry.is_dir() for entry in entries)
    return [*loose, folder] if nested or not loose else loose
