"""What readers were shown as stored, and what they had sent without an answer when all ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SentStudy:
    """A study that a reader uploads.

    Attributes:
        name: Its folder.
        content: Its file's bytes.
        study_id: As acknowledged; "" before.
    """

    name: str
    content: bytes
    study_id: str = ""


@dataclass(frozen=True)
class SeenMap:
    """A probability map that a reader has seen: where, and its SHA-256."""

    study_id: str
    address: str
    digest: str


@dataclass
class Corrections:
    """A reader's corrections of a study; masks as they were sent.

    Attributes:
        draft: The draft that was acknowledged last; "" without one.
        versions: Saved versions by their number.
        pending: What was sent without an answer: ("draft" or "version", mask).
    """

    draft: str = ""
    versions: dict[int, str] = field(default_factory=dict)
    pending: tuple[str, str] | None = None


@dataclass
class Measured:
    """A reader's measurements on a study.

    Attributes:
        revision: As acknowledged last.
        items: Likewise.
        pending: What was sent without an answer.
    """

    revision: int = 0
    items: list[dict[str, Any]] = field(default_factory=list)
    pending: list[dict[str, Any]] | None = None


@dataclass
class Notes:
    """What one reader was shown as stored.

    Attributes:
        name: Their name; "" before it was acknowledged.
        studies: What they upload.
        corrections, measured: By study.
        seen: Maps that they have seen.
    """

    name: str = ""
    studies: list[SentStudy] = field(default_factory=list)
    corrections: dict[str, Corrections] = field(default_factory=dict)
    measured: dict[str, Measured] = field(default_factory=dict)
    seen: list[SeenMap] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many acknowledged writes can be looked for."""
        return (
            bool(self.name)
            + sum(bool(study.study_id) for study in self.studies)
            + sum(len(one.versions) + bool(one.draft) for one in self.corrections.values())
            + sum(bool(one.revision) for one in self.measured.values())
            + len(self.seen)
        )


class Ledger:
    """Studies that all readers may open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._studies: list[str] = []

    def add(self, study_id: str) -> None:
        """Note that a study is in the worklist."""
        with self._lock:
            self._studies.append(study_id)

    def studies(self) -> list[str]:
        """Those in the worklist."""
        with self._lock:
            return list(self._studies)
