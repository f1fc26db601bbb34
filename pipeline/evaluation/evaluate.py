"""Runs the whole chain over patients with reference masks and tells how well it did.

What comes out is one JSON document with all rows and all figures, which the performance page and
the model cards read, so that no figure anywhere is typed in.
"""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from pipeline.data.case import Case
from pipeline.evaluation import metrics
from pipeline.evaluation.intervals import DRAWS, estimate_figures
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow, SliceTable, measure_case
from pipeline.inference import Analyser
from pipeline.models.registry import TaskInfo
from pipeline.results import CaseResult

SCHEMA = 1
#: How the figures are called in a table, in the order in which they are told.
FIGURE_LABELS = {
    "patient_dice_mean": "Dice per patient, mean",
    "patient_dice_median": "Dice per patient, median",
    "patient_iou_mean": "IoU per patient, mean",
    "tumor_slice_dice": "Dice per tumor slice (missed: 0)",
    "all_slice_dice": "Dice over all slices (both empty: 1)",
    "predict_nothing_dice": "  what an empty answer would score",
    "slice_auc": "Slice AUC",
    "sensitivity": "Sensitivity at the operating point",
    "specificity": "Specificity at the operating point",
    "sensitivity_at_95_specificity": "Sensitivity at 95% specificity",
    "brier": "Brier score (0 is best)",
    "ece": "Calibration error (0 is best)",
}

#: Figures that each stage answers for. The segmenter's are of what the gate lets through.
STAGE_FIGURES = {
    "classifier": (
        "slice_auc",
        "sensitivity",
        "specificity",
        "sensitivity_at_95_specificity",
        "brier",
        "ece",
    ),
    "segmenter": (
        "patient_dice_mean",
        "patient_dice_median",
        "patient_iou_mean",
        "tumor_slice_dice",
        "all_slice_dice",
        "predict_nothing_dice",
    ),
}


def evaluate_cases(cases: Iterable[Case], analyser: Analyser) -> EvaluationRows:
    """Run the chain over cases with reference masks, one at a time.

    Args:
        cases: Read one by one; cases without reference masks are passed over.
        analyser: The two stages.
    """
    patients: list[PatientRow] = []
    slices: list[SliceRow] = []
    for case in cases:
        if case.masks is None:
            continue
        patient, own = measure_case(case, analyser.analyse(case))
        patients.append(patient)
        slices.extend(own)
    return EvaluationRows(tuple(patients), tuple(slices))


def build_evaluation(
    rows: EvaluationRows,
    models: TaskInfo,
    *,
    split: str,
    engine: str,
    command: str,
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Make the evaluation document from its rows.

    Args:
        rows: At least one patient.
        models: The models that answered.
        split: What the patients are, ``held-out`` or ``given folder``.
        engine: Runtime and precision, such as ``openvino f32``.
        command: What repeats it.
        draws: Number of bootstrap draws.
    """
    table = SliceTable.from_rows(rows)
    figures = estimate_figures(table, draws=draws)
    return {
        "schema": SCHEMA,
        "task": models.task,
        "split": split,
        "counts": {
            "patients": len(rows.patients),
            "slices": len(rows.slices),
            "tumor_slices": int(table.reference.sum()),
        },
        "models": {info.stage: info.digest for info in models.stages},
        "environment": describe_environment(engine, command=command, draws=draws),
        "figures": {name: asdict(estimate) for name, estimate in figures.items()},
        "confusion": asdict(metrics.confusion(table.reference, table.called)),
        "roc": metrics.roc_points(table.reference, table.score),
        "patients": [asdict(row) for row in rows.patients],
        "slices_rows": [asdict(row) for row in rows.slices],
    }


def stage_evaluation(document: dict[str, Any], stage: str) -> dict[str, Any]:
    """What the evaluation of the chain says of one stage, for the folder of its model.

    Args:
        document: From `build_evaluation`; it keeps the rows behind these figures.
        stage: ``classifier`` or ``segmenter``.
    """
    kept = ("schema", "task", "split", "counts", "environment")
    return {name: document[name] for name in kept} | {
        "stage": stage,
        "digest": document["models"][stage],
        "figures": {name: document["figures"][name] for name in STAGE_FIGURES[stage]},
        "rows": "../evaluation.json",
    }


def describe_environment(engine: str, *, command: str, draws: int) -> dict[str, str]:
    """Where, when and how the figures were measured, as text."""
    return {
        "cpu": cpu_name(),
        "cores": str(os.cpu_count() or 0),
        "engine": engine,
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": command,
        "intervals": f"95%, {draws:,} draws of patients",
    }


def cpu_name() -> str:
    """Model name of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def format_figures(document: dict[str, Any]) -> str:
    """The figures as a table for the terminal."""
    counts = document["counts"]
    lines = [
        f"{counts['patients']} patients, {counts['slices']} slices, "
        f"{counts['tumor_slices']} of them with tumor ({document['split']})",
        f"{'':<38}{'value':>7}  95% interval",
    ]
    for name, label in FIGURE_LABELS.items():
        figure = document["figures"][name]
        if figure["value"] is None:
            lines.append(f"{label:<38}{'-':>7}")
        else:
            interval = f"{figure['low']:.3f} to {figure['high']:.3f}"
            lines.append(f"{label:<38}{figure['value']:>7.3f}  {interval}")
    return "\n".join(lines)


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
