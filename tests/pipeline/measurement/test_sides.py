"""Halves of the head, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.measurement.sides import count_halves


def head(*, first: int, last: int) -> np.ndarray:
    pixels = np.zeros((2, 12, 20), np.uint8)
    pixels[:, 1:11, first : last + 1] = 100
    return pixels


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((4, 6), (4.0, 0.0)),  # the head's middle is column 8
        ((10, 12), (0.0, 4.0)),
        ((7, 10), (3.0, 3.0)),  # the middle column counts half for each
        ((8, 9), (1.0, 1.0)),
    ],
)
def test_pixels_are_counted_by_the_heads_middle(
    columns: tuple[int, int], expected: tuple[float, float]
) -> None:
    mask = np.zeros((12, 20), bool)
    mask[4:6, slice(*columns)] = True
    assert count_halves({1: mask}, head(first=2, last=14)) == expected


def test_a_slice_without_a_head_is_divided_in_its_middle() -> None:
    mask = np.zeros((12, 20), bool)
    mask[3, 9:11] = True
    assert count_halves({0: mask}, np.zeros((2, 12, 20), np.uint8)) == (1.0, 1.0)
