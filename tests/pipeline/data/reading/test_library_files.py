"""The files that the installed libraries test themselves with: each is read, or named."""

import io
import tarfile

import pytest

from tests.fuzz.measured_reading import read_here
from tests.fuzz.package_files import installed_files, read_files, unpack_sources

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("package", ["pydicom", "nibabel"])
def test_every_file_of_a_library_is_read_or_named(package):
    found = read_files(list(installed_files(package)), read_here)
    assert found.faults == []
    assert found.n > 50 and found.read >= 5


def test_data_of_source_distributions_are_unpacked_and_nothing_else(tmp_path):
    with tarfile.open(tmp_path / "some-1.0.tar.gz", "w:gz") as archive:
        for name, content in {
            "some-1.0/setup.py": b"raise SystemExit",
            "some-1.0/LICENSE": b"Words.",
            "some-1.0/data/scan.dcm": b"DICM",
            "some-1.0/data/DICOMDIR": bytes(200),
            "some-1.0/../../outside.nii": b"x",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (tmp_path / "to").mkdir()
    found = unpack_sources(tmp_path, tmp_path / "to")
    assert sorted(path.name for path in found) == ["DICOMDIR", "outside.nii", "scan.dcm"]
    assert all((tmp_path / "to" / "some-1.0") in path.parents for path in found)
