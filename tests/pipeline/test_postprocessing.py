import numpy as np
import pytest

from pipeline.postprocessing import remove_small_components, smoothing_weights


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


def test_small_components_go_and_nothing_else() -> None:
    volume = make_components()
    cleaned = remove_small_components(volume, level=128, min_fraction=0.1)
    expected = volume.copy()
    expected[5, 6:8, 6] = 0
    assert (cleaned == expected).all()
    assert volume[5, 6, 6] == 255, "the input is left as it is"


@pytest.mark.parametrize("fraction", [0.0, 0.07])
def test_components_of_the_fraction_itself_stay(fraction: float) -> None:
    volume = make_components()
    kept = remove_small_components(volume, level=128, min_fraction=fraction)
    assert (kept == volume).all()


def test_an_empty_volume_stays_empty() -> None:
    empty = np.zeros((2, 4, 4), np.uint8)
    assert not remove_small_components(empty, level=128, min_fraction=0.5).any()
