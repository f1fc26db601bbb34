"""Area and volume at thresholds, against the masks themselves."""

import numpy as np
import pytest

from pipeline.mask_levels import mask_level
from pipeline.measurement.statistics import areas_by_level, mask_statistics

CALLED = np.array([True, True, False])


def make_probability() -> np.ndarray:
    probability = np.random.default_rng(2).integers(0, 256, (3, 12, 12)).astype(np.uint8)
    probability[2, 0, 0] = 255
    return probability


def test_areas_at_every_level_are_those_of_the_masks() -> None:
    probability = make_probability()
    probability[1] = 0
    areas = areas_by_level(probability)
    for level in (0, 1, 77, 128, 255):
        by_hand = np.count_nonzero(probability >= level, axis=(1, 2))
        assert (areas[:, level] == by_hand).all()


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_statistics_are_those_of_the_mask(threshold: float) -> None:
    probability = make_probability()
    found = mask_statistics(
        areas_by_level(probability), CALLED, threshold=threshold, spacing_mm=(5.0, 1.0, 0.5)
    )
    mask = (probability >= mask_level(threshold)) & CALLED[:, None, None]
    area = mask.sum(axis=(1, 2))
    assert found.size.area_px == mask.sum()
    assert found.size.volume_ml == pytest.approx(mask.sum() * 2.5 / 1000)
    assert (found.largest_position, found.largest_area_px) == (area.argmax(), area.max())
    assert found.slices == 2
    low, high = (np.count_nonzero(probability[:2] >= mask_level(t)) for t in (0.3, 0.7))
    assert [size.area_px for size in found.band] == [low, high]
    assert found.stability == pytest.approx(2 * high / (low + high))


def test_an_empty_mask_has_no_largest_slice() -> None:
    areas = areas_by_level(np.zeros((3, 4, 4), np.uint8))
    found = mask_statistics(areas, CALLED, threshold=0.5)
    assert (found.size.area_px, found.size.volume_ml) == (0, None)
    assert (found.stability, found.largest_position, found.slices) == (None, None, 0)


def test_no_slices_have_no_mask() -> None:
    areas = areas_by_level(make_probability())
    found = mask_statistics(areas, np.zeros(3, bool), threshold=0.5)
    assert (found.size.area_px, found.largest_area_px) == (0, 0)
