"""Distances of outlines on grids small enough to measure with a ruler."""

import math

import numpy as np
import pytest

from pipeline.metrics import SURFACE_TOLERANCE, measure_surfaces
from pipeline.metrics.surfaces import surface_points


def volume(*slices: set[tuple[int, int]], size: int = 12) -> np.ndarray:
    """Slices by their pixels (row, column)."""
    masks = np.zeros((len(slices), size, size), bool)
    for k, pixels in enumerate(slices):
        for row, column in pixels:
            masks[k, row, column] = True
    return masks


def square(row: int, column: int, side: int) -> set[tuple[int, int]]:
    return {(row + i, column + j) for i in range(side) for j in range(side)}


DIAGONAL = math.hypot(12, 12)
DOT, FAR = {(5, 2)}, {(5, 7)}

# (masks, references, HD95, surface Dice at 2 px)
VOLUMES = [
    pytest.param(volume(DOT), volume(DOT), 0.0, 1.0, id="the same"),
    pytest.param(volume(DOT), volume(FAR), 5.0, 0.0, id="five pixels apart"),
    pytest.param(volume(DOT), volume({(5, 4)}), 2.0, 1.0, id="just within the tolerance"),
    pytest.param(volume(DOT), volume({(6, 4)}), math.sqrt(5), 0.0, id="just beyond it"),
    pytest.param(volume(square(2, 2, 4)), volume(square(2, 3, 4)), 1.0, 1.0, id="a step aside"),
    pytest.param(volume(set()), volume(DOT), DIAGONAL, 0.0, id="missed"),
    pytest.param(volume(DOT), volume(set()), DIAGONAL, 0.0, id="a false alarm"),
    pytest.param(
        volume(DOT, set()), volume(DOT, DOT), 0.95 * DIAGONAL, 2 / 3, id="one of two slices missed"
    ),
    pytest.param(volume(DOT, FAR), volume(FAR, DOT), 5.0, 0.0, id="never through slices"),
    pytest.param(volume(set(), DOT), volume(set(), DOT), 0.0, 1.0, id="empty slices count nothing"),
]


@pytest.mark.parametrize(("masks", "references", "hd95", "dice"), VOLUMES)
def test_measure_surfaces(
    masks: np.ndarray, references: np.ndarray, hd95: float, dice: float
) -> None:
    found = measure_surfaces(masks, references)
    assert found is not None
    assert found.hd95 == pytest.approx(hd95)
    assert found.dice == pytest.approx(dice)
    back = measure_surfaces(references, masks)
    assert back == found, "both directions are counted alike"


def test_two_empty_volumes_have_no_distance() -> None:
    assert measure_surfaces(volume(set()), volume(set())) is None


def test_surfaces_are_pixels_with_a_neighbour_outside() -> None:
    mask = volume(square(3, 3, 4))[0]
    assert len(surface_points(mask)) == 4 * 4 - 2 * 2
    whole = np.ones((3, 3), bool)
    assert len(surface_points(whole)) == 8, "the image's border is outside"


# A 4 x 4 square has 12 surface points; a dot on one more slice is missed. Of 13 sorted distances
# the 95th percentile lies 0.4 of the way to the last one; of 241 the missed one is beyond it.
MISSED = [
    pytest.param(1, 0.4 * DIAGONAL, id="1 of 13 points"),
    pytest.param(20, 0.0, id="1 of 241 points"),
]


@pytest.mark.parametrize(("slices", "hd95"), MISSED)
def test_a_missed_slice_spoils_hd95_beyond_five_per_cent(slices: int, hd95: float) -> None:
    found = [square(2, 2, 4)] * slices
    measured = measure_surfaces(volume(*found, set()), volume(*found, DOT))
    assert measured is not None
    assert measured.hd95 == pytest.approx(hd95)


def test_spacing_makes_millimetres() -> None:
    found = measure_surfaces(volume(DOT), volume(FAR), spacing=(2.0, 0.3))
    assert found is not None
    assert found.hd95 == pytest.approx(1.5)
    assert found.dice == 1.0
    assert SURFACE_TOLERANCE == 2.0
    missed = measure_surfaces(volume(DOT), volume(set()), spacing=(2.0, 0.5))
    assert missed is not None
    assert missed.hd95 == pytest.approx(math.hypot(24, 6))


def test_masks_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one shape \(n, h, w\)"):
        measure_surfaces(np.zeros((1, 4, 4)), np.zeros((2, 4, 4)))
    with pytest.raises(ValueError, match=r"one shape \(n, h, w\)"):
        measure_surfaces(np.zeros((4, 4)), np.zeros((4, 4)))
