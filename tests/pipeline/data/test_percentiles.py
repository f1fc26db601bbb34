"""Percentiles by counting are those of NumPy, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.data.percentiles import CountedValues, PositiveValues, percentile, percentiles

positive = arrays.arrays(
    np.float32,
    st.integers(1, 300),
    elements=st.floats(0, 2.0**100, width=32) | st.sampled_from([0.0, 1.0, 1.5, 255.0]),
)
whole = arrays.arrays(np.uint16, st.integers(1, 300), elements=st.integers(0, 40))
some = st.lists(st.floats(0, 100), min_size=1, max_size=4)


@given(positive, some)
def test_any_values(values, wanted) -> None:
    ranked = PositiveValues(values)
    np.testing.assert_array_equal(percentiles(ranked, wanted), np.percentile(values, wanted))
    alone, expected = percentile(ranked, wanted[0]), np.percentile(values, wanted[0])
    assert (alone, type(alone)) == (expected, type(expected))


@given(whole, some)
def test_whole_numbers_by_their_counts(values, wanted) -> None:
    counted = CountedValues(np.arange(41, dtype=np.float32), np.bincount(values, minlength=41))
    expected = np.percentile(values.astype(np.float32), wanted)
    np.testing.assert_array_equal(percentiles(counted, wanted), expected)


@given(positive, some, st.data())
def test_without_the_smallest(values, wanted, data) -> None:
    fewer = data.draw(st.integers(0, len(values) - 1))
    expected = np.percentile(np.sort(values)[fewer:], wanted)
    found = percentiles(PositiveValues(values), wanted, leave_out=fewer)
    np.testing.assert_array_equal(found, expected)


def test_more_values_than_are_counted_at_once() -> None:
    values = np.random.default_rng(0).gamma(2, 50, (3, 200, 200)).astype(np.float32)
    wanted = [0, 2, 50, 99.5, 99.9, 100]
    np.testing.assert_array_equal(
        percentiles(PositiveValues(values), wanted), np.percentile(values, wanted)
    )
