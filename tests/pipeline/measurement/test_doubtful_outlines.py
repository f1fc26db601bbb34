"""Outlines that are likely false, on heads and outlines whose answer is plain."""

import numpy as np
import pytest

from pipeline.measurement.doubtful_outlines import Doubt, find_doubts, head_of

#: A head of 81 x 61 pixels with a dark ventricle, in the middle of 100 x 100.
Y, X = np.mgrid[:100, :100]
HEAD = ((Y - 50) / 40) ** 2 + ((X - 50) / 30) ** 2 <= 1
SLICE = np.where(HEAD, 120, 3).astype(np.uint8)
SLICE[45:55, 45:55] = 4


def disc(y: int, x: int, radius: int = 5) -> np.ndarray:
    return (Y - y) ** 2 + (X - x) ** 2 <= radius**2


def bar(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((100, 100), bool)
    mask[rows, columns] = True
    return mask


CASES = [
    pytest.param(disc(40, 35), (), id="inside, on one side"),
    pytest.param(disc(10, 10), (Doubt.OUTSIDE_HEAD,), id="in the air"),
    pytest.param(bar(slice(90, 100), slice(0, 10)), (Doubt.OUTSIDE_HEAD,), id="in a corner"),
    pytest.param(disc(50, 84), (Doubt.OUTSIDE_HEAD,), id="mostly beyond the skin"),
    pytest.param(disc(50, 78), (), id="on the skin, half of it inside"),
    pytest.param(disc(40, 35) | disc(10, 90), (Doubt.OUTSIDE_HEAD,), id="one piece of two"),
    pytest.param(disc(50, 50), (), id="in the ventricle, which is part of the head"),
    pytest.param(disc(40, 35) | disc(40, 65), (Doubt.MIRRORED,), id="the same on both sides"),
    pytest.param(disc(40, 35) | disc(40, 67), (Doubt.MIRRORED,), id="the middle a pixel off"),
    pytest.param(disc(40, 35) | disc(40, 65, 3), (), id="twice as large on one side"),
    pytest.param(disc(40, 35) | disc(48, 65), (), id="at another height"),
    pytest.param(bar(slice(40, 50), slice(30, 70)), (), id="one lesion across the middle"),
    pytest.param(bar(slice(40, 42), slice(40, 42)), (), id="four pixels"),
    pytest.param(np.zeros((100, 100), bool), (), id="no outline"),
]


@pytest.mark.parametrize(("mask", "expected"), CASES)
def test_an_outline_has_the_doubts_that_are_plain(mask: np.ndarray, expected: object) -> None:
    found = find_doubts({1: mask}, np.stack([SLICE, SLICE]))
    assert found == ({1: expected} if expected else {})


def test_sides_count_only_where_columns_lead_from_one_to_the_other() -> None:
    both = disc(40, 35) | disc(40, 65)
    assert find_doubts({0: both}, SLICE[None], has_sides=False) == {}


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_any_unit_of_grey_values_will_do(dtype: type) -> None:
    shown = SLICE.astype(dtype)[None] * 7 - 500
    assert find_doubts({0: disc(10, 10)}, shown) == {0: (Doubt.OUTSIDE_HEAD,)}
    assert find_doubts({0: disc(40, 35)}, shown) == {}


def test_a_slice_above_the_head_has_none() -> None:
    assert not head_of(np.where(disc(50, 50, 3), 90, 0), 10).any()
    assert find_doubts({0: disc(50, 50)}, np.stack([SLICE * 0, SLICE])) == {
        0: (Doubt.OUTSIDE_HEAD,)
    }
    assert find_doubts({0: disc(50, 50)}, np.full((1, 100, 100), np.nan, np.float32)) == {}
