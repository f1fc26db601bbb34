"""Where the slices of a series lie, and the written masks of what was marked on them."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK
from factories import AXIAL, SeriesFactory
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from readings import read_one

from pipeline.data.case import Case, volume_ml
from pipeline.data.geometry import shear_warnings
from pipeline.data.mask_export import encode_nifti_mask
from pipeline.data.reading.dicom_files import read_pixel_spacing
from pipeline.data.reading.dicom_stack import NO_PIXEL_SPACING, NOT_STRAIGHT
from pipeline.data.reading.reading import read_cases

ROWS, COLUMNS = 6, 7
MARK = 1000


def marked_slices(n: int) -> NDArray[np.uint16]:
    """Slices ``(n, rows, columns)``, each with one bright pixel at a place of its own."""
    volume = np.arange(n * ROWS * COLUMNS, dtype=np.uint16).reshape(n, ROWS, COLUMNS) % 200
    for k in range(n):
        volume[k, (3 * k + 1) % ROWS, (2 * k + 3) % COLUMNS] = MARK + k
    return volume


def places_of(factory: SeriesFactory, slices: Sequence[int]) -> NDArray[np.float64]:
    """Where the bright pixels of some slices lie, RAS+ millimetres."""
    row, column = np.array(factory.orientation, float).reshape(2, 3)
    points = []
    for k in slices:
        y, x = np.argwhere(factory.volume[k] >= MARK)[0]
        position = np.array(factory.place(k))
        points.append(position + row * x * factory.spacing[2] + column * y * factory.spacing[1])
    return np.array(points) * (-1, -1, 1)


def written_places(case: Case) -> dict[str, NDArray[np.float64]]:
    """Where each reader that opens the mask of the bright pixels puts its voxels."""
    content = gzip.decompress(encode_nifti_mask(case.pixels[..., 0] >= MARK, case.grid))
    image = nib.Nifti1Image.from_bytes(content)
    voxels = np.argwhere(np.asarray(image.dataobj))
    places = {"nibabel": voxels @ image.affine[:3, :3].T + image.affine[:3, 3]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.nii"
        path.write_bytes(content)
        try:
            opened = SimpleITK.ReadImage(str(path))
        except RuntimeError:  # no other form than a sheared sform
            return places
    found = [
        opened.TransformContinuousIndexToPhysicalPoint([float(x) for x in voxel])
        for voxel in voxels
    ]
    return places | {"SimpleITK": np.array(found) * (-1, -1, 1)}


def assert_same_places(
    found: NDArray[np.float64], wanted: NDArray[np.float64], atol: float
) -> None:
    assert len(found) == len(wanted)
    apart = np.linalg.norm(found[:, None] - wanted[None], axis=2)
    assert apart.min(axis=0).max() <= atol
    assert apart.min(axis=1).max() <= atol


@st.composite
def directions(draw: st.DrawFn) -> tuple[float, ...]:
    """Direction cosines in any plane, written to six digits."""
    base = draw(st.permutations(np.eye(3).tolist()))
    signs = draw(st.tuples(*[st.sampled_from((-1.0, 1.0))] * 2))
    turn = np.eye(3)
    for axis in range(3):
        angle = np.radians(draw(st.floats(-35, 35, allow_subnormal=False)))
        one = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turn = turn @ one
    row, column = turn @ np.array(base[0]) * signs[0], turn @ np.array(base[1]) * signs[1]
    return tuple(round(float(x), 6) for x in (*row, *column))


@st.composite
def series(draw: st.DrawFn) -> tuple[SeriesFactory, list[int]]:
    """A series in any plane, upright or leaning, and the slices of it that are there."""
    n = draw(st.integers(5, 12))
    size = st.floats(0.3, 6, allow_subnormal=False)
    step = draw(st.floats(0.6, 8, allow_subnormal=False)) * draw(st.sampled_from((-1, 1)))
    orientation = draw(directions())
    row, column = np.array(orientation).reshape(2, 3)
    lean = [draw(st.one_of(st.just(0.0), st.floats(-0.5, 0.5))) for _ in range(2)]
    along = (np.cross(row, column) + lean[0] * row + lean[1] * column) * step
    origin = np.array([draw(st.floats(-200, 200, allow_subnormal=False)) for _ in range(3)])
    there = sorted(draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=2)))
    missing = draw(st.booleans())
    kept = [k for k in range(n) if not missing or k not in there[:1] or k in (0, n - 1)]
    factory = SeriesFactory(
        marked_slices(n),
        orientation=orientation,
        spacing=(abs(step), round(draw(size), 5), round(draw(size), 5)),
        positions=[[round(float(x), 5) for x in origin + k * along] for k in range(n)],
    )
    return factory, kept


@given(series(), st.randoms(use_true_random=False))
def test_each_mask_voxel_lies_on_its_source_pixel(given_series, random) -> None:
    factory, kept = given_series
    order = kept[:]
    random.shuffle(order)
    with tempfile.TemporaryDirectory() as folder:
        case = read_one(factory.write(Path(folder), order=order))
    assert case.n_slices == len(kept)
    for reader, places in written_places(case).items():
        # A lean of less than a twentieth of a voxel over the stack is left out of the qform.
        small = 0.1 * min(factory.spacing) if reader == "SimpleITK" else 0.0
        assert_same_places(places, places_of(factory, kept), atol=0.02 + small)
    voxel = abs(factory.spacing[0]) * factory.spacing[1] * factory.spacing[2] / 1000
    assert volume_ml([1], case.spacing_mm) == pytest.approx(voxel, rel=1e-3)


def write_with(folder: Path, factory: SeriesFactory, **changes: dict[int, object]) -> Path:
    """Write a series, some elements of some slices changed: ``{slice: value}``."""
    factory.write(folder)
    for keyword, values in changes.items():
        for k, value in values.items():
            path = folder / f"im{k:03d}"
            dataset = pydicom.dcmread(path)
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
            dataset.save_as(path)
    return folder


@pytest.mark.parametrize("odd", [0, 1, 5, 10, 11])
@pytest.mark.parametrize(
    "position", [None, [0.0, 0.0, 71.5], [0.0, 0.0, 70.0], [-10.0, -20.0, 900.0]]
)
def test_one_slice_with_a_bad_position_changes_no_other(tmp_path, odd, position) -> None:
    factory = SeriesFactory(marked_slices(12))
    write_with(tmp_path, factory, ImagePositionPatient={odd: position})
    case = read_one(tmp_path)
    others = [k for k in range(12) if k != odd]
    at_an_end = odd in (0, 11) and position is not None
    assert case.spacing_mm == pytest.approx((5.0, 0.9, 0.8))
    assert case.n_slices == (11 if at_an_end else 12)
    assert f"im{odd:03d}" in " ".join(case.warnings)
    kept = others if at_an_end else list(range(12))
    for places in written_places(case).values():
        assert_same_places(places, places_of(factory, kept), atol=1e-3)
    assert list(case.sources) == [f"im{k:03d}" for k in kept]


def test_a_bad_position_without_numbers_is_left_out_by_name(tmp_path) -> None:
    factory = SeriesFactory(marked_slices(12))
    write_with(
        tmp_path,
        factory,
        ImagePositionPatient={4: [0.0, 0.0, 71.5]},
        InstanceNumber=dict.fromkeys(range(12), None),
    )
    case = read_one(tmp_path)
    assert case.n_slices == 11
    assert "im004" in " ".join(case.warnings)
    for places in written_places(case).values():
        wanted = places_of(factory, [k for k in range(12) if k != 4])
        assert_same_places(places, wanted, atol=1e-3)


@pytest.mark.parametrize("missing", [[1], [5], [10], [5, 6], [3, 8]])
@pytest.mark.parametrize("are_numbered_anew", [True, False])
def test_missing_slices_leave_empty_ones_in_the_mask(tmp_path, missing, are_numbered_anew) -> None:
    factory = SeriesFactory(marked_slices(12))
    kept = [k for k in range(12) if k not in missing]
    factory.write(tmp_path, order=kept)
    if are_numbered_anew:
        for number, path in enumerate(sorted(tmp_path.iterdir()), start=1):
            dataset = pydicom.dcmread(path)
            dataset.InstanceNumber = number
            dataset.save_as(path)
    case = read_one(tmp_path)
    assert case.n_slices == len(kept)
    assert case.grid.slots == tuple(map(float, kept))
    assert len(case.warnings) == 1
    for places in written_places(case).values():
        assert_same_places(places, places_of(factory, kept), atol=1e-3)
    assert np.diff(case.positions_mm) == pytest.approx(5.0 * np.diff(kept))


@pytest.mark.parametrize("odd", [(0, 1), (3, 4), (2, 8), (10, 11), (0, 11)])
@pytest.mark.parametrize("position", [None, [0.0, 0.0, 0.0]])
def test_two_slices_without_position_are_put_where_their_numbers_say(
    tmp_path, odd, position
) -> None:
    factory = SeriesFactory(marked_slices(12))
    write_with(tmp_path, factory, ImagePositionPatient=dict.fromkeys(odd, position))
    case = read_one(tmp_path)
    assert list(case.sources) == [f"im{k:03d}" for k in range(12)]
    for places in written_places(case).values():
        assert_same_places(places, places_of(factory, range(12)), atol=1e-3)


@pytest.mark.parametrize("position", [None, [0.0, 0.0, 0.0]])
def test_a_series_without_positions_loses_no_slice(tmp_path, position) -> None:
    factory = SeriesFactory(marked_slices(12))
    write_with(tmp_path, factory, ImagePositionPatient=dict.fromkeys(range(12), position))
    case = read_one(tmp_path)
    assert case.n_slices == 12
    assert case.grid is None


@pytest.mark.parametrize("jitter", [(0.05, 0, 0), (0, 0.04, 0.03), (0, 0, 0.1)])
def test_rounded_positions_are_even(tmp_path, jitter) -> None:
    positions = np.array(lines(12)) + np.arange(12)[:, None] % 2 * np.array(jitter)
    case = read_one(SeriesFactory(marked_slices(12), positions=positions).write(tmp_path))
    assert case.warnings == ()
    assert case.grid.slots is None
    assert case.spacing_mm == pytest.approx((5.0, 0.9, 0.8), abs=0.01)


def test_what_lies_between_slabs_is_not_counted(tmp_path) -> None:
    factory = SeriesFactory(marked_slices(12), positions=lines(12, shift=(0, 0, 42)))
    case = read_one(factory.write(tmp_path))
    assert case.grid is not None
    assert not case.grid.is_regular
    whole = volume_ml([1] * 12, case.spacing_mm, case.slice_weights)
    assert whole == pytest.approx(12 * 5 * 0.9 * 0.8 / 1000)


def lines(n: int, *, shift: Sequence[float] = (0, 0, 0), start: int = 6) -> list[list[float]]:
    """Positions 5 mm apart, from ``start`` on shifted."""
    return [
        [float(x) for x in np.array([-10, -20, 30 + 5 * k]) + np.array(shift) * (k >= start)]
        for k in range(n)
    ]


def test_slabs_lie_where_they_are(tmp_path) -> None:
    factory = SeriesFactory(marked_slices(12), positions=lines(12, shift=(0, 0, 40)))
    case = read_one(factory.write(tmp_path))
    for places in written_places(case).values():
        assert_same_places(places, places_of(factory, range(12)), atol=1e-3)


@pytest.mark.parametrize("shift", [(12.0, 0, 0), (0, -3.0, 0), (0, 4.0, 9.0)])
def test_half_of_a_stack_shifted_in_plane_is_reported_and_states_no_place(tmp_path, shift) -> None:
    factory = SeriesFactory(marked_slices(12), positions=lines(12, shift=shift))
    case = read_one(factory.write(tmp_path))
    assert case.n_slices == 12
    assert NOT_STRAIGHT in case.warnings
    assert case.grid is None


@pytest.mark.parametrize(
    "steps",
    [[4] * 6 + [8] * 5, [5, 5, 5, 7, 5, 5, 6, 5, 5, 5, 5], [3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3]],
)
def test_uneven_distances_are_reported_and_state_no_place(tmp_path, steps) -> None:
    heights = np.concatenate([[0], np.cumsum(steps)])
    factory = SeriesFactory(
        marked_slices(12), positions=[[-10.0, -20.0, float(z)] for z in heights]
    )
    case = read_one(factory.write(tmp_path))
    assert case.grid is not None
    assert not case.grid.is_regular
    assert np.diff(case.positions_mm) == pytest.approx(steps)
    before, after = [steps[0], *steps], [*steps, steps[-1]]
    for k in range(12):  # one pixel of each slice, to half the way to its neighbours
        pixel = (np.arange(12) == k).astype(int)
        wanted = (before[k] + after[k]) / 2 * 0.9 * 0.8 / 1000
        found = volume_ml(pixel, case.spacing_mm, case.slice_weights)
        assert found == pytest.approx(wanted, rel=1e-4)
    assert len(case.warnings) == 1
    mask = nib.Nifti1Image.from_bytes(
        gzip.decompress(encode_nifti_mask(case.pixels[..., 0] >= MARK, case.grid))
    )
    assert (int(mask.header["qform_code"]), int(mask.header["sform_code"])) == (0, 0)


@pytest.mark.parametrize("tilt", [0.0, 0.2, 15.0, -28.0])
def test_a_leaning_stack_is_reported(tmp_path, tilt) -> None:
    lean = np.tan(np.radians(tilt))
    positions = [[-10.0, round(-20 + 5 * k * lean, 4), 30.0 + 5 * k] for k in range(12)]
    factory = SeriesFactory(marked_slices(12), positions=positions)
    case = read_one(factory.write(tmp_path))
    assert case.spacing_mm == pytest.approx((5.0, 0.9, 0.8))
    assert case.warnings == shear_warnings(case.grid)
    assert bool(case.warnings) == (abs(tilt) >= 0.5)
    for places in written_places(case).values():
        assert_same_places(places, places_of(factory, range(12)), atol=0.02)


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        (["2,5", "2,5"], (2.5, 2.5)),
        (["0,9", "0,8"], (0.9, 0.8)),
        (2.5, (2.5, 2.5)),
        ("2.5", (2.5, 2.5)),
        ("0.9,0.8", (0.9, 0.8)),
        ("0.9 x 0.8 mm", (0.9, 0.8)),
        ("[0.9, 0.8]", (0.9, 0.8)),
        ("0,9;0,8", (0.9, 0.8)),
        (["0.9", ""], (0.9, 0.9)),
        (["0.9 ", "0.8\0"], (0.9, 0.8)),
        ([0.9, 0.8, 5.0], (0.9, 0.8)),
        ("square", None),
        (["", ""], None),
        ("", None),
        (None, None),
    ],
)
def test_pixel_spacings_as_programs_write_them(stated, read) -> None:
    assert read_pixel_spacing(stated) == read
    assert read_pixel_spacing(None, stated) == read
    assert read_pixel_spacing((0.5, 0.25), stated) == (0.5, 0.25)


def test_a_series_without_pixel_spacing_states_no_place(tmp_path) -> None:
    factory = SeriesFactory(marked_slices(6), tags={"PixelSpacing": None})
    case = read_one(factory.write(tmp_path))
    assert case.warnings == (NO_PIXEL_SPACING,)
    assert case.spacing_mm is None
    assert not case.grid.is_regular


def test_a_nominal_pixel_spacing_stands_in(tmp_path) -> None:
    tags = {"PixelSpacing": None, "NominalScannedPixelSpacing": [0.9, 0.8]}
    factory = SeriesFactory(marked_slices(6), tags=tags)
    case = read_one(factory.write(tmp_path))
    assert case.spacing_mm == pytest.approx((5.0, 0.9, 0.8))


def test_frames_of_one_file_are_checked_alike(tmp_path) -> None:
    positions = lines(10)
    positions[3] = [0.0, 0.0, 0.0]
    factory = SeriesFactory(marked_slices(10), positions=positions, orientation=AXIAL)
    factory.multi_frame().save_as(tmp_path / "m.dcm", enforce_file_format=True)
    report = read_cases([tmp_path])
    (case,) = report.cases
    assert case.n_slices == 10
    factory.positions = lines(10)
    for places in written_places(case).values():
        assert_same_places(places, places_of(factory, range(10)), atol=1e-3)
