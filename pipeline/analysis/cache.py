"""Answers of the models, stored on disk across restarts, bounded in size, shared by processes.

What is stored depends on the pixels alone: scores and probability maps. Names, indices, warnings of
the case and every Dice are bound on reading (`pipeline.analysis.answer`). A Dice in the entry would
either be wrong for a case whose reference masks changed, or, with the masks' digest in the key,
make the same answer be computed twice. What binding and measuring give is stored apart from it
(`pipeline.analysis.derived_results`) and is computed again wherever it is missing.

Nothing in the folder is trusted: an entry is bytes (`pipeline.analysis.answer_format`) and is
checked field by field; whatever does not fit is a miss. diskcache would unpickle foreign entries,
which runs code (CVE-2025-69872), so that its Disk is replaced by one that knows bytes only.

Where machines share a storage, every answer is an object there too, and the folder holds copies of
those used last. That one answer is computed by one machine at a time is the jobs table's business.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import diskcache
import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from pipeline.analysis.answer import Answer, Outline, bind_answer
from pipeline.analysis.answer_format import (
    AnswerMap,
    decode_answer,
    decode_outline,
    decode_shape,
    decode_slice,
    encode_answer,
)
from pipeline.analysis.derived_results import (
    bound_key,
    decode_bound,
    encode_bound,
    seal_derived,
    unseal_derived,
)
from pipeline.analysis.results import CaseResult, ResultWithoutMaps
from pipeline.data.case import Case
from pipeline.errors import InputError
from pipeline.models.registry import TaskInfo
from pipeline.storage.atomic_files import write_bytes
from pipeline.storage.digests import SHA256
from pipeline.storage.shared_storage import NO_STORAGE, SharedStorage, StorageError

_LOG = logging.getLogger(__name__)
_VALUE_FILE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")
_LOCK_POLL_S = 0.05
_SHARED = "results"
#: When something was set aside, before its name.
_STAMP = "%Y%m%dT%H%M%S"
#: An object larger than this is no answer.
_MAX_ENTRY_BYTES = 2 * 2**30
#: What SQLite answers where a disk or a lock refuses; the database itself may be sound.
_REFUSED = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
)
_DAMAGE = (sqlite3.Error, diskcache.Timeout, OSError, ValueError, TypeError, KeyError)

_Derived = TypeVar("_Derived")


def result_key(content_digest: str, models: TaskInfo, *, precision: str = "f32") -> str:
    """Key of a result: the pixels and everything that decides what the models say about them.

    The runtime is no part of it: all runtimes at one precision must agree before they are used. The
    decision rule is: it decides which slices are segmented and how they are reported.

    Args:
        content_digest: `Case.content_digest()`.
        models: The task's network.
        precision: Precision at which it runs.

    Returns:
        64 hexadecimal digits.
    """
    network = models.network
    decides: list[object] = [
        network.digest,
        network.input_size,
        network.preprocessing_version,
        repr(network.decision),
        network.mask_threshold,
        repr(network.inference),
    ]
    if precision == "int8" and network.ranges is not None:
        decides.append(network.ranges.digest())
    parts = ["result", 4, content_digest, models.task, decides, precision]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class BytesDisk(diskcache.Disk):
    """Storage of diskcache for text keys and bytes only; nothing is ever pickled or unpickled."""

    def put(self, key: Any) -> tuple[Any, bool]:
        """Keep text keys as they are; refuse others."""
        if not isinstance(key, str):
            raise TypeError(f"keys must be text, got {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        """Give back a text key; refuse a pickled one."""
        if not raw or not isinstance(key, str):
            raise ValueError("the cache holds a key that is no text")
        return key

    def store(self, value: Any, read: bool, key: Any = diskcache.core.UNKNOWN) -> Any:
        """Keep bytes; refuse everything that diskcache would pickle."""
        if read or not isinstance(value, bytes):
            raise TypeError(f"values must be bytes, got {type(value).__name__}")
        return super().store(value, read, key=key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Read bytes from the cache's own files; refuse pickles and files elsewhere."""
        if read or mode not in (diskcache.core.MODE_RAW, diskcache.core.MODE_BINARY):
            raise ValueError("the cache holds an entry that is not bytes")
        if filename is not None and _VALUE_FILE.fullmatch(filename) is None:
            raise ValueError("the cache names a file that is not its own")
        return super().fetch(mode, filename, value, read)

    def remove(self, file_path: str) -> None:
        """Delete one of the cache's own files."""
        if _VALUE_FILE.fullmatch(file_path):
            super().remove(file_path)


class ResultCache:
    """Results by key (`result_key`), least recently used ones dropped when the folder is full.

    Args:
        folder: Made where it does not exist, readable by its owner only.
        size_limit_bytes: What the folder may hold.
        recent_bytes: What outlines that were read last may take up in memory together.
        shared: Where all machines keep their answers; None for one machine.
    """

    def __init__(
        self,
        folder: Path,
        *,
        size_limit_bytes: int = 2 * 2**30,
        recent_bytes: int = 128 * 2**20,
        shared: SharedStorage | None = None,
    ) -> None:
        self._shared = shared
        self._folder = Path(folder)
        self._aside = self._folder.parent / "set-aside"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        (self._folder / "locks").mkdir(mode=0o700, exist_ok=True)
        self._limit = size_limit_bytes
        self._entries = self._open()
        self._unnoted = self._connect()
        self._unnoted.eviction_policy = "none"  # of this object only: reading writes nothing
        self._recent: LRUCache[str, Outline] = LRUCache(
            recent_bytes, getsizeof=lambda outline: outline.probability.nbytes
        )
        self._recent_lock = threading.Lock()

    def get(self, key: str, case: Case) -> CaseResult | None:
        """The result for a case, or None where none is stored for its pixels."""
        answer = self.answer(key)
        if answer is None or answer.probability.shape != case.pixels.shape[:3]:
            return None
        return bind_answer(answer, case)

    def get_without_maps(
        self, key: str, case: Case, *, data_digest: str
    ) -> ResultWithoutMaps | None:
        """As `get`, without the maps, which need not be decoded where it was bound before.

        Args:
            key: The result's.
            case: The case.
            data_digest: Of its pixels and reference masks.
        """
        shape = self._decoded(key, lambda entry: decode_shape(entry, key))
        if shape is None or shape != case.pixels.shape[:3]:
            return None

        place = bound_key(key, case, data_digest=data_digest)
        known = self._derived(place, decode_bound)
        if known is not None:
            return known
        result = self.get(key, case)
        if result is None:
            return None
        self.keep_bound(key, result, case, data_digest=data_digest)
        return result.without_maps()

    def keep_bound(self, key: str, result: CaseResult, case: Case, *, data_digest: str) -> None:
        """Store a result for `get_without_maps`, so that the first reader need not wait for it."""
        place = bound_key(key, case, data_digest=data_digest)
        self._keep(place, seal_derived(encode_bound(result.without_maps()), place))

    def derive(
        self,
        place: str,
        *,
        make: Callable[[], _Derived],
        encode: Callable[[_Derived], bytes],
        decode: Callable[[bytes], _Derived],
    ) -> _Derived:
        """What follows from an answer: as it is stored, else computed and stored.

        Args:
            place: Its key (`pipeline.analysis.derived_results.derived_key`).
            make: Computes it.
            encode: Its bytes.
            decode: Reads them; raises `ValueError` where they are not valid.
        """
        known = self._derived(place, decode)
        if known is not None:
            return known
        made = make()
        self._keep(place, seal_derived(encode(made), place))
        return made

    def answer(self, key: str) -> Answer | None:
        """The models' answer, or None where it is missing."""
        return self._decoded(key, lambda entry: decode_answer(entry, key))

    def outline(self, key: str) -> Outline | None:
        """What masks are made from, or None where there is no answer.

        Those that were read last stay in memory: a threshold that moves asks again and again.
        """
        with self._recent_lock:
            if (found := self._recent.get(key)) is not None:
                return found
        found = self._decoded(key, lambda entry: decode_outline(entry, key))
        # One that is too large for all of them is refused.
        with self._recent_lock, contextlib.suppress(ValueError):
            if found is not None:
                self._recent[key] = found
        return found

    def map_slice(self, key: str, k: int, name: AnswerMap) -> NDArray[np.uint8] | None:
        """A map ``(h, w)`` uint8 of slice ``k``, from 0, without decoding the others."""
        return self._decoded(key, lambda entry: decode_slice(entry, key, k, name=name))

    def put(self, key: str, answer: Answer) -> bool:
        """Keep an answer. Returns whether it could be kept; a full disk is no reason to fail."""
        if SHA256.fullmatch(key) is None:
            raise ValueError(f"a key is 64 hexadecimal digits, got {key!r}")
        entry = encode_answer(answer, key)
        kept = self._keep(key, entry)
        if self._shared is None:
            return kept
        return self._send(self._shared, key, entry)

    def share(self, key: str) -> bool:
        """Make sure that all machines can read an answer that this one has. Returns whether."""
        if self._shared is None:
            return True
        try:
            if self._shared.exists(_object(key)):
                return True
            entry = self._get(key)
        except _DAMAGE:
            return False
        return entry is not None and self._send(self._shared, key, entry)

    def holds(self, key: str) -> bool:
        """Whether an answer is stored, here or on the shared storage."""
        try:
            return key in self._entries or (
                self._shared is not None and self._shared.exists(_object(key))
            )
        except _DAMAGE:
            return False

    def set_aside_at(self, key: str) -> datetime | None:
        """When an answer was last found damaged and set aside here; None where none is kept."""
        if SHA256.fullmatch(key) is None:
            return None
        found = [path.name for path in self._aside.glob(f"*-{key}")]
        with contextlib.suppress(ValueError, IndexError):
            return datetime.strptime(max(found)[: -len(key) - 1], _STAMP).replace(tzinfo=UTC)
        return None

    def trim_shared(self, limit_bytes: int) -> int:
        """Delete the oldest answers of all machines until the others fit. Returns how many.

        Raises:
            StorageError: The storage does not answer.
        """
        return 0 if self._shared is None else self._shared.trim(_SHARED, limit_bytes)

    @contextlib.contextmanager
    def computing(self, key: str, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the right to compute a key; others that ask for it wait here meanwhile.

        The lock is the operating system's and ends with the process that holds it, however it ends.
        Look into the cache again once inside. Keys share 256 locks, so that no lock files pile up.

        Args:
            key: The key.
            waiting: Called some twenty times a second while waiting; may raise to give up.
        """
        with (self._folder / "locks" / f"{key[:2]}.lock").open("wb") as stream:
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    waiting()
                    time.sleep(_LOCK_POLL_S)
            yield

    def close(self) -> None:
        """Close the database; the cache opens it again when it is used."""
        self._entries.close()
        self._unnoted.close()

    def _get(self, key: str) -> Any:
        """An entry's bytes. When it was read is noted for dropping others; a full disk cannot."""
        try:
            return self._entries.get(key)
        except sqlite3.OperationalError as error:
            if _code(error) not in _REFUSED:
                raise
        return self._unnoted.get(key)

    def _derived(self, place: str, decode: Callable[[bytes], _Derived]) -> _Derived | None:
        """What is stored of it; None where it is missing or damaged."""
        try:
            entry = self._get(place)
            return None if entry is None else decode(unseal_derived(entry, place))
        except _DAMAGE as error:
            _LOG.warning("What follows from a result is computed again: %s.", error)
            return None

    def _decoded(self, key: str, decode: Callable[[bytes], Any]) -> Any:
        if SHA256.fullmatch(key) is None:
            return None
        entry = None
        try:
            entry = self._get(key)
            if entry is not None:
                return decode(entry)
        except _DAMAGE as error:
            _LOG.warning("A result is not used: %s.", error)
            if isinstance(entry, bytes):
                self._set_aside(key, entry)
        return self._decoded_shared(key, decode)

    def _decoded_shared(self, key: str, decode: Callable[[bytes], Any]) -> Any:
        """As `_decoded`, from where all machines keep theirs; what fits is kept here too.

        Raises:
            InputError: The storage does not answer: a miss would have it all computed again.
        """
        if self._shared is None:
            return None
        entry = None
        try:
            entry = self._shared.read(_object(key), limit_bytes=_MAX_ENTRY_BYTES)
            if entry is None:
                return None
            found = decode(entry)
        except StorageError as error:
            _LOG.warning("The shared storage does not respond: %s", error)
            raise InputError("", NO_STORAGE) from error
        except _DAMAGE as error:
            _LOG.warning("A shared result is not used: %s.", error)
            if entry is not None:
                self._set_aside(key, entry)
            return None
        self._keep(key, entry)
        return found

    def _set_aside(self, key: str, entry: bytes) -> None:
        """Take a damaged answer out of the cache; an administrator can examine it.

        A slice that the answer does not have leaves it where it is.
        """
        with contextlib.suppress(*_DAMAGE):
            decode_outline(entry, key)
            return
        try:
            self._aside.mkdir(mode=0o700, exist_ok=True)
            write_bytes(self._aside / f"{datetime.now(UTC):{_STAMP}}-{key}", entry)
            self._entries.delete(key)
        except _DAMAGE as error:  # a full disk: it stays, and is refused each time
            _LOG.warning("A damaged result stays in the cache: %s.", error)

    def _keep(self, key: str, entry: bytes) -> bool:
        try:
            return bool(self._entries.set(key, entry))
        except _DAMAGE:
            _LOG.warning("A result could not be kept in the cache.", exc_info=True)
            return False

    def _send(self, shared: SharedStorage, key: str, entry: bytes) -> bool:
        try:
            shared.write(_object(key), entry)
            return True
        except StorageError as error:
            _LOG.warning("A result could not be kept on the shared storage: %s", error)
            return False

    def _open(self) -> diskcache.Cache:
        try:
            return self._connect()
        except sqlite3.OperationalError as error:
            if _code(error) in _REFUSED:  # a full disk is no reason to delete what is stored
                raise
            _LOG.warning("The cache cannot be opened; it starts empty.", exc_info=True)
        except _DAMAGE as error:
            if isinstance(error, OSError | diskcache.Timeout):
                raise
            _LOG.warning("The cache's database is damaged; the cache starts empty.", exc_info=True)
        for path in self._folder.iterdir():
            if path.name.startswith("cache.db"):
                path.unlink()
            elif re.fullmatch(r"[0-9a-f]{2}", path.name) and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        return self._connect()

    def _connect(self) -> diskcache.Cache:
        return diskcache.Cache(
            str(self._folder),
            disk=BytesDisk,
            size_limit=self._limit,
            eviction_policy="least-recently-used",
            # Entries dropped whenever one is added to a full cache. diskcache's own 10 would empty
            # a cache of few large ones, the new one included; 1 would never catch up.
            cull_limit=2,
        )


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _object(key: str) -> str:
    return f"{_SHARED}/{key[:2]}/{key}"
