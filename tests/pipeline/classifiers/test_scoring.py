from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from pipeline.classifiers.scoring import ConfusionMatrix, score_classifier

#: Four images, two of each class; the last one is answered wrongly.
BINARY = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
LABELS = np.array([0, 0, 1, 1])


def score(probabilities: np.ndarray, labels: np.ndarray, groups: object = None, draws: int = 200):  # type: ignore[no-untyped-def]
    classes = tuple("abcd"[: probabilities.shape[1]])
    owners = np.arange(len(labels)) if groups is None else np.asarray(groups)
    return score_classifier(probabilities, labels, owners, classes=classes, draws=draws)


def test_two_classes_by_hand() -> None:
    scores = score(BINARY, LABELS)
    values = {name: estimate.value for name, estimate in scores.figures.items()}
    assert values == pytest.approx(
        {
            "accuracy": 3 / 4,
            "binary_crossentropy": -np.log([0.9, 0.6, 0.8, 0.3]).mean(),
            "auc": 3 / 4,
            "sensitivity": 1 / 2,
            "specificity": 1.0,
        }
    )
    assert scores.confusion == ConfusionMatrix(("a", "b"), ((2, 0), (1, 1)))


def test_more_classes_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 4
    raw = rng.random((60, 4)) + 0.7 * np.eye(4)[labels]
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    figures = score(probabilities, labels).figures
    answered = probabilities.argmax(axis=1)
    area = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert figures["auc"].value == pytest.approx(area)
    assert figures["log_loss"].value == pytest.approx(log_loss(labels, probabilities))
    assert figures["accuracy"].value == pytest.approx((answered == labels).mean())
    assert figures["sensitivity_b"].value == pytest.approx((answered[labels == 1] == 1).mean())
    assert figures["precision_d"].value == pytest.approx((labels[answered == 3] == 3).mean())


def test_a_sure_miss_stays_finite_and_a_class_without_images_has_no_figure() -> None:
    figures = score(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1, 1])).figures
    assert figures["binary_crossentropy"].value == pytest.approx(-np.log(1e-7))
    assert (figures["auc"].value, figures["specificity"].value) == (None, None)


def test_intervals_are_wider_where_images_belong_together() -> None:
    rng = np.random.default_rng(1)
    wrong = np.repeat(rng.random(20) < 0.3, 10)
    labels = np.tile([0, 1], 100)
    answers = np.where(wrong, 1 - labels, labels)
    probabilities = np.eye(2)[answers] * 0.8 + 0.1

    def width(groups: np.ndarray) -> float:
        estimate = score(probabilities, labels, groups, draws=2000).figures["accuracy"]
        assert estimate.low is not None and estimate.high is not None
        assert estimate.low <= float(estimate.value or 0) <= estimate.high
        return estimate.high - estimate.low

    assert width(np.repeat(np.arange(20), 10)) > 2 * width(np.arange(200))


def test_repeats_of_an_image_narrow_nothing() -> None:
    groups = ["p", "q", "r", "s"]
    once = score(BINARY, LABELS, groups, draws=500).figures["accuracy"]
    twice = score(np.tile(BINARY, (3, 1)), np.tile(LABELS, 3), groups * 3, draws=500)
    assert twice.figures["accuracy"] == once


@pytest.mark.parametrize("shape", [(0, 2), (4, 3), (3, 2)])
def test_answers_must_fit(shape: tuple[int, int]) -> None:
    labels = LABELS[: shape[0]] if shape[0] == 0 else LABELS
    with pytest.raises(ValueError, match="probabilities must be"):
        score_classifier(np.zeros(shape), labels, np.arange(len(labels)), classes=("a", "b"))
