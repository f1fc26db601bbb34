"""The constants of the capacity model, from a run of the load test."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .report import ProcessUse, Tally


@dataclass(frozen=True)
class Stored:
    """What the studies of a workspace take on disk.

    Attributes:
        studies: How many there are.
        slices: Slices of all of them.
        study_bytes: Pixels and descriptions.
        result_bytes: Entries of the result cache.
        database_bytes: The review database.
    """

    studies: int
    slices: int
    study_bytes: int
    result_bytes: int
    database_bytes: int


@dataclass(frozen=True)
class Measures:
    """Constants, each per one of what its name says.

    Attributes:
        studies_opened: In this run.
        requests_per_reviewer_minute: All requests.
        callbacks_per_reviewer_minute: POSTs of Dash's callbacks among them.
        web_cpu_ms_per_request: Processor time of the web process.
        web_cpu_s_per_reviewer_minute: Likewise, per reviewer.
        bytes_sent_per_study: Bodies of all answers, per study opened.
        worker_cpu_s_per_study: Processor time of the worker per study analysed; None without one.
        stored: What studies take on disk; None where the server is not our own.
    """

    studies_opened: int
    requests_per_reviewer_minute: float
    callbacks_per_reviewer_minute: float
    web_cpu_ms_per_request: float | None
    web_cpu_s_per_reviewer_minute: float | None
    bytes_sent_per_study: int
    worker_cpu_s_per_study: float | None
    stored: Stored | None

    @classmethod
    def of(
        cls,
        tally: Tally,
        uses: dict[str, ProcessUse],
        seconds: float,
        reviewers: int,
        stored: Stored | None,
    ) -> Measures:
        """Work the constants out."""
        minutes = reviewers * seconds / 60
        opened = len(tally.times_ms.get("opened: first slice in view", ()))
        analysed = len(tally.times_ms.get("analysis: opened to overlay", ()))
        callbacks = sum(len(t) for k, t in tally.times_ms.items() if k.startswith("callback: "))
        web, worker = uses.get("web"), uses.get("worker")
        requests = max(tally.requests(), 1)
        return cls(
            studies_opened=opened,
            requests_per_reviewer_minute=round(requests / minutes, 1),
            callbacks_per_reviewer_minute=round(callbacks / minutes, 1),
            web_cpu_ms_per_request=round(1000 * web.cpu_s / requests, 2) if web else None,
            web_cpu_s_per_reviewer_minute=round(web.cpu_s / minutes, 3) if web else None,
            bytes_sent_per_study=tally.bytes_sent() // max(opened, 1),
            worker_cpu_s_per_study=round(worker.cpu_s / analysed, 2)
            if worker and analysed
            else None,
            stored=stored,
        )

    def in_words(self) -> str:
        """The constants in one line."""
        cpu = ""
        if self.web_cpu_ms_per_request is not None:
            cpu = (
                f", {self.web_cpu_ms_per_request} ms CPU per request"
                f" ({self.web_cpu_s_per_reviewer_minute} s per reviewer-minute)"
            )
        return (
            f"{self.studies_opened} studies opened;"
            f" {self.requests_per_reviewer_minute} requests per reviewer-minute"
            f" ({self.callbacks_per_reviewer_minute} callbacks){cpu};"
            f" {self.bytes_sent_per_study / 1e6:.1f} MB sent per study opened"
        )

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)


def measure_storage(home: Path) -> Stored:
    """What a workspace's studies take on disk."""
    from dashboard.workspace.services import build_services
    from dashboard.workspace.settings import read_settings

    settings = read_settings({"OVERREAD_HOME": str(home)})
    rows = build_services(settings).store.list_studies()
    return Stored(
        studies=len(rows),
        slices=sum(row.slices for row in rows),
        study_bytes=_size(settings.studies),
        result_bytes=_size(settings.results),
        database_bytes=sum(path.stat().st_size for path in home.glob("overread.db*")),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
