"""Masks of NIfTI and DICOM come back onto the input's own grid, whatever way it lies."""

import math
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from fake_models import SIZE
from PIL import Image
from predicting import Predict, check_contract, slice_pixels
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

MM = 240 / SIZE  # makes the network's grid the input's own


def make_volume() -> np.ndarray:
    """RAS volume (x, y, z) whose bright block lies right, anterior and superior of the middle."""
    volume = np.full((SIZE, SIZE, 6), 60, np.int16)
    volume[:, :4] = 0
    volume[18:28, 20:26, 3:6] = 200
    return volume


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPI", "RPI", "ASR", "SLA"])
def test_nifti_masks_lie_on_the_inputs_own_grid(
    predict: Predict, tmp_path: Path, codes: str
) -> None:
    affine = np.diag([MM, MM, 5.0, 1.0])
    affine[:3, 3] = (-100, -120, -30)
    canonical = nibabel.Nifti1Image(make_volume(), affine)
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt(tuple(codes))
    )
    given = canonical.as_reoriented(turn)
    nibabel.save(given, tmp_path / "flair.nii.gz")
    status, document = predict(tmp_path / "flair.nii.gz")
    assert status == 0
    check_contract(document, tmp_path / "out")
    (case,) = document["cases"]
    assert case["spacing_mm"] == pytest.approx([5.0, MM, MM])
    assert [s["tumor"] for s in case["slices"]] == [False] * 3 + [True] * 3
    assert case["volume_ml"] == pytest.approx(10 * 6 * 3 * MM * MM * 5 / 1000)
    mask = nibabel.load(tmp_path / "out" / "masks" / f"{case['case_id']}.nii.gz")
    assert mask.get_data_dtype() == np.uint8
    assert mask.affine == pytest.approx(given.affine)
    assert (np.asarray(mask.dataobj) == (np.asarray(given.dataobj) == 200)).all()
    # Slices run from inferior to superior, the patient's right is image-left, anterior on top.
    png = np.asarray(Image.open(tmp_path / "out" / case["slices"][5]["mask"]))
    rows, columns = np.nonzero(png)
    assert rows.mean() < SIZE / 2
    assert columns.mean() < SIZE / 2


def write_dicom(folder: Path, directions: list[float], *, reverse: bool) -> np.ndarray:
    """Write a series of 5 slices, in any order; returns the block's centre in RAS millimetres."""
    folder.mkdir()
    series, study = generate_uid(), generate_uid()
    across, down = np.array(directions[:3]), np.array(directions[3:])
    normal = np.cross(across, down) * (-1 if reverse else 1)
    origin = np.array([-100.0, -90.0, 40.0])
    centre = origin + across * MM * 22.5 + down * MM * 10.5 + normal * 6.0 * 3
    for k in (3, 0, 4, 1, 2):
        position = origin + normal * 6.0 * k
        write_dicom_slice(
            folder / f"{k}x.dcm", slice_pixels(k >= 2), position, directions, series, study
        )
    return centre * (-1, -1, 1)


def write_dicom_slice(
    path: Path,
    pixels: np.ndarray,
    position: np.ndarray,
    directions: list[float],
    series: str,
    study: str,
) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID, data.StudyInstanceUID = series, study
    data.Modality, data.SeriesDescription, data.PatientID = "MR", "AX FLAIR", "p"
    data.Rows = data.Columns = SIZE
    data.PixelSpacing = [MM, MM]
    data.ImagePositionPatient = [float(v) for v in position]
    data.ImageOrientationPatient = directions
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.PixelData = pixels.astype("<u2").tobytes()
    pydicom.dcmwrite(path, data, enforce_file_format=True)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "directions",
    [[1, 0, 0, 0, 1, 0], [-1, 0, 0, 0, -1, 0], [1, 0, 0, 0, math.cos(0.2), math.sin(0.2)]],
    ids=["axial", "both reversed", "tilted"],
)
def test_dicom_masks_lie_where_the_lesion_is_in_the_patient(
    predict: Predict, tmp_path: Path, directions: list[float], reverse: bool
) -> None:
    centre = write_dicom(tmp_path / "series", directions, reverse=reverse)
    status, document = predict(tmp_path / "series")
    assert status == 0
    check_contract(document, tmp_path / "out")
    (case,) = document["cases"]
    assert case["spacing_mm"] == pytest.approx([6.0, MM, MM])
    mask = nibabel.load(tmp_path / "out" / "masks" / f"{case['case_id']}.nii.gz")
    voxels = np.argwhere(np.asarray(mask.dataobj))
    assert len(voxels) == 3 * 60
    found = nibabel.affines.apply_affine(mask.affine, voxels.mean(axis=0))
    assert found == pytest.approx(centre, abs=1e-3)
    called = [s["tumor"] for s in case["slices"]]
    superior = bool(np.cross(directions[:3], directions[3:])[2] > 0) != reverse
    assert called == ([False, False, True, True, True] if superior else [True] * 3 + [False] * 2)


def test_a_series_on_no_regular_grid_leaves_no_nifti_and_is_finished_once(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "series").mkdir()
    series, study = generate_uid(), generate_uid()
    for k, height in enumerate((0.0, 4.0, 8.0, 12.0, 20.0, 28.0, 36.0, 44.0)):
        position = np.array([-100.0, -90.0, height])
        path = tmp_path / "series" / f"{k}.dcm"
        write_dicom_slice(path, slice_pixels(k == 5), position, [1, 0, 0, 0, 1, 0], series, study)
    status, document = predict(tmp_path / "series")
    assert status == 0
    check_contract(document, tmp_path / "out")
    (case,) = document["cases"]
    assert [s["tumor"] for s in case["slices"]] == [k == 5 for k in range(8)]
    assert case["volume_ml"] == pytest.approx(60 * MM * MM * 8 / 1000)
    assert list((tmp_path / "out").rglob("*.nii*")) == []
    capsys.readouterr()
    assert predict(tmp_path / "series")[1] == document
    assert "Finished before: 8 slices of 1 case." in capsys.readouterr().out
