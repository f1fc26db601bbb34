"""Run lengths: the order and numbers that the public courses use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.data.run_lengths import decode_runs, encode_runs


def test_pixels_count_from_one_down_the_columns():
    mask = np.zeros((3, 4), bool)
    mask[1, 0] = mask[2, 0] = mask[0, 1] = mask[2, 3] = True
    assert encode_runs(mask) == "2 3 12 1"
    assert encode_runs(mask & False) == ""


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_runs_are_read_as_they_were_written(mask):
    np.testing.assert_array_equal(decode_runs(encode_runs(mask), mask.shape), mask)


@pytest.mark.parametrize(
    "text",
    ["1", "0 1", "1 0", "5 2 4 1", "12 2", "-1 2", "1.5 2", "1 9999999999999999999", "a b", "² 1"],
)
def test_runs_that_cannot_be_right_are_refused(text):
    with pytest.raises(ValueError, match="run"):
        decode_runs(text, (3, 4))
