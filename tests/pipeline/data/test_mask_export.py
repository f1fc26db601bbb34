from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pipeline.data.mask_export import encode_nifti_mask
from pipeline.data.reading.reading import read_cases


def read(content: bytes) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_bytes(gzip.decompress(content))


def write_volume(folder: Path, flips: tuple[int, int, int]) -> nib.Nifti1Image:
    voxels = np.random.default_rng(0).integers(0, 200, (9, 8, 7), dtype=np.uint8)
    affine = np.diag([1.5 * flips[0], 1.25 * flips[1], 3.0 * flips[2], 1.0])
    affine[:3, 3] = (-20, 30, 5)
    image = nib.Nifti1Image(voxels, affine)
    nib.save(image, folder / "flair.nii.gz")
    return image


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)])
def test_the_mask_lies_on_the_input_s_own_voxels(
    tmp_path: Path, flips: tuple[int, int, int]
) -> None:
    image = write_volume(tmp_path, flips)
    (case,) = read_cases([tmp_path]).cases
    found = read(encode_nifti_mask(case.pixels[..., 0] > 120, case.grid))
    assert np.array_equal(np.asarray(found.dataobj), np.asarray(image.dataobj) > 120)
    assert np.allclose(found.affine, image.affine)
    assert found.header.get_data_dtype() == np.uint8


@pytest.mark.parametrize("spacing", [(4.0, 0.5, 0.75), None])
def test_single_images_get_their_spacing(spacing: tuple[float, float, float] | None) -> None:
    mask = np.zeros((3, 5, 4), bool)
    mask[2, 1, 3] = True
    content = encode_nifti_mask(mask, None, spacing)
    found = read(content)
    assert found.shape == (4, 5, 3)
    assert np.argwhere(np.asarray(found.dataobj)).tolist() == [[3, 1, 2]]
    assert found.header.get_zooms() == (spacing or (1, 1, 1))[::-1]
    assert found.header.get_xyzt_units()[0] == ("mm" if spacing else "unknown")
    assert (int(found.header["qform_code"]), int(found.header["sform_code"])) == (0, 0)
    assert content == encode_nifti_mask(mask, None, spacing)


def test_a_mask_of_another_shape_than_the_grid_is_an_error(tmp_path: Path) -> None:
    write_volume(tmp_path, (1, 1, 1))
    (case,) = read_cases([tmp_path]).cases
    with pytest.raises(ValueError, match=r"mask must have shape \(7, 8, 9\)"):
        encode_nifti_mask(np.zeros((9, 8, 7), bool), case.grid)
