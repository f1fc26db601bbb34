"""Bootstrap intervals: draws, percentiles, differences and exact shares."""

import numpy as np
import pytest

from pipeline.evaluation.intervals import (
    Estimate,
    draw_counts,
    estimate,
    estimate_difference,
    estimate_share,
)
from pipeline.metrics import Groups, Statistic, mean_statistic


def mean_of(values: list[float]) -> Statistic:
    """Mean over patients."""
    return mean_statistic(values, groups=Groups.each(len(values)))


def test_an_interval_holds_its_figure_and_is_as_wide_as_statistics_say() -> None:
    dice = np.random.default_rng(0).uniform(0.5, 1, 100)
    mean = estimate(mean_of(dice.tolist()), draw_counts(100, draws=4000))
    half = 1.96 * dice.std() / 10
    assert mean.value == pytest.approx(dice.mean())
    assert mean.low == pytest.approx(dice.mean() - half, abs=0.01)
    assert mean.high == pytest.approx(dice.mean() + half, abs=0.01)


def test_every_draw_holds_as_many_patients_as_there_are() -> None:
    counts = draw_counts(7, draws=50)
    assert (counts.sum(axis=1) == 7).all()
    with pytest.raises(ValueError, match="at least one patient"):
        draw_counts(0)


def test_the_same_seed_gives_the_same_draws() -> None:
    assert (draw_counts(5, seed=1) == draw_counts(5, seed=1)).all()
    assert (draw_counts(5, seed=1) != draw_counts(5, seed=2)).any()


def test_what_is_not_defined_has_no_interval() -> None:
    assert estimate(mean_of([np.nan, np.nan]), draw_counts(2)) == Estimate(None, None, None)


@pytest.mark.parametrize(
    ("found", "patients", "low", "high"),
    [
        (88, 88, 0.025 ** (1 / 88), 1),  # 0.9589: the chance of 88 of 88 is 2.5% there
        (0, 10, 0, 1 - 0.025 ** (1 / 10)),
        (1, 2, 1 - 0.975**0.5, 0.975**0.5),  # none fails, or none succeeds, with 1 - 2.5%
    ],
)
def test_a_share_of_patients_has_its_exact_interval(
    found: int, patients: int, low: float, high: float
) -> None:
    outcomes = [1.0] * found + [0.0] * (patients - found) + [np.nan]
    share = estimate_share(mean_of(outcomes), len(outcomes))
    assert share.value == found / patients
    assert (share.low, share.high) == (pytest.approx(low), pytest.approx(high))


def test_a_share_of_nobody_is_not_defined() -> None:
    assert estimate_share(mean_of([np.nan]), 1) == Estimate(None)


def test_a_difference_is_drawn_with_the_same_patients_on_both_sides() -> None:
    # Easy and hard patients, and a second model that is 0.1 worse on each: no draw says otherwise.
    counts = draw_counts(3, draws=200)
    found = estimate_difference(mean_of([0.9, 0.5, 0.3]), mean_of([0.8, 0.4, 0.2]), counts)
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.1))


def test_a_difference_of_two_patients_can_be_counted_out() -> None:
    # +0.4 and -0.2: the mean of a draw of two is 0.4, 0.1 (in half of all draws) or -0.2.
    counts = draw_counts(2, draws=400)
    found = estimate_difference(mean_of([0.9, 0.5]), mean_of([0.5, 0.7]), counts)
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == (pytest.approx(-0.2), pytest.approx(0.4))
