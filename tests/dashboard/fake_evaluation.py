"""Invented evaluation, history and metadata files for tests of the performance page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.preprocessing import PREPROCESSING_VERSION

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
                    **_stages(random, float(score), called),
                }
            )
    return rows


def _stages(random: np.random.Generator, score: float, called: bool) -> dict[str, Any]:
    """What both heads said: mostly the same as the score, sometimes the opposite."""
    kind = random.random()
    decided = "gate" if not called and kind < 0.6 else "both"
    if kind > 0.97:
        decided = "outline"
    elif kind > 0.94:
        decided = "classifier"
    return {
        "classifier_score": round(1 - score if decided == "outline" else score, 4),
        "uncalibrated_score": round(float(np.clip(score * 0.8 + 0.1, 0, 1)), 4),
        "outline_evidence": None
        if decided == "gate"
        else round(1 - score if decided == "classifier" else score, 4),
        "decided_by": decided,
    }


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
    return {
        "schema": 2,
        "task": "brain-tumor",
        "network": {"name": "resunet-resnet18", "version": "0.0.0", "digest": "0" * 64},
        "split": "cross-validated",
        "environment": {
            "cpu": "Invented CPU",
            "engine": "openvino f32",
            "date": "2020-01-01",
            "command": "python -m pipeline evaluate --data DIR --output DIR",
        },
        "figures": make_figures(rows, patients),
        "confusion": {
            "tp": sum(row["reference_tumor"] and row["called"] for row in rows),
            "fn": sum(row["reference_tumor"] and not row["called"] for row in rows),
            "fp": sum(row["called"] and not row["reference_tumor"] for row in rows),
            "tn": sum(not row["called"] and not row["reference_tumor"] for row in rows),
        },
        "roc": roc,
        "precision_recall": _precision_recall(tumor, score),
        "calibration": {
            "before": _reliability(rows, "uncalibrated_score"),
            "after": _reliability(rows, "score"),
        },
        "folds": _groups(rows, patients, "fold", shipped="fold 1"),
        "institutions": _groups(rows, patients, "institution"),
        "leakage": make_leakage(rows, patients),
        "leave_institution_out": make_left_out(patients),
        "patients": patients,
        "slices_rows": rows,
    }


def make_figures(
    rows: list[dict[str, Any]], patients: list[dict[str, Any]]
) -> dict[str, dict[str, float]]:
    """Invented intervals around the figures that the rows give."""
    tumor = np.array([row["reference_tumor"] for row in rows])
    score = np.array([row["score"] for row in rows])
    called = np.array([row["called"] for row in rows])
    dice = np.array([patient["dice"] for patient in patients])
    slice_dice = np.array([1.0 if row["dice"] is None else row["dice"] for row in rows])
    auc = float((score[tumor][:, None] > score[~tumor][None]).mean())
    return {
        "patient_dice_mean": _estimate(float(dice.mean()), 0.03),
        "patient_dice_median": _estimate(float(np.median(dice)), 0.02),
        "patients_below_0_6": {"value": float((dice < 0.6).sum()), "low": 0.0, "high": 3.0},
        "hd95_px": {"value": 6.25, "low": 4.5, "high": 8.75},
        "surface_dice": _estimate(0.81, 0.04),
        "detection": _estimate(1.0, 0.01),
        "tumor_slice_dice": _estimate(float(slice_dice[tumor].mean()), 0.03),
        "all_slice_dice": _estimate(float(slice_dice.mean()), 0.02),
        "predict_nothing_dice": _estimate(float((~tumor).mean()), 0.0),
        "slice_auc": _estimate(auc, 0.006),
        "pr_auc": _estimate(auc - 0.02, 0.01),
        "sensitivity": _estimate(float(called[tumor].mean()), 0.03),
        "specificity": _estimate(float((~called[~tumor]).mean()), 0.02),
        "precision": _estimate(float(tumor[called].mean()), 0.02),
        "sensitivity_at_95_specificity": _estimate(0.93, 0.03),
        "brier": _estimate(0.03, 0.01),
        "ece": _estimate(0.012, 0.004),
    }


def make_leakage(rows: list[dict[str, Any]], patients: list[dict[str, Any]]) -> dict[str, Any]:
    """The exhibit: split by slice everything is a little better."""
    figures = make_figures(rows, patients)
    better = {
        name: {key: min(1.0, number + 0.04) for key, number in figure.items()}
        for name, figure in figures.items()
    }
    gain = {"value": 0.04, "low": 0.02, "high": 0.06}
    return {
        "fold": "fold 1",
        "by_slice": {"patients": len(patients), "slices": len(rows), "figures": better},
        "by_patient": {"patients": len(patients), "slices": len(rows), "figures": figures},
        "same_slices": {
            "patients": len(patients),
            "slices": 40,
            "by_slice": better,
            "by_patient": figures,
            "differences": {"patient_dice_mean": gain},
        },
        "explanation": "An invented explanation.",
    }


def make_left_out(patients: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One institution measured, one not run."""
    return [
        {
            "code": "HT",
            "patients": 4,
            "slices": 48,
            "figures": {"patient_dice_mean": _estimate(0.78, 0.06)},
            "cross_validated": {"patient_dice_mean": _estimate(0.84, 0.05)},
            "difference": {"value": -0.06, "low": -0.11, "high": -0.01},
        },
        {
            "code": "DU",
            "patients": 4,
            "status": "not run",
            "command": "python -m pipeline train --data DIR --without DU",
            "estimate": "90 minutes on two cores",
        },
    ]


def make_experiment(**changes: Any) -> dict[str, Any]:
    """An invented experiment: a row that was measured, one that was not."""
    return {
        "schema": 1,
        "name": "invented",
        "title": "Two networks on invented pictures",
        "question": "Is the larger network better?",
        "published": [
            {"label": "Net A", "figure": "accuracy 86%", "source": "an invented paper"},
            {"label": "Net Z", "figure": "accuracy 99%", "source": "another one"},
        ],
        "data": {
            "name": "Invented pictures",
            "images": 20,
            "licence": "none",
            "cautions": ["The classes come from different sources."],
        },
        "command": "python -m pipeline experiment invented --again",
        "rows": [
            {
                "label": "Net A",
                "architecture": "net_a",
                "strategy": "new head on a frozen base",
                "options": {"flips": "on"},
                "initial_weights": "ImageNet, all layers",
                "status": "measured",
                "environment": {"cpu": "Invented CPU", "date": "2020-01-01"},
                "split": "by patient",
                "epochs": 12,
                "seconds_per_epoch": 3.5,
                "figures": {"accuracy": {"value": 0.8125, "low": 0.7, "high": 0.9}},
                "confusion": {"labels": ["no", "yes"], "counts": [[8, 2], [1, 9]]},
            },
            {
                "label": "Net B",
                "strategy": "all layers",
                "initial_weights": "random",
                "status": "not run",
                "reason": "its weights are not here",
                "estimate": {"command": "python -m pipeline experiment invented", "minutes": 40},
                "split": "by patient",
                "figures": {},
                "confusion": None,
            },
        ],
        "notes": ["An invented note."],
    } | changes


def write_models(
    folder: Path,
    *,
    evaluation: dict[str, Any] | None,
    experiments: dict[str, dict[str, Any]] | None = None,
) -> Path:
    """Write an invented ``models/`` folder without weights; None leaves a file out."""
    task = folder / "brain-tumor"
    network = task / "resunet-resnet18"
    network.mkdir(parents=True)
    (network / "metadata.json").write_text(json.dumps(make_metadata()))
    (network / "README.md").write_text("# resunet-resnet18 (invented card)\n\nMade by a test.\n")
    _write_history(network / "history.csv", "val_patient_dice")
    if evaluation is not None:
        (task / "evaluation.json").write_text(json.dumps(evaluation))
    for name, content in (experiments or {}).items():
        path = folder / "experiments" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def make_metadata(**changes: Any) -> dict[str, Any]:
    """metadata.json of an invented network."""
    return {
        "schema": 2,
        "task": "brain-tumor",
        "name": "resunet-resnet18",
        "version": "0.0.0",
        "file": "model.keras",
        "digest": "0" * 64,
        "input": {"size": 256, "channels": ["t1", "flair", "t1c"]},
        "preprocessing_version": PREPROCESSING_VERSION,
        "decision": {
            "gate": 0.05,
            "classifier_weight": 0.5,
            "evidence_weight": 0.75,
            "intercept": -0.25,
            "threshold": 0.5,
        },
        "mask_threshold": 0.45,
        "data": {"name": "invented slices", "licence": "none"},
        "split": {"by": "patient", "train": 60, "validation": 10, "held_out": 18},
        "seed": 0,
        "training": {"epochs": 40, "planned_epochs": 40, "interrupted": False},
    } | changes


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


def _precision_recall(tumor: np.ndarray, score: np.ndarray) -> list[dict[str, float]]:
    points = []
    for threshold in np.linspace(0.99, 0, 100):
        called = score >= threshold
        if called.any():
            recall = float(called[tumor].mean())
            precision = float(tumor[called].mean())
            points.append({"threshold": threshold, "recall": recall, "precision": precision})
    return points


def _reliability(rows: list[dict[str, Any]], column: str) -> dict[str, Any]:
    score = np.array([row[column] for row in rows])
    tumor = np.array([row["reference_tumor"] for row in rows])
    place = np.minimum((score * 10).astype(int), 9)
    bins = [
        {
            "score": float(score[place == k].mean()),
            "tumor_rate": float(tumor[place == k].mean()),
            "slices": int((place == k).sum()),
        }
        for k in range(10)
        if (place == k).any()
    ]
    return {"ece": 0.05 if column == "uncalibrated_score" else 0.012, "brier": 0.03, "bins": bins}


def _groups(
    rows: list[dict[str, Any]], patients: list[dict[str, Any]], key: str, *, shipped: str = ""
) -> list[dict[str, Any]]:
    """Figures by fold or institution, as the evaluation tells them."""
    groups = []
    for name in sorted({patient[key] for patient in patients}):
        own = [patient for patient in patients if patient[key] == name]
        cases = {patient["case_id"] for patient in own}
        of_own = [row for row in rows if row["case_id"] in cases]
        groups.append(
            {
                ("code" if key == "institution" else "name"): name,
                "patients": len(own),
                "slices": len(of_own),
                "digest": f"{len(groups):064x}",
                "figures": make_figures(of_own, own),
                "shipped": name == shipped,
            }
        )
    return groups


def _patient(case: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    own = [row for row in rows if row["case_id"] == case]
    both = sum(row["mask_px"] + row["reference_px"] for row in own)
    overlap = sum((row["dice"] or 0.0) * (row["mask_px"] + row["reference_px"]) / 2 for row in own)
    return {
        "case_id": case,
        "institution": case.split("_")[1],
        "fold": f"fold {int(case[-4:]) % 3 + 1}",
        "dice": 2 * overlap / both if both else None,
        "iou": None,
        "hd95_px": 4.5,
        "surface_dice": 0.8,
        "detected": True,
        "volume_px": sum(row["mask_px"] for row in own),
        "reference_px": sum(row["reference_px"] for row in own),
        "slices": len(own),
    }
