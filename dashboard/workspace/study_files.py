"""The studies' pixels in the workspace, memory-mapped; the most recently used stay open.

With shared storage the workspace holds copies: a study is fetched when it is first used, and the
least recently used copies are deleted when they take too much space. A study never changes under
its id, so that a copy is never stale.

The digest of a study's files is in the review database, and the files are compared with it each
time they are used: what was altered is set aside and never shown (docs/decisions/integrity.md).
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from dashboard.store import STUDY_ID
from dashboard.workspace import shared_studies
from dashboard.workspace.faults import DISK_FAILED, NO_STORAGE_ANSWER, NotStored, find_fault
from dashboard.workspace.received import NO_STUDY
from dashboard.workspace.study_listings import Listing, read_listing, write_listing
from pipeline import (
    NO_STORAGE,
    Case,
    InputError,
    SharedStorage,
    StorageError,
    case_file_marks,
    digest_case_files,
    load_case,
    save_case,
)

_LOG = logging.getLogger(__name__)
_OPEN_CASES = 32
_OPEN_REFERENCES = 8
_CHECKED_STUDIES = 4096
#: Marks a folder as a copy of what is on the shared storage.
_COPY = ".copy"
#: What a reader sees in place of images that differ from those that were stored.
ALTERED = (
    "The stored images of this study are damaged or were altered; they were set aside and are not"
    " shown. Add the study again: corrections and measurements stay."
)
_UNREADABLE = "The stored images of this study cannot be read. Add the study again."


class AlteredStudy(InputError):
    """A study's files are not those that were stored."""


@dataclass(frozen=True)
class _Checked:
    """A study whose files had their digest, what they were like then, and when (monotonic)."""

    digest: str
    marks: object
    at: float


class StudyFiles:
    """One folder per study below the workspace.

    Args:
        folder: Folder of the studies' folders. What was altered moves to the folder ``set-aside``
            beside it.
        storage: Storage that all machines share, or None.
        copies_bytes: Disk space for copies of shared studies in the folder.

    Attributes:
        recheck_s: For how many seconds the files of a study that was checked are not looked at.
    """

    recheck_s = 1.0

    def __init__(
        self, folder: Path, *, storage: SharedStorage | None = None, copies_bytes: int = 20 << 30
    ) -> None:
        self._folder = folder
        self._aside = folder.parent / "set-aside"
        self._storage = storage
        self._copies_bytes = copies_bytes
        self._lock = threading.Lock()
        self._fetching = tuple(threading.Lock() for _ in range(16))
        self._open: LRUCache[str, Case] = LRUCache(_OPEN_CASES)
        self._checked: LRUCache[str, _Checked] = LRUCache(_CHECKED_STUDIES)
        self._references: LRUCache[str, NDArray[np.bool_]] = LRUCache(_OPEN_REFERENCES)

    def load(self, study_id: str, *, digest: str = "") -> Case:
        """A study's case; its pixels and masks are read from disk as they are used.

        Args:
            study_id: The study.
            digest: Of its files (`StudyRow.files_digest`); "" where none was stored yet.

        Raises:
            AlteredStudy: Its files have another digest, or were set aside for that.
            InputError: No study has this id, its files are damaged, or the shared storage does
                not answer.
        """
        path = self._path(study_id)
        with self._lock:
            case = self._open.get(study_id)
        if case is None and self._storage is not None:
            self._fetch_copy(self._storage, study_id, path)
        if digest and not self._matches(study_id, path, digest):
            with self._lock:
                self._open.pop(study_id, None)
            raise AlteredStudy(study_id, ALTERED)
        if case is None:
            try:
                case = load_case(path)
            except InputError:
                if not path.exists() and any(self._aside.glob(f"*-{study_id}")):
                    raise AlteredStudy(study_id, ALTERED) from None
                raise
            with self._lock:
                self._open[study_id] = case
        return case

    def list_stored(self) -> set[str]:
        """The ids of all studies whose files are stored, here or on the shared storage.

        Raises:
            StorageError: The storage does not respond.
        """
        found = {path.parent.name for path in self._folder.glob("*/case.json")}
        found = {name for name in found if STUDY_ID.fullmatch(name)}
        return (
            found if self._storage is None else found | set(shared_studies.list_ids(self._storage))
        )

    def digest(self, study_id: str) -> str:
        """The digest that a study's files have now.

        Raises:
            InputError: A file is missing, or the shared storage does not answer.
        """
        self.load(study_id)  # which fetches a copy
        try:
            return digest_case_files(self._path(study_id))
        except OSError:
            raise InputError(study_id, _UNREADABLE) from None

    def read_listing(self, study_id: str) -> Listing | None:
        """What a study's folder says of its place in the worklist; None where it says nothing."""
        return read_listing(self._path(study_id))

    def list_study(self, study_id: str, listing: Listing) -> None:
        """Write what a study's folder says of its place in the worklist; see `Listing`."""
        path = self._path(study_id)
        try:
            write_listing(path, listing)
            if self._storage is not None:
                shared_studies.send_listing(self._storage, study_id, path)
        except OSError as error:
            _LOG.warning("The listing of study %s could not be written: %s", study_id, error)

    def set_aside(self, study_id: str, *, digest: str) -> None:
        """Move a study's files out of use; an administrator can examine them.

        A copy of a study on the shared storage is fetched again if the storage has it unaltered;
        an altered study on the shared storage is forgotten there.

        Args:
            study_id: The study.
            digest: That its files should have.
        """
        path = self._path(study_id)
        is_copy = self._storage is not None and (path / _COPY).exists()
        with self._lock:
            self._open.pop(study_id, None)
        place = self._aside / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{study_id}"
        try:
            self._aside.mkdir(mode=0o700, exist_ok=True)
            path.rename(place)
            _LOG.error("The files of study %s were altered and moved to %s.", study_id, place)
        except OSError as error:  # another process was faster, or the disk refuses
            _LOG.error("Altered files of study %s are not moved: %s", study_id, error.strerror)
        if is_copy and self._storage is not None:
            self._check_shared(self._storage, study_id, digest)

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

    def save(
        self,
        study_id: str,
        case: Case,
        *,
        listing: Callable[[str], Listing] | None = None,
        record: Callable[[str], None] = lambda digest: None,
    ) -> str:
        """Write a case, whole or not at all.

        Args:
            study_id: The study.
            case: Its case.
            listing: Makes what its folder says of its place in the worklist, from the digest.
            record: Called with the digest before the files appear, to store it in the database.

        Returns:
            The files' digest.

        Raises:
            NotStored: The disk or the shared storage refuses it.
        """

        def prepare(digest: str, draft: Path) -> None:
            if listing is not None:
                write_listing(draft, listing(digest))
            record(digest)

        path = self._path(study_id)
        known = path.exists()
        try:
            digest = save_case(case, path, record=prepare)
            with self._lock:
                self._open.pop(study_id, None)
            if self._storage is not None:
                self._share(self._storage, study_id, path)
            return digest
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

    def _matches(self, study_id: str, path: Path, digest: str) -> bool:
        """Whether a study's files are those that were stored; missing ones are not altered.

        Each slice that a page shows asks. Within `recheck_s` the last answer holds; after it, while
        the files' times are the same, the digest that was computed then.
        """
        with self._lock:
            checked = self._checked.get(study_id)
        known = checked is not None and checked.digest == digest
        if checked is not None and known and time.monotonic() < checked.at + self.recheck_s:
            return True
        try:
            marks = case_file_marks(os.fspath(path))
            if checked is None or not known or marks is None or marks != checked.marks:
                with self._fetching[int(study_id[0], 16)]:  # one thread computes a digest
                    if digest_case_files(path) != digest:
                        return False
        except OSError:
            return True  # loading it reports what is missing
        with self._lock:
            self._checked[study_id] = _Checked(digest, marks, time.monotonic())
        return True

    def _check_shared(self, storage: SharedStorage, study_id: str, digest: str) -> None:
        """Forget a study on the shared storage whose files are altered there, too."""
        part = Path(tempfile.mkdtemp(prefix=f".{study_id}-", dir=self._folder))
        try:
            if not shared_studies.has_study(storage, study_id):
                return
            is_whole = shared_studies.fetch_study(storage, study_id, part)
            if not is_whole or digest_case_files(part) != digest:
                _LOG.error("Study %s is altered on the shared storage, too.", study_id)
                shared_studies.forget_study(storage, study_id)
        except StorageError as error:
            _LOG.warning("The shared storage does not respond: %s", error)
        finally:
            shutil.rmtree(part, ignore_errors=True)

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
