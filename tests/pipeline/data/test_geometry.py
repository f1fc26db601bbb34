from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data.case import InputGrid
from pipeline.data.geometry import (
    Plane,
    case_affine,
    is_usable,
    lay_out,
    plane_of,
    positions_of,
    same_grid,
    slice_normal,
    spacing_of,
    to_case_volume,
)

SHAPES = st.tuples(*[st.integers(1, 5)] * 3)
AXES = st.permutations((0, 1, 2)).map(tuple)
FLIPS = st.sets(st.integers(0, 2)).map(lambda flips: tuple(sorted(flips)))


@settings(deadline=None)
@given(SHAPES, AXES, FLIPS)
def test_restore_inverts_the_layout(shape, axes, flips):
    grid = InputGrid(shape, np.eye(4), axes, flips)
    array = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(grid.restore(to_case_volume(array, grid)), array)


@settings(deadline=None)
@given(SHAPES, AXES, FLIPS)
def test_every_voxel_keeps_its_place_in_the_patient(shape, axes, flips):
    affine = np.array([[0, 2.0, 0, 5], [1.0, 0, 0, -3], [0, 0, 4.0, 1], [0, 0, 0, 1]])
    grid = InputGrid(shape, affine, axes, flips)
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    world = places @ affine[:3, :3].T + affine[:3, 3]
    case = to_case_volume(world, grid)
    for index in np.ndindex(case.shape[:3]):
        np.testing.assert_allclose(case_affine(grid) @ [*index, 1], [*case[index], 1])


def signed_permutations():
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        affine = np.zeros((4, 4))
        affine[3, 3] = 1
        for axis, (ras, sign) in enumerate(zip(order, signs, strict=True)):
            affine[ras, axis] = sign * (axis + 1)
        yield affine


@pytest.mark.parametrize("plane", list(Plane))
def test_all_48_orientations_meet(plane):
    for affine in signed_permutations():
        grid = lay_out(affine, (4, 5, 6), plane)
        found = case_affine(grid)
        for case_axis, (ras, sign) in enumerate(plane.value):
            assert found[ras, case_axis] * sign > 0
        z, y, x = spacing_of(grid)
        assert (z, y, x) == tuple(float(axis + 1) for axis in grid.axes)
        positions = positions_of(grid)
        assert np.allclose(np.diff(positions), z)


def test_plane_is_the_one_that_the_slices_lie_in():
    assert plane_of(np.eye(4), 2) is Plane.AXIAL
    assert plane_of(np.eye(4), 1) is Plane.CORONAL
    assert plane_of(np.eye(4), 0) is Plane.SAGITTAL


def test_a_leaning_stack_has_the_distance_along_its_normal():
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    affine[1, 2] = 3.0
    grid = lay_out(affine, (3, 3, 3), Plane.AXIAL)
    assert spacing_of(grid) == (4.0, 1.0, 1.0)
    np.testing.assert_allclose(slice_normal(case_affine(grid)), [0, 0, 1], atol=1e-12)


def test_grids_are_the_same_whatever_their_order_on_disk():
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    turned = np.diag([-1.0, 1.0, 4.0, 1.0])
    turned[0, 3] = 5.0
    one, other = (lay_out(a, (6, 5, 4), Plane.AXIAL) for a in (affine, turned))
    assert same_grid(one, other)
    moved = affine.copy()
    moved[1, 3] += 0.5
    assert not same_grid(one, lay_out(moved, (6, 5, 4), Plane.AXIAL))
    assert not same_grid(one, lay_out(affine, (6, 5, 3), Plane.AXIAL))


@pytest.mark.parametrize(
    ("affine", "usable"),
    [
        (np.eye(4), True),
        (np.zeros((4, 4)), False),
        (np.full((4, 4), np.nan), False),
        (np.ones((4, 4)), False),
    ],
)
def test_usable_affines(affine, usable):
    assert is_usable(affine) is usable
