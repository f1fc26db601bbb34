import gzip

import nibabel as nib
import numpy as np
import pytest
from factories import marked_volume, write_nifti
from readings import read_error, read_one

from pipeline.data.case import RADIOLOGICAL_AXIAL, Orientation, SequenceName, SourceKind
from pipeline.data.geometry import shear_warnings
from pipeline.data.reading.nifti import FORMS_DISAGREE
from pipeline.data.reading.reading import read_cases
from pipeline.data.reading.volumes import CONTRADICTION, NO_ORIENTATION
from pipeline.data.sequences import sequence_cautions


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("orientation", ["RAS", "LAS", "LPI", "LPS", "PIR", "ASL", "SAR", "IRP"])
def test_any_orientation_is_brought_to_axial(tmp_path, orientation, suffix):
    path = write_nifti(tmp_path / f"x_flair{suffix}", marked_volume(), orientation=orientation)
    case = read_one(path)
    bright = case.pixels[..., 0] == 900
    assert case.kind is SourceKind.VOLUME
    assert case.pixels.shape == (6, 12, 10, 1)
    # The block lies on the patient's right, in front and on top.
    np.testing.assert_array_equal(np.flatnonzero(bright.any(axis=(0, 1))), range(4))  # image-left
    np.testing.assert_array_equal(np.flatnonzero(bright.any(axis=(0, 2))), range(4))  # at the top
    np.testing.assert_array_equal(np.flatnonzero(bright.any(axis=(1, 2))), [4, 5])  # last slices
    assert case.orientation == RADIOLOGICAL_AXIAL
    assert case.spacing_mm == (4.0, 1.5, 1.0)
    assert case.positions_mm == pytest.approx((11, 15, 19, 23, 27, 31))
    assert case.sequences == (SequenceName.FLAIR,)
    assert case.warnings == ()
    assert case.indices == (1, 2, 3, 4, 5, 6)
    assert case.sources == (path.name,) * 6


@pytest.mark.parametrize("orientation", ["RAS", "LPI", "PIR", "SAR"])
def test_the_grid_leads_back_to_the_file(tmp_path, orientation):
    path = write_nifti(tmp_path / "x_flair.nii", marked_volume(), orientation=orientation)
    case = read_one(path)
    image = nib.load(path)
    np.testing.assert_array_equal(case.grid.restore(case.pixels[..., 0]), image.get_fdata())
    np.testing.assert_allclose(case.grid.affine, image.affine, atol=1e-5)
    assert case.grid.shape == image.shape


def test_an_oblique_volume_is_read_with_its_distances(tmp_path):
    angle = np.radians(20)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([1.0, 1.5, 4.0])
    nib.save(nib.Nifti1Image(marked_volume(), affine), tmp_path / "flair.nii")
    case = read_one(tmp_path / "flair.nii")
    assert case.spacing_mm == pytest.approx((4.0, 1.5, 1.0), abs=1e-4)
    assert case.orientation == RADIOLOGICAL_AXIAL
    assert np.diff(case.positions_mm) == pytest.approx(4.0, abs=1e-4)


def test_a_volume_without_a_stated_orientation(tmp_path):
    case = read_one(write_nifti(tmp_path / "flair.nii", marked_volume(), stated=False))
    assert case.orientation is None
    assert case.positions_mm is None
    assert case.spacing_mm == (4.0, 1.5, 1.0)
    assert case.warnings[0] == NO_ORIENTATION


def test_scaling_and_holes(tmp_path):
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    values[0, 0, 0] = np.nan
    values[0, 0, 1] = np.inf
    write_nifti(tmp_path / "flair.nii", values)
    case = read_one(tmp_path / "flair.nii")
    assert case.pixels.dtype == np.float32
    assert np.isfinite(case.pixels).all()
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(0.5, 3)
    nib.save(image, tmp_path / "scaled.nii")
    assert float(read_one(tmp_path / "scaled.nii").pixels.max()) == 23 * 0.5 + 3


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16])
def test_stored_integers_are_kept(tmp_path, kind):
    case = read_one(write_nifti(tmp_path / "flair.nii", marked_volume().astype(kind) % 200))
    assert case.pixels.dtype == kind


def test_nifti_2_and_big_endian(tmp_path):
    nib.save(nib.Nifti2Image(marked_volume(), np.eye(4)), tmp_path / "two_flair.nii")
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    nib.save(nib.Nifti1Image(marked_volume(), np.eye(4), header), tmp_path / "big_flair.nii")
    two, big = (read_one(tmp_path / f"{name}_flair.nii") for name in ("two", "big"))
    np.testing.assert_array_equal(two.pixels, big.pixels)
    assert big.pixels.dtype.isnative


def test_units_other_than_millimetres(tmp_path):
    image = nib.Nifti1Image(marked_volume(), np.diag([0.001, 0.001, 0.005, 1]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "flair.nii")
    assert read_one(tmp_path / "flair.nii").spacing_mm == pytest.approx((5, 1, 1))


@pytest.mark.parametrize(
    ("volumes", "name", "sequences", "warned"),
    [
        (1, "flair", ("flair",), False),
        (3, "x", ("t1", "flair", "t1c"), True),
        (4, "BRATS_001", ("flair", "t1", "t1c", "t2"), False),
        (4, "x", ("unknown",) * 4, True),
        (30, "fmri", ("unknown",), True),
    ],
)
def test_a_fourth_axis(tmp_path, volumes, name, sequences, warned):
    values = np.arange(4 * 5 * 6 * volumes, dtype=np.int16).reshape(4, 5, 6, volumes)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / f"{name}.nii")
    case = read_one(tmp_path / f"{name}.nii")
    assert case.sequences == sequences
    assert bool(case.warnings) == warned
    np.testing.assert_array_equal(case.grid.restore(case.pixels[..., 0]), values[..., 0])


def test_a_lone_coronal_slice_is_not_turned_into_lines(tmp_path):
    case = read_one(write_nifti(tmp_path / "flair.nii", np.ones((10, 1, 12), np.int16)))
    assert case.pixels.shape == (1, 12, 10, 1)
    assert case.orientation == Orientation("R", "L", "S", "I")
    assert "coronal" in case.warnings[0]


def test_sequences_and_mask_of_one_study_become_one_case(tmp_path):
    for value, word in enumerate(("flair", "t1", "t1ce", "t2"), start=1):
        write_nifti(tmp_path / "p" / f"sub_{word}.nii.gz", marked_volume() * value)
    write_nifti(tmp_path / "p" / "sub_seg.nii.gz", (marked_volume() > 99).astype("u1") * 4)
    case = read_one(tmp_path)
    assert case.case_id == "sub"
    assert case.sequences == ("t1", "flair", "t1c", "t2")
    assert case.pixels[0, 0, 9].tolist() == [20, 10, 30, 40]
    np.testing.assert_array_equal(case.masks, case.pixels[..., 0] > 99 * 2)


def test_a_mask_in_another_orientation_is_brought_along(tmp_path):
    write_nifti(tmp_path / "sub.nii.gz", marked_volume(), orientation="LPI")
    write_nifti(tmp_path / "sub_mask.nii.gz", (marked_volume() > 99).astype("u1"))
    case = read_one(tmp_path)
    np.testing.assert_array_equal(case.masks, case.pixels[..., 0] > 99)


def test_files_that_name_only_their_sequence_are_called_after_their_folder(tmp_path):
    for folder in ("smith", "jones"):
        write_nifti(tmp_path / folder / "flair.nii.gz", marked_volume())
        write_nifti(tmp_path / folder / "seg.nii.gz", (marked_volume() > 99).astype("u1"))
    report = read_cases([tmp_path])
    assert sorted(case.case_id for case in report.cases) == ["jones", "smith"]
    assert all(case.masks is not None for case in report.cases)


def test_folders_that_are_given_themselves_name_their_studies_too(tmp_path):
    for folder in ("smith", "jones"):
        write_nifti(tmp_path / folder / "flair.nii.gz", marked_volume())
    report = read_cases([tmp_path / "smith", tmp_path / "jones"])
    assert [case.case_id for case in report.cases] == ["smith", "jones"]
    assert read_one(tmp_path / "smith" / "flair.nii.gz").case_id == "flair"


def test_studies_in_one_folder_are_kept_apart(tmp_path):
    for number in ("001", "002"):
        for word in ("flair", "t1"):
            write_nifti(tmp_path / f"BraTS_{number}_{word}.nii", marked_volume())
    report = read_cases([tmp_path])
    assert sorted(case.case_id for case in report.cases) == ["BraTS_001", "BraTS_002"]


def test_a_mask_of_another_grid_and_a_mask_alone_are_reported(tmp_path):
    write_nifti(tmp_path / "a" / "sub.nii.gz", marked_volume())
    write_nifti(tmp_path / "a" / "sub_mask.nii.gz", np.ones((3, 3, 3), np.uint8), stated=False)
    write_nifti(tmp_path / "b" / "x_seg.nii.gz", np.ones((3, 3, 3), np.uint8))
    report = read_cases([tmp_path])
    assert [case.masks for case in report.cases] == [None]
    assert sorted(error.message for error in report.errors) == [
        "sub_mask.nii.gz is a reference mask on another grid than its image; it is left out.",
        "x_seg.nii.gz is a reference mask without its image (x).",
    ]


def test_other_sequences_carry_a_warning(tmp_path):
    for name, sequence in (("a", SequenceName.UNKNOWN), ("a_t1ce", SequenceName.POST)):
        case = read_one(write_nifti(tmp_path / f"{name}.nii", marked_volume()))
        assert case.cautions[:1] == sequence_cautions((sequence,))


@pytest.mark.parametrize("keep", [400, 700, 1500])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_volumes_cut_short(tmp_path, suffix, keep):
    volume = np.random.default_rng(0).integers(0, 999, (10, 12, 8)).astype(np.int16)
    path = write_nifti(tmp_path / f"x{suffix}", volume)
    path.write_bytes(path.read_bytes()[:keep])
    assert read_error(path) == (
        f"x{suffix} is cut short: not all of its voxels are there. Export it again."
    )


def test_colours_and_pairs_and_other_gzip_are_refused(tmp_path):
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), kind), np.eye(4)), tmp_path / "rgb.nii")
    assert "holds colours" in read_error(tmp_path / "rgb.nii")
    nib.save(nib.Nifti1Pair(marked_volume(), np.eye(4)), tmp_path / "pair.hdr")
    assert "Save the volume as one .nii file" in read_error(tmp_path / "pair.hdr")
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(b"hello" * 99))
    assert "x.nii is a text file" in read_error(tmp_path / "x.nii.gz")


def test_absurd_dimensions_are_refused(tmp_path):
    path = write_nifti(tmp_path / "x.nii", marked_volume())
    data = bytearray(path.read_bytes())
    data[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    path.write_bytes(bytes(data))
    assert "at most" in read_error(path)
    data[42:48] = np.array([-3, 5, 5], "<i2").tobytes()
    path.write_bytes(bytes(data))
    assert "x.nii" in read_error(path)


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_a_useless_affine_hides_left_and_right(tmp_path, affine):
    path = write_nifti(tmp_path / "flair.nii", marked_volume())
    data = bytearray(path.read_bytes())
    data[280:328] = affine[:3].astype("<f4").tobytes()
    data[254:256] = (1).to_bytes(2, "little")
    path.write_bytes(bytes(data))
    case = read_one(path)
    assert case.orientation is None


@pytest.mark.parametrize(
    ("spacing", "words"),
    [
        ((1000.0, 1000.0, 4.0), "pixel spacing of 1,000 or more mm"),
        ((0.01, 0.01, 4.0), "pixel spacing of 0.01 mm"),
        ((1.0, 1.0, 150.0), "distance between slices of 150 mm"),
    ],
)
def test_an_impossible_spacing_is_reported_and_left_out(tmp_path, spacing, words):
    case = read_one(write_nifti(tmp_path / "x_flair.nii", marked_volume(), spacing=spacing))
    assert case.spacing_mm is None
    assert case.warnings == (f"The file's {words} cannot be right; areas are in pixels.",)


def test_a_spacing_of_zero_is_reported_and_left_out(tmp_path):
    path = write_nifti(tmp_path / "x_flair.nii", marked_volume(), stated=False)
    data = bytearray(path.read_bytes())
    data[80:84] = bytes(4)  # pixdim[1]
    path.write_bytes(bytes(data))
    case = read_one(path)
    assert case.spacing_mm is None
    assert case.warnings[0] == (
        "The file's pixel spacing of 0 mm cannot be right; areas are in pixels."
    )


@pytest.mark.parametrize("offset", [0.0, 100.0, 351.0, np.nan])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_begin_after_the_header_whatever_it_says(tmp_path, offset, suffix):
    image = nib.Nifti1Image(marked_volume(), np.eye(4))
    data = bytearray(image.to_bytes())
    data[108:112] = np.array([offset], "<f4").tobytes()
    path = tmp_path / f"flair{suffix}"
    path.write_bytes(gzip.compress(bytes(data)) if suffix.endswith("gz") else bytes(data))
    case = read_one(path)
    np.testing.assert_array_equal(case.grid.restore(case.pixels[..., 0]), marked_volume())


def test_slices_along_the_fourth_axis_are_one_volume(tmp_path):
    volume = marked_volume()
    nib.save(nib.Nifti1Image(volume[:, :, None], np.diag([1, 1, 5, 1])), tmp_path / "flair.nii")
    case = read_one(tmp_path / "flair.nii")
    assert case.pixels.shape == (6, 12, 10, 1)
    assert case.spacing_mm == (5.0, 1.0, 1.0)
    np.testing.assert_array_equal(case.grid.restore(case.pixels[..., 0]), volume)
    assert len(case.warnings) == 1


def test_time_points_of_one_slice_are_no_volume(tmp_path):
    image = nib.Nifti1Image(marked_volume()[:, :, None], np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "flair.nii")
    case = read_one(tmp_path / "flair.nii")
    assert case.n_slices == 1
    assert "5 are left out" in " ".join(case.warnings)


def test_volumes_of_a_named_sequence_are_no_channels(tmp_path):
    values = np.arange(4 * 5 * 6 * 3, dtype=np.int16).reshape(4, 5, 6, 3)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "x_flair.nii")
    case = read_one(tmp_path / "x_flair.nii")
    assert case.sequences == (SequenceName.FLAIR,)
    np.testing.assert_array_equal(case.grid.restore(case.pixels[..., 0]), values[..., 0])
    assert len(case.warnings) == 1


@pytest.mark.parametrize(
    ("shape", "intent"),
    [
        ((4, 5, 6, 1, 3), "vector"),
        ((4, 5, 6, 1, 3), "none"),
        ((4, 5, 6, 3), "vector"),
        ((4, 5, 6, 1, 6), "symmetric matrix"),
        ((4, 5, 6, 1, 3), "displacement vector"),
    ],
)
def test_several_values_per_voxel_are_no_image(tmp_path, shape, intent):
    image = nib.Nifti1Image(np.ones(shape, np.float32), np.eye(4))
    image.header.set_intent(intent, (3,) if "matrix" in intent else ())
    nib.save(image, tmp_path / "case_flair.nii")
    report = read_cases([tmp_path])
    assert report.cases == ()
    assert [error.source for error in report.errors] == ["case_flair.nii"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_fifth_axis_of_time_points_is_refused_unless_it_is_empty(tmp_path, count):
    image = nib.Nifti1Image(np.ones((4, 5, 6, 7, count), np.int16), np.eye(4))
    nib.save(image, tmp_path / "x_flair.nii")
    report = read_cases([tmp_path])
    assert (len(report.cases), len(report.errors)) == ((1, 0) if count == 1 else (0, 1))


@pytest.mark.parametrize(("unit", "numbers"), [("micron", 1.0), ("meter", 1.0), ("micron", 1000.0)])
def test_a_unit_that_cannot_be_right_is_replaced_by_millimetres(tmp_path, unit, numbers):
    affine = np.diag([numbers, 1.5 * numbers, 4 * numbers, 1.0])
    image = nib.Nifti1Image(marked_volume(), affine)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "flair.nii")
    case = read_one(tmp_path / "flair.nii")
    assert case.spacing_mm == pytest.approx((4.0, 1.5, 1.0))
    assert len(case.warnings) == (1 if numbers == 1 else 0)


def write_forms(path, qform, sform, codes=(1, 1)):
    image = nib.Nifti1Image(marked_volume(), None)
    image.header.set_qform(qform, codes[0])
    image.header.set_sform(sform, codes[1])
    image.to_filename(path)
    return path


@pytest.mark.parametrize("codes", [(1, 1), (1, 2), (2, 1), (4, 4)])
@pytest.mark.parametrize("which", [0, 1])
def test_a_header_that_contradicts_itself_about_left_and_right(tmp_path, codes, which):
    forms = [np.diag([1.0, 1.5, 4.0, 1.0]), np.diag([-1.0, 1.5, 4.0, 1.0])]
    path = write_forms(tmp_path / "flair.nii", forms[which], forms[1 - which], codes)
    case = read_one(path)
    assert case.orientation_assumed
    assert CONTRADICTION in case.warnings


@pytest.mark.parametrize("codes", [(1, 0), (0, 1)])
def test_one_form_alone_contradicts_nothing(tmp_path, codes):
    forms = np.diag([1.0, 1.5, 4.0, 1.0]), np.diag([-1.0, 1.5, 4.0, 1.0])
    case = read_one(write_forms(tmp_path / "flair.nii", *forms, codes))
    assert not case.orientation_assumed
    assert CONTRADICTION not in case.warnings
    right = forms[0] if codes[0] else forms[1]
    assert case.grid.affine == pytest.approx(right)


def test_two_forms_that_lie_apart_agree_about_left_and_right(tmp_path):
    moved = np.diag([1.0, 1.5, 4.0, 1.0])
    moved[:3, 3] = 30, 5, 2
    case = read_one(write_forms(tmp_path / "flair.nii", np.diag([1.0, 1.5, 4.0, 1.0]), moved))
    assert not case.orientation_assumed


@pytest.mark.parametrize(
    ("codes", "moved", "shear", "disagree"),
    [
        ((1, 1), 0.0, 0.0, False),
        ((1, 1), 5.0, 0.0, True),
        ((2, 2), 5.0, 0.0, True),
        ((1, 2), 5.0, 0.0, False),
        ((1, 4), 5.0, 0.0, False),
        ((1, 2), 0.0, 0.5, True),
        ((0, 2), 0.0, 0.5, False),
        ((1, 0), 0.0, 0.5, False),
    ],
)
def test_a_qform_that_says_another_place_is_not_handed_on(tmp_path, codes, moved, shear, disagree):
    qform, sform = np.diag([1.0, 1.5, 4.0, 1.0]), np.diag([1.0, 1.5, 4.0, 1.0])
    sform[0, 3], sform[0, 1] = moved, shear
    case = read_one(write_forms(tmp_path / "flair.nii", qform, sform, codes))
    assert (FORMS_DISAGREE in case.warnings) == disagree
    assert case.grid.placement.qform_code == (0 if disagree else codes[0])
    assert case.grid.placement.sform_code == codes[1]


def test_a_sheared_volume_has_true_voxels_and_a_warning(tmp_path):
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    affine[0, 1], affine[1, 2] = 0.4, 1.0
    nib.save(nib.Nifti1Image(marked_volume(), affine), tmp_path / "flair.nii")
    case = read_one(tmp_path / "flair.nii")
    assert np.prod(case.spacing_mm) == pytest.approx(20.0)
    assert case.warnings == shear_warnings(case.grid) != ()


def test_a_mask_with_holes_is_none_in_them(tmp_path):
    mask = np.where(marked_volume() > 99, 1.0, np.nan)
    write_nifti(tmp_path / "sub.nii.gz", marked_volume())
    write_nifti(tmp_path / "sub_mask.nii.gz", mask)
    case = read_one(tmp_path)
    np.testing.assert_array_equal(case.masks, case.pixels[..., 0] > 99)
