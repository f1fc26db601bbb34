"""Objects that hold nothing to analyse: counted by kind, and no error beside cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from factories import SeriesFactory
from readings import marked

from pipeline.data.reading.passed_over import count_kind, split_passed_over
from pipeline.data.reading.reading import read_cases
from pipeline.errors import InputError, PassedOver

STATE, REPORT = "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.88.11"


def write_objects(folder: Path, uid: str, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for k in range(count):
        dataset = SeriesFactory(marked()).header(uid)
        del dataset.Rows, dataset.Columns
        dataset.SOPInstanceUID = f"1.2.{k}"
        dataset.save_as(folder / f"{uid[-4:]}_{k}.dcm", enforce_file_format=True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("a presentation state", "2 presentation states"),
        ("an RT plan", "2 RT plans"),
        ("a raw data file of the scanner", "2 raw data files of the scanner"),
        ("a PDF document in DICOM", "2 PDF documents in DICOM"),
        ("a CDA document (a clinical report)", "2 CDA documents (a clinical report)"),
        ("a DICOMDIR, the index of a disc", "2 DICOMDIRs, the index of a disc"),
        ("an MR spectrum", "2 MR spectra"),
        ("a surface scan mesh", "2 surface scan meshes"),
        (
            "a registration or segmentation of a kind that cannot be read",
            "2 registrations or segmentations of a kind that cannot be read",
        ),
    ],
)
def test_kinds_are_counted(kind: str, expected: str) -> None:
    assert count_kind(kind, 2) == expected


def test_many_of_a_kind_get_one_sentence() -> None:
    states = [PassedOver(f"{k}", f"{k} is one.", kind="a presentation state") for k in range(100)]
    damaged = InputError("x", "It is damaged.")
    localizer = PassedOver("loc", "It is a localizer.", n_files=3)
    single = PassedOver("r", "r is a report.", kind="a structured report")
    errors, notices = split_passed_over(
        [*states[:50], damaged, localizer, *states[50:], single], has_cases=True
    )
    assert errors == (damaged,)
    assert notices[0].startswith(count_kind("a presentation state", 100))
    assert notices[1:] == (localizer.message, single.message)


def test_without_cases_they_are_errors_that_count_all_files() -> None:
    states = [PassedOver(f"{k}", f"{k} is one.", kind="a presentation state") for k in range(7)]
    errors, notices = split_passed_over(states, has_cases=False)
    assert [(error.source, error.n_files) for error in errors] == [("0", 7)]
    assert notices == ()


def test_objects_beside_a_series(tmp_path: Path) -> None:
    SeriesFactory(marked()).write(tmp_path / "s")
    write_objects(tmp_path / "other", STATE, 5)
    write_objects(tmp_path / "other", REPORT, 2)
    report = read_cases([tmp_path])
    assert len(report.cases) == 1
    assert (report.errors, len(report.notices)) == ((), 2)


def test_objects_alone(tmp_path: Path) -> None:
    write_objects(tmp_path / "other", STATE, 5)
    report = read_cases([tmp_path])
    assert (len(report.errors), report.errors[0].n_files, report.notices) == (1, 5, ())
