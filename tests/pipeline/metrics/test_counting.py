"""Statistics under counts of groups, on tables that a reader can check by hand."""

import numpy as np
import pytest

from pipeline.metrics import Groups, Statistic, mean_statistic, median_statistic
from pipeline.metrics.counting import Metric, once, sum_statistic

NAN = np.nan
# Two groups: 1, 2 and not known; 6 alone.
VALUES = [1.0, 2.0, NAN, 6.0]
GROUPS = Groups(np.array([0, 0, 0, 1]), 2)

# (how often each group counts, mean, median)
COUNTED = [
    ([1, 1], 3.0, 2.0),
    ([2, 0], 1.5, 1.5),
    ([0, 2], 6.0, 6.0),
    ([1, 3], 21 / 5, 6.0),
    ([0, 0], NAN, NAN),
]


@pytest.mark.parametrize(("counts", "mean", "median"), COUNTED)
def test_observations_count_as_often_as_their_group(
    counts: list[float], mean: float, median: float
) -> None:
    drawn = np.array([counts], float)
    assert mean_statistic(VALUES, groups=GROUPS)(drawn) == pytest.approx(mean, nan_ok=True)
    assert median_statistic(VALUES, groups=GROUPS)(drawn) == pytest.approx(median, nan_ok=True)


def test_a_mean_may_be_of_some_of_the_observations() -> None:
    among = np.array([False, True, True, True])
    assert once(mean_statistic(VALUES, groups=GROUPS, among=among), GROUPS) == 4.0


def test_a_sum_counts_what_is_true() -> None:
    assert once(sum_statistic([True, False, True, True], groups=GROUPS), GROUPS) == 3.0


def test_a_metric_is_one_rule_in_two_uses() -> None:
    @Metric
    def share(flags: list[bool], *, groups: Groups) -> Statistic:
        """How many are true."""
        return mean_statistic(flags, groups=groups)

    flags = [True, False, False, True]
    assert share(flags) == 0.5
    assert share.counted(flags, groups=GROUPS)(np.array([[0.0, 1.0]])).tolist() == [1.0]
    assert share.__doc__ == "How many are true."


def test_each_observation_may_be_a_group_of_its_own() -> None:
    groups = Groups.each(3)
    assert groups.sums([1, 2, 3]).tolist() == [1, 2, 3]
    assert Groups.one(3).sums([1, 2, 3]).tolist() == [6]
