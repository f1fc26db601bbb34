"""DICOM SEG: every voxel lies where its source pixel lies, whatever the input."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exported import MOMENT, NETWORK, assert_conforms, exported
from factories import AXIAL, SeriesFactory, marked_volume, write_nifti
from highdicom.seg import Segmentation, segread
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from readings import read_one

from pipeline.data.case import Case
from pipeline.errors import InputError
from pipeline.interchange.content import ExportedLesion, ExportedStudy, Origin, Outlines
from pipeline.interchange.image_series import (
    build_images,
    encode,
    find_images,
    stand_ins,
)
from pipeline.interchange.segmentations import build_segmentation
from tests.conftest import SOAK

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
#: Rows and columns run the other way.
UPSIDE_DOWN = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
#: Rows and columns are exchanged.
TURNED = (0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
OBLIQUE = (0.8, 0.6, 0.0, -0.36, 0.48, -0.8)
LIMIT = 700


def volume(shape: tuple[int, int, int] = (5, 12, 10), seed: int = 3) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(0, 900, shape).astype(np.uint16)


def place(image: Dataset, k: int, group: Dataset, shared: Dataset | None) -> NDArray[np.float64]:
    """4x4, column and row of a frame to LPS millimetres, by the headers alone."""

    def find(sequence: str, keyword: str) -> list[float]:
        for one in (group, shared):
            if one is not None and sequence in one:
                return [float(x) for x in one[sequence][0][keyword].value]
        return [float(x) for x in image[keyword].value]

    turn = find("PlaneOrientationSequence", "ImageOrientationPatient")
    between = find("PixelMeasuresSequence", "PixelSpacing")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = np.array(turn[:3]) * between[1], np.array(turn[3:]) * between[0]
    affine[:3, 3] = find("PlanePositionSequence", "ImagePositionPatient")
    return affine


def points(image: Dataset, marked: NDArray[np.bool_]) -> set[tuple[float, ...]]:
    """Places in LPS millimetres of all marked pixels of an image or of its frames."""
    groups = image.get("PerFrameFunctionalGroupsSequence") or [Dataset()]
    shared = (image.get("SharedFunctionalGroupsSequence") or [None])[0]
    found: set[tuple[float, ...]] = set()
    for k, (group, pixels) in enumerate(zip(groups, marked, strict=True)):
        rows, columns = np.nonzero(pixels)
        at = np.stack([columns, rows, 0 * rows, 0 * rows + 1])
        where = (place(image, k, group, shared) @ at)[:3].T
        found.update(map(tuple, where.round(2) + 0.0))
    return found


def marked_pixels(image: Dataset) -> NDArray[np.bool_]:
    pixels = image.pixel_array
    return (pixels if pixels.ndim == 3 else pixels[None]) > LIMIT


def check_places(folder: Path, case: Case, *, is_joined: bool = False) -> Dataset:
    """A SEG of all bright pixels marks the bright pixels of the input's own files."""
    study = exported(case, np.asarray(case.pixels[..., 0]) > LIMIT)
    made = build_segmentation(study, find_images(case), Origin.AI, is_joined=is_joined)
    content = encode(made)
    seg = dcmread(io.BytesIO(content))
    sources = [dcmread(path) for path in sorted(folder.iterdir())]
    expected = set().union(*(points(one, marked_pixels(one)) for one in sources))
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns) > 0
    assert points(seg, frames) == expected
    assert seg.FrameOfReferenceUID == sources[0].FrameOfReferenceUID
    for group, frame in zip(seg.PerFrameFunctionalGroupsSequence, frames, strict=True):
        item = group.DerivationImageSequence[0].SourceImageSequence[0]
        (source,) = (one for one in sources if one.SOPInstanceUID == item.ReferencedSOPInstanceUID)
        assert item.ReferencedSOPClassUID == source.SOPClassUID
        number = int(item.get("ReferencedFrameNumber", 1)) - 1
        assert not (frame & ~marked_pixels(source)[number]).any()
    return seg


@pytest.mark.parametrize(
    "orientation", [AXIAL, SAGITTAL, CORONAL, UPSIDE_DOWN, TURNED, OBLIQUE], ids=str
)
def test_voxels_lie_on_the_pixels_of_single_slices(tmp_path, orientation):
    folder = SeriesFactory(volume(), orientation=orientation).write(
        tmp_path / "a", order=(3, 0, 4, 1, 2)
    )
    seg = check_places(folder, read_one(folder))
    assert assert_conforms(tmp_path, "seg", encode_again(seg)) == "Segmentation"


def encode_again(seg: Dataset) -> bytes:
    buffer = io.BytesIO()
    seg.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_voxels_lie_on_the_frames_of_one_file(tmp_path):
    (tmp_path / "a").mkdir()
    made = SeriesFactory(volume(), orientation=OBLIQUE).multi_frame()
    made.save_as(tmp_path / "a" / "one.dcm", enforce_file_format=True)
    seg = check_places(tmp_path / "a", read_one(tmp_path / "a"), is_joined=True)
    (series,) = seg.ReferencedSeriesSequence
    assert len(series.ReferencedInstanceSequence) == len(seg.SegmentSequence) == 1
    assert_conforms(tmp_path, "seg", encode_again(seg))


def test_voxels_lie_on_a_tilted_stack(tmp_path):
    places = [(0.0, 1.2 * k, 5.0 * k) for k in range(5)]
    folder = SeriesFactory(volume(), positions=places).write(tmp_path / "a")
    check_places(folder, read_one(folder))


@settings(max_examples=500 if SOAK else 8)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    lean=st.floats(-0.4, 0.4),
    spacing=st.tuples(*[st.floats(0.3, 6)] * 3),
    # 16 pixels or more: pydicom takes the padding after smaller frames for more frames
    shape=st.tuples(st.integers(2, 5), st.integers(4, 7), st.integers(4, 7)),
    seed=st.integers(0, 1000),
    is_joined=st.booleans(),
)
def test_voxels_lie_on_the_pixels_of_any_series(angles, lean, spacing, shape, seed, is_joined):
    turn = np.eye(3)
    for axis, angle in enumerate(np.radians(angles)):
        one = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turn = turn @ one
    row, column = turn[:, 0].round(6), turn[:, 1].round(6)
    step = np.cross(row, column) + lean * column
    positions = [(k * spacing[0] * step).round(4).tolist() for k in range(shape[0])]
    pixels = volume(shape, seed)
    pixels[0, 0, 0], pixels[-1, -1, -1] = LIMIT + 1, 0
    with tempfile.TemporaryDirectory() as folder:
        factory = SeriesFactory(
            pixels,
            orientation=[*row, *column],
            positions=positions,
            spacing=tuple(round(one, 4) for one in spacing),
        )
        files = factory.write(Path(folder) / "a")
        check_places(files, read_one(files), is_joined=is_joined)


def test_a_volume_of_another_format_brings_its_images(tmp_path):
    path = write_nifti(tmp_path / "v.nii.gz", marked_volume().astype(np.float32), orientation="LPI")
    case = read_one(path)
    series = find_images(case)
    folder = tmp_path / "images"
    folder.mkdir()
    for k, image in enumerate(build_images(series, case)):
        assert assert_conforms(folder, f"{k}.dcm", encode(image)) == "MRImage"
    check_places(folder, case)
    again = read_one(folder)
    np.testing.assert_array_equal(again.pixels, case.pixels)
    np.testing.assert_allclose(again.positions_mm, case.positions_mm, atol=1e-3)
    assert again.spacing_mm == pytest.approx(case.spacing_mm)


def test_highdicom_reads_lesions_with_what_is_known_of_them(tmp_path):
    folder = SeriesFactory(volume()).write(tmp_path / "a")
    case = read_one(folder)
    mask = np.zeros(case.pixels.shape[:3], bool)
    mask[1:4, 2:6, 3:7] = mask[4, 10, 1] = True
    study = exported(case, mask)
    series = find_images(case)
    content = {origin: encode(build_segmentation(study, series, origin)) for origin in Origin}
    assert content[Origin.AI] == encode(build_segmentation(study, series, Origin.AI))
    by_ai, by_reader = (segread(io.BytesIO(content[origin])) for origin in Origin)
    assert by_ai.SOPInstanceUID != by_reader.SOPInstanceUID
    assert "Research use only" in by_ai.SeriesDescription
    assert by_ai.InstanceCreationDate == MOMENT.strftime("%Y%m%d")
    first, second = by_ai.SegmentSequence
    (named,) = first.SegmentationAlgorithmIdentificationSequence
    assert (named.AlgorithmName, named.AlgorithmVersion) == (NETWORK.name, NETWORK.version)
    assert first.tracking_uid == by_reader.SegmentSequence[0].tracking_uid != second.tracking_uid
    (site,) = by_reader.SegmentSequence[0].AnatomicRegionSequence
    assert site.CodeValue == "83251001"
    assert site.AnatomicRegionModifierSequence[0].CodeMeaning == "Right"
    read = by_ai.get_volume(combine_segments=True)
    assert sorted(np.unique(read.array, return_counts=True)[1].tolist())[:2] == [1, 48]


@pytest.mark.slow
def test_five_hundred_slices_take_less_than_five_seconds_of_one_core(tmp_path):
    import time

    n, size = 500, 256
    folder = SeriesFactory(volume((3, 8, 8))).write(tmp_path / "a")
    case = read_one(folder)
    image = case.dicom.images[0]
    images = tuple(
        replace(image, sop_instance=f"1.2.3.{k}", position=(0.0, 0.0, float(k))) for k in range(n)
    )
    case = replace(
        case,
        pixels=np.zeros((n, size, size, 1), np.uint16),
        indices=tuple(range(n)),
        sources=("a",) * n,
        grid=None,
        positions_mm=None,
        dicom=replace(case.dicom, images=images, size=(size, size), flips=()),
    )
    labels = np.zeros((n, size, size), np.uint16)
    labels[:, 50:150, 60:190] = 1
    lesion = ExportedLesion(number=1, tracking="s1/1", first=0, last=n - 1)
    outlines = Outlines(origin=Origin.AI, labels=labels, lesions=(lesion,))
    study = ExportedStudy(case=case, digest="a", at=MOMENT, algorithm=NETWORK, ai=outlines)
    steps: list[tuple[int, int]] = []
    began = time.process_time()
    made = build_segmentation(
        study,
        find_images(case),
        Origin.AI,
        progress=lambda done, total, _: steps.append((done, total)),
    )
    content = encode(made)
    assert time.process_time() - began < 5
    assert made.NumberOfFrames == n and len(content) > n * size * size / 8
    assert steps == sorted(steps) and steps[-1] == (3, 3)


def test_pictures_without_a_place_get_a_sentence(tmp_path):
    folder = SeriesFactory(volume()).write(tmp_path / "a")
    case = replace(read_one(folder), dicom=None, grid=None, spacing_mm=None)
    with pytest.raises(InputError, match="pixel spacing"):
        find_images(case)


@pytest.mark.parametrize("kind", ["ours, by lesion", "ours, joined", "highdicom's label map"])
@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_a_segmentation_is_read_as_the_reference(tmp_path, kind, orientation):
    folder = SeriesFactory(volume(), orientation=orientation).write(tmp_path / "a")
    case = read_one(folder)
    mask = np.zeros(case.pixels.shape[:3], bool)
    mask[1:4, 2:6, 3:7] = mask[4, 10, 1] = True
    study = exported(case, mask)
    series = find_images(case)
    if kind.startswith("ours"):
        made = build_segmentation(study, series, Origin.AI, is_joined=kind.endswith("joined"))
        (folder / "seg.dcm").write_bytes(encode(made))
    else:
        segments = build_segmentation(study, series, Origin.AI).SegmentSequence
        label_map = Segmentation(
            source_images=stand_ins(series),
            pixel_array=series.to_images(study.ai.labels),
            segmentation_type="LABELMAP",
            segment_descriptions=segments,
            series_instance_uid="1.2.3.4.5",
            series_number=7,
            sop_instance_uid="1.2.3.4.6",
            instance_number=1,
            manufacturer="Else",
            manufacturer_model_name="Else",
            software_versions="1",
            device_serial_number="1",
        )
        label_map.save_as(folder / "seg.dcm")
    read = read_one(folder)
    np.testing.assert_array_equal(read.masks, mask)
