from __future__ import annotations

import numpy as np
import pytest

from pipeline.data.case import RADIOLOGICAL_AXIAL, Orientation
from pipeline.data.geometry import ORIENTATIONS, Plane
from pipeline.surfaces.mask_surface import build_mask_surface
from pipeline.surfaces.mesh import mesh_volume
from pipeline.surfaces.patient_axes import COLUMN, ROW, SLICE, DrawnAxis, patient_axes, turn_mesh

AXES = [
    (Plane.AXIAL, [(COLUMN, False), (ROW, False), (SLICE, False)]),
    (Plane.CORONAL, [(COLUMN, False), (SLICE, True), (ROW, True)]),
    (Plane.SAGITTAL, [(SLICE, False), (COLUMN, False), (ROW, True)]),
]


@pytest.mark.parametrize(("plane", "expected"), AXES)
def test_drawn_axes_lead_left_posterior_superior(
    plane: Plane, expected: list[tuple[int, bool]]
) -> None:
    axes = patient_axes(ORIENTATIONS[plane])
    assert [(axis.case_axis, axis.reversed) for axis in axes.all()] == expected
    assert [axis.letters for axis in axes.all()] == [("R", "L"), ("A", "P"), ("I", "S")]


@pytest.mark.parametrize("orientation", [None, Orientation("R", "L", "L", "R")])
def test_without_an_orientation_no_letters_are_reported(orientation: Orientation | None) -> None:
    axes = patient_axes(orientation)
    assert axes.z == DrawnAxis(SLICE, False, ("", ""))
    assert axes.x.letters == ("", "")


@pytest.mark.parametrize("plane", list(Plane))
def test_one_corner_of_the_patient_is_drawn_at_one_place_whatever_was_acquired(
    plane: Plane,
) -> None:
    """A box at the right, anterior, superior corner of a volume of 20 x 30 x 40 mm (x, y, z)."""
    case_size = {"R": 20, "A": 30, "S": 40}
    shape, corner = [], []
    for ras, growing in plane.value:
        letter, length = "RAS"[ras], case_size["RAS"[ras]]
        shape.append(length)
        corner.append(slice(length - 8, length) if growing > 0 else slice(0, 8))
        assert letter in case_size
    mask = np.zeros(shape, bool)
    mask[tuple(corner)] = True
    mesh = build_mask_surface(mask, (1.0, 1.0, 1.0))
    assert mesh is not None
    size = (float(shape[0]), float(shape[1]), float(shape[2]))
    turned = turn_mesh(mesh, patient_axes(ORIENTATIONS[plane]), size)
    assert turned.vertices.mean(axis=0) == pytest.approx([4, 4, 36], abs=0.2)
    assert mesh_volume(turned) == pytest.approx(512, rel=0.02)  # seen from outside, not mirrored


def test_radiological_axial_is_drawn_as_it_lies() -> None:
    mesh = build_mask_surface(np.ones((3, 4, 5), bool), (4.0, 1.0, 1.0))
    assert mesh is not None
    turned = turn_mesh(mesh, patient_axes(RADIOLOGICAL_AXIAL), (12.0, 4.0, 5.0))
    assert np.array_equal(turned.vertices, mesh.vertices)
