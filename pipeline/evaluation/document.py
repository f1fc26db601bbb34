"""evaluation.json: what it holds, as types, and the only place where it is read and written.

A file may come from anyone, so that everything in it is checked as it is read. A figure that it
lacks is no error: files are older than the registry of figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, ValidationError, with_config

from pipeline.errors import InputError
from pipeline.evaluation.intervals import Estimate
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow
from pipeline.metrics import Confusion, RecallPoint, Reliability, RocPoint
from pipeline.storage.atomic_files import write_json
from pipeline.storage.checked_json import STRICT, dump_json, read_json
from pipeline.storage.field_types import Count, Flag, Name, Share, Text

SCHEMA: Literal[2] = 2
CROSS_VALIDATED = "cross-validated"
NOT_RUN: Literal["not run"] = "not run"

#: Figures by name.
Figures = Mapping[Name, Estimate]


class OldEvaluation(InputError):
    """The file was written by another version of the program."""


@dataclass(frozen=True)
class MeasuredNetwork:
    """What was measured.

    Attributes:
        name, version: As shown to readers.
        digest: SHA-256 (hex) of the weights.
    """

    name: Name
    version: Name
    digest: Name


@dataclass(frozen=True, kw_only=True)
class NotRun:
    """A part that was not measured: what would measure it, how long that takes, why it was not."""

    status: Literal["not run"]
    command: Text = ""
    estimate: Text = ""
    reason: Text = ""


@dataclass(frozen=True, kw_only=True)
class FoldNotRun(NotRun):
    """A fold without a network."""

    name: Name
    patients: Count


@dataclass(frozen=True, kw_only=True)
class LeftOutNotRun(NotRun):
    """An institution without a network that never saw it."""

    code: Name
    patients: Count


@dataclass(frozen=True, kw_only=True)
class Part:
    """Figures of some of the patients.

    Attributes:
        patients, slices: How many.
        figures: Drawn among these patients alone.
    """

    patients: Count
    slices: Count
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class InstitutionPart(Part):
    """Figures of an institution's patients."""

    code: Name


@dataclass(frozen=True, kw_only=True)
class Fold(Part):
    """Figures of the patients that a fold held out.

    Attributes:
        name: Such as ``fold 1``.
        digest: Of the network that answered.
        interrupted: Whether its training ended early.
        epochs: How many it was trained for; None where that is not known.
        shipped: Whether it is the installed network.
    """

    name: Name
    digest: Name = ""
    interrupted: Flag = False
    epochs: Count | None = None
    shipped: Flag = False


@dataclass(frozen=True)
class CalibrationCurve:
    """How a score and the share of slices with tumor go together.

    Attributes:
        ece, brier: See `metrics.expected_calibration_error` and `metrics.brier_score`.
        bins: Those that hold slices, from low scores to high ones.
    """

    ece: Share
    brier: Share
    bins: tuple[Reliability, ...]


@dataclass(frozen=True)
class Calibration:
    """Calibration of three scores; None where a score is not known for every slice.

    Attributes:
        explanation: What the scores are.
        before: Of the classifier's score without the network's calibration.
        classifier: Of the calibrated classifier score.
        after: Of the slice score on which decisions are made.
    """

    explanation: Text = ""
    before: CalibrationCurve | None = None
    classifier: CalibrationCurve | None = None
    after: CalibrationCurve | None = None


@dataclass(frozen=True, kw_only=True)
class LeakageSide(Part):
    """One split, measured on its own held-out slices."""

    epochs: Count | None = None


@dataclass(frozen=True, kw_only=True)
class SameSlices:
    """Both splits measured on the slices that the split by slice held out.

    Attributes:
        patients, slices: How many.
        by_slice, by_patient: Figures of either network.
        differences: Split by slice minus split by patient, paired by patient.
    """

    patients: Count
    slices: Count
    by_slice: Figures
    by_patient: Figures
    differences: Figures


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """The same recipe, split by slice and by patient.

    Attributes:
        fold: The fold whose network stands for the split by patient.
        by_slice, by_patient: Each on its own held-out slices.
        same_slices: Both on the same slices.
        explanation: What to know before comparing.
        rows: Of the network split by slice, its held-out slices alone; None in files of versions
            that did not store them.
        stored: Whether the figures are kept as an earlier evaluation stored them, because there are
            no rows from which to compute them.
    """

    fold: Name
    by_slice: LeakageSide
    by_patient: LeakageSide
    same_slices: SameSlices
    explanation: Text = ""
    rows: EvaluationRows | None = None
    stored: Flag = False


@dataclass(frozen=True, kw_only=True)
class LeftOut(Part):
    """An institution's patients, answered by a network that never saw the institution.

    Attributes:
        code: The institution.
        digest: Of the network.
        compared_patients: How many of them were cross-validated too.
        cross_validated: Figures of these in the cross-validation; None if missing.
        difference: Of mean Dice, left out minus cross-validated, paired by patient.
        epochs: How many the network was trained for; None where that is not known.
        explanation: What to know before comparing, "" for nothing.
        rows, stored: As in `Leakage`, of this network.
    """

    code: Name
    digest: Name = ""
    compared_patients: Count = 0
    cross_validated: Figures | None = None
    difference: Estimate | None = None
    epochs: Count | None = None
    explanation: Text = ""
    rows: EvaluationRows | None = None
    stored: Flag = False


@dataclass(frozen=True)
class RowCounts:
    """How many patients and slices were measured."""

    patients: Count
    slices: Count
    tumor_slices: Count


def _kind(part: object) -> str:
    """Which of the two a part is: measured, or not run."""
    status = part.get("status") if isinstance(part, Mapping) else getattr(part, "status", None)
    return "NotRun" if status == NOT_RUN else "Measured"


_BY_STATUS = Discriminator(_kind)
_NOT_RUN_TAG, _MEASURED_TAG = Tag("NotRun"), Tag("Measured")
AnyFold = Annotated[
    Annotated[Fold, _MEASURED_TAG] | Annotated[FoldNotRun, _NOT_RUN_TAG], _BY_STATUS
]
AnyLeakage = Annotated[
    Annotated[Leakage, _MEASURED_TAG] | Annotated[NotRun, _NOT_RUN_TAG], _BY_STATUS
]
AnyLeftOut = Annotated[
    Annotated[LeftOut, _MEASURED_TAG] | Annotated[LeftOutNotRun, _NOT_RUN_TAG], _BY_STATUS
]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A whole evaluation.

    Attributes:
        task: Such as ``brain-tumor``.
        network: What was measured.
        split: What the patients are, such as ``held-out``, ``cross-validated``, ``given folder``.
        environment: Where, when, how and by which command it was measured.
        counts: Patients and slices.
        figures: Over all patients.
        confusion: Slices by reference and call, as measured.
        roc, precision_recall: Curves of the slice score, from strict to lax thresholds.
        calibration: Of the scores; None in files that do not hold it.
        institutions: The largest first; patients of no institution are left out.
        patients: A row per patient.
        slices_rows: A row per slice, in the patients' order.
        folds: Of a cross-validation; empty otherwise.
        leakage: None outside a cross-validation.
        leave_institution_out: Of a cross-validation; empty otherwise.
    """

    task: Name
    network: MeasuredNetwork
    split: Name
    environment: Mapping[Name, Text]
    counts: RowCounts
    figures: Figures
    confusion: Confusion
    roc: tuple[RocPoint, ...] = ()
    precision_recall: tuple[RecallPoint, ...] = ()
    calibration: Calibration | None = None
    institutions: tuple[InstitutionPart, ...] = ()
    patients: tuple[PatientRow, ...]
    slices_rows: tuple[SliceRow, ...]
    folds: tuple[AnyFold, ...] = ()
    leakage: AnyLeakage | None = None
    leave_institution_out: tuple[AnyLeftOut, ...] = ()
    schema: Literal[2] = 2

    def __post_init__(self) -> None:
        parts = (self.leakage, *self.leave_institution_out)
        stored = [part.rows for part in parts if isinstance(part, Leakage | LeftOut)]
        for rows in (self.rows, *stored):
            if rows is not None:
                rows.check()

    @property
    def rows(self) -> EvaluationRows:
        """All rows."""
        return EvaluationRows(self.patients, self.slices_rows)

    @property
    def cross_validated(self) -> bool:
        """Whether every patient was measured by a network that had not learned from it."""
        return self.split.startswith(CROSS_VALIDATED)

    def is_of(self, digest: str) -> bool:
        """Whether the network with this digest is the one that was measured."""
        return self.network.digest == digest


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation file.

    Raises:
        OldEvaluation: It was written by another version of the program.
        InputError: It is missing or not valid.
    """
    remedy = "evaluate again"
    try:
        evaluation = read_json(path, Evaluation, shown=path.name, remedy=remedy)
    except InputError as error:
        if isinstance(error.__cause__, ValidationError) and _is_old(error.__cause__):
            raise OldEvaluation(
                path.name, f"{path.name} was written by another version of Overread; {remedy}."
            ) from None
        raise
    if evaluation is None:
        raise InputError(path.name, f"{path.name} is missing; {remedy}.")
    return evaluation


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write an evaluation file in one step.

    Raises:
        OSError: It cannot be written.
    """
    write_json(path, dump_evaluation(evaluation))


def dump_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as JSON holds it."""
    content: dict[str, Any] = dump_json(evaluation)
    return {"schema": content.pop("schema")} | content


def _is_old(error: ValidationError) -> bool:
    """Whether the file is of another version, or no evaluation at all."""
    return any(
        problem["loc"] in ((), ("schema",)) and problem["type"] != "json_invalid"
        for problem in error.errors()
    )
