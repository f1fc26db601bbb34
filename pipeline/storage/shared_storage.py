"""Objects by key below one URL, shared by machines: a folder, S3, or whatever fsspec knows.

Nothing that comes from there is trusted: readers check what they get. Whatever goes wrong is a
`StorageError`, so that callers need not know a store's own exceptions.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.storage.atomic_files import replacing

_KEY = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
#: Seconds; without them a store that is gone would hold a request for minutes.
_S3_OPTIONS = {
    "config_kwargs": {
        "connect_timeout": 5,
        "read_timeout": 30,
        "retries": {"max_attempts": 3, "mode": "standard"},
    }
}


#: What a reader is shown where the storage does not respond.
NO_STORAGE = "The shared storage does not respond; try again later."


class StorageError(OSError):
    """The storage does not respond, or refuses."""


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing describes it.

    Attributes:
        key: Its key.
        size: Bytes.
        changed: When it was written, UTC.
    """

    key: str
    size: int
    changed: datetime


class SharedStorage:
    """Objects below a URL. One object serves all threads of a process.

    Args:
        url: ``s3://bucket/prefix``, a folder's path, or any URL that fsspec knows.

    Raises:
        StorageError: Nothing that is installed knows such a URL.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # here: one machine needs none of it

        options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
        if url.startswith(("s3://", "s3a://")):
            options |= _S3_OPTIONS
        try:
            self._system, root = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            raise StorageError(str(error)) from None
        self._root = root.rstrip("/")
        protocol = self._system.protocol
        self._is_folder = "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        """An object's bytes, or None where it is missing or larger than the limit.

        Raises:
            StorageError: The storage does not answer.
        """
        with _as_storage_error():
            try:
                content = self._system.cat_file(self._path(key), start=0, end=limit_bytes + 1)
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError:  # S3 has no first byte to give of an empty object
                if self._system.info(self._path(key))["size"] != 0:
                    raise
                content = b""
        return bytes(content) if len(content) <= limit_bytes else None

    def write(self, key: str, content: bytes) -> None:
        """Store an object, whole or not at all.

        Raises:
            StorageError: The storage does not answer or refuses.
        """
        with _as_storage_error(), self._target(key) as path:
            self._system.pipe_file(path, content)

    def upload(self, key: str, file: Path) -> None:
        """Store a file as an object, whole or not at all.

        Raises:
            StorageError: The storage does not answer or refuses.
        """
        with _as_storage_error(), self._target(key) as path:
            self._system.put_file(str(file), path)

    def download(self, key: str, file: Path) -> bool:
        """Write an object to a file. Returns whether there was one.

        Raises:
            StorageError: The storage does not answer, or the disk is full.
        """
        with _as_storage_error():
            try:
                self._system.get_file(self._path(key), str(file))
            except (FileNotFoundError, NotADirectoryError):
                return False
        return True

    def exists(self, key: str) -> bool:
        """Whether there is such an object.

        Raises:
            StorageError: The storage does not answer.
        """
        with _as_storage_error():
            return bool(self._system.exists(self._path(key)))

    def delete(self, key: str) -> None:
        """Delete an object, or all below it; a missing one is no error.

        Raises:
            StorageError: The storage does not answer or refuses.
        """
        with _as_storage_error(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._system.rm(self._path(key), recursive=True)

    def list(self, key: str) -> Iterator[StoredObject]:
        """All objects below a key.

        Raises:
            StorageError: The storage does not answer.
        """
        with _as_storage_error():
            found = self._system.find(self._path(key), detail=True)
        for path, facts in found.items():
            name = str(path)[len(self._root) + 1 :]
            if _KEY.fullmatch(name):
                size = int(facts.get("size") or 0)
                yield StoredObject(name, size, _changed(facts))

    def trim(self, key: str, limit_bytes: int) -> int:
        """Delete the oldest objects below a key until the others fit. Returns how many.

        Raises:
            StorageError: The storage does not answer or refuses.
        """
        found = sorted(self.list(key), key=lambda entry: entry.changed)
        total, deleted = sum(entry.size for entry in found), 0
        for entry in found:
            if total <= limit_bytes:
                break
            self.delete(entry.key)
            total -= entry.size
            deleted += 1
        return deleted

    def _path(self, key: str) -> str:
        if _KEY.fullmatch(key) is None:
            raise ValueError(f"a key is made of plain names and slashes, got {key!r}")
        return f"{self._root}/{key}"

    @contextlib.contextmanager
    def _target(self, key: str) -> Iterator[str]:
        """Where to write: a folder shows half a file, an object store does not."""
        path = self._path(key)
        if not self._is_folder:
            yield path
            return
        folder, _, name = path.rpartition("/")
        self._system.makedirs(folder, exist_ok=True)
        with replacing(Path(folder, name)) as draft:
            yield str(draft)


@contextlib.contextmanager
def _as_storage_error() -> Iterator[None]:
    """Turn a store's own exceptions into `StorageError`."""
    try:
        yield
    except ValueError:  # not a name that Overread gives
        raise
    except Exception as error:
        raise StorageError(f"{type(error).__name__}: {error}") from error


def _changed(facts: dict[str, Any]) -> datetime:
    """When an object was written; stores call it differently."""
    for name in ("LastModified", "last_modified", "mtime", "created"):
        value = facts.get(name)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return datetime.now(UTC)
