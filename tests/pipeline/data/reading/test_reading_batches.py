"""Which files are read together, and that reading them apart changes nothing."""

from pathlib import Path

import numpy as np
import pytest
from factories import SeriesFactory, grey, marked_volume, write_image, write_nifti

from pipeline.data.reading.batches import ImageBatch, make_batches
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.images import PNG
from pipeline.data.reading.nifti import NIFTI
from pipeline.data.reading.reading import open_reading, read_cases

PATIENTS = ("TCGA_CS_4941_19960909", "TCGA_DU_1111_20000101")


def image_batches(*names: str) -> list[list[str]]:
    files = [InputFile(Path(name), name, "0/", "", PNG) for name in names]
    batches = make_batches(files, [])
    assert all(isinstance(batch, ImageBatch) for batch in batches)
    return [[one.file.name for one in batch.files] for batch in batches]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(
            [f"{p}_{k}{m}.png" for p in PATIENTS for k in (1, 2) for m in ("", "_mask")],
            [[f"{p}_{k}{m}.png" for k in (1, 2) for m in ("", "_mask")] for p in PATIENTS],
            id="patients of the public set in one folder",
        ),
        pytest.param(["a.png", "b.png"], [["a.png"], ["b.png"]], id="lone images"),
        pytest.param(
            ["x_flair_1.png", "y_1.png", "x_t1_1.png", "x_1_mask.png"],
            [["x_flair_1.png", "x_t1_1.png", "x_1_mask.png"], ["y_1.png"]],
            id="sequences and the mask of a study",
        ),
        pytest.param(["a.tif", "b.tif", "a-page2.png"], [["a.tif", "a-page2.png"], ["b.tif"]]),
        pytest.param(
            ["a_1.png", "b_1.png", "12_12.png", "12_13.png"],
            [["a_1.png"], ["b_1.png"], ["12_12.png", "12_13.png"]],
        ),
    ],
)
def test_names_tell_which_images_are_read_together(
    names: list[str], expected: list[list[str]]
) -> None:
    assert image_batches(*names) == expected


def test_a_large_collection_of_numbered_pictures_is_read_one_by_one() -> None:
    names = [f"IMG-{k:04d}.jpg" for k in range(2000)]
    assert len(image_batches(*names)) == 2000
    assert len(image_batches(*names[:500])) == 1


def test_a_forecast_of_slices_counts_sequences_once() -> None:
    names = ["x_flair_1.png", "x_t1_1.png", "x_flair_2.png", "x_1_mask.png"]
    files = [InputFile(Path(name), name, "0/", "", PNG) for name in names]
    (batch,) = make_batches(files, [])
    assert batch.n_slices == 2


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_slices_of_a_volume_are_counted_from_its_header(tmp_path: Path, suffix: str) -> None:
    path = write_nifti(tmp_path / f"x{suffix}", marked_volume((10, 12, 6)))
    file = InputFile(path, path.name, "", "", NIFTI)
    assert NIFTI.count_slices(file) == 6
    path.write_bytes(path.read_bytes()[:20])
    assert NIFTI.count_slices(file) == 1


def write_mixture(folder: Path) -> None:
    for place in ("p2", "p1"):
        for k in (2, 1):
            write_image(folder / place / f"visit_{k}.png", grey(seed=k))
            write_image(folder / place / f"b_{k}.png", grey(seed=k + 2))
    write_image(folder / "p1" / "lost_mask.png", grey())
    (folder / "p1" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    for name, patient in (("s2", "P2"), ("s1", "P1")):
        series = SeriesFactory(np.ones((3, 6, 6), np.uint16), patient=patient)
        series.write(folder / "d" / name)
    (folder / "d" / "s1" / "im001").write_bytes((folder / "d" / "s2" / "im001").read_bytes()[:300])
    write_nifti(folder / "n" / "v_flair.nii.gz", marked_volume())
    write_nifti(folder / "n" / "v_t1.nii.gz", marked_volume())
    write_nifti(folder / "m" / "w_mask.nii", marked_volume())


def test_cases_and_sentences_stand_in_one_order_however_they_are_read(tmp_path: Path) -> None:
    write_mixture(tmp_path)
    report = read_cases([tmp_path])
    assert [case.case_id for case in report.cases] == [
        "p1_b", "p1_visit", "p2_b", "p2_visit", "P1_AX_FLAIR", "P2_AX_FLAIR", "v",
    ]  # fmt: skip
    assert [error.source for error in report.errors] == [
        "p1/broken.png", "p1/lost_mask.png", "d/s1/im001", "m/w_mask.nii",
    ]  # fmt: skip
    with open_reading([tmp_path]) as reading:
        assert len(reading.batches) == 10
        loaded = [reading.load(batch) for batch in reversed(reading.batches)]
    pending = sorted((pair for one in loaded for pair in one.cases), key=lambda pair: pair[0])
    errors = [*reading.errors, *(pair for one in loaded for pair in one.errors)]
    assert [one.case.sources for _, one in pending] == [case.sources for case in report.cases]
    assert [error.message for _, error in sorted(errors, key=lambda pair: pair[0])] == [
        error.message for error in report.errors
    ]


def test_files_that_are_none_of_the_users_are_passed_over(tmp_path: Path) -> None:
    write_mixture(tmp_path)
    with open_reading([tmp_path], passed_over=lambda file: "/d/" in str(file.path)) as reading:
        places = [place for batch in reading.batches for place, _ in reading.load(batch).cases]
    assert [place[0] for place in places] == [1, 1, 1, 1, 3]
