"""Ranking of slices against tables that a reader can check by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from pipeline import metrics

NAN = math.nan


def test_confusion() -> None:
    counted = metrics.confusion([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    assert counted == metrics.Confusion(tp=2, fn=1, fp=1, tn=1)
    assert metrics.confusion([1, 1], [1, 0]) == metrics.Confusion(tp=1, fn=1, fp=0, tn=0)


# (reference, scores, average precision): each threshold's precision x the recall that it adds.
PRECISIONS = [
    pytest.param([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 1.0, id="tumor first"),
    pytest.param([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], (1 + 2 / 3) / 2, id="one alarm between"),
    pytest.param([0, 1], [0.9, 0.1], 0.5, id="tumor last"),
    pytest.param([1, 0, 0, 0], [0.5] * 4, 0.25, id="all alike: the part of tumor slices"),
    pytest.param([1, 1], [0.1, 0.9], NAN, id="no empty slice"),
    pytest.param([0], [0.1], NAN, id="no tumor"),
]


@pytest.mark.parametrize(("reference", "scores", "expected"), PRECISIONS)
def test_average_precision(reference: list[int], scores: list[float], expected: float) -> None:
    assert metrics.average_precision(reference, scores) == pytest.approx(expected, nan_ok=True)


def test_precision_recall_points_say_what_is_called_at_each_threshold() -> None:
    points = metrics.precision_recall_points([1, 0, 1, 0], [0.9, 0.8, 0.4, 0.1])
    assert points[0] == metrics.RecallPoint(recall=0.5, precision=1.0, threshold=0.9)
    assert metrics.RecallPoint(recall=1.0, precision=2 / 3, threshold=0.4) in points
    assert points[-1] == metrics.RecallPoint(recall=1.0, precision=0.5, threshold=0.1)
    assert metrics.precision_recall_points([0, 0], [0.3, 0.4]) == ()


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
    assert points[0] == metrics.RocPoint(1.0, sensitivity=0.0, false_positive_rate=0.0)
    assert metrics.RocPoint(0.4, sensitivity=1.0, false_positive_rate=0.5) in points
    assert points[-1].false_positive_rate == 1.0
    assert metrics.roc_points([1, 1], [0.3, 0.4]) == ()


def test_first_roc_point_calls_nothing_even_where_a_score_is_one() -> None:
    assert metrics.roc_points([1, 0], [1.0, 0.5])[0].threshold > 1.0


def test_sensitivity_at_95_specificity_allows_one_alarm_in_twenty() -> None:
    reference = [True] * 4 + [False] * 20
    scores = [0.9, 0.7, 0.5, 0.01, 0.6, 0.55, *[0.05] * 18]
    # Down to 0.7 no alarm, at 0.6 one (5%), at 0.55 two (10%): the threshold stays above 0.55.
    assert metrics.sensitivity_at_specificity(reference, scores) == pytest.approx(0.5)
    scores[5] = 0.05
    assert metrics.sensitivity_at_specificity(reference, scores) == pytest.approx(1.0 - 1 / 4)


def test_no_slices_give_no_figure() -> None:
    assert metrics.confusion([], []) == metrics.Confusion(tp=0, fn=0, fp=0, tn=0)
    assert math.isnan(metrics.slice_auc([], []))
    assert math.isnan(metrics.average_precision([], []))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), slices=st.integers(2, 60))
def test_areas_are_those_of_scikit_learn(seed: int, slices: int) -> None:
    rng = np.random.default_rng(seed)
    reference = np.arange(slices) < rng.integers(1, slices)
    scores = rng.integers(0, 8, slices) / 8  # with ties
    assert metrics.slice_auc(reference, scores) == pytest.approx(roc_auc_score(reference, scores))
    expected = average_precision_score(reference, scores)
    assert metrics.average_precision(reference, scores) == pytest.approx(expected)
