"""Whether a network may answer at less than float32: the agreement gate, and its kept result.

A network answers at bfloat16 only where ``precision.json`` beside its weights shows, for exactly
these weights, that on held-out patients the masks and the ranking of slices are those of the
reference, Keras at float32. ``python -m pipeline check-precision`` measures and writes it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.models.registry import NetworkInfo
from pipeline.storage.atomic_files import write_json
from pipeline.storage.checked_json import Fields, read_json_object
from pipeline.storage.digests import SHA256

#: Precisions, the most exact first. Float32 needs no gate.
PRECISIONS = ("f32", "bf16")
PRECISION_FILE = "precision.json"
SCHEMA = 1
#: Smallest mean Dice per patient between the masks at a precision and the reference's.
LEAST_MASK_DICE = 0.995
#: Largest loss of slice AUC against the reference outline.
MOST_AUC_LOSS = 0.002
#: Fewer held-out patients show nothing.
LEAST_PATIENTS = 5


@dataclass(frozen=True)
class PrecisionCheck:
    """What was measured for one engine at one precision.

    Attributes:
        engine, precision: Which.
        patients, slices: Held-out patients and their slices.
        mask_dice_mean, mask_dice_lowest: Dice per patient between both masks, of patients in whom
            either answer outlines anything; 1 is the same mask.
        auc, reference_auc: Slice AUC at the precision and of the reference.
        largest_score_difference: Of a slice score.
        cpu, date: Where and when.
    """

    engine: str
    precision: str
    patients: int
    slices: int
    mask_dice_mean: float
    mask_dice_lowest: float
    auc: float
    reference_auc: float
    largest_score_difference: float
    cpu: str
    date: str

    @property
    def passed(self) -> bool:
        """Whether the precision may be used."""
        return (
            self.patients >= LEAST_PATIENTS
            and self.mask_dice_mean >= LEAST_MASK_DICE
            and self.reference_auc - self.auc <= MOST_AUC_LOSS
        )


def agrees(info: NetworkInfo, *, engine: str, precision: str) -> bool:
    """Whether these weights were shown to agree; a file that does not fit shows nothing."""
    try:
        checks = read_precision_checks(info)
    except InputError:
        return False
    fitting = [c for c in checks if (c.engine, c.precision) == (engine, precision)]
    return bool(fitting) and fitting[-1].passed


def read_precision_checks(info: NetworkInfo) -> list[PrecisionCheck]:
    """What was measured for exactly these weights; nothing where they are others.

    Raises:
        InputError: The file does not fit.
    """
    content = read_json_object(info.folder / PRECISION_FILE, PRECISION_FILE)
    if content is None:
        return []
    stated = Fields(content, PRECISION_FILE)
    stated.require(stated.get("schema") == SCHEMA, f"schema must be {SCHEMA}")
    if stated.text("keras_digest", SHA256) != info.digest:
        return []
    rows = stated.get("checks")
    stated.require(isinstance(rows, list) and len(rows) <= 16, "checks must be a short list")
    return [_read_check(row) for row in rows if isinstance(row, dict)]


def write_precision_check(info: NetworkInfo, check: PrecisionCheck) -> Path:
    """Keep a measurement, in place of an earlier one of the same engine and precision."""
    try:
        known = read_precision_checks(info)
    except InputError:
        known = []
    others = [c for c in known if (c.engine, c.precision) != (check.engine, check.precision)]
    limits = {"mask_dice_mean": LEAST_MASK_DICE, "auc_loss": MOST_AUC_LOSS}
    path = info.folder / PRECISION_FILE
    write_json(
        path,
        {
            "schema": SCHEMA,
            "keras_digest": info.digest,
            "reference": "keras f32",
            "limits": limits,
            "checks": [asdict(c) | {"passed": c.passed} for c in (*others, check)],
        },
    )
    return path


def describe_check(check: PrecisionCheck) -> str:
    """What was measured, and what follows, as text."""
    verdict = "may be used" if check.passed else "is not used"
    return (
        f"{check.engine} {check.precision} against keras f32 on {check.patients} held-out patients,"
        f" {check.slices} slices ({check.cpu}, {check.date}):\n"
        f"mask Dice {check.mask_dice_mean:.5f} on average, {check.mask_dice_lowest:.5f} at least"
        f" (needed: {LEAST_MASK_DICE} on average, {LEAST_PATIENTS} patients);\n"
        f"slice AUC {check.auc:.5f}, reference {check.reference_auc:.5f}"
        f" (loss allowed: {MOST_AUC_LOSS});\n"
        f"largest difference of a slice score {check.largest_score_difference:.4f}.\n"
        f"{check.precision} {verdict}."
    )


def _read_check(row: dict[str, object]) -> PrecisionCheck:
    fields = Fields(row, PRECISION_FILE)
    line = re.compile(r"[^\n]{0,200}")
    return PrecisionCheck(
        engine=fields.text("engine"),
        precision=fields.text("precision"),
        patients=fields.whole("patients", 0, 10**6),
        slices=fields.whole("slices", 0, 10**9),
        mask_dice_mean=fields.number("mask_dice_mean", 0, 1),
        mask_dice_lowest=fields.number("mask_dice_lowest", 0, 1),
        auc=fields.number("auc", 0, 1),
        reference_auc=fields.number("reference_auc", 0, 1),
        largest_score_difference=fields.number("largest_score_difference", 0, 1),
        cpu=fields.text("cpu", line),
        date=fields.text("date", line),
    )
