import numpy as np
import pytest
from factories import colour, grey, write_image
from PIL import Image

from pipeline.data.case import RADIOLOGICAL_AXIAL, SequenceName, SourceKind
from pipeline.data.reading import limits
from pipeline.data.reading.image_cases import (
    COLOUR_WARNING,
    partial_reference_warning,
    split_stack,
    stack_warning,
)
from pipeline.data.reading.names import parse_name, safe_name, strip_suffix
from pipeline.data.reading.reading import read_cases
from pipeline.data.sequences import sequence_cautions

LGG = "TCGA_CS_4942_19970222"


def read(*paths):
    report = read_cases(list(paths))
    return {case.case_id: case for case in report.cases}, report.errors


@pytest.mark.parametrize(
    ("stem", "study", "number", "sequence", "is_mask"),
    [
        ("x_12", "x", 12, None, False),
        ("x_flair_12", "x", 12, "flair", False),
        ("x_12_flair", "x", 12, "flair", False),
        ("x_t1ce_12", "x", 12, "t1c", False),
        ("x_T1_12", "x", 12, "t1", False),
        ("x_post_12", "x", 12, "t1c", False),
        ("x_pre_12", "x", 12, "t1", False),
        ("x_seg_12", "x", 12, None, True),
        ("x_12_mask", "x", 12, None, True),
        ("flair_12", "", 12, "flair", False),
        ("sub_flair", "sub", None, "flair", False),
        ("patient_3", "patient", 3, None, False),
        ("post1_3", "post1", 3, None, False),
        ("preop_3", "preop", 3, None, False),
        ("pre_op_3", "pre_op", 3, None, False),
        ("masked_3", "masked", 3, None, False),
        (f"{LGG}_7", LGG, 7, None, False),
        (f"{LGG}_7_mask", LGG, 7, None, True),
        ("BraTS20_Training_001_t1ce", "BraTS20_Training", 1, "t1c", False),
        ("1 no", "1 no", None, None, False),
        ("Y12", "Y12", None, None, False),
        ("flair_²", "²", None, "flair", False),
        ("9" * 5000 + "_flair", "9" * 5000, None, "flair", False),
    ],
)
def test_parts_of_names(stem, study, number, sequence, is_mask):
    parts = parse_name(stem)
    assert (parts.study, parts.number, parts.sequence, parts.is_mask) == (
        study,
        number,
        sequence,
        is_mask,
    )


@pytest.mark.parametrize(
    ("text", "safe"),
    [("../../etc", "etc"), ("Doe, Jane/1", "Doe_Jane_1"), ("", "case"), ("ü", "case"), (".a", "a")],
)
def test_names_are_safe_for_a_file_system(text, safe):
    assert safe_name(text) == safe


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("b.nii.gz", "b"),
        ("B.NII.GZ", "B"),
        ("b.tar.gz", "b.tar"),
        ("1.2.840.10008", "1.2.840"),
        ("1.2.840113", "1.2.840113"),
        (".png", ".png"),
        (".nii.gz", ".nii"),
    ],
)
def test_suffixes_are_stripped_once(name, stem):
    assert strip_suffix(name, (".nii.gz", ".nii")) == stem


def write_lgg(folder, numbers, *, masks=True):
    for k in numbers:
        write_image(folder / f"{LGG}_{k}.tif", colour(seed=k))
        if masks:
            write_image(folder / f"{LGG}_{k}_mask.tif", ((grey(seed=k) > 200) * 255).astype("u1"))


def test_public_layout_is_one_case_with_its_numbering(tmp_path):
    root = tmp_path / "kaggle_3m"
    write_lgg(root / LGG, [1, 2, 3, 10, 11])
    (root / "data.csv").write_text("Patient,age\n")
    (root / "README.md").write_text("text")
    (root / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    cases, errors = read(root)
    assert not errors
    case = cases[LGG]
    assert case.kind is SourceKind.IMAGES
    assert case.indices == (1, 2, 3, 10, 11)
    assert case.sources[3] == f"{LGG}/{LGG}_10.tif"
    assert case.sequences == (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST)
    assert case.orientation == RADIOLOGICAL_AXIAL
    assert case.warnings == ()
    assert case.spacing_mm is None
    assert (case.labels.patient, case.labels.study_date) == ("TCGA_CS_4942", "1997-02-22")
    np.testing.assert_array_equal(case.pixels[3], colour(seed=10))
    np.testing.assert_array_equal(case.masks[3], grey(seed=10) > 200)


def test_masks_change_nothing_but_the_reference(tmp_path):
    write_lgg(tmp_path / "a" / LGG, [1, 2])
    write_lgg(tmp_path / "b" / LGG, [1, 2], masks=False)
    with_masks, without = read(tmp_path / "a")[0][LGG], read(tmp_path / "b")[0][LGG]
    assert without.masks is None
    assert with_masks.content_digest() == without.content_digest()
    assert with_masks.warnings == without.warnings
    assert with_masks.sources == without.sources


def test_a_lone_slice_keeps_its_number(tmp_path):
    write_lgg(tmp_path, [17], masks=False)
    cases, _ = read(tmp_path / f"{LGG}_17.tif")
    assert cases[LGG].indices == (17,)
    assert cases[LGG].sources == (f"{LGG}_17.tif",)


def test_equal_channels_of_the_public_set_are_flair(tmp_path):
    for k in (1, 2):
        write_image(tmp_path / f"{LGG}_{k}.tif", np.repeat(grey(seed=k)[..., None], 3, axis=2))
    case = read(tmp_path)[0][LGG]
    assert case.pixels.shape[-1] == 1
    assert case.sequences == (SequenceName.FLAIR,)
    assert case.warnings == ()


def test_one_coloured_slice_keeps_three_channels_for_all(tmp_path):
    write_image(tmp_path / f"{LGG}_1.tif", np.zeros((12, 10, 3), np.uint8))
    write_image(tmp_path / f"{LGG}_2.tif", colour())
    assert read(tmp_path)[0][LGG].pixels.shape == (2, 12, 10, 3)


def test_several_patients_in_one_folder_are_reported_by_prefix(tmp_path):
    for k in (2, 1, 10):
        write_image(tmp_path / f"{LGG}_{k}.tif", colour(seed=k))
        write_image(tmp_path / f"TCGA_DU_5855_19951217_{k}.tif", colour(seed=k + 20))
    cases, _ = read(tmp_path)
    assert {name: case.indices for name, case in cases.items()} == {
        LGG: (1, 2, 10),
        "TCGA_DU_5855_19951217": (1, 2, 10),
    }


def test_images_of_other_sizes_are_cases_of_their_own(tmp_path):
    for k, height in enumerate((12, 12, 20), start=1):
        write_image(tmp_path / f"visit_{k}.png", grey(height))
    cases, errors = read(tmp_path)
    assert not errors
    assert sorted(cases) == ["visit_1", "visit_2", "visit_3"]
    assert all(case.indices == (1,) for case in cases.values())


def test_images_without_numbers_are_cases_of_their_own(tmp_path):
    for name in ("N1.jpg", "N2.jpg", "1 no.jpeg"):
        write_image(tmp_path / name, grey())
    cases, _ = read(tmp_path)
    assert sorted(cases) == ["1_no", "N1", "N2"]
    assert cases["N1"].cautions[:1] == sequence_cautions((SequenceName.UNKNOWN,))
    assert cases["N1"].sequences == (SequenceName.UNKNOWN,)
    assert cases["N1"].orientation is None


def test_numbers_from_zero_are_moved_to_one(tmp_path):
    for k in range(3):
        write_image(tmp_path / f"visit_{k}.png", grey(seed=k))
    assert read(tmp_path)[0]["visit"].indices == (1, 2, 3)


def test_equal_numbers_are_cases_of_their_own(tmp_path):
    write_image(tmp_path / "visit_1.png", grey())
    write_image(tmp_path / "visit_01.png", grey())
    assert len(read(tmp_path)[0]) == 2


def test_equal_folders_get_names_of_their_own(tmp_path):
    for folder in ("a/x", "b/x"):
        for k in (1, 2):
            write_image(tmp_path / folder / f"visit_{k}.png", grey(seed=k))
    cases, _ = read(tmp_path)
    assert sorted(cases) == ["a_x_visit", "b_x_visit"]
    for k in (1, 2):
        write_image(tmp_path / "c" / "patient7" / f"visit_{k}.png", grey(seed=k))
        write_image(tmp_path / "c" / "patient8" / f"visit_{k}.png", grey(seed=k))
    assert sorted(read(tmp_path / "c")[0]) == ["patient7_visit", "patient8_visit"]


def test_other_colour_images_are_read_with_a_warning(tmp_path):
    write_image(tmp_path / "photo.png", colour())
    case = read(tmp_path / "photo.png")[0]["photo"]
    assert case.sequences == (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST)
    assert case.warnings[0] == COLOUR_WARNING


def test_sequences_told_by_name_become_one_case(tmp_path):
    for k in (1, 2):
        for seed, word in enumerate(("flair", "t1", "t1ce", "t2")):
            write_image(tmp_path / f"x_{word}_{k}.png", grey(seed=10 * k + seed))
        write_image(tmp_path / f"x_seg_{k}.png", (grey(seed=k) > 199).astype("u1"))
    cases, errors = read(tmp_path)
    assert not errors
    case = cases["x"]
    assert case.sequences == ("t1", "flair", "t1c", "t2")
    assert case.sources == ("x_flair_1.png", "x_flair_2.png")
    np.testing.assert_array_equal(case.pixels[1, ..., 1], grey(seed=20))
    np.testing.assert_array_equal(case.masks[1], grey(seed=2) > 199)
    assert case.warnings == ()


def test_sequences_of_other_sizes_stay_alone(tmp_path):
    write_image(tmp_path / "x_flair.png", grey(12))
    write_image(tmp_path / "x_t1.png", grey(20))
    cases, _ = read(tmp_path)
    assert sorted(cases) == ["x_flair", "x_t1"]
    assert cases["x_flair"].warnings == ()
    assert cases["x_t1"].cautions == sequence_cautions((SequenceName.PRE,))


def test_a_single_flair_series_stays_one_channel(tmp_path):
    for k in (3, 4):
        write_image(tmp_path / f"x_flair_{k}.png", grey(seed=k))
    case = read(tmp_path)[0]["x_flair"]
    assert case.pixels.shape[-1] == 1
    assert case.sequences == (SequenceName.FLAIR,)
    assert case.indices == (3, 4)


def test_a_stack_of_pages_is_one_case_with_its_mask(tmp_path):
    pages = [Image.fromarray(grey(seed=k)) for k in range(3)]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:])
    masks = [Image.fromarray((grey(seed=k) > 199).astype("u1")) for k in range(3)]
    masks[0].save(tmp_path / "s_mask.tif", save_all=True, append_images=masks[1:])
    case = read(tmp_path)[0]["s"]
    assert case.indices == (1, 2, 3)
    assert case.sources == ("s.tif",) * 3
    np.testing.assert_array_equal(case.masks[2], grey(seed=2) > 199)


def test_pages_of_several_sizes_are_cases_of_their_own(tmp_path):
    Image.fromarray(grey(12)).save(
        tmp_path / "s.tif", save_all=True, append_images=[Image.fromarray(grey(20))]
    )
    assert sorted(read(tmp_path)[0]) == ["s-page1", "s-page2"]


def test_a_mask_of_another_size_is_reported_and_left_out(tmp_path):
    write_lgg(tmp_path, [1, 2])
    write_image(tmp_path / f"{LGG}_2_mask.tif", np.zeros((5, 6), np.uint8))
    cases, errors = read(tmp_path)
    assert cases[LGG].masks is None
    assert [error.message for error in errors] == [
        f"{LGG}_2_mask.tif is 6 x 5 pixels, its image {LGG}_2.tif 10 x 12 pixels; the reference"
        " outline of this study is left out."
    ]


def test_a_mask_without_its_image_is_reported(tmp_path):
    write_image(tmp_path / "x_mask.png", grey())
    cases, errors = read(tmp_path)
    assert not cases
    assert [error.message for error in errors] == [
        "x_mask.png is a reference mask without its image (x)."
    ]


def test_a_mask_that_names_no_image_is_reported_without_brackets(tmp_path):
    write_image(tmp_path / "mask.png", grey())
    assert [error.message for error in read(tmp_path)[1]] == [
        "mask.png is a reference mask without its image."
    ]


def test_a_damaged_image_is_reported_once_and_its_mask_not(tmp_path):
    write_lgg(tmp_path, [1, 2])
    (tmp_path / f"{LGG}_2.tif").write_bytes((tmp_path / f"{LGG}_1.tif").read_bytes()[:200])
    cases, errors = read(tmp_path)
    assert cases[LGG].indices == (1,)
    assert [error.source for error in errors] == [f"{LGG}_2.tif"]


def test_a_damaged_mask_leaves_the_reference_out(tmp_path):
    write_lgg(tmp_path, [1, 2])
    (tmp_path / f"{LGG}_2_mask.tif").write_bytes(b"II*\0rubbish")
    cases, errors = read(tmp_path)
    assert cases[LGG].n_slices == 2
    assert cases[LGG].masks is None
    assert [error.source for error in errors] == [f"{LGG}_2_mask.tif"]


def test_slices_of_the_public_set_without_a_mask_are_empty(tmp_path):
    write_lgg(tmp_path, [1, 2])
    (tmp_path / f"{LGG}_2_mask.tif").unlink()
    case = read(tmp_path)[0][LGG]
    assert case.masks[0].any()
    assert not case.masks[1].any()
    assert case.warnings == ()


def test_masks_of_some_slices_only_are_no_reference(tmp_path):
    for k in (8, 9, 10):
        write_image(tmp_path / f"visit_{k}.png", grey(seed=k))
    alone = read(tmp_path)[0]["visit"]
    write_image(tmp_path / "visit_9_mask.png", (grey(seed=1) > 128).astype("u1"))
    cases, errors = read(tmp_path)
    assert not errors
    assert cases["visit"].masks is None
    assert cases["visit"].warnings == (*alone.warnings, partial_reference_warning(1, 3))


@pytest.mark.parametrize(
    "name", ["IM-0001-{:04d}", "{:03d}", "slice{:03d}", "{}", "img ({})", "p7-{:02d}-axial"]
)
def test_numbered_pictures_of_one_size_are_one_stack(tmp_path, name):
    numbers = [1, 2, 3, 10, 5, 6]
    for k in numbers:
        write_image(tmp_path / "smith" / f"{name.format(k)}.png", grey(seed=k))
    (case,) = read(tmp_path)[0].values()
    assert case.indices == tuple(sorted(numbers))
    np.testing.assert_array_equal(case.pixels[-1, ..., 0], grey(seed=10))
    files = [f"{name.format(k)}.png" for k in (1, 10)]
    assert stack_warning(6, *files) in case.warnings
    report = read_cases([tmp_path], single_pictures=True)
    assert len(report.cases) == 6
    assert all(case.n_slices == 1 for case in report.cases)
    singles = {single.case_id: single for single in report.cases}
    parts = split_stack(case)
    assert {part.case_id for part in parts} == set(singles)
    for part in parts:
        single = singles[part.case_id]
        assert (part.sources, part.warnings) == (single.sources, single.warnings)
        np.testing.assert_array_equal(part.pixels, single.pixels)


def test_pictures_by_number_that_cannot_be_one_stack(tmp_path):
    for k in (1, 2, 30):  # most of the numbers between are not there
        write_image(tmp_path / "a" / f"p{k}.png", grey(seed=k))
    for k in (1, 2, 3):  # of two sizes
        write_image(tmp_path / "b" / f"p{k}.png", grey(12 if k < 3 else 20, seed=k))
    for k in (1, 2):  # too few
        write_image(tmp_path / "c" / f"p{k}.png", grey(seed=k))
    assert len(read(tmp_path)[0]) == 8


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("smith/001.png", "smith"),
        ("smith/images/image.png", "smith"),
        ("smith/anat/IM-0001-0001.png", "smith"),
        ("smith/p7.png", "p7"),
        ("12/slice.png", "12"),
    ],
)
def test_a_study_is_named_from_its_folder_where_its_name_says_nothing(tmp_path, path, name):
    write_image(tmp_path / "in" / path, grey())
    assert list(read(tmp_path / "in")[0]) == [name]


def test_patients_in_folders_of_equal_names_get_names_of_their_own(tmp_path):
    for patient in ("smith", "jones"):
        write_image(tmp_path / patient / "anat" / "flair.png", grey(seed=len(patient)))
    assert sorted(read(tmp_path)[0]) == ["jones", "smith"]


def test_the_limit_of_slices_holds_for_pictures(tmp_path, monkeypatch):
    """As for DICOM series; other studies of the folder are read."""
    monkeypatch.setattr(limits, "MAX_SLICES", 4)
    for k in range(1, 6):
        write_image(tmp_path / "p" / f"long_{k}.png", grey(seed=k))
        write_image(tmp_path / "p" / f"long_{k}_mask.png", (grey(seed=k) > 199).astype("u1"))
    for k in range(1, 4):
        write_image(tmp_path / "p" / f"short_{k}.png", grey(20, 20, seed=k))
    report = read_cases([tmp_path / "p"])
    assert [case.n_slices for case in report.cases] == [3]
    (error,) = report.errors
    assert error.message == (
        "The stack from long_1.png to long_5.png holds 5 slices; at most 4 can be read. Split the"
        " study."
    )
