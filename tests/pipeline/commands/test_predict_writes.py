"""``predict --write``: files for other systems beside the masks, resumed and swept like them."""

from __future__ import annotations

import io
from pathlib import Path

import nibabel
import numpy as np
import pikepdf
import pytest
from factories import SeriesFactory
from fake_models import SIZE
from predicting import Predict, check_contract, slice_pixels
from pydicom import dcmread

ALL = "seg,seg-joined,sr,sc,nifti,rle,csv,report"


def write_series(folder: Path) -> Path:
    pixels = np.stack([slice_pixels(bright=k in {1, 2}) for k in range(4)]).astype(np.uint16)
    SeriesFactory(pixels, spacing=(5.0, 240 / SIZE, 240 / SIZE)).write(folder)
    return folder


def below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_files_are_written_kept_and_removed(predict: Predict, tmp_path: Path) -> None:
    folder = write_series(tmp_path / "in")
    status, document = predict(folder, "--write", ALL)
    assert status == 0
    check_contract(document, tmp_path / "out")
    (case,) = document["cases"]
    exports = tmp_path / "out" / "exports"
    written = below(exports / case["case_id"])
    assert sorted(written) == [
        "key-image-1.dcm",
        "mask-ai-rle.csv",
        "mask-ai-rle.json",
        "mask-ai.nii.gz",
        "measurements.csv",
        "measurements.dcm",
        "report.html",
        "report.pdf",
        "seg-ai-joined.dcm",
        "seg-ai.dcm",
    ]
    page = written["report.html"].decode()
    assert "DRAFT: AI result, not read" in page
    assert f"{case['volume_ml']:.1f} mL" in page
    with pikepdf.open(io.BytesIO(written["report.pdf"])) as pdf:
        assert len(pdf.pages) == 1
    seg = dcmread(exports / case["case_id"] / "seg-ai.dcm")
    sources = {one.SOPInstanceUID for one in map(dcmread, folder.iterdir())}
    (series,) = seg.ReferencedSeriesSequence
    assert {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence} == sources
    assert int(seg.pixel_array.sum()) == sum(one["mask_area_px"] for one in case["slices"])
    mask = nibabel.load(exports / case["case_id"] / "mask-ai.nii.gz")
    assert np.asarray(mask.dataobj).sum() == seg.pixel_array.sum()
    assert predict(folder, "--write", ALL)[0] == 0
    assert below(exports / case["case_id"]) == written  # resumed: nothing was made again
    (exports / case["case_id"] / "seg-ai.dcm").write_bytes(b"altered")
    predict(folder, "--write", ALL)
    assert set(below(exports / case["case_id"])) == set(written)
    assert dcmread(exports / case["case_id"] / "seg-ai.dcm").Modality == "SEG"
    assert predict(folder)[0] == 0
    assert below(exports) == {}


def test_kinds_that_do_not_exist_are_refused(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        predict(write_series(tmp_path / "in"), "--write", "seg,stl")
    assert "'seg,stl' is not a list of seg, seg-joined" in capsys.readouterr().err
