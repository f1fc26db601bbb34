"""``predict`` on real files of every kind, with networks that find a bright square."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from fake_models import SIZE, FakeStage, bright_pixels, bright_slice, write_metadata
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from pipeline.__main__ import main

MM = 240 / SIZE  # makes the network's grid the input's own
Predict = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Run ``predict``; returns the exit status and results.json."""
    stages = {"classifier": FakeStage(bright_slice), "segmenter": FakeStage(bright_pixels)}
    monkeypatch.setattr("pipeline.inference.open_stage", lambda info, **_: stages[info.stage])
    monkeypatch.setattr("pipeline.commands.predict.ready_engine", lambda _: "openvino")
    write_metadata(tmp_path / "models")

    def run(*paths: Path) -> tuple[int, dict[str, Any]]:
        given = ["predict", *map(str, paths), "--models", str(tmp_path / "models")]
        status = main([*given, "--output", str(tmp_path / "out")])
        return status, json.loads((tmp_path / "out" / "results.json").read_text())

    return run


def slice_pixels(bright: bool = True) -> np.ndarray:
    pixels = np.full((SIZE, SIZE), 60, np.uint8)
    pixels[:4] = 0
    if bright:
        pixels[8:14, 18:28] = 200
    return pixels


def write_series(folder: Path, name: str, count: int = 4, *, masks: bool = False) -> None:
    """Slices ``<name>_<k>.png``, all but the first with the square, and its masks."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(1, count + 1):
        pixels = slice_pixels(k > 1)
        Image.fromarray(pixels).save(folder / f"{name}_{k}.png")
        if masks:
            Image.fromarray((pixels == 200).astype(np.uint8) * 255).save(
                folder / f"{name}_{k}_mask.png"
            )


def check_contract(document: dict[str, Any], folder: Path) -> None:
    """The shape of results.json that other programs rely on, key by key."""
    assert set(document) == {"schema", "task", "models", "cases", "errors"}
    assert (document["schema"], document["task"]) == (1, "brain-tumor")
    assert set(document["models"]) == {"classifier", "segmenter"}
    for model in document["models"].values():
        assert set(model) == {"name", "digest"}
        assert re.fullmatch(r"[0-9a-f]{64}", model["digest"])
    for case in document["cases"]:
        assert set(case) == {
            "case_id", "spacing_mm", "tumor", "volume_ml", "dice", "warnings", "slices",
        }  # fmt: skip
        assert case["spacing_mm"] is None or len(case["spacing_mm"]) == 3
        assert (case["volume_ml"] is None) == (case["spacing_mm"] is None)
        assert case["tumor"] is any(s["tumor"] for s in case["slices"])
        assert all(isinstance(warning, str) for warning in case["warnings"])
        for answer in case["slices"]:
            check_slice(answer, case, folder)
    for error in document["errors"]:
        assert set(error) == {"source", "message"}
        assert error["message"].endswith(".")


def check_slice(answer: dict[str, Any], case: dict[str, Any], folder: Path) -> None:
    assert set(answer) == {
        "index", "source", "tumor_probability", "tumor", "mask", "mask_area_px", "dice",
    }  # fmt: skip
    assert type(answer["index"]) is int
    assert answer["index"] >= 1
    assert 0 <= answer["tumor_probability"] <= 1
    assert type(answer["tumor"]) is bool
    path = folder / "masks" / case["case_id"] / f"{answer['index']}.png"
    if answer["tumor"]:
        assert answer["mask"] == f"masks/{case['case_id']}/{answer['index']}.png"
        mask = np.asarray(Image.open(path))
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}
        assert np.count_nonzero(mask) == answer["mask_area_px"]
    else:
        assert answer["mask"] is None
        assert answer["mask_area_px"] == 0
        assert not path.exists()


def test_a_folder_of_slices_is_one_case(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in" / "study", "scan", masks=True)
    status, document = predict(tmp_path / "in")
    assert status == 0
    check_contract(document, tmp_path / "out")
    (case,) = document["cases"]
    assert case["dice"] == 1.0
    assert case["spacing_mm"] is None
    assert [s["source"] for s in case["slices"]] == [f"study/scan_{k}.png" for k in range(1, 5)]
    assert [s["tumor"] for s in case["slices"]] == [False, True, True, True]
    assert [s["dice"] for s in case["slices"]] == [None, 1.0, 1.0, 1.0]
    mask = np.asarray(Image.open(tmp_path / "out" / case["slices"][1]["mask"]))
    assert ((mask == 255) == (slice_pixels() == 200)).all()
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def test_masks_beside_the_images_change_nothing_but_dice(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in", "scan", masks=True)
    _, with_masks = predict(tmp_path / "in")
    for path in (tmp_path / "in").glob("*_mask.png"):
        path.unlink()
    _, without = predict(tmp_path / "in")
    assert with_masks != without
    for document in (with_masks, without):
        for case in document["cases"]:
            case["dice"] = None
            for answer in case["slices"]:
                answer["dice"] = None
    assert with_masks == without


def test_a_single_file_goes_by_its_name(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "deep" / "down", "scan", 2)
    status, document = predict(tmp_path / "deep" / "down" / "scan_2.png")
    assert status == 0
    (case,) = document["cases"]
    assert [s["source"] for s in case["slices"]] == ["scan_2.png"]


def test_bad_files_are_told_and_the_others_analysed(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "in", "scan")
    (tmp_path / "in" / "broken.dcm").write_bytes(b"no DICOM at all")
    status, document = predict(tmp_path / "in", tmp_path / "missing.png")
    assert status == 1
    check_contract(document, tmp_path / "out")
    assert len(document["cases"]) == 1
    assert {error["source"] for error in document["errors"]} == {"broken.dcm", "missing.png"}
    told = capsys.readouterr().err
    assert "missing.png does not exist" in told
    assert "Traceback" not in told


def test_nothing_readable_still_writes_results(predict: Predict, tmp_path: Path) -> None:
    status, document = predict(tmp_path / "missing")
    assert status == 1
    assert document["cases"] == []
    assert len(document["errors"]) == 1


def test_a_case_that_fails_leaves_the_others(
    predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.inference import Analyser

    analyse = Analyser.analyse

    def fail_once(self: Analyser, case: Any, **options: Any) -> Any:
        if case.case_id == "a":
            raise MemoryError
        return analyse(self, case, **options)

    monkeypatch.setattr(Analyser, "analyse", fail_once)
    for name in ("a", "b"):
        Image.fromarray(slice_pixels()).save(tmp_path / f"{name}.png")
    status, document = predict(tmp_path / "a.png", tmp_path / "b.png")
    assert status == 1
    assert [case["case_id"] for case in document["cases"]] == ["b"]
    assert document["errors"] == [{"source": "a.png", "message": "a cannot be analysed."}]


def test_masks_of_an_earlier_call_do_not_stay(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in", "scan")
    _, document = predict(tmp_path / "in")
    case_id = document["cases"][0]["case_id"]
    stale = tmp_path / "out" / "masks" / case_id / "9.png"
    stale.write_bytes(b"")
    other = stale.with_name("notes.txt")
    other.write_text("mine")
    predict(tmp_path / "in")
    assert not stale.exists()
    assert other.exists()


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


def test_an_output_that_cannot_be_written_is_told(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    write_series(tmp_path / "in", "scan", 1)
    models = ["--models", str(tmp_path / "models")]
    status = main(["predict", str(tmp_path / "in"), "--output", str(tmp_path / "file"), *models])
    assert status == 1
    assert "The folder file cannot be written: File exists." in capsys.readouterr().err
