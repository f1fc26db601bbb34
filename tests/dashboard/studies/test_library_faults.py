"""One bad entry of the library, or one bad file of an upload, never stops the others."""

from __future__ import annotations

import lzma
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_server import make_services, write_png

import pipeline
from dashboard.store import Origin
from dashboard.studies import intake
from dashboard.workspace.services import Services
from pipeline import Case

#: Bytes that are not UTF-8, as an archive or another system may have left them.
NOT_UTF8 = os.fsdecode(b"patient-\xe9\xff")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Two good entries, first and last in the order of reading."""
    write_png(tmp_path / "library" / "a" / "flair.png", seed=1)
    write_png(tmp_path / "library" / "z" / "flair.png", seed=2)
    return tmp_path / "library"


@pytest.fixture
def parts(tmp_path: Path, library: Path) -> Services:
    return make_services(tmp_path / "home", OVERREAD_LIBRARY=str(library))


def sources(parts: Services) -> set[str]:
    return {row.source for row in parts.store.list_studies() if row.origin is Origin.LIBRARY}


def scan(parts: Services) -> list[str]:
    """Scan twice, since a second scan meets the same files; returns the sentences."""
    first = intake.scan_library(parts)
    assert intake.scan_library(parts).studies == ()
    return [error.message for error in first.errors]


def make_loop(place: Path) -> None:
    (place / "loop").symlink_to(place / "loop")
    (place / "m" / "up").symlink_to(place)
    (place / "m" / "self.png").symlink_to(place / "m" / "self.png")


def make_pipe(place: Path) -> None:
    os.mkfifo(place / "m" / "pipe.dcm")
    os.mkfifo(place / "pipe.png")


def make_dangling(place: Path) -> None:
    (place / "lost.png").symlink_to(place / "nowhere.png")
    (place / "m" / "lost.dcm").symlink_to("/nowhere")


def make_odd_names(place: Path) -> None:
    (place / NOT_UTF8).mkdir()
    (place / NOT_UTF8 / f"{NOT_UTF8}.png").write_bytes(b"no picture")
    (place / "line\nend").mkdir()
    (place / "line\nend" / "a\x1b[31m.dcm").write_bytes(b"no picture")


@pytest.mark.parametrize("make", [make_loop, make_pipe, make_dangling, make_odd_names])
def test_odd_files_are_named_and_the_others_are_read(
    parts: Services, library: Path, make: Any
) -> None:
    write_png(library / "m" / "flair.png", seed=3)
    make(library)
    sentences = scan(parts)
    assert {"a", "m", "z"} <= sources(parts)
    assert sentences and all(one.endswith(".") and one.isprintable() for one in sentences)


def test_studies_of_a_folder_whose_name_is_no_utf8_are_added(
    parts: Services, library: Path
) -> None:
    write_png(library / NOT_UTF8 / "flair.png", seed=3)
    assert scan(parts) == []
    assert parts.store.count_studies().total == 3


@pytest.mark.parametrize(
    "error", [lzma.LZMAError("x"), RecursionError(), MemoryError(), KeyError(1)]
)
def test_whatever_reading_raises_stops_one_entry(
    parts: Services, library: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    write_png(library / "m" / "flair.png", seed=3)
    real = pipeline.read_cases

    def read(paths: Sequence[Path], **options: Any) -> Any:
        if paths[0].name == "m":
            raise error
        return real(paths, **options)

    monkeypatch.setattr(pipeline, "read_cases", read)
    (sentence,) = scan(parts)
    assert "m" in sentence
    assert sources(parts) == {"a", "z"}
    monkeypatch.undo()
    write_png(library / "m" / "flair.png", seed=4)  # changed: read again
    assert intake.scan_library(parts).errors == ()
    assert sources(parts) == {"a", "m", "z"}


def test_a_study_that_cannot_be_described_stops_no_other(
    parts: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(3):
        write_png(tmp_path / "sent" / f"p{k}" / "flair.png", seed=k)
    real = intake.describe_display

    def describe(case: Case) -> Any:
        if "p1" in case.case_id:
            raise FloatingPointError
        return real(case)

    monkeypatch.setattr(intake, "describe_display", describe)
    report = intake.add_upload(parts, tmp_path / "sent")
    assert len(report.studies) == 2
    assert [error.source for error in report.errors] == ["p1"]
