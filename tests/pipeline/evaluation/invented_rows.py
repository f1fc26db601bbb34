"""Invented rows and runs for tests of figures, intervals and documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.evaluation.computing import collect_evaluation, compute_evaluation
from pipeline.evaluation.document import Evaluation, MeasuredNetwork
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow
from pipeline.models.registry import EVALUATION_FILE
from pipeline.storage.checked_json import parse_json

NETWORK = MeasuredNetwork("resunet-resnet18", "2.0.0", "0" * 64)
ENVIRONMENT = {
    "cpu": "some CPU",
    "cores": "2",
    "engine": "openvino f32",
    "date": "2026-11-21",
    "command": "python -m pipeline evaluate --data DIR --output DIR",
}


def make_evaluation(rows: EvaluationRows, *, draws: int = 20, **parts: Any) -> Evaluation:
    """The evaluation of rows, with few draws."""
    given = {"task": "brain-tumor", "split": "held-out", "environment": ENVIRONMENT} | parts
    return compute_evaluation(collect_evaluation(rows, NETWORK, **given), draws=draws)


def parse_evaluation(content: object) -> Evaluation:
    """An evaluation from what its file holds."""
    return parse_json(
        json.dumps(content), Evaluation, shown=EVALUATION_FILE, remedy="evaluate again"
    )


def make_rows(
    patients: int = 6, seed: int = 3, first_tumor: int = 0, names: tuple[str, ...] = ()
) -> EvaluationRows:
    """Invented rows; scores have ties, patients before ``first_tumor`` have no tumor slice."""
    rng, sizes = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    slices: list[SliceRow] = []
    people = []
    for p in range(patients):
        name = names[p] if names else f"p{p}"
        own = _make_slices(name, rng, tumor=p >= first_tumor)
        slices += own
        nothing = p < first_tumor
        dice = None if nothing else float(rng.uniform(0.2, 1))
        people.append(
            PatientRow(
                name,
                name.split("_")[1] if "_" in name else "",
                dice,
                None if dice is None else dice / (2 - dice),
                *_make_volumes(dice, sizes),
                len(own),
                hd95_px=None if nothing else float(rng.uniform(0, 30)),
                surface_dice=None if nothing else float(rng.uniform(0.2, 1)),
                detected=None if nothing else bool(rng.random() < 0.8),
            )
        )
    return EvaluationRows(tuple(people), tuple(slices))


def _make_volumes(dice: float | None, rng: np.random.Generator) -> tuple[int, int]:
    """Pixels of a mask and of its reference, which can have that Dice; none of either without."""
    if dice is None:
        return 0, 0
    reference, most = int(rng.integers(100, 1000)), np.log((2 - dice) / dice)
    return round(reference * float(np.exp(rng.uniform(-most, most)))), reference


def _make_slices(name: str, rng: np.random.Generator, *, tumor: bool) -> list[SliceRow]:
    count = int(rng.integers(4, 9))
    rows = []
    for k in range(count):
        reference = tumor and 1 <= k < 1 + count // 2
        score = round(float(np.clip(rng.normal(0.7 if reference else 0.3, 0.2), 0, 1)), 1)
        called = score >= 0.5
        # An overlap of whole pixels, so that the slice's Dice is one that masks can have.
        dice = int(rng.integers(10, 50)) * 2 / 110 if reference and called else 0.0
        rows.append(
            SliceRow(
                name,
                k + 1,
                reference,
                score,
                called,
                dice if reference or called else None,
                50 if called else 0,
                60 if reference else 0,
                classifier_score=score,
                uncalibrated_score=score / 2,
                outline_evidence=score if called else None,
                decided_by="both" if called else "gate",
            )
        )
    return rows


def repeat_patients(rows: EvaluationRows, counts: np.ndarray) -> EvaluationRows:
    """The rows of a draw, written out: each patient as often as it was drawn."""
    people, slices = [], []
    for row, count in zip(rows.patients, counts.astype(int), strict=True):
        for copy in range(count):
            name = f"{row.case_id}-{copy}"
            people.append(replace(row, case_id=name))
            slices += [replace(s, case_id=name) for s in rows.slices if s.case_id == row.case_id]
    return EvaluationRows(tuple(people), tuple(slices))
