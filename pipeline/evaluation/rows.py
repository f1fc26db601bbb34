"""One row per slice and one per patient: what every figure of an evaluation is computed from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.evaluation.metrics import (
    SurfaceDistances,
    dice_score,
    iou_score,
    masks_meet,
    measure_surfaces,
    undo_platt,
)
from pipeline.results import CaseResult

_INSTITUTION = re.compile(r"TCGA_([A-Z0-9]{2})_")


@dataclass(frozen=True)
class PlattScaling:
    """Calibration inside a network's head: its logit is ``slope x before + intercept``."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class SliceRow:
    """One slice: reference, call, overlap, and what the call rests on.

    Attributes:
        case_id, index: Patient, and slice number from 1.
        reference_tumor: Whether the reference mask holds tumor.
        score: Slice score on which the decision is made, in [0, 1].
        called: Whether it reaches the operating point.
        dice: None where both masks are empty.
        mask_px, reference_px: Pixels of both masks.
        classifier_score: Stage one's own calibrated score.
        uncalibrated_score: That score with the network's calibration undone; None where the network
            names none. An approximation: mirrored answers are averaged and slices smoothed after
            the calibration, which its inverse does not see.
        outline_evidence: None where nothing was outlined.
        decided_by: ``gate``, ``both``, ``classifier`` or ``outline``.
    """

    case_id: str
    index: int
    reference_tumor: bool
    score: float
    called: bool
    dice: float | None
    mask_px: int
    reference_px: int
    classifier_score: float | None = None
    uncalibrated_score: float | None = None
    outline_evidence: float | None = None
    decided_by: str = ""


@dataclass(frozen=True)
class PatientRow:
    """One patient over the volume.

    Attributes:
        case_id, institution: Patient and, in the LGG set, the code in its name.
        dice, iou: None where both masks are empty.
        volume_px, reference_px: Pixels of both masks.
        slices: Number of slices.
        fold: Name of the fold that held the patient out; "" outside cross-validation.
        hd95_px, surface_dice: See `metrics.measure_surfaces`; None where both masks are empty.
        hd95_mm, surface_dice_mm: The same in millimetres; None without spacing.
        detected: Whether the outline meets the reference; None where the reference is empty.
        expected_dice, border_stability, area_low_px, area_high_px, mean_disagreement, log_volume,
            called_slices, largest_score_gap, mask_threshold: What the answer itself tells, see
            `pipeline.outline_facts.OutlineFacts`; None where it cannot be told, and in rows of some
            of a patient's slices.
    """

    case_id: str
    institution: str
    dice: float | None
    iou: float | None
    volume_px: int
    reference_px: int
    slices: int
    fold: str = ""
    hd95_px: float | None = None
    surface_dice: float | None = None
    hd95_mm: float | None = None
    surface_dice_mm: float | None = None
    detected: bool | None = None
    expected_dice: float | None = None
    border_stability: float | None = None
    area_low_px: int | None = None
    area_high_px: int | None = None
    mean_disagreement: float | None = None
    log_volume: float | None = None
    called_slices: int | None = None
    largest_score_gap: float | None = None
    mask_threshold: float | None = None


@dataclass(frozen=True)
class EvaluationRows:
    """Rows of all patients, slices in the patients' order."""

    patients: tuple[PatientRow, ...] = ()
    slices: tuple[SliceRow, ...] = ()

    def of(self, patients: Sequence[str]) -> EvaluationRows:
        """Rows of the given patients, in their order; those that are not there are passed over."""
        people = {row.case_id: row for row in self.patients}
        slices: dict[str, list[SliceRow]] = {name: [] for name in people}
        for row in self.slices:
            slices[row.case_id].append(row)
        there = [name for name in patients if name in people]
        return EvaluationRows(
            tuple(people[name] for name in there),
            tuple(row for name in there for row in slices[name]),
        )


@dataclass(frozen=True, eq=False)
class SliceTable:
    """The rows as arrays.

    Attributes:
        case_ids: Name of each patient.
        patient: ``(s,)`` position of each slice's patient.
        reference: ``(s,)`` bool, whether the reference holds tumor.
        called: ``(s,)`` bool.
        score: ``(s,)`` in [0, 1].
        dice: ``(s,)``, NaN where both masks are empty.
        reference_px: ``(s,)``.
        patient_dice, patient_iou: ``(p,)``, NaN where both volumes are empty.
        hd95_px, surface_dice, hd95_mm, surface_dice_mm: ``(p,)``, NaN where not defined.
        detected: ``(p,)`` 1 or 0, NaN where there is nothing to detect.
    """

    case_ids: tuple[str, ...]
    patient: NDArray[np.intp]
    reference: NDArray[np.bool_]
    called: NDArray[np.bool_]
    score: NDArray[np.float64]
    dice: NDArray[np.float64]
    reference_px: NDArray[np.int64]
    patient_dice: NDArray[np.float64]
    patient_iou: NDArray[np.float64]
    hd95_px: NDArray[np.float64]
    surface_dice: NDArray[np.float64]
    hd95_mm: NDArray[np.float64]
    surface_dice_mm: NDArray[np.float64]
    detected: NDArray[np.float64]

    @classmethod
    def from_rows(cls, rows: EvaluationRows) -> SliceTable:
        """Make arrays of the rows.

        Raises:
            ValueError: A slice belongs to none of the patients, or two patients share a name.
        """
        places = {row.case_id: k for k, row in enumerate(rows.patients)}
        if len(places) != len(rows.patients):
            raise ValueError("every patient must stand in one row")
        if any(row.case_id not in places for row in rows.slices):
            raise ValueError("every slice must belong to one of the patients")
        return cls(
            case_ids=tuple(places),
            patient=np.array([places[row.case_id] for row in rows.slices], np.intp),
            reference=np.array([row.reference_tumor for row in rows.slices], bool),
            called=np.array([row.called for row in rows.slices], bool),
            score=np.array([row.score for row in rows.slices], np.float64),
            dice=_numbers([row.dice for row in rows.slices]),
            reference_px=np.array([row.reference_px for row in rows.slices], np.int64),
            patient_dice=_numbers([row.dice for row in rows.patients]),
            patient_iou=_numbers([row.iou for row in rows.patients]),
            hd95_px=_numbers([row.hd95_px for row in rows.patients]),
            surface_dice=_numbers([row.surface_dice for row in rows.patients]),
            hd95_mm=_numbers([row.hd95_mm for row in rows.patients]),
            surface_dice_mm=_numbers([row.surface_dice_mm for row in rows.patients]),
            detected=_numbers([row.detected for row in rows.patients]),
        )


def pool_rows(parts: Iterable[EvaluationRows]) -> EvaluationRows:
    """All patients of several evaluations, one after the other."""
    kept = tuple(parts)
    return EvaluationRows(
        tuple(row for part in kept for row in part.patients),
        tuple(row for part in kept for row in part.slices),
    )


def measure_case(
    case: Case, result: CaseResult, *, fold: str = "", calibration: PlattScaling | None = None
) -> tuple[PatientRow, tuple[SliceRow, ...]]:
    """Hold one result against its reference masks.

    Args:
        case: With reference masks.
        result: What the chain answered.
        fold: Name of the fold that held the patient out.
        calibration: The network's, to tell the scores without it.

    Raises:
        ValueError: The case has no reference masks.
    """
    if case.masks is None:
        raise ValueError(f"the case {case.case_id} has no reference masks")
    masks = result.masks()
    reference_px = np.count_nonzero(case.masks, axis=(1, 2))
    slices = tuple(
        SliceRow(
            case_id=case.case_id,
            index=int(answer.index),
            reference_tumor=bool(pixels > 0),
            score=answer.tumor_probability,
            called=answer.tumor,
            dice=answer.dice,
            mask_px=answer.mask_area_px,
            reference_px=int(pixels),
            classifier_score=answer.classifier_score,
            uncalibrated_score=_uncalibrated(answer.classifier_score, calibration),
            outline_evidence=answer.outline_evidence,
            decided_by=str(answer.decided_by),
        )
        for answer, pixels in zip(result.slices, reference_px, strict=True)
    )
    known = _INSTITUTION.match(case.case_id)
    in_px = measure_surfaces(masks, case.masks)
    in_mm = _surfaces_mm(case, masks)
    patient = PatientRow(
        case_id=case.case_id,
        institution=known.group(1) if known else "",
        dice=_or_none(dice_score(masks, case.masks)),
        iou=_or_none(iou_score(masks, case.masks)),
        volume_px=int(np.count_nonzero(masks)),
        reference_px=int(reference_px.sum()),
        slices=case.n_slices,
        fold=fold,
        hd95_px=None if in_px is None else in_px.hd95,
        surface_dice=None if in_px is None else in_px.dice,
        hd95_mm=None if in_mm is None else in_mm.hd95,
        surface_dice_mm=None if in_mm is None else in_mm.dice,
        detected=masks_meet(masks, case.masks),
        **asdict(result.facts),
    )
    return patient, slices


def _surfaces_mm(case: Case, masks: NDArray[np.bool_]) -> SurfaceDistances | None:
    if case.spacing_mm is None or case.masks is None:
        return None
    return measure_surfaces(masks, case.masks, spacing=case.spacing_mm[1:])


def _uncalibrated(score: float, calibration: PlattScaling | None) -> float | None:
    if calibration is None:
        return None
    return undo_platt(score, slope=calibration.slope, intercept=calibration.intercept)


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
