"""What validation patients choose, on numbers that can be checked by hand."""

import keras
import numpy as np
import pytest

from pipeline.models.resunet import build_resunet, split_stages
from pipeline.training.calibration import (
    StageAnswers,
    calibrate,
    choose_gate,
    choose_threshold,
    fit_decision,
    fit_platt,
    fold_calibration,
)


@pytest.mark.parametrize(
    ("specificity", "marked"),
    [(1.0, [False] * 20), (0.95, [False] * 19 + [True]), (0.9, [False] * 18 + [True] * 2)],
)
def test_the_operating_point_keeps_the_specificity(specificity, marked):
    scores = np.append(np.linspace(0.01, 0.2, 20), [0.15, 0.9])
    labels = np.array([False] * 20 + [True] * 2)
    threshold = choose_threshold(scores, labels, specificity=specificity)
    assert (scores[:20] >= threshold).tolist() == marked


def test_the_gate_stands_a_margin_below_nearly_every_tumor_slice():
    scores = np.array([0.5] * 10 + [0.01] * 5)
    gate = choose_gate(scores, np.array([True] * 10 + [False] * 5))
    assert gate == pytest.approx(1 / (1 + np.e)), "logit 0 - 1"


def test_calibration_finds_slope_and_intercept_of_overconfident_scores():
    rng = np.random.default_rng(0)
    true = rng.normal(size=20000) * 2
    labels = rng.random(20000) < 1 / (1 + np.exp(-true))
    slope, intercept = fit_platt(1 / (1 + np.exp(-(3 * true + 1))), labels)
    assert slope == pytest.approx(1 / 3, abs=0.03)
    assert intercept == pytest.approx(-1 / 3, abs=0.05)


def test_calibration_in_the_weights_equals_calibration_of_the_scores():
    keras.utils.set_random_seed(0)
    model = build_resunet(32)
    # Faint slices: an untrained network is too sure of others for a float to tell apart.
    slices = np.random.default_rng(0).normal(0, 0.03, (3, 32, 32, 5)).astype(np.float32)
    first, _ = split_stages(model)
    before = first([slices], training=False)[0].numpy()[:, 0]
    assert np.all((before > 0.01) & (before < 0.99))
    answers = make_answers(np.stack([before, before]).astype(float), np.zeros(3, bool))
    fold_calibration(model, 0.4, -1.5)
    after = first([slices], training=False)[0].numpy()[:, 0]
    np.testing.assert_allclose(calibrate(answers, 0.4, -1.5).scores[0], after, atol=1e-5)


def make_answers(scores, labels, sure=0.9):
    maps = np.where(labels[:, None, None], sure, 0.05) * np.ones((1, 16, 16))
    return StageAnswers(scores, maps.astype(np.float16), labels, np.ones(len(labels), bool))


def alternating(n=40):
    """Runs of four slices with and without tumor."""
    return (np.arange(n) // 4) % 2 == 1


def test_the_rule_leans_on_outlines_where_the_classifier_knows_nothing():
    labels = alternating()
    rule = fit_decision([make_answers(np.full((2, 40), 0.5), labels)])
    assert rule.evidence_weight > 5 * rule.classifier_weight
    scores = rule.slice_scores(np.full(2, 0.5), np.array([0.1, 0.9]))
    assert scores[0] < rule.threshold <= scores[1]


def test_weights_that_would_punish_evidence_are_left_out():
    labels = alternating()
    scores = np.where(labels, 0.9, 0.2)
    against = make_answers(np.stack([scores, scores]), labels)
    maps = np.where(labels[:, None, None], 0.1, 0.9) * np.ones((1, 16, 16))
    against = StageAnswers(against.scores, maps.astype(np.float16), labels, against.counted)
    rule = fit_decision([against])
    assert rule.evidence_weight >= 0
    assert rule.classifier_weight > 0


def test_only_slices_that_count_choose():
    labels = alternating()
    scores = np.where(labels, 0.9, 0.1)
    wrong = np.where(labels, 0.1, 0.9)
    both = np.concatenate([scores, wrong])
    answers = make_answers(np.stack([both, both]), np.concatenate([labels, labels]))
    counted = np.arange(80) < 40
    chosen = StageAnswers(answers.scores, answers.maps, answers.labels, counted)
    alone = fit_decision([make_answers(np.stack([scores, scores]), labels)])
    together = fit_decision([chosen])
    assert together.classifier_weight == pytest.approx(alone.classifier_weight, rel=0.05)
