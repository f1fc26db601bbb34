import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import SeriesFactory, colour, grey, marked_volume, write_image, write_nifti

from pipeline.data.reading import formats, loaded
from pipeline.data.reading.dicom import DICOM
from pipeline.data.reading.formats import TEXT, format_of, refusal_of
from pipeline.data.reading.images import PNG, TIFF, WEBP
from pipeline.data.reading.reading import read_cases
from pipeline.errors import Cancelled

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the public data sets do not lie beside the checkout"
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.png", b"", "empty.png is empty: it holds 0 bytes. Export it again."),
        ("page.png", b"<!DOCTYPE html><html></html>", "page.png is a web page;"),
        ("report.png", b"%PDF-1.7\n", "report.png is a PDF document;"),
        ("notes.dcm", b"hello there\n", "notes.dcm is a text file;"),
        ("a.gif", b"GIF89a" + bytes(20), "a.gif is a GIF image;"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(20), "a.7z is an archive that is not a zip."),
        ("x.bin", bytes(range(256)), "x.bin is not an image that is known here;"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(9), "a.png is damaged: "),
        ("a.jpg", b"\xff\xd8\xff\xe0rubbish", "a.jpg is cut short: "),
        ("a.tif", b"II*\0" + bytes(3), "a.tif is damaged: "),
        ("a.dcm", bytes(128) + b"DICM", "a.dcm is cut short: "),
        ("a.dcm", bytes(128) + b"DICM" + b"\xff" * 300, "a.dcm is "),
        ("a.nii", bytes([92, 1, 0, 0]) + bytes(340) + b"n+1\0", "a.nii is "),
        ("a.zip", b"PK\x03\x04rubbish", "a.zip is damaged or cut short: "),
    ],
)
def test_bad_files_get_one_sentence_each_and_good_ones_are_kept(tmp_path, name, content, message):
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / name).write_bytes(content)
    write_image(tmp_path / "up" / "good.png", grey())
    for paths in ([tmp_path / "up"], [tmp_path / "up" / name, tmp_path / "up" / "good.png"]):
        report = read_cases(paths)
        assert [case.case_id for case in report.cases] == ["good"]
        (error,) = report.errors
        assert error.source == name
        assert error.message.startswith(message)
        assert str(tmp_path) not in error.message
        assert "\n" not in error.message


def test_paths_that_are_not_there_or_hold_nothing(tmp_path):
    (tmp_path / "void").mkdir()
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "data.csv").write_text("a,b\n")
    report = read_cases([tmp_path / "nowhere", tmp_path / "void", tmp_path / "table"])
    assert [(error.source, error.message) for error in report.errors] == [
        ("nowhere", "nowhere does not exist. Check the path."),
        ("void", "There is no image in void."),
        ("table", "There is no image in table."),
    ]


def test_what_is_given_twice_is_read_once(tmp_path):
    path = write_image(tmp_path / "x" / "sub" / "a.png", grey())
    (tmp_path / "void").mkdir()
    folder, void = tmp_path / "x", tmp_path / "void"
    report = read_cases([folder, folder, folder / "sub", path, path, void, void])
    assert len(report.cases) == 1
    assert [error.message for error in report.errors] == ["There is no image in void."]


def test_companions_are_passed_over_in_a_folder_and_named_when_given(tmp_path):
    write_image(tmp_path / "a.png", grey())
    for name in ("data.csv", "README", "notes.txt", "Thumbs.db", ".DS_Store", "sub.json"):
        (tmp_path / name).write_text("text")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._a.png").write_bytes(b"\0\5\x16\7")
    assert read_cases([tmp_path]).errors == ()
    (error,) = read_cases([tmp_path / "data.csv"]).errors
    assert error.message == refusal_of("data.csv", TEXT)


def test_content_decides_the_format(tmp_path):
    write_image(tmp_path / "x.png", colour()).rename(tmp_path / "a.dcm")
    SeriesFactory(np.ones((1, 6, 6), np.uint16)).write(tmp_path / "s")
    (tmp_path / "s" / "im000").rename(tmp_path / "b.jpg")
    write_nifti(tmp_path / "x.nii.gz", marked_volume()).rename(tmp_path / "c.tif")
    report = read_cases([tmp_path / name for name in ("a.dcm", "b.jpg", "c.tif")])
    assert sorted(case.kind for case in report.cases) == ["dicom", "images", "nifti"]
    assert report.errors == ()


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (b"RIFF\0\0\0\0WEBPVP8 ", WEBP),
        (b"MM\0*", TIFF),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", DICOM),
        (b"II*\0".ljust(128, b"\0") + b"DICM", DICOM),
    ],
)
def test_formats_are_recognised(head, known):
    assert format_of(head) is known


@pytest.mark.parametrize(
    ("head", "phrase"),
    [
        (b"BMW is a car\nand this is text about it", "a text file"),
        ("Größe".encode() * 300, "a text file"),
        (b"CDF\x01", "a MINC volume or another NetCDF file"),
        (b"\x89HDF\r\n\x1a\n", "a MINC volume or another HDF5 file"),
        (b"TRACK\0", "a set of fibre tracts, not an image"),
        (b"BM" + bytes(30), "a BMP image"),
        (
            bytes([92, 1, 0, 0]).ljust(348, b"\0"),
            "the header of a two-file NIfTI or Analyze volume",
        ),
    ],
)
def test_what_cannot_be_read_is_named(head, phrase):
    assert format_of(head[:1024]).phrase == phrase


def test_a_file_given_twice_counts_once(tmp_path):
    path = write_image(tmp_path / "a.png", grey())
    assert len(read_cases([path, tmp_path, path]).cases) == 1


def test_files_given_one_by_one_are_grouped_by_their_folder(tmp_path):
    paths = [write_image(tmp_path / f"x_{k}.png", grey(seed=k)) for k in (2, 1)]
    (case,) = read_cases(paths).cases
    assert case.sources == ("x_1.png", "x_2.png")


def test_progress_runs_to_its_end(tmp_path):
    write_image(tmp_path / "a.png", grey())
    SeriesFactory(np.ones((3, 6, 6), np.uint16)).write(tmp_path / "s")
    write_nifti(tmp_path / "x.nii", marked_volume())
    told = []
    read_cases([tmp_path], progress=lambda *step: told.append(step))
    # Headers are looked over before anything is decoded.
    assert [words for _, _, words in told[:4]] == [
        *(f"Reading im00{k}" for k in range(3)),
        "Reading a.png",
    ]
    assert {total for _, total, _ in told} == {8}
    assert [done for done, _, _ in told] == list(range(1, 9))


def test_progress_may_cancel(tmp_path):
    def stop(done, total, message):
        raise Cancelled

    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, grey())
    with pytest.raises(Cancelled):
        read_cases([tmp_path], progress=stop)


def test_what_no_reader_foresaw_becomes_a_sentence_too(tmp_path, monkeypatch, caplog):
    def fail(path, source):
        raise KeyError("library words")

    monkeypatch.setattr(formats, "FORMATS", (replace(PNG, decode=fail),))
    write_image(tmp_path / "a.png", grey())
    with caplog.at_level(logging.CRITICAL):
        (error,) = read_cases([tmp_path]).errors
    assert error.message == "a.png cannot be read: it is damaged or of an unknown kind."


def test_too_many_pixels_at_once_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(loaded, "MAX_CALL_BYTES", 200)
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, grey(12, 10))
    report = read_cases([tmp_path])
    assert [case.case_id for case in report.cases] == ["a"]
    assert report.errors[0].source == "b.png"


def test_libraries_keep_quiet(tmp_path, capfd, recwarn):
    folder = SeriesFactory(np.ones((2, 6, 6), np.uint16), tags={"PatientID": "x" * 90}).write(
        tmp_path / "s"
    )
    (folder / "im000").write_bytes((folder / "im000").read_bytes()[:-10])
    path = write_nifti(tmp_path / "x.nii", marked_volume())
    data = bytearray(path.read_bytes())
    data[80:84] = np.float32(-1).tobytes()
    path.write_bytes(bytes(data))
    recwarn.clear()
    capfd.readouterr()
    read_cases([tmp_path])
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


@needs_data
@pytest.mark.data
def test_public_lgg_patient():
    name = "TCGA_CS_4942_19970222"
    report = read_cases([SHARED / "lgg" / name])
    (case,) = report.cases
    assert report.errors == ()
    assert case.case_id == name
    assert case.pixels.shape == (20, 256, 256, 3)
    assert case.indices == tuple(range(1, 21))
    assert case.sources[11] == f"{name}_12.webp"
    assert int(case.masks.sum()) == 7112
    assert case.warnings == ()


@needs_data
@pytest.mark.data
def test_public_images_of_mixed_sizes():
    folder = SHARED / "brain_mri_253" / "no"
    report = read_cases([folder])
    assert report.errors == ()
    assert len(report.cases) == sum(1 for _ in folder.iterdir())
    assert all(case.warnings for case in report.cases)
