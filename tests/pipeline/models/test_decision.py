"""The decision rule on numbers that can be checked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models.decision import DecidedBy, DecisionRule, decision_features, outline_evidence

EQUAL = DecisionRule(
    gate=0.1, classifier_weight=1.0, evidence_weight=1.0, intercept=0.0, threshold=0.5
)
CLASSIFIER_FIRST = DecisionRule(
    gate=0.1, classifier_weight=2.0, evidence_weight=1.0, intercept=0.0, threshold=0.5
)
probabilities = st.floats(0, 1)


@pytest.mark.parametrize(
    ("classifier", "evidence", "expected"),
    [(0.5, 0.5, 0.5), (0.8, 0.2, 0.5), (0.8, 0.5, 0.8), (0.8, 0.8, 16 / 17), (1.0, 0.0, 0.5)],
)
def test_odds_are_multiplied(classifier: float, evidence: float, expected: float) -> None:
    score = EQUAL.slice_scores(np.array([classifier]), np.array([evidence]))
    assert score == pytest.approx([expected])


def test_a_slice_without_an_outline_counts_as_one_without_evidence() -> None:
    given_up = EQUAL.slice_scores(np.array([0.8, 0.8]), np.array([np.nan, 0.0]))
    assert given_up[0] == given_up[1] < 0.01


@given(probabilities, probabilities, probabilities)
def test_more_evidence_never_lowers_the_score(classifier: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    scores = EQUAL.slice_scores(np.array([classifier] * 2), np.array([low, high]))
    assert scores[0] <= scores[1]
    assert np.all((scores > 0) & (scores < 1))


@pytest.mark.parametrize(
    ("rule", "classifier", "evidence", "word"),
    [
        (EQUAL, 0.05, None, DecidedBy.GATE),
        (EQUAL, 0.9, 0.9, DecidedBy.BOTH),
        (EQUAL, 0.2, 0.3, DecidedBy.BOTH),
        (EQUAL, 0.2, 0.9, DecidedBy.OUTLINE),
        (EQUAL, 0.6, 0.1, DecidedBy.OUTLINE),
        (CLASSIFIER_FIRST, 0.2, 0.9, DecidedBy.CLASSIFIER),
        (CLASSIFIER_FIRST, 0.9, 0.2, DecidedBy.CLASSIFIER),
    ],
)
def test_what_decided_is_named(
    rule: DecisionRule, classifier: float, evidence: float | None, word: DecidedBy
) -> None:
    assert rule.decided_by(classifier, evidence) is word


def test_evidence_is_the_mean_of_the_fifty_highest_pixels() -> None:
    maps = np.zeros((2, 16, 16), np.float32)
    maps[0, :5, :5] = 1.0
    maps[1] = 0.25
    assert outline_evidence(maps).tolist() == [0.5, 0.25]
    assert outline_evidence(maps[:0]).shape == (0,)


def test_features_are_finite_at_the_ends() -> None:
    features = decision_features(np.array([0.0, 1.0]), np.array([np.nan, 1.0]))
    assert np.isfinite(features).all()
    assert features[0] == pytest.approx(-features[1])
