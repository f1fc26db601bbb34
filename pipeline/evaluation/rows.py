"""One row per slice and one per patient: what every figure of an evaluation is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.metrics import (
    Groups,
    Statistic,
    Values,
    mean_statistic,
    median_statistic,
    volume_differences,
)
from pipeline.storage.field_types import Amount, Count, Flag, Name, Number, Share

#: Fields of a patient's row that are no numbers.
_TEXTS = ("case_id", "institution", "fold")


@dataclass(frozen=True)
class SliceRow:
    """One slice: reference, call, overlap, and what the call rests on.

    Attributes:
        case_id, index: Patient, and slice number from 1.
        reference_tumor: Whether the reference mask holds tumor.
        score: Slice score on which the decision is made, in [0, 1].
        called: Whether it reaches the operating point.
        dice: None where both masks are empty.
        mask_px, reference_px: Pixels of both masks.
        classifier_score: Stage one's own calibrated score.
        uncalibrated_score: That score with the network's calibration undone; None where the network
            names none. An approximation: mirrored answers are averaged and slices smoothed after
            the calibration, which its inverse does not see.
        outline_evidence: None where nothing was outlined.
        decided_by: ``gate``, ``both``, ``classifier`` or ``outline``.
    """

    case_id: Name
    index: Count
    reference_tumor: Flag
    score: Share
    called: Flag
    dice: Share | None
    mask_px: Count
    reference_px: Count
    classifier_score: Share | None = None
    uncalibrated_score: Share | None = None
    outline_evidence: Share | None = None
    decided_by: Name = ""


@dataclass(frozen=True)
class PatientRow:
    """One patient over the volume.

    Attributes:
        case_id, institution: Patient and, in the LGG set, the code in its name.
        dice, iou: None where both masks are empty.
        volume_px, reference_px: Pixels of both masks.
        slices: Number of slices.
        fold: Name of the fold that held the patient out; "" outside cross-validation.
        hd95_px, surface_dice: See `metrics.measure_surfaces`; None where both masks are empty.
        hd95_mm, surface_dice_mm: The same in millimetres; None without spacing.
        detected: Whether the outline meets the reference; None where the reference is empty.
        expected_dice, border_stability, area_low_px, area_high_px, mean_disagreement, log_volume,
            called_slices, largest_score_gap, mask_threshold: What the answer itself says, see
            `pipeline.analysis.outline_facts.OutlineFacts`; None where it is not known, and in rows
            of some of a patient's slices.
    """

    case_id: Name
    institution: Name
    dice: Share | None
    iou: Share | None
    volume_px: Count
    reference_px: Count
    slices: Count
    fold: Name = ""
    hd95_px: Amount | None = None
    surface_dice: Share | None = None
    hd95_mm: Amount | None = None
    surface_dice_mm: Share | None = None
    detected: Flag | None = None
    expected_dice: Share | None = None
    border_stability: Share | None = None
    area_low_px: Count | None = None
    area_high_px: Count | None = None
    mean_disagreement: Share | None = None
    log_volume: Number | None = None
    called_slices: Count | None = None
    largest_score_gap: Share | None = None
    mask_threshold: Share | None = None


@dataclass(frozen=True)
class EvaluationRows:
    """Rows of all patients, slices in the patients' order."""

    patients: tuple[PatientRow, ...] = ()
    slices: tuple[SliceRow, ...] = ()

    def check(self) -> None:
        """Make sure that the rows belong together.

        Raises:
            ValueError: A slice belongs to none of the patients, or two patients share a name.
        """
        names = {row.case_id for row in self.patients}
        if len(names) != len(self.patients):
            raise ValueError("every patient must stand in one row")
        if any(row.case_id not in names for row in self.slices):
            raise ValueError("every slice must belong to one of the patients")

    def of(self, patients: Sequence[str]) -> EvaluationRows:
        """Rows of the given patients, in their order; those that are not there are passed over."""
        people = {row.case_id: row for row in self.patients}
        slices: dict[str, list[SliceRow]] = {name: [] for name in people}
        for row in self.slices:
            slices[row.case_id].append(row)
        there = [name for name in patients if name in people]
        return EvaluationRows(
            tuple(people[name] for name in there),
            tuple(row for name in there for row in slices[name]),
        )


@dataclass(frozen=True, eq=False)
class SliceTable:
    """The rows as arrays, from which figures are computed.

    Attributes:
        case_ids: Name of each patient.
        patients: Each patient as a group of its own.
        slices: The slices, grouped by patient.
        reference: ``(s,)`` bool, whether the reference holds tumor.
        called: ``(s,)`` bool.
        score: ``(s,)`` in [0, 1].
        dice: ``(s,)``, NaN where both masks are empty.
        reference_px: ``(s,)``.
        of_patients: ``(p,)`` each number of `PatientRow` by its name, flags as 1 and 0, NaN where
            it is not defined.
    """

    case_ids: tuple[str, ...]
    patients: Groups
    slices: Groups
    reference: NDArray[np.bool_]
    called: NDArray[np.bool_]
    score: Values
    dice: Values
    reference_px: NDArray[np.int64]
    of_patients: Mapping[str, Values]

    @classmethod
    def from_rows(cls, rows: EvaluationRows) -> SliceTable:
        """Make arrays of the rows.

        Raises:
            ValueError: The rows do not belong together, see `EvaluationRows.check`.
        """
        rows.check()
        places = {row.case_id: k for k, row in enumerate(rows.patients)}
        owner = np.array([places[row.case_id] for row in rows.slices], np.intp)
        return cls(
            case_ids=tuple(places),
            patients=Groups.each(len(places)),
            slices=Groups(owner, len(places)),
            reference=np.array([row.reference_tumor for row in rows.slices], bool),
            called=np.array([row.called for row in rows.slices], bool),
            score=np.array([row.score for row in rows.slices], np.float64),
            dice=_numbers([row.dice for row in rows.slices]),
            reference_px=np.array([row.reference_px for row in rows.slices], np.int64),
            of_patients={
                name: _numbers([getattr(row, name) for row in rows.patients])
                for name in PatientRow.__dataclass_fields__
                if name not in _TEXTS
            },
        )

    def at(self, threshold: float) -> SliceTable:
        """The same slices, called from another operating point on (inclusive)."""
        return replace(self, called=self.score >= threshold)

    def mean_of_patients(self, name: str) -> Statistic:
        """Mean of a number of `PatientRow`."""
        return mean_statistic(self.of_patients[name], groups=self.patients)

    def median_of_patients(self, name: str) -> Statistic:
        """Median of a number of `PatientRow`."""
        return median_statistic(self.of_patients[name], groups=self.patients)

    def volume_differences(self) -> Values:
        """``(p,)`` see `metrics.volume_differences`."""
        return volume_differences(self.of_patients["volume_px"], self.of_patients["reference_px"])

    def mean_of_slices(
        self, values: ArrayLike, *, among: NDArray[np.bool_] | None = None
    ) -> Statistic:
        """Mean over slices; see `metrics.mean_statistic`."""
        return mean_statistic(values, groups=self.slices, among=among)


def pool_rows(parts: Iterable[EvaluationRows]) -> EvaluationRows:
    """All patients of several evaluations, one after the other."""
    kept = tuple(parts)
    return EvaluationRows(
        tuple(row for part in kept for row in part.patients),
        tuple(row for part in kept for row in part.slices),
    )


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)
