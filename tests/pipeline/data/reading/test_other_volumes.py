"""MGZ, NRRD and MHA: the same voxels in the same place as in NIfTI, or a sentence."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from factories import marked_volume
from hypothesis import given, settings
from hypothesis import strategies as st
from readings import read_one

from pipeline.data.case import RADIOLOGICAL_AXIAL
from pipeline.data.geometry import case_affine
from pipeline.data.reading.reading import read_cases

SUFFIXES = (".mgz", ".mgh", ".nrrd", ".mha")


def write_volume(
    path: Path, values: np.ndarray, affine: np.ndarray, *, packed: bool = True
) -> Path:
    """A volume ``(x, y, z)`` with a RAS+ affine, in any of the formats."""
    if path.suffix in (".mgz", ".mgh"):
        kind = np.uint8 if values.dtype == np.uint8 else np.int16
        nib.save(nib.MGHImage(values.astype(kind), affine), path)
        return path
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    flip = np.diag([-1.0, -1.0, 1.0])
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T))
    image.SetSpacing([float(size) for size in spacing])
    image.SetDirection((flip @ affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin((flip @ affine[:3, 3]).tolist())
    SimpleITK.WriteImage(image, str(path), packed)
    return path


def affine_of(orientation: str, spacing: tuple[float, float, float] = (1.0, 1.5, 4.0)) -> Any:
    codes = nib.orientations.axcodes2ornt(tuple(orientation))
    affine = nib.orientations.inv_ornt_aff(codes, (10, 12, 6)) @ np.diag([*spacing, 1.0])
    affine[:3, 3] = (-3.0, 7.0, 11.0)
    return affine


@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from(SUFFIXES),
    st.sampled_from(["RAS", "LPS", "LPI", "PIR", "SAR", "ASL"]),
    st.booleans(),
    st.sampled_from(["nothing", ".mgz"]),
)
def test_voxels_lie_where_nifti_puts_them(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    orientation: str,
    packed: bool,
    renamed: str,
) -> None:
    folder = tmp_path_factory.mktemp("volumes")
    values, affine = marked_volume(), affine_of(orientation)
    path = write_volume(folder / f"x_flair{suffix}", values, affine, packed=packed)
    nib.save(nib.Nifti1Image(values, affine), folder / "y_flair.nii")
    if renamed == "nothing":  # as unpacked from an archive: content decides
        path = path.rename(folder / "000001")
    one, expected = read_one(path), read_one(folder / "y_flair.nii")
    np.testing.assert_array_equal(one.pixels, expected.pixels)
    np.testing.assert_allclose(case_affine(one.grid), case_affine(expected.grid), atol=1e-3)
    assert one.orientation == RADIOLOGICAL_AXIAL
    assert one.spacing_mm == pytest.approx(expected.spacing_mm, rel=1e-5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_masks_and_images_of_these_formats_find_each_other(tmp_path: Path, suffix: str) -> None:
    affine = affine_of("RAS")
    nib.save(nib.Nifti1Image(marked_volume(), affine), tmp_path / "x_flair.nii.gz")
    mask = (marked_volume() > 99).astype(np.uint8)
    write_volume(tmp_path / f"x_mask{suffix}", mask, affine)
    case = read_one(tmp_path)
    assert case.masks is not None
    assert int(case.masks.sum()) == int(mask.sum())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_files_cut_short_get_a_sentence(tmp_path: Path, suffix: str, keep: float) -> None:
    values = np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16)
    path = write_volume(tmp_path / f"x{suffix}", values, np.eye(4), packed=False)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    report = read_cases([path])
    assert report.cases == ()
    assert [error.source for error in report.errors] == [path.name]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.mhd", b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\n"
                  b"ElementDataFile = /etc/hostname\n"),
        ("x.mha", b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\n"
                  b"ElementDataFile = LIST\n/etc/hostname\n"),
        ("x.nhdr", b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
                   b"data file: /etc/hostname\n\n"),
        ("x.nrrd", b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
                   b"datafile: /etc/hostname\n\n"),
        ("x.mha", b"ObjectType = Image\nNDims = 3\nDimSize = 60000 60000 60000\n"
                  b"ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"),
        ("x.nrrd", b"NRRD0004\ntype: float\ndimension: 4\nsizes: 3 2 2 2\n"
                   b"kinds: vector domain domain domain\nencoding: raw\n\n" + bytes(96)),
        ("x.nrrd", b"NRRD0004\n\n"),
    ],
)  # fmt: skip
def test_headers_that_lead_elsewhere_or_hold_no_picture_are_refused(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    report = read_cases([tmp_path / name])
    assert report.cases == ()
    assert [error.source for error in report.errors] == [name]


def test_an_nrrd_without_a_space_does_not_say_how_it_lies(tmp_path: Path) -> None:
    content = (
        b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 5 6\nspacings: 1 2 3\nencoding: raw\n\n"
    )
    (tmp_path / "flair.nrrd").write_bytes(content + bytes(range(120)))
    case = read_one(tmp_path / "flair.nrrd")
    assert not case.grid.is_regular  # so that no mask file states a place
    assert case.orientation is None
    assert case.spacing_mm == (3.0, 2.0, 1.0)
    assert case.pixels.shape == (6, 5, 4, 1)


def test_of_a_segmentation_the_lesion_is_the_reference(tmp_path: Path) -> None:
    affine = affine_of("RAS")
    nib.save(nib.Nifti1Image(marked_volume(), affine), tmp_path / "x_flair.nii.gz")
    labels = np.ones((10, 12, 6), np.uint8)
    labels[3:5, 4:6, 2] = 2
    flip = np.diag([-1.0, -1.0, 1.0])
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(labels.T))
    image.SetSpacing([1.0, 1.5, 4.0])
    image.SetDirection((flip @ affine[:3, :3] / [1.0, 1.5, 4.0]).ravel().tolist())
    image.SetOrigin((flip @ affine[:3, 3]).tolist())
    for k, (name, layer) in enumerate((("Brain", "0"), ("Tumor", "²"))):
        image.SetMetaData(f"Segment{k}_Name", name)
        image.SetMetaData(f"Segment{k}_LabelValue", str(k + 1))
        image.SetMetaData(f"Segment{k}_Layer", layer)
    SimpleITK.WriteImage(image, str(tmp_path / "x.seg.nrrd"))
    case = read_one(tmp_path)
    assert case.masks is not None
    assert int(case.masks.sum()) == 4
