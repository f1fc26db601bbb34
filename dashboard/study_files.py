"""The studies' pixels in the workspace, memory-mapped; the last ones used stay open."""

from __future__ import annotations

import re
import shutil
import threading
from collections import OrderedDict
from pathlib import Path

from pipeline import Case, InputError, load_case, save_case

_STUDY_ID = re.compile(r"[0-9a-f]{16}")
_OPEN_CASES = 32


class StudyFiles:
    """One folder per study below the workspace.

    Args:
        folder: Folder of the studies' folders.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Case] = OrderedDict()

    def load(self, study_id: str) -> Case:
        """A study's case; its pixels and masks are read from disk where they are looked at.

        Raises:
            InputError: There is none of this id, or its files are damaged.
        """
        with self._lock:
            if study_id in self._open:
                self._open.move_to_end(study_id)
                return self._open[study_id]
        case = load_case(self._path(study_id))
        with self._lock:
            self._open[study_id] = case
            while len(self._open) > _OPEN_CASES:
                self._open.popitem(last=False)
        return case

    def exists(self, study_id: str) -> bool:
        """Whether a study's files are there."""
        return (self._path(study_id) / "case.json").is_file()

    def save(self, study_id: str, case: Case) -> None:
        """Write a case into the workspace, whole or not at all.

        Raises:
            InputError: The disk refuses.
        """
        try:
            save_case(case, self._path(study_id))
        except OSError:
            raise InputError(
                case.case_id, f"{case.case_id} could not be stored: the server's disk refused it."
            ) from None

    def delete(self, study_id: str) -> None:
        """Remove a study's files; none is no error."""
        with self._lock:
            self._open.pop(study_id, None)
        shutil.rmtree(self._path(study_id), ignore_errors=True)

    def _path(self, study_id: str) -> Path:
        if _STUDY_ID.fullmatch(study_id) is None:
            raise InputError("", "There is no such study.")
        return self._folder / study_id
