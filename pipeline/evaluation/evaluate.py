"""Runs the whole chain over patients with reference masks and measures how well it did.

The outcome is one document with all rows and all figures (`document.Evaluation`), which the
performance page and the model cards read, so that no figure anywhere is typed in.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.analysis.analyser import Analyser
from pipeline.analysis.results import CaseResult
from pipeline.data.case import Case
from pipeline.evaluation.computing import describe_intervals
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow
from pipeline.metrics import (
    SurfaceDistances,
    dice_score,
    iou_score,
    masks_meet,
    measure_surfaces,
    undo_platt,
)
from pipeline.models.metadata import PlattScaling
from pipeline.storage.checked_json import json_number

_INSTITUTION = re.compile(r"TCGA_([A-Z0-9]{2})_")


@dataclass(frozen=True)
class DemoRow:
    """One demo study: its lesions, how many were found, and slices at the operating point."""

    case_id: str
    lesions: int
    found: int
    called_slices: int


@dataclass(frozen=True, kw_only=True)
class DemoEvaluation:
    """demo.json: lesions of synthetic studies that were found, which is no accuracy."""

    schema: int = 1
    synthetic: bool = True
    lesions: int
    found: int
    studies: tuple[DemoRow, ...]


def evaluate_cases(
    cases: Iterable[Case],
    analyser: Analyser,
    *,
    fold: str = "",
    calibration: PlattScaling | None = None,
) -> EvaluationRows:
    """Run the chain over cases with reference masks, one at a time.

    Args:
        cases: Read one by one; cases without reference masks are passed over.
        analyser: The two stages.
        fold: Name of the fold that held these patients out.
        calibration: The network's, as its metadata.json names it.
    """
    patients: list[PatientRow] = []
    slices: list[SliceRow] = []
    for case in cases:
        if case.masks is None:
            continue
        result = analyser.analyse(case)
        patient, own = measure_case(case, result, fold=fold, calibration=calibration)
        patients.append(patient)
        slices.extend(own)
    return EvaluationRows(tuple(patients), tuple(slices))


def measure_case(
    case: Case, result: CaseResult, *, fold: str = "", calibration: PlattScaling | None = None
) -> tuple[PatientRow, tuple[SliceRow, ...]]:
    """Compare one result with its reference masks.

    Args:
        case: With reference masks.
        result: What the chain answered.
        fold: Name of the fold that held the patient out.
        calibration: The network's, from which the score before it is recovered.

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
            score=answer.slice_score,
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
        dice=json_number(dice_score(masks, case.masks)),
        iou=json_number(iou_score(masks, case.masks)),
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


def describe_environment(engine: str, *, command: str, draws: int) -> dict[str, str]:
    """Where, when and how the figures were measured, as text."""
    return {
        "cpu": cpu_name(),
        "cores": str(os.cpu_count() or 0),
        "engine": engine,
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": command,
        "intervals": describe_intervals(draws),
    }


def cpu_name() -> str:
    """Model name of the processor, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def count_lesions(case: Case, result: CaseResult) -> tuple[int, int]:
    """How many lesions of a demo study are touched by the predicted mask.

    Returns:
        Found and all connected components of the reference masks.

    Raises:
        ValueError: The case has no reference masks.
    """
    if case.masks is None:
        raise ValueError(f"the case {case.case_id} has no reference masks")
    labels, count = ndimage.label(case.masks, structure=np.ones((3, 3, 3), bool))
    touched = np.unique(labels[result.masks()])
    return int(np.count_nonzero(touched)), int(count)


def _surfaces_mm(case: Case, masks: NDArray[np.bool_]) -> SurfaceDistances | None:
    if case.spacing_mm is None or case.masks is None:
        return None
    return measure_surfaces(masks, case.masks, spacing=case.spacing_mm[1:])


def _uncalibrated(score: float, calibration: PlattScaling | None) -> float | None:
    if calibration is None:
        return None
    return undo_platt(score, slope=calibration.slope, intercept=calibration.intercept)
