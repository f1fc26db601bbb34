"""Agreement of volumes, on numbers that a reader can check by hand."""

import numpy as np
import pytest

from pipeline.metrics import (
    Groups,
    limit_statistic,
    mean_statistic,
    relative_differences,
    volume_differences,
)

NAN = np.nan


def test_a_difference_is_in_per_cent_of_the_mean_of_both() -> None:
    found = volume_differences([30, 10, 0, 5, 0], [10, 30, 7, 0, 0])
    assert found == pytest.approx([100, -100, -200, NAN, NAN], nan_ok=True)
    found = relative_differences([30, 10, 0, 5], [10, 20, 7, 0])
    assert found == pytest.approx([200, -50, -100, NAN], nan_ok=True)


@pytest.mark.parametrize("deviations", [-1.96, 0.0, 1.96])
def test_a_limit_lies_so_many_deviations_from_the_mean(deviations: float) -> None:
    differences = np.array([10.0, -20.0, NAN, 5.0])
    groups = Groups.each(4)
    limit = limit_statistic(differences, deviations, groups=groups)
    for counts in ([1, 1, 1, 1], [3, 0, 1, 2]):
        drawn = np.repeat(differences, counts)
        drawn = drawn[~np.isnan(drawn)]
        expected = drawn.mean() + deviations * drawn.std(ddof=1)
        assert limit(np.array([counts], float)) == pytest.approx(expected)
    drawn = np.array([[1.0, 2, 0, 1]])
    plain = mean_statistic(differences, groups=groups)(drawn)
    assert (limit(drawn) - plain) * deviations >= 0


def test_limits_of_three_differences() -> None:
    found = [100.0, -100.0, 0.0]  # their mean is 0, their standard deviation 100
    for deviations in (-1.96, 1.96):
        limit = limit_statistic(found, deviations, groups=Groups.each(3))
        assert limit(np.ones((1, 3))) == pytest.approx(100 * deviations)


def test_a_single_difference_has_no_limits() -> None:
    limit = limit_statistic([10.0, NAN], 1.96, groups=Groups.each(2))
    assert np.isnan(limit(np.array([[1.0, 5.0], [0.0, 2.0]]))).all()
    assert limit(np.array([[4.0, 0.0]])) == pytest.approx(10)
