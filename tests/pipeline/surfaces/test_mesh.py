from __future__ import annotations

import numpy as np
import pytest

from pipeline.surfaces.mask_surface import mesh_distance
from pipeline.surfaces.mesh import Mesh, inflate_mesh, join_meshes, mesh_volume, smooth_mesh


def tetrahedron(size: float = 1.0, *, at: float = 0.0) -> Mesh:
    corners = np.array([[0, 0, 0], [size, 0, 0], [0, size, 0], [0, 0, size]], np.float32) + at
    return Mesh(
        corners.astype(np.float32),
        np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32),
    )


@pytest.mark.parametrize(("size", "at", "volume"), [(1, 0, 1 / 6), (6, 0, 36), (6, 100, 36)])
def test_volume_by_hand_wherever_it_lies(size: float, at: float, volume: float) -> None:
    assert mesh_volume(tetrahedron(size, at=at)) == pytest.approx(volume, rel=1e-4)


def test_volume_is_negative_inside_out() -> None:
    mesh = tetrahedron(6)
    assert mesh_volume(Mesh(mesh.vertices, mesh.faces[:, ::-1])) == pytest.approx(-36)


def test_joined_meshes_keep_their_own_vertices() -> None:
    both = join_meshes([tetrahedron(6), tetrahedron(3, at=20)])
    assert both.vertices.shape == (8, 3)
    assert both.faces.max() == 7
    assert mesh_volume(both) == pytest.approx(36 + 4.5, rel=1e-4)
    with pytest.raises(ValueError, match="at least one mesh"):
        join_meshes([])


def test_smoothing_moves_a_corner_towards_its_neighbours_and_nothing_without_rounds() -> None:
    mesh = tetrahedron(6)
    assert np.array_equal(smooth_mesh(mesh, 0).vertices, mesh.vertices)
    once = smooth_mesh(mesh, 1)
    # half way to the mean 2 is 1; then 0.53 of the way away from the neighbours' new mean 5/3
    assert once.vertices[0] == pytest.approx([0.6467] * 3, abs=1e-3)
    assert np.array_equal(once.faces, mesh.faces)


def test_inflating_reaches_a_volume_and_goes_no_further_than_allowed() -> None:
    z, y, x = np.indices((30, 30, 30)) - 14.5
    mesh = mesh_distance(10 - np.sqrt(z**2 + y**2 + x**2), (1.0, 1.0, 1.0), np.zeros(3))
    grown = inflate_mesh(mesh, 1.1 * mesh_volume(mesh), furthest=5)
    assert mesh_volume(grown) == pytest.approx(1.1 * mesh_volume(mesh), rel=0.01)
    far = inflate_mesh(mesh, 10 * mesh_volume(mesh), furthest=0.5)
    moved = np.linalg.norm(far.vertices - mesh.vertices, axis=1)
    assert moved.max() == pytest.approx(0.5, rel=1e-4)
