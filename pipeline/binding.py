"""Joins what the models answered to the case that was asked about.

The models' answer depends on the pixels alone, and is what the cache keeps. Names, indices, the
case's own warnings and everything that needs reference masks are added here, each time, so that two
cases with the same pixels share an answer without sharing a name, and a reference that is added,
changed or taken away can touch nothing but ``dice``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.evaluation.metrics import dice_score
from pipeline.models.registry import TaskInfo
from pipeline.results import CaseResult, ModelReference, SliceResult


@dataclass(frozen=True, eq=False)
class Answer:
    """What the two stages say about pixels, whatever they are called.

    Attributes:
        classifier, segmenter: The models that answered.
        scores: Slice score of each slice in [0, 1].
        probability: ``(n, h, w)`` uint8, 255 x the probability; 0 on slices that did not pass.
        classifier_threshold, segmenter_threshold: Operating points in (0, 1).
        warnings: Sentences about how the input was prepared.
    """

    classifier: ModelReference
    segmenter: ModelReference
    scores: tuple[float, ...]
    probability: NDArray[np.uint8]
    classifier_threshold: float
    segmenter_threshold: float
    warnings: tuple[str, ...] = ()

    def called(self) -> NDArray[np.bool_]:
        """``(n,)`` bool, the slices whose score reaches the operating point."""
        return np.array(self.scores, np.float64) >= self.classifier_threshold

    def masks(self) -> NDArray[np.bool_]:
        """``(n, h, w)`` bool predicted masks; empty on slices that are not called tumor."""
        level = mask_level(self.segmenter_threshold)
        return (self.probability >= level) & self.called()[:, None, None]


def mask_level(threshold: float) -> int:
    """Smallest stored value in 1..255 that belongs to the mask at a threshold in (0, 1)."""
    return max(1, int(np.ceil(threshold * 255)))


def references(
    models: TaskInfo, *, engine: str, precision: str
) -> tuple[ModelReference, ModelReference]:
    """Name both models of a task as results name them."""
    first, second = (
        ModelReference(m.name, m.version, m.digest, engine, precision) for m in models.stages
    )
    return first, second


def bind_answer(answer: Answer, case: Case) -> CaseResult:
    """Make the result for a case from the answer for its pixels.

    Raises:
        ValueError: The answer is for pixels of another shape.
    """
    if answer.probability.shape != case.pixels.shape[:3]:
        raise ValueError(
            f"the answer has shape {answer.probability.shape}, the case {case.pixels.shape[:3]}"
        )
    masks = answer.masks()
    areas = np.count_nonzero(masks, axis=(1, 2))
    overlap: list[float | None] = [None] * case.n_slices
    volume_dice = None
    if case.masks is not None:
        pairs = zip(masks, case.masks, strict=True)
        overlap = [_number(dice_score(mask, reference)) for mask, reference in pairs]
        volume_dice = _number(dice_score(masks, case.masks))
    return CaseResult(
        case_id=case.case_id,
        classifier=answer.classifier,
        segmenter=answer.segmenter,
        slices=_slice_results(case, answer, areas, overlap),
        probability=answer.probability,
        classifier_threshold=answer.classifier_threshold,
        segmenter_threshold=answer.segmenter_threshold,
        spacing_mm=case.spacing_mm,
        volume_ml=_volume_ml(int(areas.sum()), case.spacing_mm),
        dice=volume_dice,
        warnings=tuple(dict.fromkeys(case.warnings + answer.warnings)),
    )


def _slice_results(
    case: Case, answer: Answer, areas: NDArray[np.int_], overlap: Sequence[float | None]
) -> tuple[SliceResult, ...]:
    called = answer.called()
    return tuple(
        SliceResult(
            index=case.indices[k],
            source=case.sources[k],
            tumor_probability=answer.scores[k],
            tumor=bool(called[k]),
            mask_area_px=int(areas[k]),
            dice=overlap[k],
        )
        for k in range(case.n_slices)
    )


def _volume_ml(voxels: int, spacing_mm: tuple[float, float, float] | None) -> float | None:
    """Volume of that many voxels in mL (1 mL is 1000 cubic millimetres)."""
    return None if spacing_mm is None else voxels * float(np.prod(spacing_mm)) / 1000


def _number(dice: float) -> float | None:
    """NaN (both masks empty) is told as None."""
    return None if np.isnan(dice) else dice
