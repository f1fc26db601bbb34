"""One row per slice and one per patient: what every figure of an evaluation is computed from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.evaluation.metrics import dice_score, iou_score
from pipeline.results import CaseResult

_INSTITUTION = re.compile(r"TCGA_([A-Z0-9]{2})_")


@dataclass(frozen=True)
class SliceRow:
    """One slice: reference, call and overlap. ``dice`` is None where both masks are empty."""

    case_id: str
    index: int
    reference_tumor: bool
    score: float
    called: bool
    dice: float | None
    mask_px: int
    reference_px: int


@dataclass(frozen=True)
class PatientRow:
    """One patient over the volume. ``dice`` and ``iou`` are None where both masks are empty."""

    case_id: str
    institution: str
    dice: float | None
    iou: float | None
    volume_px: int
    reference_px: int
    slices: int


@dataclass(frozen=True)
class EvaluationRows:
    """Rows of all patients, slices in the patients' order."""

    patients: tuple[PatientRow, ...]
    slices: tuple[SliceRow, ...]


@dataclass(frozen=True, eq=False)
class SliceTable:
    """The rows as arrays.

    Attributes:
        patient: ``(s,)`` position of each slice's patient.
        reference: ``(s,)`` bool, whether the reference holds tumor.
        called: ``(s,)`` bool.
        score: ``(s,)`` in [0, 1].
        dice: ``(s,)``, NaN where both masks are empty.
        reference_px: ``(s,)``.
        patient_dice, patient_iou: ``(p,)``, NaN where both volumes are empty.
    """

    patient: NDArray[np.intp]
    reference: NDArray[np.bool_]
    called: NDArray[np.bool_]
    score: NDArray[np.float64]
    dice: NDArray[np.float64]
    reference_px: NDArray[np.int64]
    patient_dice: NDArray[np.float64]
    patient_iou: NDArray[np.float64]

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
            patient=np.array([places[row.case_id] for row in rows.slices], np.intp),
            reference=np.array([row.reference_tumor for row in rows.slices], bool),
            called=np.array([row.called for row in rows.slices], bool),
            score=np.array([row.score for row in rows.slices], np.float64),
            dice=_numbers([row.dice for row in rows.slices]),
            reference_px=np.array([row.reference_px for row in rows.slices], np.int64),
            patient_dice=_numbers([row.dice for row in rows.patients]),
            patient_iou=_numbers([row.iou for row in rows.patients]),
        )


def measure_case(case: Case, result: CaseResult) -> tuple[PatientRow, tuple[SliceRow, ...]]:
    """Hold one result against its reference masks.

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
            index=answer.index,
            reference_tumor=bool(pixels > 0),
            score=answer.tumor_probability,
            called=answer.tumor,
            dice=answer.dice,
            mask_px=answer.mask_area_px,
            reference_px=int(pixels),
        )
        for answer, pixels in zip(result.slices, reference_px, strict=True)
    )
    known = _INSTITUTION.match(case.case_id)
    patient = PatientRow(
        case_id=case.case_id,
        institution=known.group(1) if known else "",
        dice=_or_none(dice_score(masks, case.masks)),
        iou=_or_none(iou_score(masks, case.masks)),
        volume_px=int(np.count_nonzero(masks)),
        reference_px=int(reference_px.sum()),
        slices=case.n_slices,
    )
    return patient, slices


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
