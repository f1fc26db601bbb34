"""What the validation patients choose: calibration, gate, decision rule and operating point."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from pipeline.analysis.postprocessing import smooth_through_slices
from pipeline.models.decision import DecisionRule, decision_features, outline_evidence

#: Neighbouring slices share their tumor: scores and outlines lean on them this far.
SIGMA_SLICES = 0.7
#: Part of the validation patients' tumor slices that the gate must let through.
_GATE_SENSITIVITY = 0.99
#: The gate stands this much lower, in logits: few patients choose it, and a miss costs more.
_GATE_MARGIN = 1.0
_SPECIFICITY = 0.95


@dataclass(frozen=True, eq=False)
class StageAnswers:
    """Raw answers for one volume and its mirror image.

    Attributes:
        scores: ``(2, n)`` classifier scores, plain and mirrored.
        maps: ``(n, size, size)`` float16 probabilities, the average of both.
        labels: ``(n,)`` bool, whether the reference holds tumor.
        counted: ``(n,)`` bool, the slices that may choose.
    """

    scores: NDArray[np.float64]
    maps: NDArray[np.float16]
    labels: NDArray[np.bool_]
    counted: NDArray[np.bool_]


def fit_platt(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope (at least 0.05) and intercept that make scores probabilities (Platt 1999)."""
    logits = logit(np.clip(scores, 1e-6, 1 - 1e-6))
    fitted = LogisticRegression(C=1.0).fit(logits[:, None], labels)
    return max(float(fitted.coef_[0, 0]), 0.05), float(fitted.intercept_[0])


def calibrate(answers: StageAnswers, slope: float, intercept: float) -> StageAnswers:
    """The answers as the model gives them once the calibration is folded into it."""
    logits = logit(np.clip(answers.scores, 1e-6, 1 - 1e-6))
    return replace(answers, scores=expit(slope * logits + intercept))


def fold_calibration(model: keras.Model, slope: float, intercept: float) -> None:
    """Write the calibration into the head, so that it is loaded with the model.

    The logit is a sum of two linear layers' outputs, so that scaling both is exact.
    """
    for name, offset in (("whole", intercept), ("evidence", 0.0)):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel * slope, bias * slope + offset])


def choose_gate(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Classifier score that lets through nearly every tumor slice, with a margin.

    Args:
        scores: ``(n,)`` calibrated classifier scores in [0, 1] of the validation slices.
        labels: ``(n,)`` whether the reference outlines tumor; at least one does.
    """
    lowest = np.quantile(scores[labels], 1 - _GATE_SENSITIVITY)
    return float(expit(logit(np.clip(lowest, 1e-4, 1 - 1e-4)) - _GATE_MARGIN))


def choose_threshold(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], *, specificity: float = _SPECIFICITY
) -> float:
    """Lowest operating point that leaves at least this part of tumor-free slices unmarked.

    Args:
        scores: ``(n,)`` slice scores in [0, 1].
        labels: ``(n,)`` whether the reference outlines tumor; at least one does not.
        specificity: That part, in (0, 1].
    """
    negative = np.sort(scores[~labels])
    allowed = int((1 - specificity) * len(negative) + 1e-9)
    lowest = np.nextafter(negative[len(negative) - allowed - 1], 1)
    return float(np.clip(lowest, 1e-6, 1 - 1e-6))


def fit_decision(answers: list[StageAnswers]) -> DecisionRule:
    """Fit gate, rule and operating point on the chain's own intermediate answers.

    Args:
        answers: Calibrated answers of the validation volumes.
    """
    smoothed = [
        smooth_through_slices(a.scores.mean(axis=0), _positions(a), SIGMA_SLICES).astype(float)
        for a in answers
    ]
    counted = np.concatenate([a.counted for a in answers])
    labels = np.concatenate([a.labels for a in answers])[counted]
    classifier = np.concatenate(smoothed)[counted]
    gate = choose_gate(classifier, labels)
    evidence = np.concatenate(
        [_evidence(a, s >= gate) for a, s in zip(answers, smoothed, strict=True)]
    )[counted]
    features = decision_features(classifier, evidence)
    weights, intercept = _fit_rule(features, labels)
    scores = expit(features @ weights + intercept)
    return DecisionRule(
        gate=gate,
        classifier_weight=float(weights[0]),
        evidence_weight=float(weights[1]),
        intercept=intercept,
        threshold=choose_threshold(scores, labels),
    )


def _fit_rule(
    features: NDArray[np.float64], labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Logistic regression whose weights are not negative: more evidence never lowers a score."""
    used = np.array([True, True])
    while True:
        fitted = LogisticRegression(C=1.0).fit(features[:, used], labels)
        weights = np.zeros(2)
        weights[used] = fitted.coef_[0]
        if (weights >= 0).all() or used.sum() == 1:
            return np.maximum(weights, 0.0), float(fitted.intercept_[0])
        used = weights > 0


def _evidence(answer: StageAnswers, passed: NDArray[np.bool_]) -> NDArray[np.float64]:
    evidence = np.full(len(passed), np.nan)
    maps = smooth_through_slices(answer.maps[passed], _positions(answer)[passed], SIGMA_SLICES)
    evidence[passed] = outline_evidence(maps)
    return evidence


def _positions(answer: StageAnswers) -> NDArray[np.float64]:
    return np.arange(answer.scores.shape[1], dtype=np.float64)
