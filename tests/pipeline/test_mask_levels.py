"""Areas and overlaps at every level, against the masks themselves."""

import numpy as np

from pipeline.mask_levels import areas_by_level, overlaps_by_level


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


def test_overlaps_at_every_level_are_those_with_the_reference() -> None:
    probability = make_probability()
    reference = np.random.default_rng(3).random(probability.shape) > 0.7
    reference[1] = False
    overlaps = overlaps_by_level(probability, reference)
    for level in (0, 1, 77, 128, 255):
        by_hand = np.count_nonzero((probability >= level) & reference, axis=(1, 2))
        assert (overlaps[:, level] == by_hand).all()
