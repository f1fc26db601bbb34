"""What readers were shown as stored, and what they had sent without an answer when all ended."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
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
class Decided:
    """A decision that a reader sent.

    Attributes:
        study_id: The study.
        comment: Nobody else's, so that it is found again.
        sent: When, in seconds of one clock for all readers.
        acknowledged: When it was; None without an answer.
    """

    study_id: str
    comment: str
    sent: float
    acknowledged: float | None = None


@dataclass
class Signed:
    """A signature that a reader sent.

    Attributes:
        study_id: The study.
        comment: Of the decision that was signed.
        line: The record as acknowledged; None without an answer.
    """

    study_id: str
    comment: str
    line: dict[str, Any] | None = None


class Change(StrEnum):
    """What a reader did with a study of the worklist."""

    DELETED = "deleted"
    RESTORED = "restored"


@dataclass
class Listing:
    """A study that its reader deletes and restores.

    Attributes:
        done: How often each change was acknowledged.
        last: The last change that was acknowledged; None before the first.
        pending: The change that was sent without an answer.
    """

    done: Counter[Change] = field(default_factory=Counter)
    last: Change | None = None
    pending: Change | None = None


@dataclass
class Notes:
    """What one reader was shown as stored.

    Attributes:
        name: Their name; "" before it was acknowledged.
        studies: What they upload.
        corrections, measured, listings: By study.
        seen: Maps that they have seen.
        decided, signed: In their order.
    """

    name: str = ""
    studies: list[SentStudy] = field(default_factory=list)
    corrections: dict[str, Corrections] = field(default_factory=dict)
    measured: dict[str, Measured] = field(default_factory=dict)
    listings: dict[str, Listing] = field(default_factory=dict)
    seen: list[SeenMap] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    signed: list[Signed] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many acknowledged writes can be looked for."""
        return (
            bool(self.name)
            + sum(bool(study.study_id) for study in self.studies)
            + sum(len(one.versions) + bool(one.draft) for one in self.corrections.values())
            + sum(bool(one.revision) for one in self.measured.values())
            + self.readings.total()
            + len(self.seen)
        )

    @property
    def readings(self) -> Counter[str]:
        """How many decisions, signatures, deletions and restorations were acknowledged."""
        counts = Counter[str]()
        counts["decided"] = sum(one.acknowledged is not None for one in self.decided)
        counts["signed"] = sum(one.line is not None for one in self.signed)
        for listing in self.listings.values():
            counts.update(listing.done)
        return counts


class Ledger:
    """Studies that all readers may open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._studies: list[str] = []
        self._ever_deleted: set[str] = set()

    def add(self, study_id: str) -> None:
        """Note that a study is in the worklist."""
        with self._lock:
            self._studies.append(study_id)

    def studies(self) -> list[str]:
        """Those in the worklist."""
        with self._lock:
            return list(self._studies)

    def remove(self, study_id: str) -> None:
        """Note that a study is about to be deleted."""
        with self._lock:
            self._studies.remove(study_id)
            self._ever_deleted.add(study_id)

    def may_be_missing(self, study_id: str) -> bool:
        """Whether the study was deleted at some time: an answer may say so."""
        with self._lock:
            return study_id in self._ever_deleted
