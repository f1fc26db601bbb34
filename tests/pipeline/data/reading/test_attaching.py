"""References that a reader attaches: on the case's slices, or one sentence why not."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from factories import SeriesFactory, write_image, write_nifti
from PIL import Image
from readings import read_one

from pipeline.data.reading.attaching import (
    by_order_warning,
    read_reference,
)
from pipeline.data.reading.combining import resampled_warning
from pipeline.data.reading.image_cases import rescaled_warning
from pipeline.data.reading.loaded import with_reference
from pipeline.errors import InputError

SHAPE = (16, 18, 6)


def head() -> Any:
    volume = np.zeros(SHAPE, np.int16)
    volume[2:14, 2:16] = np.random.default_rng(0).integers(200, 500, (12, 14, 6))
    return volume


def lesion() -> Any:
    mask = np.zeros(SHAPE, np.uint8)
    mask[6:9, 7:10, 2:4] = 1
    return mask


@pytest.fixture
def volume(tmp_path: Path) -> Any:
    return read_one(write_nifti(tmp_path / "in" / "flair.nii.gz", head()))


@pytest.fixture
def pictures(tmp_path: Path) -> Any:
    for k in range(6):
        write_image(tmp_path / "p" / f"s{k + 1:03d}.png", (head()[..., k] // 4).astype("u1").T)
    return read_one(tmp_path / "p")


def write_masks(folder: Path, name: str, *, count: int = 6, factor: int = 1) -> Path:
    for k in range(count):
        mask = np.kron(lesion()[..., k].T, np.ones((factor, factor), np.uint8))
        write_image(folder / f"{name.format(k + 1)}.png", mask * np.uint8(255))
    return folder


def test_a_volume_goes_by_its_place(tmp_path: Path, volume: Any) -> None:
    path = write_nifti(tmp_path / "anything.nii.gz", lesion(), orientation="LPI")
    found = read_reference(volume, [path])
    case = with_reference(volume, found)
    assert int(case.masks.sum()) == 18
    assert found.warnings == ()
    assert found.sources == ("anything.nii.gz",)
    np.testing.assert_array_equal(case.masks, np.flip(lesion(), (0, 1)).transpose(2, 1, 0) > 0)
    assert with_reference(case, None).masks is None


def test_a_volume_without_a_place_is_taken_slice_by_slice(tmp_path: Path, volume: Any) -> None:
    path = write_nifti(tmp_path / "m.nii.gz", lesion(), stated=False)
    found = read_reference(volume, [path])
    assert int(found.masks.sum()) == 18
    assert found.warnings == (by_order_warning("m.nii.gz"),)


def test_a_volume_on_another_grid_is_resampled(tmp_path: Path, volume: Any) -> None:
    fine = np.repeat(np.repeat(lesion(), 2, axis=0), 2, axis=1)
    path = write_nifti(tmp_path / "m.nii.gz", fine, spacing=(0.5, 0.75, 4.0))
    assert read_reference(volume, [path]).warnings == (resampled_warning("m.nii.gz"),)


def test_a_nifti_mask_for_a_dicom_series(tmp_path: Path) -> None:
    series = np.transpose(head(), (2, 1, 0)).astype(np.uint16)
    case = read_one(SeriesFactory(series).write(tmp_path / "d"))
    nib.save(nib.Nifti1Image(lesion(), case.grid.affine), tmp_path / "m.nii")
    assert int(read_reference(case, [tmp_path / "m.nii"]).masks.sum()) == 18


@pytest.mark.parametrize("name", ["s{:03d}", "s{:03d}_mask", "mask_{}", "drawn {}", "{}"])
def test_pictures_go_by_their_names_or_order(tmp_path: Path, pictures: Any, name: str) -> None:
    found = read_reference(pictures, [write_masks(tmp_path / "m", name)])
    assert [int(mask.sum()) for mask in found.masks] == [0, 0, 9, 9, 0, 0]


def test_a_stack_of_pages_for_pictures(tmp_path: Path, pictures: Any) -> None:
    pages = [Image.fromarray(lesion()[..., k].T) for k in range(6)]
    pages[0].save(tmp_path / "m.tif", save_all=True, append_images=pages[1:])
    assert int(read_reference(pictures, [tmp_path / "m.tif"]).masks.sum()) == 18


def test_pictures_of_another_size_are_scaled(tmp_path: Path, pictures: Any) -> None:
    found = read_reference(pictures, [write_masks(tmp_path / "m", "{}", factor=2)])
    assert int(found.masks.sum()) == 18
    assert found.warnings == (rescaled_warning("32 x 36 pixels", "16 x 18 pixels"),)


def test_what_does_not_fit_gets_a_sentence(tmp_path: Path, volume: Any, pictures: Any) -> None:
    other = np.ones((4, 4, 4), np.uint8)
    refused = {
        "m.nii.gz": write_nifti(tmp_path / "m.nii.gz", other, stated=False),
        "1.png": write_masks(tmp_path / "some", "{}", count=2),
        "whole.nii.gz": write_nifti(tmp_path / "whole.nii.gz", (head() > 0).astype(np.uint8)),
        "a.png": write_image(tmp_path / "a.png", np.zeros((3, 9), np.uint8)),
        "notes.txt": tmp_path / "notes.txt",
    }
    refused["notes.txt"].write_text("none")
    for source, path in refused.items():
        with pytest.raises(InputError) as caught:
            read_reference(volume, [path])
        assert caught.value.source == source
    with pytest.raises(InputError):
        read_reference(pictures, [write_masks(tmp_path / "five", "x{}", count=5)])
