"""What an answer itself says about how good its segmentation may be, without any reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.measurement.mask_levels import (
    count_levels,
    expected_dice,
    mask_level,
    probability_mass,
)
from pipeline.metrics import dice_from_counts
from pipeline.storage.checked_json import json_number

#: Thresholds between which a sure border does not move.
BAND = (0.3, 0.7)


@dataclass(frozen=True)
class OutlineFacts:
    """Facts of one answer, computed from it alone.

    Attributes:
        expected_dice: Dice that the mask would have on average, were the probabilities right, in
            [0, 1]. All probabilities count, also those of slices that were not called. None where
            the mask is empty.
        border_stability: Dice between the masks at 0.3 and at 0.7, in [0, 1]; 1 is a border that no
            threshold moves. None where even the mask at 0.3 is empty.
        area_low_px, area_high_px: Pixels of these two masks, over the called slices.
        mean_disagreement: Mean over the mask of how far the answers to a slice and to its mirror
            image lie apart, in [0, 1]. 0 where mirror images are not answered, None where the mask
            is empty.
        log_volume: Natural logarithm of the mask's pixels; None where it is empty.
        called_slices: Slices whose score reaches the operating point.
        largest_score_gap: Largest distance between classifier score and outline evidence of a
            slice, in [0, 1]; None where nothing was outlined.
        mask_threshold: Probability from which a pixel belongs to the mask, as chosen for the case.
    """

    expected_dice: float | None
    border_stability: float | None
    area_low_px: int
    area_high_px: int
    mean_disagreement: float | None
    log_volume: float | None
    called_slices: int
    largest_score_gap: float | None
    mask_threshold: float


def describe_outline(
    probability: NDArray[np.uint8],
    uncertainty: NDArray[np.uint8],
    called: NDArray[np.bool_],
    *,
    classifier_scores: Sequence[float],
    outline_evidence: Sequence[float | None],
    mask_threshold: float,
) -> OutlineFacts:
    """Compute the facts of an answer.

    Args:
        probability: ``(n, h, w)`` uint8, 255 x the probability.
        uncertainty: Likewise, how far slice and mirror image lie apart.
        called: ``(n,)`` bool.
        classifier_scores: One per slice, in [0, 1].
        outline_evidence: Likewise; None on slices that were not outlined.
        mask_threshold: In (0, 1).
    """
    level = mask_level(mask_threshold)
    everything, voxels = np.zeros(256, np.int64), np.zeros(256, np.int64)
    disagreed = 0
    for k, shown in enumerate(probability):
        if not shown.any():
            continue
        counted = count_levels(shown)
        everything += counted
        if called[k]:
            voxels += counted
            disagreed += int(uncertainty[k][shown >= level].sum(dtype=np.int64))
    area, low, high = (int(voxels[start:].sum()) for start in (level, *map(mask_level, BAND)))
    pairs = zip(classifier_scores, outline_evidence, strict=True)
    gaps = [abs(score - evidence) for score, evidence in pairs if evidence is not None]
    mass = probability_mass(everything)
    expected = float(expected_dice(voxels, mass=mass)[level]) if area and mass else None
    return OutlineFacts(
        expected_dice=expected,
        border_stability=json_number(dice_from_counts(high, low, high)),
        area_low_px=low,
        area_high_px=high,
        mean_disagreement=disagreed / area / 255 if area else None,
        log_volume=float(np.log(area)) if area else None,
        called_slices=int(np.count_nonzero(called)),
        largest_score_gap=max(gaps, default=None),
        mask_threshold=mask_threshold,
    )
