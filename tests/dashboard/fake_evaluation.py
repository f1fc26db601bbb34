"""Invented evaluation, history and metadata files for tests of the performance page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.preprocessing import PREPROCESSING_VERSION
from pipeline.evaluation.computing import collect_evaluation, compute_evaluation
from pipeline.evaluation.document import (
    NOT_RUN,
    Evaluation,
    Fold,
    Leakage,
    LeakageSide,
    LeftOut,
    LeftOutNotRun,
    MeasuredNetwork,
    SameSlices,
    dump_evaluation,
)
from pipeline.evaluation.restriction import restrict_to_slices
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow

INSTITUTIONS = ("HT", "DU", "CS", "FG", "EZ")


DRAWS = 40


def make_slices(patients: int = 18, slices: int = 30, seed: int = 1) -> list[SliceRow]:
    """Rows of invented slices; a third holds an invented tumor, in the middle of the volume."""
    random = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        case = f"FAKE_{INSTITUTIONS[patient % 5]}_{patient:04d}"
        quality = random.beta(9, 1.2)
        for index in range(1, slices + 1):
            tumor = slices // 3 <= index < 2 * slices // 3 + patient % 3
            area = int(random.integers(60, 4000)) if tumor else 0
            score = round(float(random.beta(3, 0.5) if tumor else random.beta(0.5, 4)), 4)
            called = score >= 0.5
            overlap = float(np.clip(random.normal(quality, 0.06), 0, 1))
            found = int(area * (0.8 + 0.4 * random.random()))
            rows.append(
                SliceRow(
                    case_id=case,
                    index=index,
                    reference_tumor=tumor,
                    score=score,
                    called=called,
                    dice=overlap if tumor and called else (0.0 if tumor or called else None),
                    mask_px=(found if tumor else 140) if called else 0,
                    reference_px=area,
                    **_stages(random, score, called),
                )
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
    """An invented evaluation.json, computed by the program from invented rows."""
    return json.loads(json.dumps(dump_evaluation(evaluate(make_rows(**changes)))))


def make_rows(**changes: Any) -> EvaluationRows:
    """Rows of invented slices and their patients."""
    slices = make_slices(**changes)
    cases = dict.fromkeys(row.case_id for row in slices)
    return EvaluationRows(tuple(_patient(case, slices) for case in cases), tuple(slices))


def evaluate(rows: EvaluationRows) -> Evaluation:
    """Their evaluation: three folds, the first one installed, leakage, one institution left out."""
    nothing: dict[str, Any] = {"patients": 0, "slices": 0, "figures": {}}
    none = SameSlices(patients=0, slices=0, by_slice={}, by_patient={}, differences={})
    held_out = {row.case_id: set(range(3, row.slices, 3)) for row in rows.patients}
    ours = rows.of([row.case_id for row in rows.patients if row.institution == "HT"])
    collected = collect_evaluation(
        rows,
        MeasuredNetwork("resunet-resnet18", "0.0.0", "0" * 64),
        task="brain-tumor",
        split="cross-validated",
        environment={
            "cpu": "Invented CPU",
            "engine": "openvino f32",
            "date": "2020-01-01",
            "command": "python -m pipeline evaluate --data DIR --output DIR",
        },
        folds=tuple(
            Fold(name=f"fold {k}", digest=f"{k:064x}", shipped=k == 1, **nothing) for k in (1, 2, 3)
        ),
        leakage=Leakage(
            fold="fold 1",
            by_slice=LeakageSide(**nothing),
            by_patient=LeakageSide(**nothing),
            same_slices=none,
            explanation="An invented explanation.",
            rows=_better(restrict_to_slices(rows, held_out)),
        ),
        leave_institution_out=(
            LeftOut(code="HT", rows=ours, **nothing),
            LeftOutNotRun(
                code="DU",
                patients=4,
                status=NOT_RUN,
                command="python -m pipeline train --data DIR --without DU",
                estimate="90 minutes on two cores",
            ),
        ),
    )
    return compute_evaluation(collected, draws=DRAWS)


def _better(rows: EvaluationRows) -> EvaluationRows:
    """The rows as a leaking split answers them: every outline a little nearer to the reference."""
    return EvaluationRows(
        tuple(
            row if row.dice is None else replace(row, dice=min(1.0, row.dice + 0.04))
            for row in rows.patients
        ),
        rows.slices,
    )


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
            "images": "20 images",
            "licence": "none",
            "cautions": ["The classes come from different sources."],
            "digest": "",
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
                "digest": "1" * 64,
            },
            {
                "label": "Net B",
                "architecture": "net_b",
                "strategy": "all layers",
                "options": {},
                "epochs": 12,
                "digest": "2" * 64,
                "initial_weights": "random",
                "status": "not run",
                "reason": "its weights are not here",
                "command": "python -m pipeline experiment invented",
                "estimate": "40 minutes",
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
    write_history(network / "history.csv", "val_patient_dice")
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


def write_history(path: Path, measure: str, epochs: int = 40) -> None:
    """Write an invented history.csv with one measure of validation."""
    random = np.random.default_rng(len(measure))
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "learning_rate", "loss", "seconds", measure])
        for epoch in range(epochs):
            reached = 0.93 * (1 - np.exp(-(epoch + 1) / 6)) + random.normal(0, 0.012)
            writer.writerow([epoch, 3e-4, 1.5 * (1 - reached), 61.0, reached])


def _patient(case: str, rows: list[SliceRow]) -> PatientRow:
    own = [row for row in rows if row.case_id == case]
    both = sum(row.mask_px + row.reference_px for row in own)
    overlap = sum((row.dice or 0.0) * (row.mask_px + row.reference_px) / 2 for row in own)
    return PatientRow(
        case_id=case,
        institution=case.split("_")[1],
        fold=f"fold {int(case[-4:]) % 3 + 1}",
        dice=2 * overlap / both if both else None,
        iou=None,
        hd95_px=4.5 if int(case[-4:]) % 2 else 8.0,
        surface_dice=0.8,
        detected=True,
        volume_px=sum(row.mask_px for row in own),
        reference_px=sum(row.reference_px for row in own),
        slices=len(own),
    )
