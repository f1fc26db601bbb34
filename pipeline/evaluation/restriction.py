"""Rows as if only some slices of each patient had been measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow
from pipeline.metrics import dice_from_counts
from pipeline.storage.checked_json import json_number


def restrict_to_slices(rows: EvaluationRows, kept: Mapping[str, Collection[int]]) -> EvaluationRows:
    """Rows as if only some slices had been measured.

    Dice, IoU and detection of a patient are computed again from its kept slices, exactly: a slice's
    Dice and its pixels give the overlap. Distances of surfaces cannot be, and are left out.

    Args:
        rows: Whole volumes.
        kept: Numbers (`SliceRow.index`) of the kept slices of each patient; others are left out.
    """
    chosen: dict[str, list[SliceRow]] = {row.case_id: [] for row in rows.patients}
    for one in rows.slices:
        if one.index in kept.get(one.case_id, ()):
            chosen[one.case_id].append(one)
    there = [row for row in rows.patients if chosen[row.case_id]]
    return EvaluationRows(
        tuple(_patient_of_slices(row, chosen[row.case_id]) for row in there),
        tuple(one for row in there for one in chosen[row.case_id]),
    )


def _patient_of_slices(row: PatientRow, slices: Sequence[SliceRow]) -> PatientRow:
    mask_px = sum(one.mask_px for one in slices)
    reference_px = sum(one.reference_px for one in slices)
    overlap = sum(round((one.dice or 0) * (one.mask_px + one.reference_px) / 2) for one in slices)
    both = mask_px + reference_px
    return PatientRow(
        case_id=row.case_id,
        institution=row.institution,
        dice=json_number(dice_from_counts(overlap, mask_px, reference_px)),
        iou=overlap / (both - overlap) if both else None,
        volume_px=mask_px,
        reference_px=reference_px,
        slices=len(slices),
        fold=row.fold,
        detected=overlap > 0 if reference_px else None,
    )
