"""Runs the whole chain over patients with reference masks and tells how well it did.

What comes out is one JSON document with all rows and all figures, which the performance page and
the model cards read, so that no figure anywhere is typed in.
"""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from pipeline.checked_json import Fields
from pipeline.data.case import Case
from pipeline.evaluation import metrics
from pipeline.evaluation.intervals import DRAWS, estimate_figures
from pipeline.evaluation.rows import (
    EvaluationRows,
    PatientRow,
    PlattScaling,
    SliceRow,
    SliceTable,
    measure_case,
)
from pipeline.inference import Analyser
from pipeline.results import CaseResult

SCHEMA = 2
CALIBRATION_NOTE = (
    "before: the classifier's score without the calibration that is part of the network, got "
    "back by inverting it on the averaged and smoothed score, which is an approximation; "
    "classifier: the calibrated classifier score; after: the slice score on which decisions are "
    "made, a calibrated rule of classifier score and outline evidence."
)


@dataclass(frozen=True)
class MeasuredNetwork:
    """What was measured.

    Attributes:
        task: Such as ``brain-tumor``.
        name, version: As shown to readers.
        digest: SHA-256 (hex) of the weights.
    """

    task: str
    name: str
    version: str
    digest: str


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
        calibration: The network's, see `read_calibration`.
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


def read_calibration(metadata: Mapping[str, Any], shown: str) -> PlattScaling | None:
    """The calibration that a network's metadata.json names; None where it names none.

    Raises:
        InputError: It does not fit.
    """
    if "calibration" not in metadata:
        return None
    fields = Fields(metadata, shown).mapping("calibration")
    return PlattScaling(
        slope=fields.number("slope", 1e-3, 1e3), intercept=fields.number("intercept", -1e3, 1e3)
    )


def build_evaluation(
    rows: EvaluationRows,
    network: MeasuredNetwork,
    *,
    split: str,
    engine: str,
    command: str,
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Make the evaluation document from its rows.

    Args:
        rows: At least one patient.
        network: The network that answered.
        split: What the patients are, such as ``held-out``, ``cross-validated``, ``given folder``.
        engine: Runtime and precision, such as ``openvino f32``.
        command: What repeats it.
        draws: Number of bootstrap draws.
    """
    table = SliceTable.from_rows(rows)
    return {
        "schema": SCHEMA,
        "task": network.task,
        "network": {
            "name": network.name,
            "version": network.version,
            "digest": network.digest,
        },
        "split": split,
        "counts": {
            "patients": len(rows.patients),
            "slices": len(rows.slices),
            "tumor_slices": int(table.reference.sum()),
        },
        "environment": describe_environment(engine, command=command, draws=draws),
        "figures": describe_figures(table, draws=draws),
        "confusion": asdict(metrics.confusion(table.reference, table.called)),
        "roc": metrics.roc_points(table.reference, table.score),
        "precision_recall": metrics.precision_recall_points(table.reference, table.score),
        "calibration": describe_calibration(rows),
        "institutions": describe_institutions(rows, draws=draws),
        "patients": [asdict(row) for row in rows.patients],
        "slices_rows": [asdict(row) for row in rows.slices],
    }


def describe_figures(table: SliceTable, *, draws: int) -> dict[str, dict[str, float | None]]:
    """All figures with their intervals, as they stand in the document."""
    return {name: asdict(found) for name, found in estimate_figures(table, draws=draws).items()}


def describe_group(rows: EvaluationRows, *, draws: int) -> dict[str, Any]:
    """Patients, slices and figures of a part of the rows, drawn among its own patients."""
    return {
        "patients": len(rows.patients),
        "slices": len(rows.slices),
        "figures": describe_figures(SliceTable.from_rows(rows), draws=draws),
    }


def describe_institutions(rows: EvaluationRows, *, draws: int) -> list[dict[str, Any]]:
    """Each institution's own figures, the largest first; patients of none are left out."""
    codes = [row.institution for row in rows.patients if row.institution]
    ordered = sorted(set(codes), key=lambda code: (-codes.count(code), code))
    found = []
    for code in ordered:
        own = [row.case_id for row in rows.patients if row.institution == code]
        found.append({"code": code} | describe_group(rows.of(own), draws=draws))
    return found


def describe_calibration(rows: EvaluationRows) -> dict[str, Any]:
    """ECE, Brier score and reliability before and after calibration; None where unknown."""
    kinds: dict[str, list[float | None]] = {
        "before": [row.uncalibrated_score for row in rows.slices],
        "classifier": [row.classifier_score for row in rows.slices],
        "after": [row.score for row in rows.slices],
    }
    reference = [row.reference_tumor for row in rows.slices]
    told: dict[str, Any] = {"explanation": CALIBRATION_NOTE}
    for name, scores in kinds.items():
        known = [score for score in scores if score is not None]
        told[name] = None
        if scores and len(known) == len(scores):
            told[name] = {
                "ece": metrics.expected_calibration_error(reference, known),
                "brier": metrics.brier_score(reference, known),
                "bins": [asdict(one) for one in metrics.reliability(reference, known)],
            }
    return told


def describe_environment(engine: str, *, command: str, draws: int) -> dict[str, str]:
    """Where, when and how the figures were measured, as text."""
    return {
        "cpu": cpu_name(),
        "cores": str(os.cpu_count() or 0),
        "engine": engine,
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": command,
        "intervals": f"95%, {draws:,} draws of patients; of patients found: exact",
    }


def cpu_name() -> str:
    """Model name of the processor, as the system tells it."""
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
