"""Overlap against tables that a reader can check by hand."""

import math

import numpy as np
import pytest
from shared_cases import read_cases

from pipeline import metrics
from pipeline.storage.checked_json import json_number

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


# (overlap, one mask, the other, Dice)
COUNTS = [
    pytest.param(2, 3, 5, 0.5, id="two of three and five"),
    pytest.param(1.5, 2, 1, 1.0, id="sums of probabilities"),
    pytest.param(0, 4, 0, 0.0, id="one empty"),
    pytest.param(0, 0, 0, NAN, id="both empty"),
]


@pytest.mark.parametrize(("overlap", "first", "second", "dice"), COUNTS)
def test_dice_of_counts(overlap: float, first: float, second: float, dice: float) -> None:
    assert metrics.dice_from_counts(overlap, first, second) == pytest.approx(dice, nan_ok=True)


def test_dice_of_counts_takes_arrays() -> None:
    overlap, first, second, dice = ([case.values[k] for case in COUNTS] for k in range(4))
    found = metrics.dice_from_counts(overlap, first, second)
    assert found == pytest.approx(np.array(dice), nan_ok=True)
    against_one = metrics.dice_from_counts([1, 2, 3], [2, 2, 4], 4)
    assert against_one == pytest.approx(np.array([2 / 6, 4 / 6, 6 / 8]))


@pytest.mark.parametrize("case", read_cases("amounts")["dice"], ids=str)
def test_dice_of_the_shared_table(case: dict[str, int | float | None]) -> None:
    found = metrics.dice_from_counts(case["both"], case["one"], case["other"])
    assert json_number(found) == case["dice"]


def test_dice_of_a_volume_is_not_the_mean_of_its_slices() -> None:
    mask = np.array([[1, 1, 1, 1], [0, 0, 0, 0]])
    reference = np.array([[1, 1, 1, 1], [1, 0, 0, 0]])
    assert metrics.dice_score(mask, reference) == pytest.approx(8 / 9)


def test_overlap_refuses_masks_of_two_shapes() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(3,\)"):
        metrics.dice_score([1, 0], [1, 0, 0])


@pytest.mark.parametrize(("mask", "reference", "dice", "iou"), OVERLAPS)
def test_iou_follows_from_dice(
    mask: list[int], reference: list[int], dice: float, iou: float
) -> None:
    assert metrics.iou_from_dice(dice) == pytest.approx(iou, nan_ok=True)


# (mask, reference, detected)
DETECTIONS = [
    pytest.param([1, 1, 0], [0, 1, 1], True, id="one pixel shared"),
    pytest.param([1, 0, 0], [0, 0, 1], False, id="outlined beside it"),
    pytest.param([0, 0, 0], [0, 0, 1], False, id="missed"),
    pytest.param([1, 0, 0], [0, 0, 0], None, id="nothing to detect"),
]


@pytest.mark.parametrize(("mask", "reference", "detected"), DETECTIONS)
def test_detection(mask: list[int], reference: list[int], detected: bool | None) -> None:
    assert metrics.masks_meet(mask, reference) is detected


# Slices: found, missed, false alarm, rightly left alone.
SLICE_DICE = [0.8, 0.0, 0.0, NAN]
REFERENCE_PX = [10, 5, 0, 0]


def test_means_over_slices() -> None:
    assert metrics.tumor_slice_dice(SLICE_DICE, REFERENCE_PX) == pytest.approx(0.4)
    assert metrics.all_slice_dice(SLICE_DICE) == pytest.approx(1.8 / 4)
    assert metrics.predict_nothing_dice(REFERENCE_PX) == pytest.approx(0.5)
    assert math.isnan(metrics.tumor_slice_dice([NAN], [0]))
