"""Times of interleaved runs in figures, on numbers that can be checked by hand."""

import pytest

from pipeline.benchmark.statistics import paired_ratio, percentile_ms


@pytest.mark.parametrize(
    ("slow", "fast", "median"),
    [
        ([4.0], [2.0], 2.0),
        ([2.0, 4.0, 30.0], [1.0, 2.0, 10.0], 2.0),
        # The machine was three times slower in the second round: the ratio does not see it.
        ([2.0, 6.0], [1.0, 3.0], 2.0),
    ],
)
def test_ratios_are_taken_round_by_round(
    slow: list[float], fast: list[float], median: float
) -> None:
    ratio = paired_ratio(slow, fast)
    assert ratio.value == median
    assert ratio.low <= ratio.value <= ratio.high


def test_the_interval_holds_the_rounds_that_were_drawn() -> None:
    ratio = paired_ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5)
    assert (ratio.low, ratio.value, ratio.high) == (1.0, 3.0, 5.0)


@pytest.mark.parametrize(("slow", "fast"), [([], []), ([1.0], [1.0, 2.0])])
def test_rounds_must_be_the_same(slow: list[float], fast: list[float]) -> None:
    with pytest.raises(ValueError, match="both need the same rounds"):
        paired_ratio(slow, fast)


def test_percentiles_are_in_milliseconds() -> None:
    assert percentile_ms([0.1, 0.2, 0.3], 50) == pytest.approx(200)
    assert percentile_ms([0.0, 0.1], 95) == pytest.approx(95)
