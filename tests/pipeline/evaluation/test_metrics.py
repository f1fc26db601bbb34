"""Metrics against tables that a reader can check by hand."""

import math

import numpy as np
import pytest

from pipeline.evaluation import metrics

NAN = math.nan

# (mask, reference, Dice, IoU)
OVERLAPS = [
    pytest.param([1, 1, 0, 0], [1, 1, 0, 0], 1.0, 1.0, id="the same"),
    pytest.param([1, 1, 0, 0], [0, 1, 1, 0], 0.5, 1 / 3, id="one of three pixels shared"),
    pytest.param([1, 0, 0, 0], [1, 1, 1, 0], 0.5, 1 / 3, id="a third of it found"),
    pytest.param([1, 0, 0, 0], [0, 0, 0, 1], 0.0, 0.0, id="beside it"),
    pytest.param([0, 0, 0, 0], [0, 0, 1, 1], 0.0, 0.0, id="missed counts 0"),
    pytest.param([1, 0, 0, 0], [0, 0, 0, 0], 0.0, 0.0, id="false alarm counts 0"),
    pytest.param([0, 0, 0, 0], [0, 0, 0, 0], NAN, NAN, id="both empty is left out"),
    pytest.param([255, 7, 0, 0], [1, 1, 0, 0], 1.0, 1.0, id="anything above 0 belongs"),
]


@pytest.mark.parametrize(("mask", "reference", "dice", "iou"), OVERLAPS)
def test_overlap(mask: list[int], reference: list[int], dice: float, iou: float) -> None:
    assert metrics.dice_score(mask, reference) == pytest.approx(dice, nan_ok=True)
    assert metrics.iou_score(mask, reference) == pytest.approx(iou, nan_ok=True)


def test_dice_of_a_volume_is_not_the_mean_of_its_slices() -> None:
    mask = np.array([[1, 1, 1, 1], [0, 0, 0, 0]])
    reference = np.array([[1, 1, 1, 1], [1, 0, 0, 0]])
    assert metrics.dice_score(mask, reference) == pytest.approx(8 / 9)


def test_overlap_refuses_masks_of_two_shapes() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(3,\)"):
        metrics.dice_score([1, 0], [1, 0, 0])


# Slices: found, missed, false alarm, rightly left alone.
SLICE_DICE = [0.8, 0.0, 0.0, NAN]
REFERENCE_PX = [10, 5, 0, 0]


def test_means_over_slices() -> None:
    assert metrics.tumor_slice_dice(SLICE_DICE, REFERENCE_PX) == pytest.approx(0.4)
    assert metrics.all_slice_dice(SLICE_DICE) == pytest.approx(1.8 / 4)
    assert metrics.predict_nothing_dice(REFERENCE_PX) == pytest.approx(0.5)
    assert math.isnan(metrics.tumor_slice_dice([NAN], [0]))


def test_confusion() -> None:
    counted = metrics.confusion([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    assert counted == metrics.Confusion(tp=2, fn=1, fp=1, tn=1)
    assert counted.sensitivity == pytest.approx(2 / 3)
    assert counted.specificity == pytest.approx(1 / 2)


def test_confusion_of_one_kind_of_slices() -> None:
    counted = metrics.confusion([1, 1], [1, 0])
    assert counted == metrics.Confusion(tp=1, fn=1, fp=0, tn=0)
    assert math.isnan(counted.specificity)


# (reference, scores, AUC): pairs of a tumor and an empty slice that are ranked rightly.
RANKINGS = [
    pytest.param([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 1.0, id="all four pairs"),
    pytest.param([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1], 0.75, id="three of four"),
    pytest.param([1, 0], [0.5, 0.5], 0.5, id="a tie counts half"),
    pytest.param([1, 0, 0], [0.1, 0.2, 0.3], 0.0, id="none"),
    pytest.param([1, 1], [0.1, 0.9], NAN, id="no empty slice"),
    pytest.param([0], [0.1], NAN, id="no tumor"),
]


@pytest.mark.parametrize(("reference", "scores", "auc"), RANKINGS)
def test_slice_auc(reference: list[int], scores: list[float], auc: float) -> None:
    assert metrics.slice_auc(reference, scores) == pytest.approx(auc, nan_ok=True)


def test_roc_points_say_what_is_called_at_each_threshold() -> None:
    points = metrics.roc_points([1, 0, 1, 0], [0.9, 0.8, 0.4, 0.1])
    assert points[0] == {"threshold": 1.0, "sensitivity": 0.0, "false_positive_rate": 0.0}
    assert {"threshold": 0.4, "sensitivity": 1.0, "false_positive_rate": 0.5} in points
    assert points[-1]["false_positive_rate"] == 1.0
    assert metrics.roc_points([1, 1], [0.3, 0.4]) == []


def test_first_roc_point_calls_nothing_even_where_a_score_is_one() -> None:
    assert metrics.roc_points([1, 0], [1.0, 0.5])[0]["threshold"] > 1.0


def test_sensitivity_at_95_specificity_allows_one_alarm_in_twenty() -> None:
    reference = [True] * 4 + [False] * 20
    scores = [0.9, 0.7, 0.5, 0.01, 0.6, 0.55, *[0.05] * 18]
    # Down to 0.7 no alarm, at 0.6 one (5%), at 0.55 two (10%): the threshold stays above 0.55.
    assert metrics.sensitivity_at_specificity(reference, scores) == pytest.approx(0.5)
    scores[5] = 0.05
    assert metrics.sensitivity_at_specificity(reference, scores) == pytest.approx(1.0 - 1 / 4)


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
