"""RT structure sets become references: contours in the patient's space on the image's pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.draw
from factories import AXIAL, SeriesFactory, write_nifti
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from readings import read_one

from pipeline.data.reading.attaching import read_reference
from pipeline.data.reading.contours import Contours, Ring, fill_polygon, place_contours
from pipeline.data.reading.dicom import DICOM
from pipeline.data.reading.dicom_structures import (
    STRUCTURE_SET_CLASS,
    Region,
    choose_regions,
    open_note,
)
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.reading import read_cases
from pipeline.errors import InputError, PassedOver

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = (0.8, 0.6, 0.0, -0.36, 0.48, -0.8)
SHAPE = (12, 40, 36)
#: Slice, row and column of the middle of a ball, and its radius in mm.
MIDDLE, RADIUS = (6.0, 20.0, 17.0), 11.0


def series(**changes: Any) -> SeriesFactory:
    volume = np.random.default_rng(1).integers(100, 900, SHAPE).astype(np.uint16)
    return SeriesFactory(volume, study="1.2", spacing=(2.0, 0.9, 0.8), **changes)


def circle(radius: float, n: int = 200) -> NDArray[np.float64]:
    """Row and column offsets in mm."""
    turns = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return radius * np.stack([np.sin(turns), np.cos(turns)])


def in_patient(
    factory: SeriesFactory, k: float, rows: NDArray[Any], columns: NDArray[Any]
) -> NDArray[np.float64]:
    """Pixels of a slice in LPS millimetres, by the standard's equation."""
    along, down = np.array(factory.orientation, float).reshape(2, 3)
    whole = int(np.floor(k))
    first = np.array(factory.place(whole)) + (k - whole) * (
        np.array(factory.place(whole + 1)) - factory.place(whole)
    )
    between_rows, between_columns = factory.spacing[1:]
    return np.asarray(
        first + np.outer(rows, down) * between_rows + np.outer(columns, along) * between_columns
    )


def ball(factory: SeriesFactory) -> list[NDArray[np.float64]]:
    """Contours of a ball on each slice that it meets."""
    found = []
    for k in range(len(factory.volume)):
        left = RADIUS**2 - ((k - MIDDLE[0]) * factory.spacing[0]) ** 2
        if left > 0:
            down, right = circle(np.sqrt(left))
            rows, columns = (
                MIDDLE[1] + down / factory.spacing[1],
                MIDDLE[2] + right / factory.spacing[2],
            )
            found.append(in_patient(factory, k, rows, columns))
    return found


def square(
    factory: SeriesFactory, k: float, top: float, left: float, side: float
) -> NDArray[np.float64]:
    """A square around pixels: its edges run between them."""
    rows = np.array([top, top, top + side, top + side]) - 0.5
    columns = np.array([left, left + side, left + side, left]) - 0.5
    return in_patient(factory, k, rows, columns)


def structures(
    factory: SeriesFactory,
    regions: dict[str, list[Any]],
    *,
    frame_of_reference: str | None = None,
    kinds: dict[str, str] | None = None,
) -> FileDataset:
    """A structure set: of each region its contours, as points or as (type, points)."""
    made = factory.header(STRUCTURE_SET_CLASS)
    for keyword in ("Rows", "Columns", "FrameOfReferenceUID", "SamplesPerPixel"):
        delattr(made, keyword)
    made.Modality, made.SeriesInstanceUID = "RTSTRUCT", "1.2.9"
    listed, seen, drawn = [], [], []
    for number, (name, contours) in enumerate(regions.items(), start=1):
        one, kind, region = Dataset(), Dataset(), Dataset()
        one.ROINumber, one.ROIName = number, name
        one.ReferencedFrameOfReferenceUID = frame_of_reference or factory.frame_of_reference
        kind.ReferencedROINumber = number
        kind.RTROIInterpretedType = (kinds or {}).get(name, "")
        region.ReferencedROINumber = number
        items = []
        for contour in contours:
            shape, points = contour if isinstance(contour, tuple) else ("CLOSED_PLANAR", contour)
            item = Dataset()
            item.ContourGeometricType, item.NumberOfContourPoints = shape, len(points)
            item.ContourData = [f"{x:.4f}" for x in np.ravel(points)]
            items.append(item)
        region.ContourSequence = Sequence(items)
        listed.append(one)
        seen.append(kind)
        drawn.append(region)
    made.StructureSetROISequence = Sequence(listed)
    made.RTROIObservationsSequence = Sequence(seen)
    made.ROIContourSequence = Sequence(drawn)
    return made


def save(made: FileDataset, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, OBLIQUE], ids=str)
def test_a_ball_has_its_volume_at_its_place(tmp_path: Path, orientation: Any) -> None:
    factory = series(orientation=orientation)
    folder = factory.write(tmp_path / "a")
    save(structures(factory, {"GTV": ball(factory)}), folder / "rs.dcm")
    case = read_one(folder)
    assert case.masks is not None
    voxel = float(np.prod(factory.spacing))
    assert case.masks.sum() * voxel == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02)
    stored = np.zeros(SHAPE, bool)  # in the order of the files, by another rasteriser
    for k in range(SHAPE[0]):
        left = RADIUS**2 - ((k - MIDDLE[0]) * factory.spacing[0]) ** 2
        if left > 0:
            down, right = circle(np.sqrt(left)) / np.array(factory.spacing[1:])[:, None]
            corners = np.stack([MIDDLE[1] + down, MIDDLE[2] + right], axis=1)
            stored[k] = skimage.draw.polygon2mask(SHAPE[1:], corners)
    values = np.where(stored, factory.volume, 0)
    outlined = np.where(case.masks, case.pixels[..., 0], 0)
    assert sorted(outlined[outlined > 0].tolist()) == sorted(values[values > 0].tolist())


def test_a_ball_on_a_tilted_stack_and_on_frames_of_one_file(tmp_path: Path) -> None:
    places = [(0.0, 0.3 * k, 2.0 * k) for k in range(SHAPE[0])]
    tilted = series(positions=places)
    folder = tilted.write(tmp_path / "a")
    contours = [square(tilted, k, 10, 12, 6) for k in (4, 5, 6)]
    save(structures(tilted, {"tumor": contours}), folder / "rs.dcm")
    (at,) = {tuple(np.argwhere(one).min(axis=0)) for one in read_one(folder).masks[4:7]}
    assert at == (10, 12)
    one = series()
    save(one.multi_frame(), tmp_path / "b" / "one.dcm")
    made = structures(one, {"tumor": [square(one, 3, 10, 12, 6)]})
    save(made, tmp_path / "b" / "rs.dcm")
    found = read_one(tmp_path / "b").masks
    assert found[3, 10:16, 12:18].all() and found.sum() == 36


def attach(tmp_path: Path, regions: dict[str, list[Any]], **changes: Any) -> Any:
    """Contours on an axial series, attached as its reference."""
    factory = series()
    case = read_one(factory.write(tmp_path / "a"))
    path = save(structures(factory, regions, **changes), tmp_path / "rs.dcm")
    return read_reference(case, [path])


def test_holes_islands_keyholes_and_exclusive_or(tmp_path: Path) -> None:
    factory = series()
    outer, hole, island = (square(factory, 5, 5 + k, 5 + k, 20 - 2 * k) for k in (0, 5, 8))
    overlapping = square(factory, 5, 20, 20, 10)
    keyhole = np.concatenate([outer, outer[:1], hole[:1], hole[::-1], outer[:1]])
    expected = 20 * 20 - 10 * 10
    assert attach(tmp_path / "1", {"GTV": [hole, outer]}).masks.sum() == expected
    assert attach(tmp_path / "2", {"GTV": [outer, hole, island]}).masks.sum() == expected + 16
    assert attach(tmp_path / "3", {"GTV": [keyhole]}).masks.sum() == expected
    assert attach(tmp_path / "4", {"GTV": [outer, outer]}).masks.sum() == 400, "drawn twice"
    assert attach(tmp_path / "5", {"GTV": [outer, overlapping]}).masks.sum() == 400 + 100 - 25
    xor = [("CLOSEDPLANAR_XOR", one) for one in (outer, overlapping)]
    assert attach(tmp_path / "6", {"GTV": xor}).masks.sum() == 400 + 100 - 50
    apart = {"GTV 1": [outer], "GTV 2": [hole]}
    assert attach(tmp_path / "7", apart).masks.sum() == 400, "regions are united"


def test_contours_that_are_on_no_slice_are_counted(tmp_path: Path) -> None:
    factory = series()
    fine = square(factory, 5, 5, 5, 8)
    between = square(factory, 4.5, 5, 5, 8)
    outside = fine + np.array([500, 0, 0])
    tilted = fine + np.outer([0, 0, 1, 1], [0, 0, 4])
    cut = square(factory, 6, 35, 30, 20)
    point = ("POINT", fine[:1])
    opened = ("OPEN_PLANAR", fine)
    contours = [fine, between, outside, tilted, cut, point, opened]
    found = attach(tmp_path, {"tumor": contours})
    assert found.masks.sum() == 64 + 5 * 6
    assert len(found.warnings) == 5, found.warnings
    assert open_note("rs.dcm", 2) in found.warnings


@pytest.mark.parametrize("kind", ["between", "outside", "tilted", "every", "frame", "tiny"])
def test_contours_of_another_series_get_a_sentence(tmp_path: Path, kind: str) -> None:
    factory = series()
    fine = square(factory, 5, 5, 5, 8)
    contours = {
        "between": [square(factory, 4.5, 5, 5, 8)],
        "outside": [fine + np.array([0, 0, 400])],
        "tilted": [fine + np.outer([0, 0, 1, 1], [0, 0, 4])],
        "every": [square(factory, k, 5, 5, 8) for k in (2, 4, 6, 8)],
        "frame": [fine],
        "tiny": [square(factory, 5, 5.7, 5.7, 0.4)],
    }[kind]
    with pytest.raises(InputError) as caught:
        attach(tmp_path, {"tumor": contours}, frame_of_reference="9.9" if kind == "frame" else None)
    assert caught.value.source == "rs.dcm"
    assert "damaged" not in caught.value.message


def test_the_tumors_regions_are_chosen_and_organs_passed_over(tmp_path: Path) -> None:
    factory = series()
    large, small = square(factory, 5, 2, 2, 30), square(factory, 5, 5, 5, 8)
    regions = {"Brainstem": [large], "CTV": [large], "GTV_1": [small], "PTV60": [large]}
    found = attach(tmp_path / "1", regions)
    assert found.masks.sum() == 64
    assert any("GTV_1" in one and "CTV" in one for one in found.warnings)
    with pytest.raises(PassedOver):
        attach(tmp_path / "2", {"Brain": [large], "x": [large]}, kinds={"x": "EXTERNAL"})
    assert attach(tmp_path / "3", {"A": [small]}, kinds={"A": "ORGAN"}).masks.sum() == 64
    file = InputFile(Path("/x/rs.dcm"), "rs.dcm", "", "", DICOM)
    made = [Region(1, "PTV1", "", frozenset(), ""), Region(2, "b", "GTV", frozenset(), "")]
    assert choose_regions(file, made)[0] == (made[1],)


def test_damaged_and_huge_contours_get_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory = series()
    fine = square(factory, 5, 5, 5, 8)
    far = fine.copy()
    far[0, 0] = 1e9
    for number, points in enumerate((far, np.ravel(fine)[:-1])):
        with pytest.raises(InputError, match="damaged"):
            attach(tmp_path / str(number), {"tumor": [("CLOSED_PLANAR", points)]})
    made = structures(factory, {"tumor": [fine]})
    path = save(made, tmp_path / "rs.dcm")
    case = read_one(factory.write(tmp_path / "a"))
    whole = path.read_bytes()
    for end in (len(whole) - 7, len(whole) // 2):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError):
            read_reference(case, [path])
    path.write_bytes(whole.replace(b"\x08\0\x16\0UI", b"\x08\0\x16\0Uf"))
    with pytest.raises(InputError):
        read_reference(case, [path])
    path.write_bytes(whole)
    monkeypatch.setattr("pipeline.data.reading.dicom_structures.MAX_CONTOUR_POINTS", 3)
    with pytest.raises(InputError, match="points"):
        read_reference(case, [path])


def test_contours_that_would_take_minutes_are_refused(tmp_path: Path) -> None:
    factory = series()
    case = read_one(factory.write(tmp_path / "a"))
    rows, columns = np.tile([0.0, 39.0], 300_000), np.linspace(0, 35, 600_000)
    ring = Ring(in_patient(factory, 5, rows, columns), 1)
    with pytest.raises(InputError, match="intricate"):
        place_contours(Contours("rs.dcm", (ring,), ""), case)


def test_a_structure_set_is_no_image_and_needs_one(tmp_path: Path) -> None:
    factory = series()
    save(structures(factory, {"tumor": ball(factory)}), tmp_path / "rs.dcm")
    report = read_cases([tmp_path])
    assert report.cases == ()
    assert len(report.errors) == 1
    volume = write_nifti(tmp_path / "b" / "v.nii.gz", np.ones((9, 9, 5), np.int16), stated=False)
    with pytest.raises(InputError, match="millimetres"):
        read_reference(read_one(volume), [tmp_path / "rs.dcm"])


@given(
    st.lists(st.tuples(st.floats(-8, 30), st.floats(-8, 30)), min_size=3, max_size=12),
)
def test_polygons_are_filled_as_scikit_image_fills_them(
    corners: list[tuple[float, float]],
) -> None:
    """Any polygon, also one that crosses itself or leaves the image; corners lie off centres."""
    points = np.round(np.array(corners) * 4) / 4 + [0.1237, 0.0719]
    (row, column), patch = fill_polygon(points[:, 0], points[:, 1], (20, 24))
    found = np.zeros((20, 24), bool)
    found[row : row + patch.shape[0], column : column + patch.shape[1]] = patch
    shifted = skimage.draw.polygon2mask((60, 60), points + 20)[20:40, 20:44]
    np.testing.assert_array_equal(found, shifted)
