"""Whether a network may answer for less work: the agreement gate, and its stored result.

A network runs at bfloat16 or int8 only where ``precision.json``, stored with its weights, shows for
exactly these weights, and at int8 for exactly these ranges (`pipeline.models.int8_ranges`), that on
held-out patients the masks and the ranking of slices are those of the reference, Keras at float32.
``python -m pipeline check-precision`` measures and writes it. The same is measured of what a
network does not compute because it hardly matters (`pipeline.models.metadata.SAVINGS`): the
reference computes everything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, with_config

from pipeline.errors import InputError
from pipeline.models.registry import NetworkInfo
from pipeline.storage.checked_json import STRICT, read_json, write_document
from pipeline.storage.field_types import Count, Digest, Flag, Name, PlainName, Share

#: Precisions, the most exact first. Float32 needs no gate.
PRECISIONS = ("f32", "bf16", "int8")
PRECISION_FILE = "precision.json"
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
        savings: What was not computed; the reference computed everything.
        ranges: At int8, the digest of the ranges (`pipeline.models.int8_ranges.Int8Ranges`).
        patients, slices: Held-out patients and their slices.
        mask_dice_mean, mask_dice_lowest: Dice per patient between both masks, of patients in whom
            either answer outlines anything; 1 is the same mask.
        auc, reference_auc: Slice AUC at the precision and of the reference.
        largest_score_difference: Of a slice score.
        cpu, date: Where and when.
    """

    engine: PlainName
    precision: PlainName
    patients: Count
    slices: Count
    mask_dice_mean: Share
    mask_dice_lowest: Share
    auc: Share
    reference_auc: Share
    largest_score_difference: Share
    cpu: Name
    date: Name
    savings: tuple[PlainName, ...]
    ranges: Digest | None = None

    def passes(self) -> bool:
        """Whether the precision may be used."""
        return (
            self.patients >= LEAST_PATIENTS
            and self.mask_dice_mean >= LEAST_MASK_DICE
            and self.reference_auc - self.auc <= MOST_AUC_LOSS
        )


@dataclass(frozen=True)
class _Row(PrecisionCheck):
    """A check in the file, with its verdict, for people who read the file."""

    passed: Flag = field(kw_only=True)


@dataclass(frozen=True)
class _Limits:
    """Limits of the gate when the file was written, for people who read it."""

    mask_dice_mean: Share
    auc_loss: Share


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class _File:
    """precision.json."""

    schema: Literal[3] = 3
    keras_digest: Digest
    reference: Name
    limits: _Limits
    checks: Annotated[tuple[_Row, ...], Field(max_length=16)]


def agrees(info: NetworkInfo, *, engine: str, precision: str) -> bool:
    """Whether these weights were shown to agree; a file that does not fit shows nothing."""
    try:
        checks = read_precision_checks(info)
    except InputError:
        return False
    ranges = ranges_of(info, precision)
    if precision == "int8" and ranges is None:
        return False
    wanted = engine, precision, ranges
    fitting = {c.savings: c for c in checks if (c.engine, c.precision, c.ranges) == wanted}
    # Where a precision was measured with everything computed only, that shows its rounding.
    check = fitting.get(info.savings) or fitting.get(())
    return check is not None and check.passes()


def ranges_of(info: NetworkInfo, precision: str) -> str | None:
    """Digest of the ranges that decide answers at a precision; None where none do."""
    return info.ranges.digest() if precision == "int8" and info.ranges is not None else None


def read_precision_checks(info: NetworkInfo) -> list[PrecisionCheck]:
    """What was measured for exactly these weights; nothing where they are others.

    Raises:
        InputError: The file does not fit.
    """
    path = info.folder / PRECISION_FILE
    file = read_json(
        path, _File, shown=PRECISION_FILE, remedy="run python -m pipeline check-precision"
    )
    if file is None or file.keras_digest != info.digest:
        return []
    names = [one.name for one in fields(PrecisionCheck)]
    return [PrecisionCheck(**{name: getattr(row, name) for name in names}) for row in file.checks]


def write_precision_check(info: NetworkInfo, check: PrecisionCheck) -> Path:
    """Store a measurement, in place of an earlier one of the same kind."""
    try:
        known = read_precision_checks(info)
    except InputError:
        known = []
    others = [c for c in known if _kind(c) != _kind(check)]
    rows = [_Row(**asdict(one), passed=one.passes()) for one in (*others, check)]
    path = info.folder / PRECISION_FILE
    file = _File(
        keras_digest=info.digest,
        reference="keras f32",
        limits=_Limits(LEAST_MASK_DICE, MOST_AUC_LOSS),
        checks=tuple(rows),
    )
    write_document(path, file)
    return path


def _kind(check: PrecisionCheck) -> tuple[str, str, tuple[str, ...]]:
    return check.engine, check.precision, check.savings


def describe_check(check: PrecisionCheck) -> str:
    """What was measured, and what follows, as text."""
    verdict = "may be used" if check.passes() else "is not used"
    what = f"{check.engine} {check.precision}"
    named = [check.precision] if check.precision != "f32" or not check.savings else []
    named += check.savings
    if check.savings:
        what += f" with {', '.join(check.savings)}"
    return (
        f"{what} against keras f32 on {check.patients} held-out patients,"
        f" {check.slices} slices ({check.cpu}, {check.date}):\n"
        f"mask Dice {check.mask_dice_mean:.5f} on average, {check.mask_dice_lowest:.5f} at least"
        f" (needed: {LEAST_MASK_DICE} on average, {LEAST_PATIENTS} patients);\n"
        f"slice AUC {check.auc:.5f}, reference {check.reference_auc:.5f}"
        f" (loss allowed: {MOST_AUC_LOSS});\n"
        f"largest difference of a slice score {check.largest_score_difference:.4f}.\n"
        f"{' and '.join(named)} {verdict}."
    )
