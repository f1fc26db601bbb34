"""Where files from outside are parsed: in children only, for every caller."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from factories import SeriesFactory, grey, write_image, write_nifti
from imported_modules import MODULES, imports_of, libraries_of

ROOT = Path(__file__).resolve().parents[3]
#: Libraries that parse or decode.
_PARSERS = {"pydicom", "nibabel", "tifffile", "gzip", "zipfile", "zlib", "bz2", "lzma", "cv2"}
#: Modules that read in the process that calls them.
_READING = {
    f"pipeline.data.reading.{name}"
    for name in (
        "reading attaching collecting archives images tiff nifti mgh itk_volumes volumes batches"
        " dicom_files dicom_pixels dicom_series dicom_structures run_length_files"
    ).split()
}
#: Those of them that only declare a format to the web process, for its words.
_DECLARING = {
    f"pipeline.data.reading.{name}"
    for name in ("archives", "images", "itk_volumes", "mgh", "nifti", "run_length_files")
}
#: What may import them: each other, what children do, and reading of our own training data.
_INSIDE = ("pipeline.data.reading.", "pipeline.image_tasks.image_jobs")

_WEB = """
import json, sys
from pathlib import Path
home, files, mask = map(Path, sys.argv[1:])
opened = []

def watch(event, arguments):
    if event == "open" and str(arguments[0]).startswith((str(files), str(mask))):
        opened.append(str(arguments[0]))

from dashboard.studies import entries, intake
from dashboard.store import Origin
from dashboard.store.stored_json import Entry
from dashboard.workspace.services import build_services
from dashboard.workspace.settings import read_settings
import dashboard.app

parts = build_services(read_settings({"OVERREAD_HOME": str(home)}))
sys.addaudithook(watch)
report = intake.add_files(parts, [files], origin=Origin.UPLOAD)
row = next(row for row in report.studies if row.case_id.startswith("b"))
by = Entry(reader_id="r" * 32, author="A", at=parts.store.clock())
row = entries.attach_reference(parts, row, [mask], revision=row.entries_revision, by=by)
parsers = {"pydicom", "nibabel", "tifffile", "gdcm", "pylibjpeg"}
print(json.dumps({
    "studies": len(report.studies),
    "errors": [error.source for error in report.errors],
    "reference": row.has_reference,
    "opened": opened,
    "parsers": sorted(parsers & set(sys.modules)),
    "readers": sorted(set(sys.modules) & set(%r)),
}))
"""


def test_the_web_process_parses_nothing_from_outside(tmp_path: Path) -> None:
    files = tmp_path / "files"
    SeriesFactory(grey(48, 10).reshape(4, 12, 10).astype(np.uint16)).write(files / "series")
    write_nifti(files / "volume" / "b_flair.nii.gz", grey(60, 8).reshape(5, 12, 8))
    write_image(files / "picture.png", grey())
    write_image(files / "picture.tif", grey(seed=2))
    (files / "bad.zip").write_bytes(b"PK\x03\x04 and nothing else")
    outline = np.zeros((5, 12, 8), np.uint8)
    outline[1:3, 2:6, 3:5] = 1
    mask = write_nifti(tmp_path / "mask.nii.gz", outline)
    environment = {name: text for name, text in os.environ.items() if "OVERREAD" not in name}
    environment |= {"OVERREAD_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    code = _WEB % sorted(_READING - _DECLARING)
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "home", files, mask],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["studies"] == 4
    assert found["errors"] == ["bad.zip"]
    assert found["reference"]
    assert (found["opened"], found["parsers"], found["readers"]) == ([], [], [])


@pytest.mark.parametrize("module", [m for m in sorted(MODULES) if m.startswith("dashboard")])
def test_the_dashboard_imports_no_parser(module: str) -> None:
    assert libraries_of(module) & (_PARSERS - {"zlib", "gzip"}) == set()


def test_only_children_read_in_their_own_process() -> None:
    outside = [
        f"{module} imports {imported}"
        for module in MODULES
        if not module.startswith(_INSIDE)
        for imported in imports_of(module)
        if imported.partition(":")[0] in _READING
    ]
    assert outside == []
