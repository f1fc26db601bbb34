"""Frozen dataclasses that cross boundaries: what the two-stage pipeline answers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.outline_facts import OutlineFacts
from pipeline.data.cautions import Caution, Severity, merge_cautions
from pipeline.measurement.doubtful_outlines import Doubt
from pipeline.measurement.mask_levels import mask_level
from pipeline.models.decision import DecidedBy


class AnswerMap(StrEnum):
    """The maps of an answer, by their names there, in the order in which they are kept."""

    PROBABILITY = "probability"
    UNCERTAINTY = "uncertainty"
    SALIENCY = "saliency"
    LEFT_OUT = "left_out"


@dataclass(frozen=True)
class ModelReference:
    """A network as named in every result: its name, version and the digest of its weights."""

    name: str
    version: str
    digest: str
    engine: str
    precision: str


@dataclass(frozen=True)
class SliceResult:
    """What the two stages say of one slice.

    Attributes:
        index: Slice number, from 1.
        source: File of the slice.
        slice_score: Slice score in [0, 1], on which the decision is made.
        tumor: Whether the slice score reaches the operating point.
        classifier_score: Stage one's own score in [0, 1].
        outline_evidence: How sure stage two is of its outline, in [0, 1]; None where the first
            stage turned the slice away and nothing was outlined.
        decided_by: ``gate``, ``both``, ``classifier`` or ``outline``
            (`pipeline.models.decision.DecidedBy`).
        mask_area_px: Pixels of the mask on the input's own grid, 0 where no tumor is called.
        dice: Dice against the reference mask; None without one or where both masks are empty.
        left_out_px: Pixels that were segmented and excluded from the mask, because their component
            is smaller than the main lesion.
        doubts: Why the slice's outline is likely false; empty as a rule.
    """

    index: int
    source: str
    slice_score: float
    tumor: bool
    classifier_score: float
    outline_evidence: float | None
    decided_by: str
    mask_area_px: int
    dice: float | None
    left_out_px: int = 0
    doubts: tuple[Doubt, ...] = ()

    @property
    def is_conflict(self) -> bool:
        """Whether classifier and segmentation disagree, so that one of them decided."""
        return self.decided_by in (DecidedBy.CLASSIFIER, DecidedBy.OUTLINE)


@dataclass(frozen=True, eq=False, kw_only=True)
class ResultWithoutMaps:
    """What the two stages say of one case, but for the maps.

    Attributes:
        case_id: The case's name.
        network: The network that answered.
        slices: One entry per slice, inferior to superior.
        facts: What the answer itself says about how good the segmentation may be.
        operating_point: Threshold on the slice score, in [0, 1].
        mask_threshold: Probability from which a pixel belongs to the mask.
        spacing_mm: (z, y, x) or None.
        volume_ml: Volume of the mask in mL, None without spacing.
        left_out_ml: Volume of what was left out of the mask as small, on the slices that are called
            tumor; None without spacing.
        dice: Dice over the volume against the reference; None without a reference, or both empty.
        own_cautions: What stays with the result: the case's own cautions and those of how it was
            prepared.
        input_findings: In what the input is not what the network was trained on, at most one of
            each aspect; where an own caution weighs as much, the finding is that caution.
    """

    case_id: str
    network: ModelReference
    slices: tuple[SliceResult, ...]
    facts: OutlineFacts
    operating_point: float
    mask_threshold: float
    spacing_mm: tuple[float, float, float] | None
    volume_ml: float | None
    left_out_ml: float | None
    dice: float | None
    own_cautions: tuple[Caution, ...] = ()
    input_findings: tuple[Caution, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences of the own cautions, each once."""
        return tuple(dict.fromkeys(caution.sentence for caution in self.own_cautions))

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Own cautions and findings, near-duplicates once (`merge_cautions`)."""
        return merge_cautions((*self.own_cautions, *self.input_findings))

    @property
    def unfit(self) -> Caution | None:
        """Why no headline is drawn from the result: images unlike the training data; or None."""
        grave = [c for c in self.input_findings if c.severity >= Severity.UNFIT]
        return max(grave, key=lambda caution: caution.severity, default=None)

    @property
    def is_void(self) -> bool:
        """Whether the images show nothing that could be analysed, as `unfit` says."""
        return self.unfit is not None and self.unfit.severity is Severity.NO_RESULT

    @property
    def tumor(self) -> bool:
        """True when any slice is called tumor."""
        return any(s.tumor for s in self.slices)


@dataclass(frozen=True, eq=False, kw_only=True)
class CaseResult(ResultWithoutMaps):
    """What the two stages say of one case.

    Attributes:
        probability: ``(n, h, w)`` uint8, 255 x the outline's probability on the input's own grid;
            0 on slices that the first stage did not pass.
        uncertainty: ``(n, h, w)`` uint8, 255 x how far the answers to a slice and to its mirror
            image lie apart (test-time augmentation), on the same grid; 0 where nothing was
            outlined, and everywhere where mirror images are not answered.
    """

    probability: NDArray[np.uint8]
    uncertainty: NDArray[np.uint8]

    def without_maps(self) -> ResultWithoutMaps:
        """The same without the maps."""
        names = [field.name for field in fields(ResultWithoutMaps)]
        return ResultWithoutMaps(**{name: getattr(self, name) for name in names})

    def masks(self) -> NDArray[np.bool_]:
        """Predicted masks ``(n, h, w)``: empty on slices that are not called tumor."""
        called = np.array([s.tumor for s in self.slices], bool)
        return (self.probability >= mask_level(self.mask_threshold)) & called[:, None, None]
