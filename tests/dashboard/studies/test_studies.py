from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_server import add_case, fake_factory, make_case, make_services, write_png

import pipeline
from dashboard.jobs import table
from dashboard.jobs.execution import Worker
from dashboard.store import JobState, Origin
from dashboard.studies import intake
from dashboard.studies.deletion import Requester, delete_study
from dashboard.studies.description import describe_study
from dashboard.workspace.services import Services
from pipeline import InputError
from pipeline.data.case import Caution, SourceKind, StudyLabels

ANYONE = Requester("browser-1", "A. Reader")


def test_files_become_studies_and_bad_ones_sentences(parts: Services, tmp_path: Path) -> None:
    good = write_png(tmp_path / "in" / "scan.png")
    bad = tmp_path / "in" / "broken.dcm"
    bad.write_bytes(b"\0" * 128 + b"DICM" + b"\1")
    report = intake.add_files(parts, [good, bad], origin=Origin.UPLOAD)
    (row,) = report.studies
    assert (row.slices, row.height, row.width) == (1, 12, 10)
    assert row.job_state is JobState.QUEUED
    assert row.warnings  # it does not say that it is FLAIR
    (error,) = report.errors
    assert error.source == "broken.dcm"
    case = parts.files.load(row.study_id)
    assert case.content_digest() == row.content_digest


def test_the_same_content_is_the_same_study(parts: Services) -> None:
    first = add_case(parts, make_case())
    assert add_case(parts, make_case(sources=("elsewhere/a", "b", "c"))) == first
    assert len(list(parts.settings.studies.iterdir())) == 1
    assert add_case(parts, make_case(labels=StudyLabels(patient="somebody else"))) != first
    assert add_case(parts, make_case(masks=False)) != first
    assert len(parts.store.list_studies()) == 3
    assert parts.store.count_studies().states == {JobState.QUEUED: 3}
    assert len({row.job_id for row in parts.store.list_studies()}) == 1  # one analysis for all


def test_what_files_say_of_a_known_study_is_not_lost(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pixels may come from other files, such as a series of several time points."""
    case = make_case(sources=("a", "b", "c"))
    add_case(parts, case)
    more = Caution("The series holds 2 time points; only the first is shown and analysed.")
    again = replace(case, cautions=(*case.cautions, more))
    report = pipeline.ReadReport(cases=(again,), errors=())
    monkeypatch.setattr(pipeline, "read_cases", lambda *args, **options: report)
    found = intake.add_files(parts, [], origin=Origin.UPLOAD)
    assert found.added == frozenset()
    assert found.notices == (f"{case.case_id}: {more.sentence}",)


def test_lost_files_come_back_with_the_same_upload(parts: Services) -> None:
    study = add_case(parts, make_case())
    parts.files.delete(study)
    with pytest.raises(InputError):
        parts.files.load(study)
    assert add_case(parts, make_case()) == study
    assert parts.files.load(study).n_slices == 3


def test_new_masks_change_the_address_of_the_pixels(parts: Services) -> None:
    first = parts.store.study(add_case(parts, make_case()))
    masks = np.ones((3, 6, 5), bool)
    second = parts.store.study(add_case(parts, make_case(masks=False)))
    third = parts.store.study(add_case(parts, make_case(masks=False, case_id="c")))
    assert first and second and third
    assert first.data_digest != second.data_digest == third.data_digest
    assert masks.all()


def test_without_models_studies_are_listed_all_the_same(tmp_path: Path) -> None:
    parts = make_services(tmp_path / "home", models=False)
    assert parts.models is None
    assert parts.models_error
    study = add_case(parts, make_case())
    row = parts.store.study(study)
    assert row is not None and row.job_state is None
    parts = make_services(tmp_path / "home")  # the models have been installed since
    assert intake.queue_missing(parts) == 1
    assert intake.queue_missing(parts) == 0
    row = parts.store.study(study)
    assert row is not None and row.job_state is JobState.QUEUED


def test_deleting_while_it_is_analysed(parts: Services) -> None:
    study = add_case(parts, make_case())
    worker = Worker(
        parts, make_analyser=fake_factory(lambda k: k or delete_study(parts, study, ANYONE))
    )
    assert worker.run_one()
    assert not worker.run_one()
    assert parts.store.list_studies() == []


class Library:
    """A library folder, and how often its entries were read."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "library"
        self.folder.mkdir()
        self.read: list[str] = []
        genuine = pipeline.read_cases

        def counted(paths: Any, **options: Any) -> Any:
            self.read.extend(path.name for path in paths)
            return genuine(paths, **options)

        monkeypatch.setattr(pipeline, "read_cases", counted)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    return Library(tmp_path, monkeypatch)


def test_library_is_read_once_and_again_where_it_changed(library: Library, tmp_path: Path) -> None:
    parts = make_services(tmp_path / "home", OVERREAD_LIBRARY=str(library.folder))
    for number in (1, 2):
        write_png(library.folder / f"patient{number}" / "flair.png", seed=number)
    (library.folder / "patient2" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    report = intake.scan_library(parts)
    assert library.read == ["patient1", "patient2"]
    assert len(report.studies) == 2
    assert [error.source for error in report.errors] == ["patient2/broken.png"]
    before = {row.source: row.study_id for row in parts.store.list_studies()}

    again = intake.scan_library(parts)
    assert library.read == ["patient1", "patient2"]
    assert (again.studies, len(again.errors)) == ((), 1)

    write_png(library.folder / "patient1" / "flair.png", seed=3)
    (library.folder / "patient2" / "broken.png").unlink()
    report = intake.scan_library(parts)
    assert library.read == ["patient1", "patient2"] * 2
    assert report.errors == ()
    after = {row.source: row.study_id for row in parts.store.list_studies()}
    assert after["patient1"] != before["patient1"]  # the old pixels are gone from the list
    assert after["patient2"] == before["patient2"]
    assert (library.folder / "patient1" / "flair.png").exists()


def test_library_that_is_not_mounted_loses_nothing(library: Library, tmp_path: Path) -> None:
    parts = make_services(tmp_path / "home", OVERREAD_LIBRARY=str(library.folder))
    write_png(library.folder / "patient1" / "flair.png")
    write_png(library.folder / "loose.png", seed=5)
    assert len(intake.scan_library(parts).studies) == 2
    shutil.move(library.folder, tmp_path / "elsewhere")
    assert intake.scan_library(parts).studies == ()
    library.folder.mkdir()
    intake.scan_library(parts)
    assert len(parts.store.list_studies()) == 2


def test_a_deleted_upload_leaves_the_study_of_the_library(library: Library, tmp_path: Path) -> None:
    parts = make_services(tmp_path / "home", OVERREAD_LIBRARY=str(library.folder))
    for number in (1, 2):
        write_png(library.folder / f"patient{number}" / "flair.png", seed=number)
    entry = library.folder / "patient1"
    (upload,) = intake.add_files(parts, [entry], origin=Origin.UPLOAD).studies
    assert len(intake.scan_library(parts).studies) == 2
    assert [row.origin for row in parts.store.list_studies()].count(Origin.LIBRARY) == 1
    assert intake.scan_library(parts).studies == ()
    library.read.clear()
    delete_study(parts, upload.study_id, ANYONE)
    assert library.read == ["patient1"]
    rows = parts.store.list_studies()
    assert {row.source for row in rows} == {"patient1", "patient2"}
    again = parts.store.study(upload.study_id)  # with what readers did on it
    assert again is not None and again.origin is Origin.LIBRARY
    assert parts.store.deleted_studies() == []


def test_without_a_library_there_is_nothing_to_scan(parts: Services) -> None:
    report = intake.scan_library(parts)
    assert (report.studies, report.errors) == ((), ())


def test_submit_opened_study(parts: Services) -> None:
    study = add_case(parts, make_case())
    job_id = table.submit(parts.store, study, priority=table.PRIORITY_OPENED)
    row = table.state(parts.store, job_id)
    assert row is not None and row.priority == table.PRIORITY_OPENED


@pytest.mark.parametrize(("assumed", "is_noted"), [(True, True), (False, False)])
def test_letters_that_a_file_contradicts_are_marked_as_assumed(
    parts: Services, assumed: bool, is_noted: bool
) -> None:
    case = make_case(kind=SourceKind.VOLUME, orientation_assumed=assumed)
    row = parts.store.study(add_case(parts, case))
    assert row is not None
    assert bool(describe_study(parts, row)["orientation_note"]) == is_noted
