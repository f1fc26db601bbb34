"""How classifier score and segmentation confidence make the slice score. Pure functions on arrays.

The stages are reported separately: the classifier score, the segmentation confidence
(``outline_evidence``) where the slice was segmented, and the decision made from both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.storage.field_types import Share, Threshold

#: The evidence of an outline is the mean of this many highest pixels of its probability map.
EVIDENCE_PIXELS = 50
#: Probabilities nearer to 0 or 1 than this differ by rounding only.
_FLOOR = 1e-3
#: From here on either stage alone suggests tumor.
_SPEAKS = 0.5


class DecidedBy(StrEnum):
    """What a slice's decision rests on.

    ``GATE``: the classifier score is below the gate, the slice was not segmented. ``BOTH``:
    classifier and segmentation agree. ``CLASSIFIER`` and ``OUTLINE``: they disagree, and the
    decision is that of the one that is named.
    """

    GATE = "gate"
    BOTH = "both"
    CLASSIFIER = "classifier"
    OUTLINE = "outline"


@dataclass(frozen=True)
class DecisionRule:
    """A logistic rule over the logits of classifier score and outline evidence.

    Attributes:
        gate: Classifier score from which a slice is outlined, in [0, 1].
        classifier_weight, evidence_weight, intercept: Of the rule.
        threshold: Operating point of the slice score, in (0, 1).
    """

    gate: Share
    classifier_weight: Annotated[float, Field(ge=0, le=100)]
    evidence_weight: Annotated[float, Field(ge=0, le=100)]
    intercept: Annotated[float, Field(ge=-100, le=100)]
    threshold: Threshold

    def slice_scores(
        self, classifier: NDArray[np.float64], evidence: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Slice scores ``(n,)`` in [0, 1].

        Args:
            classifier: ``(n,)`` classifier scores.
            evidence: ``(n,)`` outline evidence; NaN, which weighs as none, where nothing was
                outlined.
        """
        features = decision_features(classifier, evidence)
        weights = np.array([self.classifier_weight, self.evidence_weight])
        return _expit(features @ weights + self.intercept)

    def decided_by(self, classifier: float, evidence: float | None) -> DecidedBy:
        """What a decision rests on; ``evidence`` is None where nothing was outlined."""
        if evidence is None:
            return DecidedBy.GATE
        seen, outlined = classifier >= _SPEAKS, evidence >= _SPEAKS
        if seen == outlined:
            return DecidedBy.BOTH
        score = self.slice_scores(np.array([classifier]), np.array([evidence]))[0]
        return DecidedBy.CLASSIFIER if (score >= self.threshold) == seen else DecidedBy.OUTLINE


def decision_features(
    classifier: NDArray[np.float64], evidence: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logits ``(n, 2)`` of both probabilities, kept from the ends; NaN counts as 0."""
    both = np.stack([classifier, np.nan_to_num(evidence, nan=0.0)], axis=1)
    clipped = np.clip(both, _FLOOR, 1 - _FLOOR)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


def outline_evidence(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of the `EVIDENCE_PIXELS` highest pixels of each map.

    Args:
        maps: ``(n, size, size)`` probabilities on the network's grid.

    Returns:
        ``(n,)`` in [0, 1].
    """
    n, *shape = maps.shape
    flat = maps.reshape(n, int(np.prod(shape)))
    count = min(EVIDENCE_PIXELS, flat.shape[1])
    highest = np.partition(flat, -count, axis=1)[:, -count:]
    return np.asarray(highest.mean(axis=1), np.float64)


def _expit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # SciPy's would cost the web process, which reads the rule, most of a second of importing.
    return np.asarray(1 / (1 + np.exp(-x)), np.float64)
