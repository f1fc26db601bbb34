"""Each voxel of a written mask lies where its source pixel lies, in each reader that opens it."""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from readings import read_one

from pipeline.data.case import Case
from pipeline.data.mask_export import encode_nifti_mask
from pipeline.data.reading.nifti import FORMS_DISAGREE

#: Of the voxel arrays ``(x, y, z)``: small, and different along each axis.
SHAPE = (5, 6, 4)


def positive(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_subnormal=False)


@st.composite
def rotations(draw: st.DrawFn) -> NDArray[np.float64]:
    """Any rotation, with axes swapped and mirrored as files have them."""
    angles = [np.radians(draw(positive(-40, 40))) for _ in range(3)]
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        one = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turn = turn @ one
    order = list(draw(st.permutations((0, 1, 2))))
    signs = draw(st.tuples(*[st.sampled_from((-1, 1))] * 3))
    return turn @ (np.eye(3)[order] * np.array(signs)[:, None])


@st.composite
def affines(draw: st.DrawFn, *, sheared: bool | None = None) -> NDArray[np.float64]:
    sizes = [draw(positive(0.3, 6)) for _ in range(3)]
    affine = np.eye(4)
    affine[:3, :3] = draw(rotations()) * sizes
    if sheared if sheared is not None else draw(st.booleans()):
        affine[:3, 2] += affine[:3, 0] / sizes[0] * sizes[2] * draw(positive(-0.5, 0.5))
        affine[:3, 1] += affine[:3, 0] / sizes[0] * sizes[1] * draw(positive(-0.2, 0.2))
    affine[:3, 3] = [draw(positive(-200, 200)) for _ in range(3)]
    return affine


@st.composite
def headers(draw: st.DrawFn) -> nib.Nifti1Image | nib.Nifti2Image:
    """A volume in any encoding, whose header says any of what headers say about its place."""
    kind = draw(st.sampled_from((nib.Nifti1Image, nib.Nifti2Image)))
    dtype = draw(st.sampled_from((np.uint8, np.int16, np.float32, np.float64)))
    voxels = np.zeros(SHAPE, dtype)
    voxels[draw(st.integers(0, 4)), draw(st.integers(0, 5)), draw(st.integers(0, 3))] = 100
    voxels[0, 0, 0] = 1
    header = kind.header_class(endianness=draw(st.sampled_from("<>")))
    header.set_data_dtype(dtype)
    image = kind(voxels, None, header)
    header = image.header
    header.set_xyzt_units(draw(st.sampled_from(("mm", "unknown", "meter", "micron"))))
    rigid = draw(affines(sheared=False))
    header.set_qform(rigid, code=draw(st.integers(0, 4)), strip_shears=True)
    sform = draw(st.one_of(st.just(rigid), affines()))
    header.set_sform(sform, code=draw(st.integers(0, 4)))
    if draw(st.booleans()):
        header["cal_max"], header["intent_code"] = 90, 1001
        header.set_slope_inter(*draw(st.sampled_from(((None, None), (0.5, 3)))))
    return image


def read_again(image: nib.Nifti1Image, folder: Path, name: str = "x_flair.nii") -> Case:
    nib.save(image, folder / name)
    return read_one(folder / name)


def itk_places(path: Path, indices: NDArray[np.int_]) -> NDArray[np.float64] | None:
    """Where SimpleITK puts voxels (LPS+ millimetres); None where it does not open the file."""
    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError:
        return None
    points = [
        image.TransformContinuousIndexToPhysicalPoint([float(x) for x in index])
        for index in indices
    ]
    return np.array(points)


CORNERS = np.array([[0, 0, 0], [4, 0, 0], [0, 5, 0], [0, 0, 3], [4, 5, 3]])


@given(headers())
def test_a_mask_of_a_nifti_volume_says_of_its_place_what_the_volume_says(image) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        case = read_again(image, folder)
        content = encode_nifti_mask(case.pixels[..., 0] > 20, case.grid)
        (folder / "mask.nii.gz").write_bytes(content)
        source, mask = nib.load(folder / "x_flair.nii"), nib.load(folder / "mask.nii.gz")
        values = np.asarray(mask.dataobj)
        assert values.dtype == np.uint8
        np.testing.assert_array_equal(values, source.get_fdata() > 20)
        names = ("pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d")
        names += ("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z")
        disagree = FORMS_DISAGREE in case.warnings
        for name in names:
            if disagree and name == "qform_code":
                assert int(mask.header[name]) == 0
                continue
            np.testing.assert_array_equal(
                np.ravel(mask.header[name])[:4],
                np.ravel(source.header[name])[:4].astype(np.float32),
                name,
            )
        assert mask.header.get_xyzt_units()[0] == source.header.get_xyzt_units()[0]
        assert int(mask.header["intent_code"]) == 0
        assert (float(mask.header["cal_min"]), float(mask.header["cal_max"])) == (0, 0)
        # NIfTI-2 holds its quaternion in more digits.
        by_corner = [CORNERS @ a[:3, :3].T + a[:3, 3] for a in (mask.affine, source.affine)]
        np.testing.assert_allclose(*by_corner, atol=0.02)
        theirs, ours = (itk_places(folder / f, CORNERS) for f in ("x_flair.nii", "mask.nii.gz"))
        if theirs is not None and not disagree:
            assert ours is not None
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=0.02)


@given(affines(), st.sampled_from(("x_flair.nii", "x_flair.nii.gz")))
def test_a_mask_without_a_header_to_follow_lies_where_its_affine_says(affine, name) -> None:
    """What DICOM gives: a grid and no header."""

    voxels = np.zeros(SHAPE, np.int16)
    voxels[1, 2, 3] = 9
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        case = read_again(nib.Nifti1Image(voxels, affine), folder, name)
        assert case.grid is not None
        grid = replace(case.grid, affine=affine, placement=None)
        (folder / "mask.nii").write_bytes(
            gzip.decompress(encode_nifti_mask(case.pixels[..., 0] > 0, grid))
        )
        mask = nib.load(folder / "mask.nii")
        assert np.argwhere(np.asarray(mask.dataobj)).tolist() == [[1, 2, 3]]
        wanted = CORNERS @ affine[:3, :3].T + affine[:3, 3]
        found = CORNERS @ mask.affine[:3, :3].T + mask.affine[:3, 3]
        np.testing.assert_allclose(found, wanted, atol=1e-3)
        if int(mask.header["qform_code"]):
            by_qform = mask.header.get_qform()
            found = CORNERS @ by_qform[:3, :3].T + by_qform[:3, 3]
            np.testing.assert_allclose(found, wanted, atol=0.05 * 6)
        places = itk_places(folder / "mask.nii", CORNERS)
        if places is not None:
            np.testing.assert_allclose(places * (-1, -1, 1), wanted, atol=0.05 * 6)


def test_a_negative_voxel_size_and_no_codes_stay_as_they_are(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.ones(SHAPE, np.int16), None)
    data = bytearray(image.to_bytes())
    data[80:84] = np.array([-2.5], "<f4").tobytes()
    (tmp_path / "x_flair.nii").write_bytes(bytes(data))
    case = read_one(tmp_path / "x_flair.nii")
    content = gzip.decompress(encode_nifti_mask(case.pixels[..., 0] > 0, case.grid))
    assert content[76:92] == bytes(data[76:92])
    assert content[252:328] == bytes(data[252:328])


@pytest.mark.parametrize("sheared", [True, False])
def test_a_sheared_grid_has_no_qform(sheared: bool, tmp_path: Path) -> None:
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    affine[1, 2] = 1.2 * sheared
    case = read_again(nib.Nifti1Image(np.ones(SHAPE, np.int16), affine), tmp_path)

    grid = replace(case.grid, placement=None)
    mask = nib.Nifti1Image.from_bytes(
        gzip.decompress(encode_nifti_mask(case.pixels[..., 0] > 0, grid))
    )
    assert int(mask.header["qform_code"]) == (0 if sheared else 1)
    assert int(mask.header["sform_code"]) == 1


def test_missing_slices_are_empty_and_uneven_ones_state_no_place(tmp_path: Path) -> None:

    voxels = np.arange(1, 121, dtype=np.int16).reshape(SHAPE)
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    case = read_again(nib.Nifti1Image(voxels, affine), tmp_path)
    grid = replace(case.grid, placement=None, slots=(0.0, 1.0, 3.0, 6.0))
    every = np.ones(case.pixels.shape[:3], bool)
    mask = nib.Nifti1Image.from_bytes(gzip.decompress(encode_nifti_mask(every, grid)))
    filled = np.asarray(mask.dataobj).any(axis=(0, 1))
    assert np.flatnonzero(filled).tolist() == [0, 1, 3, 6]
    np.testing.assert_allclose(mask.affine, affine)
    uneven = replace(grid, slots=(0.0, 1.0, 2.5, 4.5))
    mask = nib.Nifti1Image.from_bytes(gzip.decompress(encode_nifti_mask(every, uneven)))
    assert (int(mask.header["qform_code"]), int(mask.header["sform_code"])) == (0, 0)
