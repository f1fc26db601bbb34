"""What is no slice of an acquisition is kept out of the analysis, each with its sentence."""

from pathlib import Path

import numpy as np
import pytest
from factories import SeriesFactory
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid
from readings import marked, read_error, read_one

from pipeline.data.reading.dicom import DICOM
from pipeline.data.reading.dicom_derived import (
    DOSE_MAP,
    LOCALIZER,
    PROJECTION,
    REFORMAT,
    SCREEN_CAPTURE,
    SECONDARY_CAPTURE,
    left_out_error,
)
from pipeline.data.reading.dicom_series import REFORMAT_WARNING
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.reading import read_cases

KINDS = [
    ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, PROJECTION),
    ({"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE"]}, PROJECTION),
    ({"ImageType": ["DERIVED", "PRIMARY", "OTHER", "MINIP"]}, PROJECTION),
    ({"SeriesDescription": "FLAIR thick MIP"}, PROJECTION),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, LOCALIZER),
    ({"SeriesDescription": "3-plane scout"}, LOCALIZER),
    ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, SCREEN_CAPTURE),
    ({"SeriesDescription": "Screenshot"}, SCREEN_CAPTURE),
    ({"ImageType": ["DERIVED", "PRIMARY", "DOSE"]}, DOSE_MAP),
    ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, REFORMAT),
]


def notices_of(path):
    return list(read_cases([path]).notices)


def sentence(name, kind, *, title=None, n=1, total=1):
    file = InputFile(Path(name), name, "", "", DICOM)
    return left_out_error(file, title or name, kind, n=n, total=total).message


@pytest.mark.parametrize(("tags", "kind"), KINDS)
def test_beside_the_slices_it_is_left_out(tmp_path, tags, kind):
    SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    SeriesFactory(marked((1, 12, 10)), study="1.2", tags=tags).write(tmp_path / "b")
    report = read_cases([tmp_path])
    assert [case.n_slices for case in report.cases] == [6]
    assert (report.errors, report.notices) == ((), (sentence("im000", kind),))


@pytest.mark.parametrize(("tags", "kind"), KINDS[:-1])
def test_alone_it_is_left_out_too(tmp_path, tags, kind):
    SeriesFactory(marked((1, 12, 10)), tags=tags).write(tmp_path)
    assert read_error(tmp_path) == sentence("im000", kind)


def test_one_projection_within_a_series(tmp_path):
    factory = SeriesFactory(marked())
    folder = factory.write(tmp_path / "s")
    factory.tags = {"ImageType": ["DERIVED", "SECONDARY", "MIP"]}
    factory.dataset(2).save_as(folder / "mip", enforce_file_format=True)
    assert notices_of(folder) == [
        sentence("mip", PROJECTION, title="Series AX FLAIR", n=1, total=7),
    ]
    (case,) = read_cases([folder]).cases
    assert case.n_slices == 6


def test_reformats_alone_are_read_with_a_warning(tmp_path):
    tags = {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}
    case = read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s"))
    assert case.n_slices == 6
    assert REFORMAT_WARNING in case.warnings


def test_reformats_of_another_study_are_read(tmp_path):
    tags = {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}
    SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    SeriesFactory(marked(), study="1.3", tags=tags).write(tmp_path / "b")
    assert len(read_cases([tmp_path]).cases) == 2


@pytest.mark.parametrize("beside", [True, False])
def test_secondary_captures(tmp_path, beside):
    """Grey ones are read where they are all there is: programs export slices so."""
    if beside:
        SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    factory = SeriesFactory(np.zeros((1, 12, 10), np.uint8), study="1.2")
    dataset = factory.dataset(0)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.SeriesInstanceUID, dataset.SeriesDescription = generate_uid(), "page"
    del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
    dataset.save_as(tmp_path / "sc", enforce_file_format=True)
    report = read_cases([tmp_path])
    assert len(report.cases) == 1
    assert report.errors == ()
    assert report.notices == ((sentence("sc", SECONDARY_CAPTURE),) if beside else ())


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.67", "a real world value mapping"),
        ("1.2.840.10008.5.1.4.1.1.104.2", "a CDA document (a clinical report)"),
        ("1.2.840.10008.5.1.4.1.1.104.3", "an STL surface model"),
        ("1.2.840.10008.5.1.4.1.1.66.6", "a set of fibre tracts (tractography results)"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "a key object selection (a list of marked images)"),
        ("1.3.46.670589.11.0.0.12.2", "a private object of a Philips scanner"),
        ("1.2.3.4.5", "a private object of a scanner or program"),
        (
            "1.3.12.2.1107.5.9.1",
            "a Siemens private object (CSA non-image: raw data or a report)",
        ),
    ],
)
def test_objects_that_are_no_images_are_named(tmp_path, uid, words):
    dataset = SeriesFactory(marked()).header(uid)
    del dataset.Rows, dataset.Columns
    dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert read_error(tmp_path / "x.dcm") == f"x.dcm is {words}, not an image."


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.481.2", "an RT dose map"),
        ("1.2.840.10008.5.1.4.1.1.30", "a parametric map"),
    ],
)
def test_maps_with_pixels_are_named(tmp_path, uid, words):
    dataset = SeriesFactory(marked()).dataset(0)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid
    dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert read_error(tmp_path / "x.dcm") == f"x.dcm is {words}, not an image."
