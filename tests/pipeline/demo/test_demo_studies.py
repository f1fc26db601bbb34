"""The demo studies' files, on a coarse template: sides, geometry, marking, resumption."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from pipeline.data.case import SequenceName
from pipeline.demo import DEMO_STUDIES, MANIFEST_NAME, StudyPlan, make_demo_studies
from pipeline.demo.marking import burn_in, word_bitmap, word_place
from pipeline.demo.plans import LesionPlan, Side, SliceOrder
from pipeline.demo.studies import make_study

pytestmark = pytest.mark.slow

COARSE_MM = 3
PLANS = {plan.patient_id: plan for plan in DEMO_STUDIES}


def small(plan: StudyPlan) -> StudyPlan:
    """The same patient on a coarse slice grid."""
    return replace(plan, matrix=64, pixel_mm=3.75, thickness_mm=10.0, spacing_mm=10.0, n_slices=15)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small studies: with T1, without lesion, reversed, skull-stripped."""
    target = tmp_path_factory.mktemp("demo")
    chosen = [small(PLANS[f"DEMO-{n:02d}"]) for n in (1, 6, 8, 10)]
    make_demo_studies(target, studies=chosen, template_mm=COARSE_MM)
    return target


def read_series(folder: Path) -> list[pydicom.FileDataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]


def lps_positions(series: list[pydicom.FileDataset], where: NDArray[np.bool_]) -> np.ndarray:
    """DICOM patient positions (x to the left) of the chosen voxels, from the tags alone."""
    points = []
    for data, plane in zip(series, where, strict=True):
        rows, columns = np.nonzero(plane)
        across = np.array(data.ImageOrientationPatient[:3], float) * float(data.PixelSpacing[1])
        down = np.array(data.ImageOrientationPatient[3:], float) * float(data.PixelSpacing[0])
        first = np.array(data.ImagePositionPatient, float)
        points.append(first + columns[:, None] * across + rows[:, None] * down)
    return np.concatenate(points)


@pytest.mark.parametrize("patient", ["DEMO-01", "DEMO-06", "DEMO-08"])
def test_lesion_lies_on_the_stated_side_in_patient_coordinates(folder: Path, patient: str) -> None:
    masks = read_series(folder / patient / "reference_mask")
    where = np.stack([data.pixel_array > 0 for data in masks])
    x_left = lps_positions(masks, where)[:, 0]
    stated = json.loads((folder / MANIFEST_NAME).read_text())["studies"][patient]["side"]
    assert stated == PLANS[patient].lesion.side
    assert (x_left > 0).mean() > 0.97 if stated == "left" else (x_left < 0).mean() > 0.97


@pytest.mark.parametrize("patient", ["DEMO-01", "DEMO-06", "DEMO-08"])
def test_lesion_is_brighter_than_its_mirror_image_on_flair(folder: Path, patient: str) -> None:
    flair = np.stack([d.pixel_array for d in read_series(folder / patient / "flair")])
    masks = read_series(folder / patient / "reference_mask")
    where = np.stack([data.pixel_array > 0 for data in masks])
    assert flair[where].mean() > 1.15 * flair[where[:, :, ::-1]].mean()


def test_a_study_without_lesion_has_an_empty_mask(folder: Path) -> None:
    masks = read_series(folder / "DEMO-10" / "reference_mask")
    assert len(masks) == 15
    assert not any(data.pixel_array.any() for data in masks)
    entry = json.loads((folder / MANIFEST_NAME).read_text())["studies"]["DEMO-10"]
    assert (entry["lesion"], entry["side"], entry["volume_ml"], entry["slices"]) == (
        False,
        None,
        None,
        [],
    )


def test_manifest_states_the_volume_of_the_mask_in_the_files(folder: Path) -> None:
    masks = read_series(folder / "DEMO-01" / "reference_mask")
    voxels = sum(int((data.pixel_array == 255).sum()) for data in masks)
    stated = json.loads((folder / MANIFEST_NAME).read_text())["studies"]["DEMO-01"]["volume_ml"]
    assert stated == pytest.approx(voxels * 3.75 * 3.75 * 10.0 / 1000.0, abs=0.06)
    assert 0.6 < stated / PLANS["DEMO-01"].lesion.volume_ml < 1.5


def test_series_share_one_geometry_and_are_reported_by_their_tags(folder: Path) -> None:
    names = ("flair", "t1_pre", "t1_post", "reference_mask")
    series = {name: read_series(folder / "DEMO-01" / name) for name in names}
    for name in names[1:]:
        for first, other in zip(series["flair"], series[name], strict=True):
            assert first.ImagePositionPatient == other.ImagePositionPatient
            assert first.ImageOrientationPatient == other.ImageOrientationPatient
            assert first.FrameOfReferenceUID == other.FrameOfReferenceUID
            assert first.StudyInstanceUID == other.StudyInstanceUID
    assert len({s[0].SeriesInstanceUID for s in series.values()}) == 4
    assert [s[0].SeriesDescription for s in series.values()] == [
        "FLAIR axial (synthetic)",
        "T1 pre-contrast (synthetic)",
        "T1 post-contrast (synthetic)",
        "Reference mask (synthetic)",
    ]
    assert list(series["reference_mask"][0].ImageType) == ["DERIVED", "SECONDARY", "MASK"]
    assert "ContrastBolusAgent" in series["t1_post"][0]
    assert "ContrastBolusAgent" not in series["t1_pre"][0]


def test_every_file_says_that_it_is_synthetic(folder: Path) -> None:
    bitmap = word_bitmap()
    for path in folder.rglob("*.dcm"):
        data = pydicom.dcmread(path)
        assert data.ImageComments == "Synthetic demo study, not a patient"
        assert "synthetic" in data.SeriesDescription
        if "reference_mask" in path.parts:
            continue
        pixels = data.pixel_array
        if data.ImageOrientationPatient[0] < 0:
            pixels = pixels[:, ::-1]  # as a reader displays it: the patient's right on the left
        place = pixels[word_place(*pixels.shape)]
        assert (place[bitmap] == 400).all()


def test_reversed_study_describes_its_own_order(folder: Path) -> None:
    series = read_series(folder / "DEMO-06" / "flair")
    assert PLANS["DEMO-06"].order is SliceOrder.REVERSED
    assert [int(d.InstanceNumber) for d in series] == list(range(1, 16))
    heights = [float(d.ImagePositionPatient[2]) for d in series]
    assert np.allclose(np.diff(heights), -10.0)
    assert list(series[0].ImageOrientationPatient) == [-1, 0, 0, 0, 1, 0]
    x_first = float(series[0].ImagePositionPatient[0])
    assert x_first == pytest.approx(63 / 2 * 3.75)


def test_skull_stripped_study_is_blank_outside_the_brain(folder: Path) -> None:
    stripped = np.stack([d.pixel_array for d in read_series(folder / "DEMO-08" / "flair")])
    whole = np.stack([d.pixel_array for d in read_series(folder / "DEMO-01" / "flair")])
    assert (stripped == 0).mean() > 0.5
    assert (whole == 0).mean() < 0.05


def test_uids_are_unique_and_files_valid(folder: Path) -> None:
    files = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.rglob("*.dcm")]
    assert len({data.SOPInstanceUID for data in files}) == len(files)
    assert {data.Modality for data in files} == {"MR"}
    assert all(data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID for data in files)
    assert len({data.StudyDate for data in files}) == 4


def test_same_plan_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    make_demo_studies(tmp_path, studies=[small(PLANS["DEMO-06"])], template_mm=COARSE_MM)
    for path in (tmp_path / "DEMO-06").rglob("*.dcm"):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_patients_differ() -> None:
    plans = [replace(small(PLANS["DEMO-10"]), patient_id=name) for name in ("A", "B")]
    a, b = (make_study(p, template_mm=COARSE_MM).images[SequenceName.FLAIR] for p in plans)
    inside = (a > 200) & (b > 200)
    assert np.abs(a[inside].astype(float) - b[inside]).mean() > 40


def test_complete_folder_is_left_alone_and_a_lost_study_made_again(tmp_path: Path) -> None:
    plans = [small(PLANS["DEMO-09"]), small(PLANS["DEMO-10"])]
    calls: list[tuple[int, int, str]] = []
    make_demo_studies(
        tmp_path,
        studies=plans,
        template_mm=COARSE_MM,
        progress=lambda done, total, text: calls.append((done, total, text)),
    )
    assert [call[:2] for call in calls] == [(0, 2), (1, 2), (2, 2)]
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    make_demo_studies(tmp_path, studies=plans, template_mm=COARSE_MM)
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    shutil.rmtree(tmp_path / "DEMO-10")
    make_demo_studies(tmp_path, studies=plans, template_mm=COARSE_MM)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["DEMO-09", "DEMO-10", MANIFEST_NAME]


def test_interruption_leaves_no_half_made_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **options: object) -> None:
        raise RuntimeError("stopped")

    monkeypatch.setattr("pydicom.dataset.FileDataset.save_as", stop)
    with pytest.raises(RuntimeError, match="stopped"):
        make_demo_studies(tmp_path, studies=[small(PLANS["DEMO-10"])], template_mm=COARSE_MM)
    assert not (tmp_path / "DEMO-10").exists()
    assert not (tmp_path / MANIFEST_NAME).exists()


def test_word_must_fit() -> None:
    with pytest.raises(ValueError, match=r"slices must hold 7 x 53 pixels, got \(20, 20\)"):
        burn_in(np.zeros((1, 20, 20), np.uint16), 400)


def test_seed_on_the_wrong_side_is_refused() -> None:
    with pytest.raises(ValueError, match="positive on the right only"):
        LesionPlan(Side.LEFT, "frontal lobe", (30, 0, 0), 5.0)


def test_plans_cover_what_the_demo_must_show() -> None:
    lesions = [plan.lesion for plan in DEMO_STUDIES if plan.lesion is not None]
    assert len(DEMO_STUDIES) == 10
    assert 1 <= len(DEMO_STUDIES) - len(lesions) <= 2
    assert {lesion.side for lesion in lesions} == {Side.LEFT, Side.RIGHT}
    assert min(lesion.volume_ml for lesion in lesions) < 3
    assert max(lesion.volume_ml for lesion in lesions) >= 70
    assert any(plan.skull_stripped for plan in DEMO_STUDIES)
    assert any(plan.order is SliceOrder.REVERSED for plan in DEMO_STUDIES)
    assert any(plan.tilt_degrees for plan in DEMO_STUDIES)
    assert any(plan.spacing_mm > plan.thickness_mm for plan in DEMO_STUDIES)
    assert all(plan.study_date.startswith("202611") for plan in DEMO_STUDIES)
    assert len({plan.patient_id for plan in DEMO_STUDIES}) == len(DEMO_STUDIES)
