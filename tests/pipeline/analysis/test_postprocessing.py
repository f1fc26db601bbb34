import numpy as np
import pytest

from pipeline.analysis.postprocessing import (
    best_expected_level,
    set_aside_small_components,
    smooth_through_slices,
    smoothing_reach,
    smoothing_weights,
)
from pipeline.measurement.mask_levels import level_threshold, mask_level


def test_weights_sum_to_one_and_fall_with_distance() -> None:
    weights = smoothing_weights(np.arange(5.0), 0.7)
    assert weights.sum(axis=1) == pytest.approx(np.ones(5))
    assert weights[2, 2] > weights[2, 1] == weights[2, 3] > weights[2, 0]
    assert weights[2, 1] / weights[2, 2] == pytest.approx(np.exp(-0.5 / 0.49))


def test_a_gap_between_slices_weakens_what_lies_beyond_it() -> None:
    weights = smoothing_weights(np.array([1.0, 2.0, 9.0]), 0.7)
    assert weights[2].tolist() == [0.0, 0.0, 1.0]
    assert weights[0, 1] > 0


@pytest.mark.parametrize(("count", "sigma"), [(5, 0.0), (1, 0.7), (0, 0.7)])
def test_nothing_is_smoothed_without_neighbours_or_a_sigma(count: int, sigma: float) -> None:
    assert (smoothing_weights(np.arange(float(count)), sigma) == np.eye(count)).all()


def make_components() -> np.ndarray:
    """A block of 27 voxels, one of 2, and one voxel that touches the block at a corner."""
    volume = np.zeros((6, 8, 8), np.uint8)
    volume[0:3, 0:3, 0:3] = 200
    volume[3, 3, 3] = 200
    volume[5, 6:8, 6] = 255
    volume[0, 7, 7] = 100
    return volume


def test_small_components_are_set_aside_and_nothing_else() -> None:
    volume = make_components()
    kept, aside = set_aside_small_components(volume, level=128, min_fraction=0.1)
    expected = volume.copy()
    expected[5, 6:8, 6] = 0
    assert (kept == expected).all()
    assert aside is not None
    assert (aside == volume - expected).all()
    assert volume[5, 6, 6] == 255, "the input is left as it is"


@pytest.mark.parametrize("fraction", [0.0, 0.07])
def test_components_of_the_fraction_itself_stay(fraction: float) -> None:
    volume = make_components()
    kept, aside = set_aside_small_components(volume, level=128, min_fraction=fraction)
    assert (kept == volume).all()
    assert aside is None


def test_an_empty_volume_stays_empty() -> None:
    empty = np.zeros((2, 4, 4), np.uint8)
    kept, aside = set_aside_small_components(empty, level=128, min_fraction=0.5)
    assert not kept.any()
    assert aside is None


def test_what_is_smoothed_is_the_weighted_mean_of_its_neighbours() -> None:
    values = np.zeros((5, 2, 2))
    values[2] = 1.0
    smoothed = smooth_through_slices(values, np.arange(5.0), 0.7)
    assert smoothed[:, 0, 0] == pytest.approx(smoothing_weights(np.arange(5.0), 0.7)[:, 2])
    assert (smooth_through_slices(values, np.arange(5.0), 0.0) == values).all()
    assert smooth_through_slices(values[:0], np.arange(0.0), 0.7).shape == (0, 2, 2)


def test_weights_do_not_reach_further_than_told() -> None:
    for sigma in (0.0, 0.7, 1.0, 2.6):
        weights = smoothing_weights(np.arange(41.0), sigma)
        far = np.abs(np.flatnonzero(weights[20]) - 20).max()
        assert far == smoothing_reach(sigma)


def volume(*parts: tuple[int, int]) -> np.ndarray:
    """Voxels: so many of each level, the rest 0."""
    values = np.zeros(1000, np.uint8)
    start = 0
    for count, level in parts:
        values[start : start + count] = level
        start += count
    return values.reshape(10, 10, 10)


@pytest.mark.parametrize(
    ("parts", "level"),
    [
        # A sure core alone: 2*100/(100+130) = 0.87; with the rim 2*130/(200+130) = 0.79.
        ([(100, 255), (100, 77)], 128),
        # Nothing is sure: taking all gives 2*40/(100+40) = 0.57, nothing gives 0.
        ([(100, 102)], 102),
        # A probable rim belongs to it: 2*145/(200+145) = 0.84 against 2*100/(100+145) = 0.82.
        ([(100, 255), (100, 115)], 115),
        ([], 128),
        ([(900, 4)], 128),
    ],
)
def test_the_level_has_the_best_expected_dice(parts: list[tuple[int, int]], level: int) -> None:
    assert best_expected_level(volume(*parts), lowest=51, highest=128) == level


@pytest.mark.parametrize("level", [1, 51, 77, 110, 128, 255])
def test_a_level_survives_being_told_as_a_threshold(level: int) -> None:
    assert mask_level(level_threshold(level)) == level
    assert level_threshold(128) == 0.5
