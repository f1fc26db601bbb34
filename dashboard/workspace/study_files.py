"""The studies' pixels in the workspace, memory-mapped; the most recently used stay open.

With shared storage the workspace holds copies: a study is fetched when it is first used, and the
least recently used copies are deleted when they take too much space. A study never changes under
its id, so that a copy is never stale.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from dashboard.store import STUDY_ID
from dashboard.workspace import shared_studies
from dashboard.workspace.faults import DISK_FAILED, NO_STORAGE_ANSWER, NotStored, find_fault
from dashboard.workspace.received import NO_STUDY
from pipeline import (
    NO_STORAGE,
    Case,
    InputError,
    SharedStorage,
    StorageError,
    load_case,
    save_case,
)

_LOG = logging.getLogger(__name__)
_OPEN_CASES = 32
_OPEN_REFERENCES = 8
#: Marks a folder as a copy of what is on the shared storage.
_COPY = ".copy"


class StudyFiles:
    """One folder per study below the workspace.

    Args:
        folder: Folder of the studies' folders.
        storage: Storage that all machines share, or None.
        copies_bytes: Disk space for copies of shared studies in the folder.
    """

    def __init__(
        self, folder: Path, *, storage: SharedStorage | None = None, copies_bytes: int = 20 << 30
    ) -> None:
        self._folder = folder
        self._storage = storage
        self._copies_bytes = copies_bytes
        self._lock = threading.Lock()
        self._fetching = tuple(threading.Lock() for _ in range(16))
        self._open: LRUCache[str, Case] = LRUCache(_OPEN_CASES)
        self._references: LRUCache[str, NDArray[np.bool_]] = LRUCache(_OPEN_REFERENCES)

    def load(self, study_id: str) -> Case:
        """A study's case; its pixels and masks are read from disk as they are used.

        Raises:
            InputError: No study has this id, its files are damaged, or the shared storage does
                not answer.
        """
        with self._lock:
            case = self._open.get(study_id)
        if case is None:
            path = self._path(study_id)
            if self._storage is not None:
                self._fetch_copy(self._storage, study_id, path)
            case = load_case(path)
            with self._lock:
                self._open[study_id] = case
        return case

    def keep_reference(
        self, digest: str, read: Callable[[], NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """A reference that a reader attached; those used last stay in memory.

        Args:
            digest: Its digest.
            read: Reads it ``(n, h, w)``; called where it is not in memory.
        """
        with self._lock:
            masks = self._references.get(digest)
        if masks is None:
            masks = read()
            with self._lock:
                self._references[digest] = masks
        return masks

    def exists(self, study_id: str) -> bool:
        """Whether a study's files exist, for all machines.

        Raises:
            InputError: The shared storage does not respond.
        """
        path = self._path(study_id)
        if self._storage is None:
            return (path / "case.json").is_file()
        try:
            return shared_studies.has_study(self._storage, study_id)
        except StorageError as error:
            raise _no_answer(error) from error

    def save(self, study_id: str, case: Case) -> None:
        """Write a case, whole or not at all.

        Raises:
            NotStored: The disk or the shared storage refuses it.
        """
        path = self._path(study_id)
        known = path.exists()
        try:
            save_case(case, path)
            if self._storage is not None:
                self._share(self._storage, study_id, path)
        except OSError as error:
            _LOG.warning("A study could not be stored: %s", error)
            if not known:
                shutil.rmtree(path, ignore_errors=True)
            if isinstance(error, StorageError):
                raise NotStored(case.case_id, NO_STORAGE_ANSWER) from None
            raise NotStored(case.case_id, find_fault(error) or DISK_FAILED) from None

    def delete(self, study_id: str) -> None:
        """Delete a study's files; missing ones are not an error."""
        path = self._path(study_id)
        with self._lock:
            self._open.pop(study_id, None)
        shutil.rmtree(path, ignore_errors=True)
        if self._storage is not None:
            try:
                shared_studies.delete_study(self._storage, study_id)
            except StorageError as error:
                _LOG.warning("A deleted study is still on the shared storage: %s", error)

    def share_all(self) -> int:
        """Put studies on the shared storage that the workspace stored without one.

        Returns:
            How many were put there.

        Raises:
            StorageError: The storage does not respond or refuses.
        """
        if self._storage is None:
            return 0
        paths = [p for p in self._folder.iterdir() if STUDY_ID.fullmatch(p.name)]
        local = [p for p in paths if (p / "case.json").is_file() and not (p / _COPY).exists()]
        for path in local:
            self._share(self._storage, path.name, path)
        return len(local)

    def _share(self, storage: SharedStorage, study_id: str, path: Path) -> None:
        shared_studies.send_study(storage, study_id, path)
        (path / _COPY).touch()
        self._make_room(keep=path)

    def _fetch_copy(self, storage: SharedStorage, study_id: str, path: Path) -> None:
        """Fetch a study unless it is here; threads that need it at once wait for one fetch."""
        with self._fetching[int(study_id[0], 16)]:
            if (path / "case.json").is_file():
                with contextlib.suppress(OSError):
                    os.utime(path / "case.json")  # now the most recently used
                return
            part = Path(tempfile.mkdtemp(prefix=f".{study_id}-", dir=self._folder))
            try:
                if not shared_studies.fetch_study(storage, study_id, part):
                    return  # loading it reports that it is missing
                (part / _COPY).touch()
                with contextlib.suppress(OSError):  # another process was faster
                    part.rename(path)
            except StorageError as error:
                raise _no_answer(error) from error
            finally:
                shutil.rmtree(part, ignore_errors=True)
            self._make_room(keep=path)

    def _make_room(self, *, keep: Path) -> None:
        """Delete the least recently used copies; those that are open stay readable."""
        copies = []
        for path in self._folder.iterdir():
            try:
                if (path / _COPY).exists():
                    size = sum(file.stat().st_size for file in path.iterdir())
                    copies.append(((path / "case.json").stat().st_mtime, size, path))
            except OSError:  # deleted meanwhile
                continue
        total = sum(size for _, size, _ in copies)
        for _, size, path in sorted(copies):
            if total <= self._copies_bytes:
                return
            if path != keep:
                with self._lock:
                    self._open.pop(path.name, None)
                with contextlib.suppress(OSError):  # gone at once for everyone who opens it now
                    doomed = path.rename(path.with_name(f".{path.name}-{secrets.token_hex(4)}-old"))
                    shutil.rmtree(doomed, ignore_errors=True)
                total -= size

    def _path(self, study_id: str) -> Path:
        if STUDY_ID.fullmatch(study_id) is None:
            raise InputError("", NO_STUDY)
        return self._folder / study_id


def _no_answer(error: StorageError) -> InputError:
    _LOG.warning("The shared storage does not respond: %s", error)
    return InputError("", NO_STORAGE)
