"""Calibration against tables that a reader can check by hand."""

import math

import pytest

from pipeline import metrics


def test_brier_score() -> None:
    assert metrics.brier_score([1, 0], [0.8, 0.4]) == pytest.approx((0.04 + 0.16) / 2)


# (reference, scores, ECE) with ten bins.
CALIBRATIONS = [
    pytest.param([1, 0], [1.0, 0.0], 0.0, id="certain and right"),
    pytest.param([0, 1], [1.0, 0.0], 1.0, id="certain and wrong"),
    pytest.param([1, 0], [0.55, 0.55], 0.05, id="one bin, half of it tumor"),
    pytest.param([1, 1, 0, 0], [0.75, 0.75, 0.25, 0.25], 0.25, id="two bins, each a quarter off"),
]


@pytest.mark.parametrize(("reference", "scores", "error"), CALIBRATIONS)
def test_expected_calibration_error(
    reference: list[int], scores: list[float], error: float
) -> None:
    assert metrics.expected_calibration_error(reference, scores) == pytest.approx(error)


def test_a_score_of_one_falls_into_the_last_bin() -> None:
    assert metrics.calibration_bin([0.0, 0.09, 0.1, 1.0]).tolist() == [0, 0, 1, 9]


def test_reliability_lists_each_bin_that_holds_slices() -> None:
    bins = metrics.reliability([0, 1, 1, 1], [0.1, 0.15, 0.9, 1.0])
    assert [b.slices for b in bins] == [2, 2]
    assert [b.score for b in bins] == [pytest.approx(0.125), pytest.approx(0.95)]
    assert [b.tumor_rate for b in bins] == [0.5, 1.0]
    assert metrics.reliability([], []) == []


def test_calibration_error_is_the_bins_distance_weighted_by_slices() -> None:
    reference, scores = [1, 0, 0, 1, 1], [0.3, 0.35, 0.32, 0.8, 0.6]
    bins = metrics.reliability(reference, scores)
    error = sum(b.slices / 5 * abs(b.score - b.tumor_rate) for b in bins)
    assert metrics.expected_calibration_error(reference, scores) == pytest.approx(error)


# (score, slope, intercept, score before calibration)
CALIBRATED = [
    pytest.param(0.7, 1.0, 0.0, 0.7, id="nothing was changed"),
    pytest.param(0.5, 2.0, 0.0, 0.5, id="a half stays a half"),
    pytest.param(0.8, 2.0, 0.0, 2 / 3, id="odds of 4 were odds of 2"),
    pytest.param(0.5, 1.0, math.log(3), 0.25, id="odds of 1 were odds of a third"),
]


@pytest.mark.parametrize(("score", "slope", "intercept", "before"), CALIBRATED)
def test_undo_platt(score: float, slope: float, intercept: float, before: float) -> None:
    found = metrics.undo_platt(score, slope=slope, intercept=intercept)
    assert found == pytest.approx(before)


def test_undo_platt_holds_at_the_ends() -> None:
    assert 0 < metrics.undo_platt(0.0, slope=1.0, intercept=0.0) < 1e-5
    assert 1 - 1e-5 < metrics.undo_platt(1.0, slope=0.05, intercept=0.0) <= 1
