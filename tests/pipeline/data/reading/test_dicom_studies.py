import numpy as np
import pytest
from factories import SeriesFactory, write_image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    SegmentationStorage,
)
from readings import marked, read_error, read_one

from pipeline.data.case import SequenceName
from pipeline.data.reading.reading import read_cases

SHUFFLED = [3, 1, 0, 2, 5, 4]


def test_separate_series_on_one_grid_become_one_case(tmp_path):
    words = {"AX T1": 1, "AX FLAIR": 2, "AX T1 POST": 3, "AX T2": 4}
    for name, value in words.items():
        SeriesFactory(marked(value=value), study="1.2", description=name).write(tmp_path / name)
    case = read_one(tmp_path)
    assert case.case_id == "P1"
    assert case.sequences == ("t1", "flair", "t1c", "t2")
    assert case.pixels[5, 1, 2].tolist() == [1, 2, 3, 4]
    assert case.sources[0].startswith("AX FLAIR/")
    assert case.warnings == ()


def test_series_without_study_are_combined_in_one_folder_only(tmp_path):
    for folder, name in (("a", "FLAIR"), ("b", "T1")):
        tags = {"StudyInstanceUID": None, "FrameOfReferenceUID": None}
        SeriesFactory(marked(), description=name, tags=tags).write(tmp_path / folder)
    assert len(read_cases([tmp_path]).cases) == 2


def test_series_on_other_grids_stay_alone(tmp_path):
    SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    SeriesFactory(marked(), study="1.2", description="T1", origin=(0, 0, 0)).write(tmp_path / "b")
    report = read_cases([tmp_path])
    assert sorted(case.case_id for case in report.cases) == ["P1_AX_FLAIR", "P1_T1"]


def mask_series(**changes):
    values = (marked(value=255)).astype(np.uint8)
    return SeriesFactory(values, study="1.2", description="Reference mask", **changes)


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0)])
def test_a_mask_series_becomes_the_reference(tmp_path, orientation):
    SeriesFactory(marked(), study="1.2", orientation=orientation).write(tmp_path / "a")
    mask_series(orientation=orientation).write(tmp_path / "m", order=SHUFFLED)
    case = read_one(tmp_path)
    np.testing.assert_array_equal(case.masks, case.pixels[..., 0] > 0)
    assert case.sequences == (SequenceName.FLAIR,)
    assert case.warnings == ()


def test_a_mask_series_of_some_slices_is_placed(tmp_path):
    SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    mask = mask_series()
    mask.positions = [mask.place(k) for k in (4, 5)]
    mask.volume = mask.volume[4:]
    mask.write(tmp_path / "m")
    case = read_one(tmp_path)
    np.testing.assert_array_equal(case.masks, case.pixels[..., 0] > 0)


def test_a_mask_on_another_grid_is_reported(tmp_path):
    SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    mask_series(origin=(0.0, 0.0, 0.0)).write(tmp_path / "m")
    report = read_cases([tmp_path])
    assert report.cases[0].masks is None
    assert [error.message for error in report.errors] == [
        "im000 is a reference mask on another grid than its image; it is left out."
    ]


def test_a_mask_series_alone_is_reported(tmp_path):
    mask_series().write(tmp_path / "m")
    assert "without its image" in read_error(tmp_path)


def test_a_segmentation_object_becomes_the_reference(tmp_path):
    SeriesFactory(marked(), study="1.2").write(tmp_path / "a")
    values = np.zeros((4, 12, 10), np.uint8)
    values[0, 1, 2] = values[2, 3, 3] = 1
    factory = SeriesFactory(values, study="1.2", description="Tumor")
    factory.positions = [factory.place(k) for k in (5, 4, 5, 4)]  # two segments on two slices
    dataset = factory.multi_frame()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SegmentationStorage
    dataset.Modality = "SEG"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.PixelData = np.packbits(values.ravel(), bitorder="little").tobytes()
    for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        segment = Dataset()
        segment.ReferencedSegmentNumber = k // 2 + 1
        group.SegmentIdentificationSequence = Sequence([segment])
    dataset.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    case = read_one(tmp_path)
    assert np.argwhere(case.masks).tolist() == [[5, 1, 2], [5, 3, 3]]


def test_synthetic_studies_say_so(tmp_path):
    tags = {"ImageComments": "SYNTHETIC, not a patient"}
    assert read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s")).labels.synthetic


def test_images_and_series_of_one_folder_are_kept_apart(tmp_path):
    SeriesFactory(marked()).write(tmp_path / "s")
    write_image(tmp_path / "s" / "a.png", np.zeros((4, 4), np.uint8))
    assert len(read_cases([tmp_path]).cases) == 2
