"""Brings studies into the workspace: uploads, the library folder, demo studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboard.services import Services
from dashboard.store import Origin, StudyRow
from pipeline import InputError


@dataclass(frozen=True, eq=False)
class IngestReport:
    """What became of some files.

    Attributes:
        studies: Studies that were stored, or were there already.
        errors: Files that were left out, with one sentence each.
    """

    studies: tuple[StudyRow, ...]
    errors: tuple[InputError, ...]


def add_files(
    services: Services, paths: Sequence[Path], *, origin: Origin, source: str = ""
) -> IngestReport:
    """Read files and folders, store what is in them as studies and queue their analysis."""
    raise NotImplementedError


def scan_library(services: Services) -> IngestReport:
    """Look for new and changed studies in the library folder; only those are read."""
    raise NotImplementedError


def delete_study(services: Services, study_id: str) -> None:
    """Remove an uploaded study, its files and its analysis.

    Raises:
        InputError: There is none, or it is not an upload.
    """
    raise NotImplementedError
