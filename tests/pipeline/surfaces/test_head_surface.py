from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.surfaces.head_surface import assumed_slice_distance, build_head_surface
from pipeline.surfaces.mesh import mesh_volume


def head(*, scalp: bool, n: int = 30, size: int = 120) -> NDArray[np.uint8]:
    """A brain 90 px across; with scalp, 106 px, and dark skull between. Slices lie 4 px apart."""
    z = (np.arange(n) - (n - 1) / 2)[:, None, None] * 4
    y, x = np.ogrid[:size, :size]
    middle = (size - 1) / 2
    radius = np.sqrt(z**2 + (y - middle) ** 2 + (x - middle) ** 2)
    image = np.zeros((n, size, size), np.uint8)
    image[radius <= 45] = 100
    if scalp:
        image[(radius > 48) & (radius <= 53)] = 200
    return image + np.random.default_rng(0).integers(0, 4, image.shape, dtype=np.uint8)


@pytest.mark.parametrize(("scalp", "radius"), [(True, 53), (False, 45)])
def test_surface_of_a_head_and_of_a_brain(scalp: bool, radius: float) -> None:
    found = build_head_surface(head(scalp=scalp), (4.0, 1.0, 1.0))
    assert found is not None
    assert found.is_brain is not scalp
    assert mesh_volume(found.mesh) == pytest.approx(
        4 / 3 * np.pi * radius**3, rel=0.13
    )  # dim edges count too
    assert len(found.mesh.faces) < 20_000
    middle = found.mesh.vertices.mean(axis=0)
    assert middle == pytest.approx([60, 60, 60], abs=1.5)


def test_surface_keeps_to_the_head_and_leaves_a_marker_beside_it_out() -> None:
    image = head(scalp=True)
    image[10:14, 2:6, 2:6] = 250
    found = build_head_surface(image, (4.0, 1.0, 1.0))
    assert found is not None
    assert np.linalg.norm(found.mesh.vertices - 60, axis=1).max() < 60


def test_nothing_stands_out_of_a_blank_image() -> None:
    assert build_head_surface(np.zeros((5, 32, 32), np.uint8), (4.0, 1.0, 1.0)) is None
    assert assumed_slice_distance(np.full((5, 32, 32), 7, np.int16)) == 1.0


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_tiny_images_have_a_surface_and_claim_no_brain(size: int) -> None:
    image = np.full((3, size, size), 5, np.uint8)
    image[1, size // 2 :, size // 2 :] = 200
    found = build_head_surface(image, (5.0, 1.0, 1.0))
    assert found is None or not found.is_brain
    assert assumed_slice_distance(image) > 0


def test_values_that_are_not_numbers_count_as_background() -> None:
    image = head(scalp=False).astype(np.float32)
    image[:, :4] = np.nan
    found = build_head_surface(image, (4.0, 1.0, 1.0))
    assert found is not None
    assert found.is_brain


def test_large_images_are_sampled() -> None:
    image = np.kron(head(scalp=True, n=20, size=100), np.ones((1, 4, 4), np.uint8))
    found = build_head_surface(image, (4.0, 0.25, 0.25))
    assert found is not None
    assert len(found.mesh.faces) < 20_000
    assert found.mesh.vertices[:, 0].max() <= 102


def test_distance_of_slices_gives_a_head_its_usual_height() -> None:
    image = head(scalp=True)
    # 27 slices show it, 106 px long: 0.8 * 106 / 27
    assert assumed_slice_distance(image) == pytest.approx(0.8 * 106 / 27, rel=0.1)
