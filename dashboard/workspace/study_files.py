"""The studies' pixels in the workspace, memory-mapped; the last ones used stay open.

Where storage is shared, the workspace holds copies: a study is fetched when it is looked at first,
and the copies used least are deleted when they take too much room. A study never changes under its
id, so that a copy is never stale.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path

from dashboard.store import STUDY_ID
from dashboard.workspace import shared_studies
from pipeline import Case, InputError, SharedStorage, StorageError, load_case, save_case

_LOG = logging.getLogger(__name__)
_OPEN_CASES = 32
#: Marks a folder as a copy of what is on the shared storage.
_COPY = ".copy"
_STORAGE_SILENT = "The shared storage does not answer; try again later."


class StudyFiles:
    """One folder per study below the workspace.

    Args:
        folder: Folder of the studies' folders.
        storage: Where all machines keep them, or None where the folder is all there is.
        copies_bytes: What copies of shared studies may take in the folder.
    """

    def __init__(
        self, folder: Path, *, storage: SharedStorage | None = None, copies_bytes: int = 20 << 30
    ) -> None:
        self._folder = folder
        self._storage = storage
        self._copies_bytes = copies_bytes
        self._lock = threading.Lock()
        self._fetching = tuple(threading.Lock() for _ in range(16))
        self._open: OrderedDict[str, Case] = OrderedDict()

    def load(self, study_id: str) -> Case:
        """A study's case; its pixels and masks are read from disk where they are looked at.

        Raises:
            InputError: No study has this id, its files are damaged, or the shared storage does
                not answer.
        """
        with self._lock:
            if study_id in self._open:
                self._open.move_to_end(study_id)
                return self._open[study_id]
        path = self._path(study_id)
        if self._storage is not None:
            self._have_copy(self._storage, study_id, path)
        case = load_case(path)
        with self._lock:
            self._open[study_id] = case
            while len(self._open) > _OPEN_CASES:
                self._open.popitem(last=False)
        return case

    def exists(self, study_id: str) -> bool:
        """Whether a study's files are there, for all machines.

        Raises:
            InputError: The shared storage does not answer.
        """
        path = self._path(study_id)
        if self._storage is None:
            return (path / "case.json").is_file()
        try:
            return shared_studies.has_study(self._storage, study_id)
        except StorageError as error:
            raise _silent(error) from error

    def save(self, study_id: str, case: Case) -> None:
        """Write a case, whole or not at all.

        Raises:
            InputError: The disk or the shared storage refuses.
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
            where = "shared storage" if isinstance(error, StorageError) else "server's disk"
            raise InputError(
                case.case_id, f"{case.case_id} could not be stored: the {where} refused it."
            ) from None

    def delete(self, study_id: str) -> None:
        """Remove a study's files; none is no error."""
        path = self._path(study_id)
        with self._lock:
            self._open.pop(study_id, None)
        shutil.rmtree(path, ignore_errors=True)
        if self._storage is not None:
            try:
                shared_studies.delete_study(self._storage, study_id)
            except StorageError as error:
                _LOG.warning("A deleted study is left on the shared storage: %s", error)

    def share_all(self) -> int:
        """Put studies on the shared storage that were kept before there was one.

        Returns:
            How many there were.

        Raises:
            StorageError: The storage does not answer or refuses.
        """
        if self._storage is None:
            return 0
        paths = [p for p in self._folder.iterdir() if STUDY_ID.fullmatch(p.name)]
        kept = [p for p in paths if (p / "case.json").is_file() and not (p / _COPY).exists()]
        for path in kept:
            self._share(self._storage, path.name, path)
        return len(kept)

    def _share(self, storage: SharedStorage, study_id: str, path: Path) -> None:
        shared_studies.send_study(storage, study_id, path)
        (path / _COPY).touch()
        self._make_room(keep=path)

    def _have_copy(self, storage: SharedStorage, study_id: str, path: Path) -> None:
        """Fetch a study, unless it is here; those who ask for it at once wait for one fetch."""
        with self._fetching[int(study_id[0], 16)]:
            if (path / "case.json").is_file():
                with contextlib.suppress(OSError):
                    os.utime(path / "case.json")  # used last now
                return
            draft = Path(tempfile.mkdtemp(prefix=f".{study_id}-", dir=self._folder))
            try:
                if not shared_studies.fetch_study(storage, study_id, draft):
                    return  # told where it is loaded
                (draft / _COPY).touch()
                with contextlib.suppress(OSError):  # another process was faster
                    draft.rename(path)
            except StorageError as error:
                raise _silent(error) from error
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            self._make_room(keep=path)

    def _make_room(self, *, keep: Path) -> None:
        """Delete the copies used least; who has one open reads on."""
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
                with contextlib.suppress(OSError):  # gone at once, for those who begin to read it
                    doomed = path.rename(path.with_name(f".{path.name}-{secrets.token_hex(4)}-old"))
                    shutil.rmtree(doomed, ignore_errors=True)
                total -= size

    def _path(self, study_id: str) -> Path:
        if STUDY_ID.fullmatch(study_id) is None:
            raise InputError("", "There is no such study.")
        return self._folder / study_id


def _silent(error: StorageError) -> InputError:
    _LOG.warning("The shared storage does not answer: %s", error)
    return InputError("", _STORAGE_SILENT)
