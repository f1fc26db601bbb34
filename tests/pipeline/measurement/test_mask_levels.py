"""Thresholds and levels of the shared table; areas at every level against the masks themselves."""

from typing import Any

import numpy as np
import pytest
from shared_cases import read_cases

from pipeline.analysis.outline_facts import BAND
from pipeline.measurement.mask_levels import (
    areas_by_level,
    level_threshold,
    mask_level,
    overlaps_by_level,
)

TABLE = read_cases("levels")


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: str(case["threshold"]))
def test_levels_of_the_shared_table(case: dict[str, Any]) -> None:
    assert mask_level(case["threshold"]) == case["level"]
    assert mask_level(level_threshold(case["level"])) == case["level"]


def test_the_band_is_that_of_the_shared_table() -> None:
    assert list(BAND) == TABLE["band"]


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
