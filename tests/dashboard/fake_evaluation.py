"""Invented evaluation, history and metadata files for tests of the performance page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

INSTITUTIONS = ("HT", "DU", "CS", "FG", "EZ")


def make_slices(patients: int = 18, slices: int = 30, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of invented slices; a third holds an invented tumor, in the middle of the volume."""
    random = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        case = f"FAKE_{INSTITUTIONS[patient % 5]}_{patient:04d}"
        quality = random.beta(9, 1.2)
        for index in range(1, slices + 1):
            tumor = slices // 3 <= index < 2 * slices // 3 + patient % 3
            area = int(random.integers(60, 4000)) if tumor else 0
            score = random.beta(3, 0.5) if tumor else random.beta(0.5, 4)
            called = bool(score >= 0.5)
            overlap = float(np.clip(random.normal(quality, 0.06), 0, 1))
            dice = overlap if tumor and called else (0.0 if tumor or called else None)
            rows.append(
                {
                    "case_id": case,
                    "index": index,
                    "reference_tumor": tumor,
                    "score": round(float(score), 4),
                    "called": called,
                    "dice": dice,
                    "mask_px": int(area * (0.8 + 0.4 * random.random()))
                    if tumor and called
                    else (140 if called else 0),
                    "reference_px": area,
                }
            )
    return rows


def make_evaluation(**changes: Any) -> dict[str, Any]:
    """An invented evaluation.json whose parts fit each other."""
    rows = make_slices(**changes)
    tumor = np.array([row["reference_tumor"] for row in rows])
    score = np.array([row["score"] for row in rows])
    patients = [_patient(case, rows) for case in dict.fromkeys(row["case_id"] for row in rows)]
    roc = [
        {
            "threshold": float(threshold),
            "sensitivity": float((score[tumor] >= threshold).mean()),
            "false_positive_rate": float((score[~tumor] >= threshold).mean()),
        }
        for threshold in [1.01, *np.linspace(1, 0, 101)]
    ]
    dice = np.array([patient["dice"] for patient in patients])
    called = score >= 0.5
    slice_dice = np.array([1.0 if row["dice"] is None else row["dice"] for row in rows])
    auc = float((score[tumor][:, None] > score[~tumor][None]).mean())
    return {
        "schema": 1,
        "split": "held-out",
        "models": {"classifier": "0" * 64, "segmenter": "0" * 64},
        "environment": {
            "cpu": "Invented CPU",
            "engine": "openvino f32",
            "date": "2020-01-01",
            "command": "python -m pipeline evaluate --data DIR --output DIR",
        },
        "figures": {
            "slice_auc": _estimate(auc, 0.006),
            "sensitivity": _estimate(float(called[tumor].mean()), 0.03),
            "specificity": _estimate(float((~called[~tumor]).mean()), 0.02),
            "patient_dice_mean": _estimate(float(dice.mean()), 0.03),
            "patient_dice_median": _estimate(float(np.median(dice)), 0.02),
            "tumor_slice_dice": _estimate(float(slice_dice[tumor].mean()), 0.03),
            "all_slice_dice": _estimate(float(slice_dice.mean()), 0.02),
            "predict_nothing_dice": _estimate(float((~tumor).mean()), 0.0),
        },
        "confusion": {
            "tp": int((tumor & called).sum()),
            "fn": int((tumor & ~called).sum()),
            "fp": int((~tumor & called).sum()),
            "tn": int((~tumor & ~called).sum()),
        },
        "roc": roc,
        "patients": patients,
        "slices_rows": rows,
    }


def write_models(folder: Path, *, evaluation: dict[str, Any] | None) -> Path:
    """Write an invented ``models/`` folder without weights; None leaves evaluation.json out."""
    task = folder / "brain-tumor"
    for stage, name in (("classifier", "resnet18"), ("segmenter", "resunet")):
        model = task / stage
        model.mkdir(parents=True)
        (model / "metadata.json").write_text(json.dumps(_metadata(stage, name)))
        (model / "README.md").write_text(f"# {name} (invented card)\n\nMade by a test.\n")
        _write_history(
            model / "history.csv", "val_auc" if stage == "classifier" else "val_patient_dice"
        )
    if evaluation is not None:
        (task / "evaluation.json").write_text(json.dumps(evaluation))
    return folder


def _metadata(stage: str, name: str) -> dict[str, Any]:
    return {
        "schema": 1,
        "task": "brain-tumor",
        "stage": stage,
        "name": name,
        "version": "0.0.0",
        "file": "model.keras",
        "digest": "0" * 64,
        "input": {"size": 256, "channels": ["t1", "flair", "t1c"]},
        "preprocessing_version": 1,
        "threshold": 0.5,
        "data": {"name": "invented slices", "licence": "none"},
        "split": {"by": "patient", "train": 60, "validation": 10, "held_out": 18},
        "seed": 0,
        "training": {"epochs": 40, "planned_epochs": 40, "interrupted": False},
    }


def _write_history(path: Path, measure: str, epochs: int = 40) -> None:
    random = np.random.default_rng(len(measure))
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "learning_rate", "loss", "seconds", measure])
        for epoch in range(epochs):
            reached = 0.93 * (1 - np.exp(-(epoch + 1) / 6)) + random.normal(0, 0.012)
            writer.writerow([epoch, 3e-4, 1.5 * (1 - reached), 61.0, reached])


def _estimate(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": max(0.0, value - half), "high": min(1.0, value + half)}


def _patient(case: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    own = [row for row in rows if row["case_id"] == case]
    both = sum(row["mask_px"] + row["reference_px"] for row in own)
    overlap = sum((row["dice"] or 0.0) * (row["mask_px"] + row["reference_px"]) / 2 for row in own)
    return {
        "case_id": case,
        "institution": case.split("_")[1],
        "dice": 2 * overlap / both if both else None,
        "volume_px": sum(row["mask_px"] for row in own),
        "reference_px": sum(row["reference_px"] for row in own),
        "slices": len(own),
    }
