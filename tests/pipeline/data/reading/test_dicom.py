import numpy as np
import pydicom
import pytest
from factories import SeriesFactory
from pydicom.uid import (
    generate_uid,
)
from readings import brightest, marked, read_error, read_one

from pipeline.data.case import (
    RADIOLOGICAL_AXIAL,
    Orientation,
    PatientIdentity,
    SequenceName,
    SourceKind,
)
from pipeline.data.geometry import Plane, plane_warnings
from pipeline.data.reading.dicom_kinds import repeats_note
from pipeline.data.reading.dicom_series import modality_warning
from pipeline.data.reading.reading import read_cases

SHUFFLED = [3, 1, 0, 2, 5, 4]


def test_a_series_in_any_order_becomes_one_case(tmp_path):
    case = read_one(SeriesFactory(marked()).write(tmp_path / "s", order=SHUFFLED))
    assert case.case_id == "P1_AX_FLAIR"
    assert case.kind is SourceKind.SERIES
    assert case.sources == ("im002", "im001", "im003", "im000", "im005", "im004")
    assert case.indices == (1, 2, 3, 4, 5, 6)
    assert case.sequences == (SequenceName.FLAIR,)
    assert case.spacing_mm == pytest.approx((5.0, 0.9, 0.8))  # not the slice thickness of 4 mm
    assert case.positions_mm == pytest.approx((30, 35, 40, 45, 50, 55))
    assert case.orientation == RADIOLOGICAL_AXIAL
    assert case.warnings == ()
    assert case.labels.patient == "Doe Jane (P1)"
    assert case.labels.study_date == "2024-01-31"
    assert case.labels.description == "Brain"
    assert not case.labels.synthetic
    assert brightest(case) == (5, 1, 2)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        ((1, 0, 0, 0, 1, 0), (5, 1, 2)),  # upright
        ((-1, 0, 0, 0, 1, 0), (0, 1, 7)),  # columns run to the right, normal to inferior
        ((1, 0, 0, 0, -1, 0), (0, 10, 2)),  # rows run to anterior, normal to inferior
        ((-1, 0, 0, 0, -1, 0), (5, 10, 7)),  # turned by half
        ((0, 1, 0, 1, 0, 0), (0, 2, 1)),  # rows and columns exchanged
        ((0, -1, 0, 1, 0, 0), (5, 7, 1)),
    ],
)
def test_axial_slices_are_brought_upright(tmp_path, orientation, expected):
    """Where the directions are reversed the bright pixel moves with them, and only then."""
    case = read_one(SeriesFactory(marked(), orientation=orientation).write(tmp_path / "s"))
    assert case.orientation == RADIOLOGICAL_AXIAL
    assert brightest(case) == expected
    assert list(case.positions_mm) == sorted(case.positions_mm)


@pytest.mark.parametrize("reverse_x", [False, True])
@pytest.mark.parametrize("reverse_y", [False, True])
@pytest.mark.parametrize("reverse_z", [False, True])
def test_the_patients_right_is_image_left(tmp_path, reverse_x, reverse_y, reverse_z):
    """One place in the patient, scanned in eight ways, is shown at one place."""
    row, column = (-1 if reverse_x else 1, 0, 0), (0, -1 if reverse_y else 1, 0)
    volume = marked((6, 12, 10))
    if reverse_x:
        volume = volume[:, :, ::-1]
    if reverse_y:
        volume = volume[:, ::-1]
    origin = [9.0 if reverse_x else 0.0, 11.0 if reverse_y else 0.0]
    heights = [5.0 * k for k in range(6)]
    if reverse_z:
        volume, heights = volume[::-1], heights[::-1]
    factory = SeriesFactory(
        np.ascontiguousarray(volume),
        orientation=(*row, *column),
        spacing=(5.0, 1.0, 1.0),
        positions=[(*origin, z) for z in heights],
    )
    case = read_one(factory.write(tmp_path / "s"))
    assert brightest(case) == (5, 1, 2)
    position = case.grid.affine @ np.array([*np.argwhere(_restored(case) == 500)[0], 1.0])
    np.testing.assert_allclose(position[:3], (-2.0, -1.0, 25.0))  # RAS: LPS (2, 1, 25)


def _restored(case):
    return case.grid.restore(case.pixels[..., 0])


def test_a_leaning_stack_has_the_distance_along_its_normal(tmp_path):
    positions = [(0.0, 3.0 * k, 4.0 * k) for k in range(4)]
    case = read_one(SeriesFactory(marked((4, 8, 8)), positions=positions).write(tmp_path / "s"))
    assert case.spacing_mm == pytest.approx((4.0, 0.9, 0.8))


@pytest.mark.parametrize(
    ("orientation", "letters", "word"),
    [
        ((1, 0, 0, 0, 0, -1), Orientation("R", "L", "S", "I"), "coronal"),
        ((0, 1, 0, 0, 0, -1), Orientation("A", "P", "S", "I"), "sagittal"),
    ],
)
def test_other_planes_are_read_with_a_caution(tmp_path, orientation, letters, word):
    case = read_one(SeriesFactory(marked(), orientation=orientation).write(tmp_path / "s"))
    assert case.orientation == letters
    assert case.warnings == plane_warnings(Plane[word.upper()])


@pytest.mark.parametrize("enhanced", [True, False])
def test_many_frames_in_one_file(tmp_path, enhanced):
    path = tmp_path / "m.dcm"
    SeriesFactory(marked()).multi_frame(enhanced=enhanced).save_as(path, enforce_file_format=True)
    case = read_one(path)
    assert case.sources == ("m.dcm",) * 6
    assert brightest(case) == (5, 1, 2)
    if enhanced:
        assert case.spacing_mm == pytest.approx((5.0, 0.9, 0.8))
        assert case.orientation == RADIOLOGICAL_AXIAL
    else:
        assert case.spacing_mm is None
        assert case.orientation is None
        assert "does not say where the slices lie" in case.warnings[0]


def test_one_file_takes_its_depth_from_the_thickness_and_says_so(tmp_path):
    SeriesFactory(marked((1, 12, 10))).write(tmp_path / "s")
    case = read_one(tmp_path / "s" / "im000")
    assert case.spacing_mm == pytest.approx((4.0, 0.9, 0.8))
    assert "single slice" in case.warnings[0]
    assert case.sources == ("im000",)


def test_one_bad_file_of_a_series_is_reported_and_the_others_kept(tmp_path):
    folder = SeriesFactory(marked()).write(tmp_path / "s")
    path = folder / "im002"
    path.write_bytes(path.read_bytes()[:-100])
    report = read_cases([folder])
    (case,) = report.cases
    assert [error.source for error in report.errors] == ["im002"]
    assert case.n_slices == 5
    assert case.spacing_mm[0] == pytest.approx(5.0)
    assert "1 slice is missing" in case.warnings[0]


def test_slices_of_several_sizes_are_refused_in_one_sentence(tmp_path):
    series = generate_uid()
    SeriesFactory(marked((2, 12, 10)), series=series, study="1.2").write(tmp_path / "a")
    SeriesFactory(marked((2, 12, 12)), series=series, study="1.2").write(tmp_path / "b")
    assert read_error(tmp_path) == (
        "Series AX FLAIR: its slices disagree in size (10 x 12 and 12 x 12 pixels), and do not"
        " form a volume. Export the series again."
    )


def test_slices_of_several_directions_are_refused_in_one_sentence(tmp_path):
    series = generate_uid()
    SeriesFactory(marked((2, 12, 12)), series=series, study="1.2").write(tmp_path / "a")
    SeriesFactory(
        marked((2, 12, 12)), series=series, study="1.2", orientation=(1, 0, 0, 0, 0, -1)
    ).write(tmp_path / "b")
    assert "disagree in direction" in read_error(tmp_path)


def test_the_same_file_twice_counts_once(tmp_path):
    folder = SeriesFactory(marked()).write(tmp_path / "s")
    (folder / "copy").write_bytes((folder / "im001").read_bytes())
    assert read_one(folder).n_slices == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"volume": marked((6, 8, 8))}, "is 8 x 8 pixels, {} 10 x 12"),
        ({"orientation": (1, 0, 0, 0, 0, -1)}, "lies in another direction than {}"),
        ({"spacing": (5.0, 2.0, 2.0)}, "has pixels of another size than {}"),
    ],
)
def test_an_odd_slice_is_named_and_the_others_kept(tmp_path, change, words):
    series = SeriesFactory(marked())
    folder = series.write(tmp_path / "s")
    for keyword, value in change.items():
        setattr(series, keyword, value)
    series.dataset(3).save_as(folder / "im003", enforce_file_format=True)
    report = read_cases([folder])
    (error,) = report.errors
    others = "the other 5 slices of series AX FLAIR"
    assert error.message == f"im003 {words.format(others)}; it is left out."
    assert error.source == "im003"
    (case,) = report.cases
    assert case.n_slices == 5
    assert "1 slice is missing" in case.warnings[0]


@pytest.mark.parametrize("name", ["aa", "zz"])
def test_a_broken_copy_is_reported_and_the_good_one_kept(tmp_path, name):
    folder = SeriesFactory(marked()).write(tmp_path / "s")
    (folder / name).write_bytes((folder / "im001").read_bytes()[:-100])
    report = read_cases([folder])
    (case,) = report.cases
    assert [error.source for error in report.errors] == [name]
    assert "cut short" in report.errors[0].message
    assert case.n_slices == 6
    assert case.warnings == ()


def test_different_slices_under_one_uid_are_all_kept(tmp_path):
    volume = np.concatenate([marked(), marked()[:, ::-1]])
    volume[1:5] = 0  # equal pixels, but other places
    tags = {"SOPInstanceUID": "1.2.3"}
    folder = SeriesFactory(np.ascontiguousarray(volume), tags=tags).write(tmp_path / "s")
    assert read_one(folder).n_slices == 12


def test_a_copy_with_another_header_counts_once(tmp_path):
    factory = SeriesFactory(marked())
    folder = factory.write(tmp_path / "s")
    copy = pydicom.dcmread(folder / "im001")
    copy.ImageComments = "sent again"
    copy.save_as(folder / "copy", enforce_file_format=True)
    case = read_one(folder)
    assert case.n_slices == 6
    assert case.warnings == ()


def test_a_series_given_as_two_folders_is_one_case(tmp_path):
    factory = SeriesFactory(marked())
    for k, name in enumerate("ab"):
        folder = factory.write(tmp_path / name)
        for path in sorted(folder.iterdir())[3 * k : 3 * k + 3]:
            path.unlink()
        for number, path in enumerate(sorted(folder.iterdir())):
            path.rename(folder / f"x{number}")
    report = read_cases([tmp_path / "a", tmp_path / "b"])
    assert report.errors == ()
    (case,) = report.cases
    assert brightest(case) == (5, 1, 2)


def test_echoes_of_one_series_are_cases_of_their_own(tmp_path):
    series = generate_uid()
    for echo in (20, 90):
        SeriesFactory(
            marked(value=echo), series=series, study="1.2", tags={"EchoTime": echo}
        ).write(tmp_path / str(echo))
    report = read_cases([tmp_path])
    assert [error.message for error in report.errors] == []
    assert sorted(int(case.pixels.max()) for case in report.cases) == [20, 90]
    assert len({case.case_id for case in report.cases}) == 2


def test_images_at_one_place_are_reported(tmp_path):
    series = generate_uid()
    for copy in "ab":
        SeriesFactory(marked(), series=series, study="1.2").write(tmp_path / copy)
    case = read_one(tmp_path)
    assert case.n_slices == 6
    assert case.warnings == (repeats_note(2),)


def test_uneven_distances_are_reported(tmp_path):
    positions = [(0, 0, z) for z in (0, 5, 10.8, 15, 20)]
    case = read_one(SeriesFactory(marked((5, 8, 8)), positions=positions).write(tmp_path / "s"))
    assert "varies from 4.2 to 5.8 mm" in case.warnings[0]


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(
    ("spacing", "words"),
    [
        ((0, 1), " of 0 mm cannot be right"),
        ((-1, -1), " of -1 mm cannot be right"),
        ((1e-9, 1e-9), " of less than 0.001 mm cannot be right"),
        ((0.01, 0.01), " of 0.01 mm cannot be right"),
        ((1e9, 1e9), " of 1,000 or more mm cannot be right"),
        ((float("nan"), 1), " is not a number"),
    ],
)
def test_an_impossible_pixel_spacing_is_reported_and_left_out(tmp_path, n, spacing, words):
    factory = SeriesFactory(marked((n, 12, 10)))
    factory.write(tmp_path / "s")
    for path in (tmp_path / "s").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PixelSpacing = list(spacing)
        dataset.save_as(path, enforce_file_format=True)
    case = read_one(tmp_path / "s")
    assert case.spacing_mm is None
    assert case.warnings == (f"The file's pixel spacing{words}; areas are in pixels.",)
    assert case.orientation == RADIOLOGICAL_AXIAL
    assert np.isfinite(case.grid.affine).all()


def test_an_impossible_distance_between_slices_is_reported_and_left_out(tmp_path):
    case = read_one(SeriesFactory(marked(), spacing=(1e6, 0.9, 0.8)).write(tmp_path / "s"))
    assert (case.spacing_mm, case.positions_mm, case.grid) == (None, None, None)
    assert case.warnings == (
        "The file's distance between slices of 1,000 or more mm cannot be right; areas are in"
        " pixels.",
    )


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"SeriesDescription": "T2_TIRM_TRA_DARK-FLUID"}, "flair"),
        ({"SeriesDescription": "Ax T2 FLAIR FS"}, "flair"),
        ({"SeriesDescription": "AX T1 FLAIR"}, "t1"),
        ({"SeriesDescription": "AX T1 +C"}, "t1c"),
        ({"SeriesDescription": "SAG T1 C+"}, "t1c"),
        ({"SeriesDescription": "t1_mprage_tra", "ContrastBolusAgent": "Gadovist"}, "t1c"),
        ({"SeriesDescription": "t1_mprage_tra"}, "t1"),
        ({"SeriesDescription": "T2W_TSE"}, "t2"),
        ({"SeriesDescription": "ep2d_diff ADC"}, "other"),
        ({"SeriesDescription": "12", "ProtocolName": "FLAIR"}, "flair"),
        (
            {"SeriesDescription": "", "InversionTime": 2500, "EchoTime": 120,
             "RepetitionTime": 9000},
            "flair",
        ),
        ({"SeriesDescription": "", "EchoTime": 10, "RepetitionTime": 500}, "t1"),
        ({"SeriesDescription": "", "EchoTime": 100, "RepetitionTime": 4000}, "t2"),
        ({"SeriesDescription": "patient"}, "unknown"),
    ],
)  # fmt: skip
def test_sequences_by_tag(tmp_path, tags, expected):
    case = read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s"))
    assert case.sequences == (expected,)
    assert bool(case.warnings) == (expected != "flair")


def test_other_modalities_are_read_with_a_warning(tmp_path):
    case = read_one(SeriesFactory(marked(), tags={"Modality": "CT"}).write(tmp_path / "s"))
    assert case.warnings[0] == modality_warning("CT")


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.11", "a structured report"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "an RT plan"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "a PDF document in DICOM"),
        ("1.2.840.10008.1.3.10", "a DICOMDIR, the index of a disc"),
    ],
)
def test_objects_without_pixels(tmp_path, uid, words):
    dataset = SeriesFactory(marked()).header(uid)
    dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert read_error(tmp_path / "x.dcm") == f"x.dcm is {words}, not an image."


def test_a_dicomdir_in_a_folder_is_passed_over(tmp_path):
    folder = SeriesFactory(marked()).write(tmp_path / "s")
    dataset = SeriesFactory(marked()).header("1.2.840.10008.1.3.10")
    dataset.save_as(folder / "DICOMDIR", enforce_file_format=True)
    assert read_one(folder).n_slices == 6


def test_colour_pictures_are_refused(tmp_path):
    dataset = SeriesFactory(np.zeros((1, 8, 8), np.uint8)).dataset(0)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    dataset.PixelData = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8).tobytes()
    dataset.save_as(tmp_path / "x", enforce_file_format=True)
    assert "is a colour picture" in read_error(tmp_path / "x")


def test_absurd_dimensions_are_refused(tmp_path):
    tags = {"Rows": 60000, "Columns": 60000}
    SeriesFactory(marked((1, 8, 8)), tags=tags).write(tmp_path)
    assert "at most 8,192 on a side" in read_error(tmp_path / "im000")


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # as real files have them
@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (
            {"IssuerOfPatientID": "St. Mary", "PatientSex": "f", "PatientBirthDate": "18151210"},
            PatientIdentity("P1", "St. Mary", "Doe^Jane", "F", "1815-12-10"),
        ),
        ({"PatientSex": "X", "PatientBirthDate": "1815"}, PatientIdentity("P1", name="Doe^Jane")),
        ({"PatientID": "", "PatientName": ""}, PatientIdentity()),
    ],
)
def test_who_the_patient_is(tmp_path, tags, expected):
    assert read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s")).patient == expected


def test_an_id_that_differs_within_a_series_is_not_known(tmp_path):
    folder = SeriesFactory(marked()).write(tmp_path / "s")
    first = sorted(folder.iterdir())[0]
    header = pydicom.dcmread(first)
    header.PatientID = "P2"
    header.save_as(first)
    assert read_one(folder).patient.patient_id == ""
