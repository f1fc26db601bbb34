import gzip
import os
import struct
import zipfile
import zlib

import numpy as np
import pytest
from factories import SeriesFactory, colour, grey, marked_volume, write_image, write_nifti

from pipeline.data.reading import archives, format_kinds, limits
from pipeline.data.reading.reading import read_cases


def png(tmp_path, seed=0):
    return write_image(tmp_path / "source.png", grey(seed=seed)).read_bytes()


def pack(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def messages(report):
    return [error.message for error in report.errors]


def test_an_archive_is_read_like_a_folder(tmp_path):
    name = "TCGA_CS_4942_19970222"
    for k in (1, 2):
        write_image(tmp_path / "f" / f"{name}_{k}.tif", colour(seed=k))
        write_image(tmp_path / "f" / f"{name}_{k}_mask.tif", (grey(seed=k) > 199).astype("u1"))
    members = {f"kaggle_3m/{name}/{p.name}": p.read_bytes() for p in (tmp_path / "f").iterdir()}
    members |= {"__MACOSX/._x.tif": b"\0", "kaggle_3m/data.csv": "a,b", ".DS_Store": b"\0"}
    report = read_cases([pack(tmp_path / "lgg.zip", members)])
    (case,) = report.cases
    assert messages(report) == []
    assert case.case_id == name
    assert case.sources[0] == f"lgg.zip/kaggle_3m/{name}/{name}_1.tif"
    assert case.masks is not None


def test_dicom_and_nifti_in_an_archive(tmp_path):
    folder = SeriesFactory(np.ones((3, 6, 6), np.uint16)).write(tmp_path / "s")
    members = {f"study/{p.name}": p.read_bytes() for p in folder.iterdir()}
    members["v/x_flair.nii.gz"] = write_nifti(tmp_path / "x.nii.gz", marked_volume()).read_bytes()
    report = read_cases([pack(tmp_path / "a.zip", members)])
    assert messages(report) == []
    assert sorted(case.case_id for case in report.cases) == ["P1_AX_FLAIR", "x_flair"]


def test_one_archive_inside_another_is_read_and_no_more(tmp_path):
    inner = pack(tmp_path / "inner.zip", {"a.png": png(tmp_path)})
    outer = pack(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()})
    report = read_cases([outer])
    assert report.cases[0].sources == ("outer.zip/inner.zip/a.png",)
    third = pack(tmp_path / "third.zip", {"outer.zip": outer.read_bytes()})
    assert messages(read_cases([third])) == [
        "inner.zip is an archive inside an archive inside an archive. Unpack it first."
    ]


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png"]
)
def test_names_that_lead_outside_are_left_out(tmp_path, name):
    path = tmp_path / "in" / "x.zip"
    path.parent.mkdir()
    pack(path, {name: png(tmp_path), "good.png": png(tmp_path)})
    before = sorted(tmp_path.rglob("*"))
    report = read_cases([path])
    assert [case.case_id for case in report.cases] == ["good"]
    (message,) = messages(report)
    assert (
        message == "evil.png has a name in its archive that leads outside of it, and is left out."
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_that_declares_gigabytes_is_refused(tmp_path):
    path = pack(tmp_path / "bomb.zip", {"a.png": png(tmp_path)})
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    (message,) = messages(read_cases([path]))
    assert message.startswith("bomb.zip would unpack to 3.0 GB")


def test_an_archive_that_lies_about_its_size_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ARCHIVE_BYTES", 1 << 20)
    budget = archives.UnpackBudget(bytes_left=1 << 20)
    path = pack(tmp_path / "bomb.zip", {"a.bin": b"\0" * (4 << 20)})
    data = bytearray(path.read_bytes())
    for place, offset in ((data.index(b"PK\x03\x04"), 22), (data.rindex(b"PK\x01\x02"), 24)):
        data[place + offset : place + offset + 4] = (100).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    target = tmp_path / "out"
    target.mkdir()
    members, errors = archives.unpack_archive(path, "bomb.zip", target, budget)
    assert not members
    assert "damaged" in errors[0].message
    assert sum(p.stat().st_size for p in target.iterdir()) <= 1 << 20


def test_an_archive_that_packs_too_well_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(format_kinds, "ARCHIVE_RATIO_FLOOR_BYTES", 1 << 20)
    path = pack(tmp_path / "bomb.zip", {"a.bin": b"\0" * (4 << 20)})
    report = read_cases([path])
    assert report.cases == ()
    assert [error.source for error in report.errors] == ["bomb.zip"]


def test_too_many_files_are_refused(tmp_path):
    path = pack(tmp_path / "x.zip", {f"{k}.png": b"" for k in range(5)})
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(archives.InputError, match=r"x\.zip holds more than 3 files"):
        archives.unpack_archive(path, "x.zip", target, archives.UnpackBudget(files_left=3))


def test_a_locked_archive_is_refused(tmp_path):
    path = pack(tmp_path / "x.zip", {"a.png": png(tmp_path)})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(bytes(data))
    assert messages(read_cases([path])) == ["x.zip is locked with a password. Pack it without one."]


@pytest.mark.parametrize("keep", [10, 60, -30])
def test_an_archive_cut_short_is_refused(tmp_path, keep):
    path = pack(tmp_path / "x.zip", {"a.png": png(tmp_path)})
    path.write_bytes(path.read_bytes()[:keep])
    assert messages(read_cases([path])) == [
        "x.zip is damaged or cut short: it cannot be unpacked. Pack it again."
    ]


def test_one_damaged_member_leaves_the_others(tmp_path):
    path = pack(tmp_path / "x.zip", {"a.png": png(tmp_path), "b.png": png(tmp_path, seed=1)})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))
    report = read_cases([path])
    assert [case.case_id for case in report.cases] == ["b"]
    assert messages(report) == [
        "a.png is damaged in its archive and cannot be unpacked. Pack it again."
    ]


def test_links_in_an_archive_are_left_out(tmp_path):
    entry = zipfile.ZipInfo("link.png")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert messages(read_cases([tmp_path / "x.zip"])) == [
        "link.png is a link in its archive, not a file, and is left out."
    ]


def test_an_empty_archive_is_reported(tmp_path):
    assert messages(read_cases([pack(tmp_path / "x.zip", {})])) == ["There is no image in x.zip."]
    path = pack(tmp_path / "y.zip", {"notes.txt": "hello"})
    assert messages(read_cases([path])) == ["There is no image in y.zip."]


def test_nothing_stays_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    os.mkdir(tmp_path / "t")
    read_cases([pack(tmp_path / "x.zip", {"a.png": png(tmp_path)})])
    assert list((tmp_path / "t").iterdir()) == []


def test_names_as_libarchive_and_windows_write_them(tmp_path):
    folder = SeriesFactory(np.ones((3, 6, 6), np.uint16)).write(tmp_path / "s")
    files = {p.name: p.read_bytes() for p in folder.iterdir()}
    for start, divider in (("./", "/"), ("", "\\"), ("./", "\\")):
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w") as archive:
            entry = zipfile.ZipInfo(f"{start}study")
            entry.external_attr = 0x10  # a folder, without a divider at its end
            archive.writestr(entry, b"")
            for name, data in files.items():
                entry = zipfile.ZipInfo("x")
                entry.filename = f"{start}study{divider}{name}"
                archive.writestr(entry, data)
        report = read_cases([path])
        (case,) = report.cases
        assert report.errors == ()
        assert case.n_slices == 3
        assert case.sources[0].startswith("x.zip/study/im")


def entry_named(raw, *, extra=b""):
    """An entry as zipfile reads it: a name without its flag is taken for code page 437."""
    entry = zipfile.ZipInfo("x")
    entry.filename, entry.extra = raw.decode("cp437"), extra
    return entry


def test_names_of_other_code_pages():
    name = "größe/köpf.dcm"
    # macOS: UTF-8 without the flag
    assert archives.member_name(entry_named(name.encode())) == name
    # Info-ZIP: the name again in UTF-8, with the checksum of the other
    other = name.encode("cp1252")
    field = struct.pack("<BI", 1, zlib.crc32(other)) + name.encode()
    extra = struct.pack("<HH", 0x5455, 1) + b"x" + struct.pack("<HH", 0x7075, len(field)) + field
    assert archives.member_name(entry_named(other, extra=extra)) == name
    assert archives.member_name(entry_named(b"a/b.dcm", extra=extra[:9])) == "a/b.dcm"


def test_a_compression_that_cannot_be_unpacked_is_named(tmp_path):
    path = pack(tmp_path / "x.zip", {"a.png": png(tmp_path), "b.png": png(tmp_path, seed=1)})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 10] = 9
    path.write_bytes(bytes(data))
    report = read_cases([path])
    assert [case.case_id for case in report.cases] == ["a"]
    assert [error.source for error in report.errors] == ["x.zip/b.png"]
    assert "Deflate64" in report.errors[0].message  # the method's name, whatever the sentence


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_of_every_compression_are_read(tmp_path, method):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.png", png(tmp_path))
    assert [case.case_id for case in read_cases([path]).cases] == ["a"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", [0, 4, 9, 20, 60])
def test_a_damaged_member_of_any_compression_leaves_the_others(tmp_path, method, place):
    """lzma.LZMAError is of no kind that zipfile's other errors are; so may others be."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.png", png(tmp_path))
        archive.writestr("b.png", png(tmp_path, seed=1), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    for k in range(8):
        data[30 + len("a.png") + place + k] ^= 0xFF
    path.write_bytes(bytes(data))
    report = read_cases([path])
    assert [case.case_id for case in report.cases] == ["b"]
    assert messages(report) == [
        "a.png is damaged in its archive and cannot be unpacked. Pack it again."
    ]


def test_gzip_files_of_any_format_are_read(tmp_path):
    SeriesFactory(np.ones((1, 6, 6), np.uint16)).write(tmp_path / "s")
    (content,) = (p.read_bytes() for p in (tmp_path / "s").iterdir())
    (tmp_path / "im.dcm.gz").write_bytes(gzip.compress(content))
    (case,) = read_cases([tmp_path / "im.dcm.gz"]).cases
    assert case.sources == ("im.dcm.gz/im.dcm",)


@pytest.mark.parametrize("damage", ["cut", "checksum"])
def test_a_damaged_gzip_file_is_named(tmp_path, damage):
    data = bytearray(gzip.compress(png(tmp_path)))
    if damage == "cut":
        del data[-20:]
    else:
        data[-8] ^= 1
    (tmp_path / "a.png.gz").write_bytes(bytes(data))
    assert messages(read_cases([tmp_path / "a.png.gz"])) == [
        "a.png.gz is damaged or cut short: it cannot be unpacked. Pack it again."
    ]
