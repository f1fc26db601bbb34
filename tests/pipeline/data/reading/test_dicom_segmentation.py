"""Segmentations become references: the tumor's segments, cut at one half."""

from pathlib import Path

import numpy as np
import pytest
from factories import SeriesFactory
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import RLELossless, SegmentationStorage
from readings import marked, read_one

from pipeline.data.reading.dicom import DICOM
from pipeline.data.reading.dicom_files import LABEL_MAP_CLASS
from pipeline.data.reading.dicom_segmentation import (
    FRACTIONAL_NOTE,
    choose_segments,
    chosen_note,
    joined_note,
)
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.reading import read_cases
from pipeline.errors import InputError

FILE = InputFile(Path("/x/seg.dcm"), "seg.dcm", "", "", DICOM)


def make_segment(number, label="", *, code="", meaning=""):
    one = Dataset()
    one.SegmentNumber, one.SegmentLabel = number, label
    if code:
        item = Dataset()
        item.CodeValue, item.CodeMeaning = code, meaning
        one.SegmentedPropertyTypeCodeSequence = Sequence([item])
    return one


def header_of(*segments):
    header = Dataset()
    header.SOPClassUID, header.SegmentationType = SegmentationStorage, "BINARY"
    header.SegmentSequence = Sequence(segments)
    return header


BRAIN = make_segment(7, "Brain")
TUMOR = make_segment(2, "Tumor")


@pytest.mark.parametrize(
    ("segments", "numbers", "notes"),
    [
        ([BRAIN, TUMOR], {2}, [chosen_note("seg.dcm", "Tumor", "Brain")]),
        ([TUMOR], {2}, []),
        ([make_segment(1, "Segment_1")], {1}, []),
        ([make_segment(1, "A", code="M-8FFFF")], {1}, []),
        (
            [make_segment(1, "A", code="12738006"), make_segment(2, "B", code="108369006")],
            {2},
            [chosen_note("seg.dcm", "B", "A")],
        ),
        (
            [make_segment(1, "A", code="1", meaning="Edema"), make_segment(2, "Necrosis"), BRAIN],
            {1, 2},
            [chosen_note("seg.dcm", "A and Necrosis", "Brain")],
        ),
        (
            [make_segment(1, "A"), make_segment(2, "B")],
            {1, 2},
            [joined_note("seg.dcm", "A and B")],
        ),
        ([make_segment(1, "A"), BRAIN], {1}, [chosen_note("seg.dcm", "A", "Brain")]),
        ([make_segment(1, "Brain tumor")], {1}, []),
    ],
)
def test_the_tumors_segments_are_chosen(segments, numbers, notes):
    chosen = choose_segments(FILE, header_of(*segments))
    assert chosen.numbers == numbers
    assert list(chosen.notes) == notes


def test_anatomy_alone_is_left_out():
    with pytest.raises(InputError):
        choose_segments(FILE, header_of(BRAIN, make_segment(3, "Ventricles")))


def test_an_image_has_no_segments():
    assert choose_segments(FILE, Dataset()) is None


def seg_dataset(values, segment_numbers, *, places, segments, kind="BINARY", tags=None):
    """A segmentation of frames ``(n, 12, 10)``, each of a segment and on a slice of the image."""
    factory = SeriesFactory(values, study="1.2", description="AI", tags=tags or {})
    factory.positions = [factory.place(k) for k in places]
    dataset = factory.multi_frame()
    uid = LABEL_MAP_CLASS if kind == "LABELMAP" else SegmentationStorage
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid
    dataset.Modality, dataset.SegmentationType = "SEG", kind
    dataset.SegmentSequence = Sequence(segments)
    if kind == "BINARY":
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
        dataset.PixelData = np.packbits(values.ravel(), bitorder="little").tobytes()
    for number, group in zip(
        segment_numbers, dataset.PerFrameFunctionalGroupsSequence, strict=True
    ):
        item = Dataset()
        item.ReferencedSegmentNumber = number
        group.SegmentIdentificationSequence = Sequence([item])
    return dataset


def read_beside_image(tmp_path, dataset):
    SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    dataset.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    return read_one(tmp_path)


def test_the_brain_is_no_reference(tmp_path):
    values = np.zeros((4, 12, 10), np.uint8)
    values[:2] = 1
    values[3, 1, 2] = 1
    dataset = seg_dataset(values, [7, 7, 2, 2], places=[4, 5, 4, 5], segments=[BRAIN, TUMOR])
    case = read_beside_image(tmp_path, dataset)
    assert np.argwhere(case.masks).tolist() == [[5, 1, 2]]
    assert chosen_note("seg.dcm", "Tumor", "Brain") in case.warnings


def test_a_lesion_on_slices_far_apart(tmp_path):
    values = np.zeros((3, 12, 10), np.uint8)
    values[0, 1, 2], values[1, 2, 3], values[2, 3, 4] = 1, 1, 1
    dataset = seg_dataset(values, [2, 2, 2], places=[0, 1, 5], segments=[TUMOR])
    case = read_beside_image(tmp_path, dataset)
    assert np.argwhere(case.masks).tolist() == [[0, 1, 2], [1, 2, 3], [5, 3, 4]]


def test_a_lesion_on_one_slice(tmp_path):
    values = np.zeros((1, 12, 10), np.uint8)
    values[0, 1, 2] = 1
    dataset = seg_dataset(values, [2], places=[4], segments=[TUMOR])
    case = read_beside_image(tmp_path, dataset)
    assert np.argwhere(case.masks).tolist() == [[4, 1, 2]]


def test_a_label_map(tmp_path):
    values = np.ones((2, 12, 10), np.uint8)
    values[0, 1, 2] = 2
    dataset = seg_dataset(values, [1, 1], places=[3, 4], segments=[BRAIN, TUMOR], kind="LABELMAP")
    case = read_beside_image(tmp_path, dataset)
    assert np.argwhere(case.masks).tolist() == [[3, 1, 2]]


@pytest.mark.parametrize(("top", "half"), [(255, 128), (100, 50), (1, 1)])
def test_fractions_are_cut_at_one_half(tmp_path, top, half):
    values = np.zeros((2, 12, 10), np.uint8)
    values[0, 1, 2], values[1, 3, 3] = half, half - 1
    tags = {"MaximumFractionalValue": top}
    dataset = seg_dataset(
        values, [2, 2], places=[3, 4], segments=[TUMOR], kind="FRACTIONAL", tags=tags
    )
    assert choose_segments(FILE, dataset).notes == (FRACTIONAL_NOTE,)
    case = read_beside_image(tmp_path, dataset)
    assert np.argwhere(case.masks).tolist() == [[3, 1, 2]]


def test_single_bits_in_rle(tmp_path):
    """Each frame's bits are packed to bytes, and these to runs (here: literal ones)."""
    values = np.random.default_rng(0).integers(0, 2, (2, 12, 16), np.uint8)
    values[:, :, 3:] = 0
    dataset = seg_dataset(values, [2, 2], places=[3, 4], segments=[TUMOR])
    frames = []
    for frame in values:
        packed = np.packbits(frame.ravel(), bitorder="little").tobytes()
        header = np.zeros(16, "<u4")
        header[:2] = 1, 64
        frames.append(header.tobytes() + bytes([len(packed) - 1]) + packed + b"\0")
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = RLELossless
    image = np.full((6, 12, 16), 100, np.uint16)
    SeriesFactory(image, study="1.2").write(tmp_path / "a")
    dataset.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    case = read_one(tmp_path)
    np.testing.assert_array_equal(case.masks[3:5], values)
    assert not case.masks[:3].any()


@pytest.mark.parametrize("reference", [True, False])
def test_a_segmentation_without_frame_of_reference(tmp_path, reference):
    """It belongs to the series that it refers to, or to the only one of its study."""
    values = np.zeros((2, 12, 10), np.uint8)
    values[0, 1, 2] = 1
    dataset = seg_dataset(values, [2, 2], places=[3, 4], segments=[TUMOR])
    del dataset.FrameOfReferenceUID
    factory = SeriesFactory(marked(), study="1.2")
    if reference:
        item = Dataset()
        item.SeriesInstanceUID = factory.series
        dataset.ReferencedSeriesSequence = Sequence([item])
        dataset.StudyInstanceUID = "1.9"
    factory.write(tmp_path / "a")
    dataset.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    (case,) = read_cases([tmp_path]).cases
    assert np.argwhere(case.masks).tolist() == [[3, 1, 2]]
