"""Joins the models' answer to the case that it is for.

The models' answer depends on the pixels alone, and is what the cache stores. Names, indices, the
case's own warnings and everything that needs reference masks are added here, each time, so that two
cases with the same pixels share an answer without sharing a name, and a reference that is added,
changed or taken away can touch nothing but ``dice``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.outline_facts import describe_outline
from pipeline.analysis.results import CaseResult, ModelReference, SliceResult
from pipeline.data.case import Case, volume_ml
from pipeline.data.cautions import InputAspect, cautions_of
from pipeline.data.preprocessing import flair_channel
from pipeline.input_gate.gate import check_input
from pipeline.measurement.doubtful_outlines import find_doubts
from pipeline.measurement.mask_levels import mask_level
from pipeline.metrics import dice_from_counts
from pipeline.models.registry import ModelInfo
from pipeline.storage.checked_json import json_number

#: Masks ``(h, w)`` bool by the position of their slice, from 0; slices that are missing are empty.
MaskSlices = Mapping[int, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Outline:
    """What masks at any threshold and operating point are made from.

    Attributes:
        network: The network that answered.
        scores: Slice score of each slice in [0, 1].
        outline_evidence: In [0, 1], None on slices that did not pass.
        probability: ``(n, h, w)`` uint8, 255 x the probability; 0 on slices that did not pass.
        operating_point: Threshold on the slice score, in (0, 1).
        mask_threshold: Threshold on the probability map, in (0, 1).
    """

    network: ModelReference
    scores: tuple[float, ...]
    outline_evidence: tuple[float | None, ...]
    probability: NDArray[np.uint8]
    operating_point: float
    mask_threshold: float

    def called(self, operating_point: float | None = None) -> NDArray[np.bool_]:
        """``(n,)`` bool, the slices whose score reaches the operating point, or the answer's."""
        point = self.operating_point if operating_point is None else operating_point
        return np.array(self.scores, np.float64) >= point

    def mask_slices(
        self, level: int | None = None, operating_point: float | None = None
    ) -> dict[int, NDArray[np.bool_]]:
        """The masks of the slices that are called, by position from 0; the others are empty.

        Args:
            level: Smallest value of the map that belongs to a mask, 1 to 255, or the answer's.
            operating_point: Slice score from which slices are called, or the answer's.

        Returns:
            Masks ``(h, w)`` bool, empty ones too.
        """
        least = mask_level(self.mask_threshold) if level is None else level
        called = np.flatnonzero(self.called(operating_point))
        return {int(k): self.probability[k] >= least for k in called}

    def masks(self) -> NDArray[np.bool_]:
        """``(n, h, w)`` bool predicted masks; empty on slices that are not called tumor."""
        volume = np.zeros(self.probability.shape, bool)
        for k, mask in self.mask_slices().items():
            volume[k] = mask
        return volume


@dataclass(frozen=True, eq=False)
class Answer(Outline):
    """What the two stages say about pixels, whatever they are called.

    Attributes:
        network, scores, outline_evidence, probability, operating_point, mask_threshold: As of
            `Outline`.
        classifier_scores: Stage one's own, likewise.
        decided_by: `pipeline.models.decision.DecidedBy` of each slice.
        uncertainty: ``(n, h, w)`` uint8, 255 x the distance between the probabilities that come
            of the slice and of its mirror image; 0 on slices that did not pass, and everywhere
            where mirror images are not answered.
        warnings: Sentences about how the input was prepared.
        saliency: ``(n, h, w)`` uint8, where the classifier looked (`pipeline.engine.grad_cam`),
            255 at the strongest place of each slice; 0 on slices that did not pass. None where the
            network does not provide it, and in answers from the cache, which reads it slice by
            slice.
        left_out: ``(n, h, w)`` uint8, the probability of components that were excluded from the
            mask as smaller than the main lesion, 0 elsewhere; None without any, and as
            ``saliency``.
        left_out_px: Pixels of such components on each slice; () without any.
    """

    classifier_scores: tuple[float, ...]
    decided_by: tuple[str, ...]
    uncertainty: NDArray[np.uint8]
    warnings: tuple[str, ...] = ()
    saliency: NDArray[np.uint8] | None = None
    left_out: NDArray[np.uint8] | None = None
    left_out_px: tuple[int, ...] = ()


def count_pixels(maps: NDArray[np.uint8] | None) -> tuple[int, ...]:
    """Pixels above 0 of each slice of ``(n, h, w)``; () without maps."""
    return () if maps is None else tuple(np.count_nonzero(maps, axis=(1, 2)).tolist())


def reference(network: ModelInfo, *, engine: str, precision: str) -> ModelReference:
    """Name a network as results name it."""
    return ModelReference(network.name, network.version, network.digest, engine, precision)


def bind_answer(answer: Answer, case: Case) -> CaseResult:
    """Make the result for a case from the answer for its pixels.

    Raises:
        ValueError: The answer is for pixels of another shape.
    """
    if answer.probability.shape != case.pixels.shape[:3]:
        raise ValueError(
            f"the answer has shape {answer.probability.shape}, the case {case.pixels.shape[:3]}"
        )
    masks = answer.mask_slices()
    areas_px = {k: int(np.count_nonzero(mask)) for k, mask in masks.items()}
    overlap, volume_dice = _find_overlap(masks, areas_px, case.masks)
    slices = _slice_results(case, answer, masks, areas_px, overlap)
    areas = [one.mask_area_px for one in slices]
    return CaseResult(
        case_id=case.case_id,
        network=answer.network,
        slices=slices,
        probability=answer.probability,
        uncertainty=answer.uncertainty,
        facts=describe_outline(
            answer.probability,
            answer.uncertainty,
            answer.called(),
            classifier_scores=answer.classifier_scores,
            outline_evidence=answer.outline_evidence,
            mask_threshold=answer.mask_threshold,
        ),
        operating_point=answer.operating_point,
        mask_threshold=answer.mask_threshold,
        spacing_mm=case.spacing_mm,
        volume_ml=volume_ml(areas, case.spacing_mm, case.slice_weights),
        left_out_ml=volume_ml(
            [one.left_out_px if one.tumor else 0 for one in slices],
            case.spacing_mm,
            case.slice_weights,
        ),
        dice=volume_dice,
        own_cautions=(
            *case.cautions,
            *cautions_of(InputAspect.SEQUENCE, answer.warnings),
        ),
        input_findings=check_input(case),
    )


def _find_overlap(
    masks: MaskSlices, areas_px: Mapping[int, int], reference: NDArray[np.bool_] | None
) -> tuple[Sequence[float | None] | None, float | None]:
    """Dice of each slice and of the volume, counted slice by slice; None without a reference."""
    if reference is None:
        return None, None
    counts = [
        (
            int(np.count_nonzero(masks[k] & truth)) if k in masks else 0,
            areas_px.get(k, 0),
            int(np.count_nonzero(truth)),
        )
        for k, truth in enumerate(reference)
    ]
    both, first, second = np.transpose(counts)
    whole = dice_from_counts(both.sum(), first.sum(), second.sum())
    found = [json_number(dice) for dice in dice_from_counts(both, first, second).tolist()]
    return found, json_number(float(whole))


def _slice_results(
    case: Case,
    answer: Answer,
    masks: MaskSlices,
    areas_px: Mapping[int, int],
    overlap: Sequence[float | None] | None,
) -> tuple[SliceResult, ...]:
    called = answer.called()
    doubts = find_doubts(
        {k: mask for k, mask in masks.items() if areas_px[k]},
        case.pixels[..., flair_channel(case.sequences)],
        has_sides=case.orientation is None or case.orientation.left in {"R", "L"},
    )
    return tuple(
        SliceResult(
            index=case.indices[k],
            source=case.sources[k],
            slice_score=answer.scores[k],
            tumor=bool(called[k]),
            classifier_score=answer.classifier_scores[k],
            outline_evidence=answer.outline_evidence[k],
            decided_by=answer.decided_by[k],
            mask_area_px=areas_px.get(k, 0),
            dice=overlap[k] if overlap else None,
            left_out_px=answer.left_out_px[k] if answer.left_out_px else 0,
            doubts=doubts.get(k, ()),
        )
        for k in range(case.n_slices)
    )
