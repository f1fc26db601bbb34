"""Which masks become whose reference, by words, folders and places in space."""

import itertools
import random
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from factories import SeriesFactory, write_image, write_nifti
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.case import Case
from pipeline.data.reading.batches import (
    ImageBatch,
    LoneMasks,
    StudyBatch,
    make_batches,
    regions_warning,
)
from pipeline.data.reading.combining import joined_warning, resampled_warning, taken_as_its_warning
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.image_cases import rescaled_warning
from pipeline.data.reading.images import PNG
from pipeline.data.reading.mask_values import covering_warning
from pipeline.data.reading.mask_words import Role, core_of, role_of_folder
from pipeline.data.reading.names import parse_name
from pipeline.data.reading.nifti import NIFTI
from pipeline.data.reading.reading import read_cases

SHAPE = (16, 18, 6)
LESION = (slice(6, 9), slice(7, 10), slice(2, 4))
LESION_PIXELS = 3 * 3 * 2


def head(seed: int = 0) -> NDArray[np.int16]:
    """A head ``(x, y, z)`` of many values, with a brighter lesion."""
    volume = np.zeros(SHAPE, np.int16)
    inside = (slice(2, 14), slice(2, 16))
    volume[inside] = np.random.default_rng(seed).integers(200, 500, (12, 14, 6))
    volume[LESION] = 900
    return volume


def lesion() -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, np.uint8)
    mask[LESION] = 1
    return mask


def brain() -> NDArray[np.uint8]:
    return (head() > 0).astype(np.uint8)


def write_volumes(root: Path, names: list[str], *, values: Any = None) -> None:
    """Images, and masks where a name says so."""
    for k, name in enumerate(names):
        is_image = parse_name(name.rsplit("/", 1)[-1]).role is Role.IMAGE and not any(
            role_of_folder(part) is not Role.IMAGE for part in name.split("/")[:-1]
        )
        pixels = head(k) if is_image else lesion() if values is None else values
        write_nifti(root / f"{name}.nii.gz", pixels)


def write_pictures(root: Path, names: list[str], *, mask: bool, **options: Any) -> None:
    """Slices of the head, or of its mask as 0 and 255, in the order of the names."""
    volume = lesion() * np.uint8(255) if mask else (head() // 4).astype(np.uint8)
    for k, name in enumerate(names):
        write_image(root / f"{name}.png", volume[..., k % SHAPE[2]].T, **options)


def reference_pixels(case: Case) -> int | None:
    return None if case.masks is None else int(case.masks.sum())


def by_source(root: Path) -> dict[str, int | None]:
    """Pixels of the reference of each case, by its first file."""
    report = read_cases([root])
    assert [error.message for error in report.errors] == []
    return {case.sources[0]: reference_pixels(case) for case in report.cases}


@pytest.mark.parametrize(
    ("stem", "role"),
    [
        *((f"a{word}", Role.REFERENCE) for word in "_mask -seg _label _labels _gt _dseg".split()),
        ("p_OTMultiClass", Role.REFERENCE),
        ("p_tumor_segmentation", Role.REFERENCE),
        ("p_brain_tumor_mask", Role.REFERENCE),
        ("sub-1_label-lesion_mask", Role.REFERENCE),
        ("mask", Role.REFERENCE),
        ("mask001", Role.REFERENCE),
        ("tumorMask", Role.REFERENCE),
        ("p_lesion", Role.UNSURE),
        ("p_roi", Role.UNSURE),
        ("tumor_12", Role.UNSURE),
        ("p_brainmask", Role.ANATOMY),
        ("p_desc-brain_mask", Role.ANATOMY),
        ("p_label-GM_probseg", Role.ANATOMY),
        ("p_brain_segmentation", Role.ANATOMY),
        ("aparc+aseg", Role.ANATOMY),
        ("p_flair_brain", Role.IMAGE),
        ("p_masked", Role.IMAGE),
        ("lesion_flair", Role.IMAGE),
        ("glabella", Role.IMAGE),
    ],
)
def test_roles_of_names(stem: str, role: Role) -> None:
    assert parse_name(stem).role is role


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *(
            (name, Role.REFERENCE)
            for name in "masks labelsTr train_masks seg gt annotations".split()
        ),
        ("ground_truth", Role.REFERENCE),
        ("masks_png", Role.REFERENCE),
        ("radiologist_masks", Role.REFERENCE),
        ("images_and_masks", Role.IMAGE),
        ("tumors", Role.UNSURE),
        ("brain_masks", Role.ANATOMY),
        ("imagesTr", Role.IMAGE),
        ("segmentation of patient 7", Role.IMAGE),
    ],
)
def test_roles_of_folders(name: str, role: Role) -> None:
    assert role_of_folder(name) is role


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("g_FLAIR-label", "g_FLAIR"),
        ("sub-02_space-FLAIR_desc-tumor_mask", "sub-02_FLAIR"),
        ("mask_1", "image_01"),
        ("mask001", "img001"),
        ("GLI_001", "GLI_001_0000"),
        ("x_manual_seg", "x_t1ce"),
    ],
)
def test_what_names_of_a_mask_and_its_image_have_in_common(one: str, other: str) -> None:
    assert core_of(one, with_channels=True) == core_of(other, with_channels=True)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("a_flair", "a-label"),
        ("a_flair", "a_gt"),
        ("a_flair", "a_roi"),
        ("a_flair", "a_lesion"),
        ("a_flair", "a_flair_mask"),
        ("g_FLAIR", "g_FLAIR-label"),
        ("sub-01_FLAIR", "sub-01_label-lesion_mask"),
        ("sub-02_FLAIR", "sub-02_space-FLAIR_desc-tumor_mask"),
        ("sub-04_FLAIR", "sub-04_dseg"),
        ("HF_0001_FLAIR", "HF_0001_OTMultiClass"),
        ("imagesTr/GLI_001_0000", "labelsTr/GLI_001"),
        ("images/p7", "masks/p7"),
        ("p7/images/scan", "p7/masks/scan"),
        ("p7/flair", "p7/seg/tumor"),
        ("sub-01/anat/sub-01_FLAIR", "derivatives/lesions/sub-01/anat/sub-01_desc-tumor_mask"),
        ("flair", "mask"),
        ("flair", "lesion"),
        ("scan", "drawn_by_me_mask"),
        ("brain_1", "brain_1_mask"),
    ],
)
def test_a_mask_finds_its_image(tmp_path: Path, image: str, mask: str) -> None:
    write_volumes(tmp_path, [image, "z9/other_flair"])
    write_nifti(tmp_path / f"{mask}.nii.gz", lesion())
    assert by_source(tmp_path) == {
        f"{image}.nii.gz": LESION_PIXELS,
        "z9/other_flair.nii.gz": None,
    }


def test_folders_given_one_by_one_belong_together(tmp_path: Path) -> None:
    write_volumes(tmp_path, ["imagesTr/p1_0000", "imagesTr/p2_0000"])
    for name in ("p1", "p2"):
        write_nifti(tmp_path / "labelsTr" / f"{name}.nii.gz", lesion())
    report = read_cases([tmp_path / "labelsTr", tmp_path / "imagesTr"])
    assert report.errors == ()
    assert [reference_pixels(case) for case in report.cases] == [LESION_PIXELS] * 2


def test_a_folder_of_images_with_a_masks_name_is_read(tmp_path: Path) -> None:
    write_nifti(tmp_path / "seg" / "scan.nii.gz", head())
    write_nifti(tmp_path / "seg" / "scan_mask.nii.gz", lesion())
    assert by_source(tmp_path / "seg") == {"scan.nii.gz": LESION_PIXELS}


def test_images_inside_a_folder_of_masks_stay_images(tmp_path: Path) -> None:
    write_nifti(tmp_path / "masks" / "images" / "p1.nii.gz", head())
    write_nifti(tmp_path / "masks" / "labels" / "p1.nii.gz", lesion())
    assert by_source(tmp_path) == {"masks/images/p1.nii.gz": LESION_PIXELS}


def test_a_volume_of_labels_beside_an_image_is_its_reference(tmp_path: Path) -> None:
    write_nifti(tmp_path / "visit.nii.gz", head())
    write_nifti(tmp_path / "drawn by john.nii.gz", lesion() * np.uint8(3))
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == LESION_PIXELS
    assert taken_as_its_warning("drawn by john.nii.gz") in case.warnings


def test_a_volume_of_labels_beside_no_image_of_its_grid_is_named(tmp_path: Path) -> None:
    write_nifti(tmp_path / "visit.nii.gz", head())
    write_nifti(tmp_path / "drawn by john.nii.gz", lesion()[:9], stated=False)
    report = read_cases([tmp_path])
    assert [case.masks for case in report.cases] == [None]
    assert [error.source for error in report.errors] == ["drawn by john.nii.gz"]


def test_an_image_whose_name_speaks_of_a_lesion_stays_an_image(tmp_path: Path) -> None:
    write_nifti(tmp_path / "p1_flair.nii.gz", head())
    write_nifti(tmp_path / "p1_tumor.nii.gz", head(1))
    write_nifti(tmp_path / "tumors" / "p2.nii.gz", head(2))
    for k in range(3):
        write_image(tmp_path / "pictures" / f"tumor_{k}.png", (head()[..., k] // 4).astype("u1"))
    assert set(by_source(tmp_path)) == {
        "p1_flair.nii.gz",
        "p1_tumor.nii.gz",
        "tumors/p2.nii.gz",
        "pictures/tumor_0.png",
    }


def test_classes_of_pictures_are_no_masks(tmp_path: Path) -> None:
    for folder in ("glioma_tumor", "no_tumor"):
        write_pictures(tmp_path, [f"{folder}/image ({k})" for k in NUMBERS], mask=False)
    assert by_source(tmp_path) == {
        "glioma_tumor/image (1).png": None,
        "no_tumor/image (1).png": None,
    }
    write_pictures(tmp_path / "b", [f"images/{k}" for k in NUMBERS], mask=False)
    write_pictures(tmp_path / "b", [f"lesions/{k}" for k in NUMBERS], mask=True)
    assert by_source(tmp_path / "b") == {"images/1.png": LESION_PIXELS}


def test_a_mask_that_is_found_by_its_place_is_named(tmp_path: Path) -> None:
    write_nifti(tmp_path / "visit.nii.gz", head())
    write_nifti(tmp_path / "other_grid.nii.gz", head()[:12], spacing=(2.0, 2.0, 5.0))
    write_nifti(tmp_path / "drawn_mask.nii.gz", lesion())
    cases = {case.case_id: case for case in read_cases([tmp_path]).cases}
    assert reference_pixels(cases["visit"]) == LESION_PIXELS
    assert cases["other_grid"].masks is None
    assert taken_as_its_warning("drawn_mask.nii.gz") in cases["visit"].warnings


def test_a_mask_that_fits_several_images_is_left_out(tmp_path: Path) -> None:
    write_volumes(tmp_path, ["anna_flair", "berta_flair"])
    write_nifti(tmp_path / "drawn_mask.nii.gz", lesion())
    report = read_cases([tmp_path])
    assert [case.masks for case in report.cases] == [None, None]
    assert [error.source for error in report.errors] == ["drawn_mask.nii.gz"]


def test_a_nifti_mask_of_a_dicom_series(tmp_path: Path) -> None:
    volume = np.transpose(head(), (2, 1, 0)).astype(np.uint16)
    SeriesFactory(volume).write(tmp_path / "p" / "dicom")
    (plain,) = read_cases([tmp_path]).cases
    assert plain.grid is not None
    mask = np.zeros(SHAPE, np.uint8)
    mask[LESION] = 1
    image = write_nifti(tmp_path / "p" / "tumor_mask.nii.gz", mask)
    nib.save(nib.Nifti1Image(mask, plain.grid.affine), image)
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == LESION_PIXELS
    assert case.warnings == plain.warnings


def test_files_that_are_given_by_themselves_belong_together(tmp_path: Path) -> None:
    volume = np.transpose(head(), (2, 1, 0)).astype(np.uint16)
    series = SeriesFactory(volume).write(tmp_path / "exam")
    (plain,) = read_cases([series]).cases
    assert plain.grid is not None
    mask = tmp_path / "desk" / "my_mask.nii.gz"
    mask.parent.mkdir()
    nib.save(nib.Nifti1Image(lesion(), plain.grid.affine), mask)
    (case,) = read_cases([series, mask]).cases
    assert reference_pixels(case) == LESION_PIXELS
    for k, name in enumerate(("images", "masks")):
        write_pictures(tmp_path / name, NUMBERS, mask=k == 1)
    paths = [tmp_path / name / f"{n}.png" for n in NUMBERS for name in ("images", "masks")]
    (case,) = read_cases(paths).cases
    assert reference_pixels(case) == LESION_PIXELS


def test_a_mask_on_another_grid_is_resampled_and_named(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a_flair.nii.gz", head())
    fine = np.repeat(np.repeat(lesion(), 2, axis=0), 2, axis=1)
    write_nifti(tmp_path / "a_mask.nii.gz", fine, spacing=(0.5, 0.75, 4.0))
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == pytest.approx(LESION_PIXELS, rel=0.4)
    assert resampled_warning("a_mask.nii.gz") in case.warnings


def test_brain_masks_are_left_out_by_name_and_by_size(tmp_path: Path) -> None:
    write_volumes(tmp_path, ["x_flair"])
    for name in ("x_brainmask", "x_flair_mask"):
        write_nifti(tmp_path / f"{name}.nii.gz", brain())
    write_nifti(tmp_path / "x_seg.nii.gz", lesion())
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == LESION_PIXELS
    assert regions_warning(["x_brainmask.nii.gz"]) in case.warnings
    assert covering_warning("x_flair_mask.nii.gz") in case.warnings


def test_several_masks_are_joined_and_named(tmp_path: Path) -> None:
    write_volumes(tmp_path, ["x_flair"])
    for k in (1, 2):
        mask = np.zeros(SHAPE, np.uint8)
        mask[4 * k, 5, 2] = 1
        write_nifti(tmp_path / f"x_seg{k}.nii.gz", mask)
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == 2
    assert joined_warning(["x_seg1.nii.gz", "x_seg2.nii.gz"]) in case.warnings


@pytest.mark.parametrize("labels", [(4, 5), (200, 201, 202), (0.9, 0.95), (1000, 1001)])
def test_labels_far_above_zero_leave_the_outside_outside(tmp_path: Path, labels: Any) -> None:
    write_volumes(tmp_path, ["x_flair"])
    mask = np.zeros(SHAPE, np.float32)
    mask[LESION] = np.resize(labels, (3, 3, 2))
    write_nifti(tmp_path / "x_mask.nii.gz", mask)
    assert by_source(tmp_path) == {"x_flair.nii.gz": LESION_PIXELS}


def test_negative_values_are_no_reference(tmp_path: Path) -> None:
    write_volumes(tmp_path, ["x_flair"])
    write_nifti(tmp_path / "x_mask.nii.gz", lesion().astype(np.int16) - 1)
    assert by_source(tmp_path) == {"x_flair.nii.gz": 0}


NUMBERS = [f"{k}" for k in range(1, 7)]


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images/{}", "masks/{}"),
        ("{}", "masks/{}"),
        ("p/images/{}", "p/masks/{}"),
        ("train/{}", "train_masks/{}"),
        ("image_{}", "mask_{}"),
        ("img{}", "mask{}"),
        ("x_{}", "x_{}_mask"),
        ("x_{}", "x_mask_{}"),
        ("x-{}", "x-{}-seg"),
        ("x_flair_{}", "x_seg_{}"),
        ("slice00{}", "gt/slice00{}"),
        ("case_{}", "segmentations/case_{}_segmentation"),
        ("x_{}", "x_roi_{}"),
    ],
)
def test_masks_of_pictures(tmp_path: Path, images: str, masks: str) -> None:
    write_pictures(tmp_path, [images.format(k) for k in NUMBERS], mask=False)
    write_pictures(tmp_path, [masks.format(k) for k in NUMBERS], mask=True)
    report = read_cases([tmp_path])
    assert [error.message for error in report.errors] == []
    (case,) = report.cases
    assert case.n_slices == 6
    assert case.masks is not None
    assert [int(mask.sum()) for mask in case.masks] == [0, 0, 9, 9, 0, 0]


def test_masks_numbered_from_zero_go_by_their_order(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"images/s{k}" for k in range(1, 7)], mask=False)
    write_pictures(tmp_path, [f"masks/out{k}" for k in range(6)], mask=True)
    (case,) = read_cases([tmp_path]).cases
    assert case.masks is not None
    assert [int(mask.sum()) for mask in case.masks] == [0, 0, 9, 9, 0, 0]


def test_a_stack_of_masks_beside_numbered_pictures(tmp_path: Path) -> None:
    write_pictures(tmp_path, NUMBERS, mask=False)
    pages = [Image.fromarray(lesion()[..., k].T * np.uint8(255)) for k in range(6)]
    pages[0].save(tmp_path / "mask.tif", save_all=True, append_images=pages[1:])
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == LESION_PIXELS


def test_masks_of_another_size_are_scaled(tmp_path: Path) -> None:
    for k in (1, 2):
        image = np.kron((head()[..., k + 1] // 4).astype(np.uint8), np.ones((2, 2), np.uint8))
        write_image(tmp_path / f"x_{k}.png", image)
        write_image(tmp_path / f"x_{k}_mask.png", lesion()[..., k + 1] * np.uint8(255))
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == 9 * 4 * 2
    assert rescaled_warning("18 x 16 pixels", "36 x 32 pixels") in case.warnings


def test_numbered_masks_of_the_pages_of_several_files(tmp_path: Path) -> None:
    for name in ("anna", "berta"):
        pages = [Image.fromarray((head()[..., k] // 4).astype(np.uint8).T) for k in range(6)]
        pages[0].save(tmp_path / f"{name}.tif", save_all=True, append_images=pages[1:])
        write_pictures(tmp_path, [f"masks/{name}_{k:02d}" for k in range(1, 7)], mask=True)
    assert by_source(tmp_path) == {"anna.tif": LESION_PIXELS, "berta.tif": LESION_PIXELS}


def test_a_picture_whose_name_speaks_of_a_tumor_has_its_mask(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"brain_tumor_{k}" for k in NUMBERS], mask=False)
    write_pictures(tmp_path, [f"brain_tumor_{k}_mask" for k in NUMBERS], mask=True)
    write_nifti(tmp_path / "p1_tumor.nii.gz", head())
    write_nifti(tmp_path / "p1_tumor_mask.nii.gz", lesion())
    assert by_source(tmp_path) == {
        "brain_tumor_1.png": LESION_PIXELS,
        "p1_tumor.nii.gz": LESION_PIXELS,
    }


def test_masks_of_two_raters_are_joined_with_their_folders(tmp_path: Path) -> None:
    write_nifti(tmp_path / "images" / "p1.nii.gz", head())
    for k in (1, 2):
        write_nifti(tmp_path / f"masks_rater{k}" / "p1.nii.gz", lesion())
    (case,) = read_cases([tmp_path]).cases
    assert joined_warning(["masks_rater1/p1.nii.gz", "masks_rater2/p1.nii.gz"]) in case.warnings
    assert not any(warning == taken_as_its_warning("p1.nii.gz") for warning in case.warnings)


def test_several_masks_of_one_picture_are_joined(tmp_path: Path) -> None:
    write_image(tmp_path / "benign (1).png", (head()[..., 2] // 4).astype(np.uint8))
    for name, place in (("benign (1)_mask", (4, 4)), ("benign (1)_mask_1", (9, 9))):
        mask = np.zeros(SHAPE[:2], np.uint8)
        mask[place] = 255
        write_image(tmp_path / f"{name}.png", mask)
    (case,) = read_cases([tmp_path]).cases
    assert reference_pixels(case) == 2


def test_many_masks_without_images_are_one_sentence(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"x_{k}_mask" for k in range(6)], mask=True)
    (error,) = read_cases([tmp_path]).errors
    assert error.n_files == 6


# Properties


WORDS = st.sampled_from(["flair", "t1", "mask", "seg", "roi", "brainmask", "1", "2", "x", "scan"])
NAMES = st.lists(WORDS, min_size=1, max_size=3).map("_".join)
FOLDERS = st.sampled_from(["", "images/", "masks/", "labelsTr/", "imagesTr/", "p1/", "p1/seg/"])
FILES = st.lists(st.tuples(FOLDERS, NAMES, st.booleans()), min_size=1, max_size=12, unique=True)


def made_of(files: list[tuple[str, str, bool]]) -> list[InputFile[Any]]:
    made = []
    for folder, name, is_picture in files:
        form, suffix = (PNG, ".png") if is_picture else (NIFTI, ".nii")
        source = f"{folder}{name}{suffix}"
        key = f"0:in/{folder}".rstrip("/") if folder else "0:in/"
        made.append(InputFile(Path(source), source, key, folder.rstrip("/"), form))
    return made


def accounts(batch: Any) -> tuple[set[str], set[str]]:
    """Sources that a batch reads as images or perhaps so, and those that it reads as masks."""
    if isinstance(batch, ImageBatch):
        named = batch.files
        masks = {o.file.source for o in named if parse_is_mask(o)}
        return {o.file.source for o in named} - masks, masks
    if isinstance(batch, LoneMasks):
        return set(), {one.file.source for one in batch.files}
    assert isinstance(batch, StudyBatch)
    images = {one.file.source for study in batch.studies for _, one in study}
    return images, {mask.named.file.source for mask in batch.masks}


def parse_is_mask(named: Any) -> bool:
    return named.role in {Role.REFERENCE, Role.ANATOMY}


@settings(deadline=None)
@given(FILES)
def test_every_file_is_read_once_as_an_image_or_as_a_mask(
    files: list[tuple[str, str, bool]],
) -> None:
    made = made_of(files)
    read = [accounts(batch) for batch in make_batches(made, [])]
    images = list(itertools.chain.from_iterable(images for images, _ in read))
    masks = set(itertools.chain.from_iterable(masks for _, masks in read))
    assert len(images) == len(set(images))
    assert not masks & set(images)
    assert masks | set(images) == {file.source for file in made}


@settings(deadline=None)
@given(FILES, st.randoms(use_true_random=False))
def test_the_order_of_files_changes_nothing(
    files: list[tuple[str, str, bool]], order: random.Random
) -> None:
    made = made_of(files)
    shuffled = order.sample(made, len(made))

    def grouped(some: list[InputFile[Any]]) -> set[Any]:
        return {
            tuple(map(frozenset, accounts(batch)))
            for batch in make_batches(some, [])
            if not isinstance(batch, LoneMasks)
        }

    assert grouped(made) == grouped(shuffled)
