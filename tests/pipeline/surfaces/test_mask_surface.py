from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.surfaces.mask_surface import Triple, build_mask_surface, sampling_strides
from pipeline.surfaces.mesh import Mesh, mesh_volume


def volume_of(mask: NDArray[np.bool_], spacing: Triple) -> float:
    return float(np.count_nonzero(mask) * np.prod(spacing))


def build(mask: NDArray[np.bool_], spacing: Triple, most_faces: int = 20_000) -> Mesh:
    mesh = build_mask_surface(mask, spacing, most_faces=most_faces)
    assert mesh is not None
    return mesh


def ball(shape: tuple[int, int, int], spacing: Triple, radius: float) -> NDArray[np.bool_]:
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.asarray(z**2 + y**2 + x**2 <= radius**2)


def is_closed(mesh: Mesh) -> bool:
    """Whether each edge belongs to two faces, once in either direction."""
    edges = np.concatenate([mesh.faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    there = {tuple(edge) for edge in edges.tolist()}
    return len(there) == len(edges) and all((b, a) in there for a, b in there)


BOXES = [
    # spacing, first voxel (z, y, x), voxels along each, extent in mm as (x, y, z) from ... to ...
    ((4.0, 1.0, 1.0), (2, 10, 20), (5, 30, 20), ((20, 40), (10, 40), (8, 28))),
    ((1.0, 1.0, 1.0), (0, 0, 0), (20, 20, 20), ((0, 20), (0, 20), (0, 20))),
    ((5.0, 0.5, 0.9), (1, 8, 30), (4, 40, 20), ((27, 45), (4, 24), (5, 25))),
]


@pytest.mark.parametrize(("spacing", "first", "voxels", "extent"), BOXES)
def test_box_has_its_volume_and_its_extent(
    spacing: Triple,
    first: tuple[int, int, int],
    voxels: tuple[int, int, int],
    extent: tuple[tuple[float, float], ...],
) -> None:
    mask = np.zeros((24, 64, 64), bool)
    z, y, x = (slice(a, a + n) for a, n in zip(first, voxels, strict=True))
    mask[z, y, x] = True
    mesh = build(mask, spacing)
    assert mesh_volume(mesh) == pytest.approx(volume_of(mask, spacing), rel=0.01)
    for axis, (low, high) in enumerate(extent):
        within = max(0.45 * spacing[2 - axis], 0.08 * max(spacing))
        assert mesh.vertices[:, axis].min() == pytest.approx(low, abs=within), axis
        assert mesh.vertices[:, axis].max() == pytest.approx(high, abs=within), axis
    assert is_closed(mesh)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (4.0, 1.0, 1.0), (2.0, 0.5, 0.5)])
def test_ball_is_round_and_has_its_volume(spacing: Triple) -> None:
    shape = tuple(int(40 / size) for size in spacing)
    mask = ball((shape[0], shape[1], shape[2]), spacing, 15)
    mesh = build(mask, spacing)
    assert mesh_volume(mesh) == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.03)
    centre = mesh.vertices.mean(axis=0)
    distance = np.linalg.norm(mesh.vertices - centre, axis=1)
    assert abs(distance - 15).max() < 0.6 * max(spacing)
    assert abs(distance - 15).mean() < 0.15 * max(spacing)


def test_surface_slants_between_slices_instead_of_stepping() -> None:
    mask = np.zeros((6, 80, 80), bool)
    for k in range(6):
        mask[k] = ball((1, 80, 80), (1, 1, 1), 34 - 5 * k)[0]
    mesh = build(mask, (5.0, 1.0, 1.0))
    radius = np.linalg.norm(mesh.vertices[:, :2] - 40, axis=1)
    cone = (mesh.vertices[:, 2] > 4) & (mesh.vertices[:, 2] < 26) & (radius > 14)
    expected = 34 - (mesh.vertices[cone, 2] - 2.5)
    assert abs(radius[cone] - expected).mean() < 1.0  # steps of voxels would lie 1.25 off


def test_large_regions_are_sampled_coarsely_and_small_ones_beside_them_kept() -> None:
    mask = np.zeros((60, 160, 160), bool)
    mask[5:55, 5:140, 5:140] = ball((50, 135, 135), (2, 1, 1), 60)
    mask[30, 150, 150] = True
    spacing = (2.0, 1.0, 1.0)
    fine, coarse = (build(mask, spacing, faces) for faces in (100_000, 5_000))
    assert len(fine.faces) > 2 * len(coarse.faces)
    assert len(coarse.faces) < 1.4 * 5_000
    assert mesh_volume(coarse) == pytest.approx(volume_of(mask, spacing), rel=0.02)
    assert coarse.vertices[:, 0].max() > 149
    assert is_closed(coarse)


def test_very_large_masks_are_thinned_first_and_stay_in_place() -> None:
    mask = np.zeros((100, 200, 200), bool)
    mask[5:95, 10:190, 10:190] = True
    mesh = build(mask, (1.0, 1.0, 1.0))
    assert mesh_volume(mesh) == pytest.approx(volume_of(mask, (1, 1, 1)), rel=0.02)
    assert mesh.vertices.min(axis=0) == pytest.approx([10, 10, 5], abs=1.5)
    assert mesh.vertices.max(axis=0) == pytest.approx([190, 190, 95], abs=1.5)


def test_nothing_gives_no_mesh_and_one_voxel_gives_one() -> None:
    mask = np.zeros((3, 8, 8), bool)
    assert build_mask_surface(mask, (4.0, 1.0, 1.0)) is None
    mask[0, 0, 0] = True
    mesh = build(mask, (4.0, 1.0, 1.0))
    assert is_closed(mesh)
    assert mesh.vertices.mean(axis=0) == pytest.approx([0.5, 0.5, 2.0], abs=0.1)
    assert 0 < mesh_volume(mesh) <= 4.01


def test_full_mask_is_closed_at_the_edge_of_the_volume() -> None:
    mesh = build(np.ones((4, 12, 12), bool), (4.0, 1.0, 1.0))
    assert is_closed(mesh)
    assert mesh.vertices.max(axis=0) == pytest.approx([12, 12, 16], abs=0.8)


def test_wrong_arguments_are_reported() -> None:
    with pytest.raises(ValueError, match=r"need \(n, h, w\)"):
        build_mask_surface(np.ones((4, 4), bool), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="spacing above 0"):
        build_mask_surface(np.ones((4, 4, 4), bool), (0.0, 1.0, 1.0))


def test_strides_keep_four_samples_of_an_axis() -> None:
    assert sampling_strides((4.0, 1.0, 1.0), 4.0, (20, 200, 200)) == (1, 4, 4)
    assert sampling_strides((4.0, 1.0, 1.0), 40.0, (20, 200, 6)) == (5, 40, 1)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    spacing=st.tuples(*[st.floats(0.4, 7.0)] * 3),
    blobs=st.integers(1, 4),
)
def test_mesh_encloses_what_the_voxels_take_up(seed: int, spacing: Triple, blobs: int) -> None:
    rng = np.random.default_rng(seed)
    z, y, x = np.indices((14, 40, 40))
    mask = np.zeros(z.shape, bool)
    for _ in range(blobs):
        at, radii = rng.uniform(0.2, 0.8, 3) * z.shape, rng.uniform((2, 6, 6), (5, 14, 14))
        parts = zip((z, y, x), at, radii, strict=True)
        mask |= sum(((axis - a) / r) ** 2 for axis, a, r in parts) <= 1
    mesh = build(mask, spacing)
    assert mesh_volume(mesh) == pytest.approx(volume_of(mask, spacing), rel=0.04)
    assert is_closed(mesh)
