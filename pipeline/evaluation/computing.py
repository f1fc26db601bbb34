"""Everything of an evaluation that follows from its rows: figures, intervals, curves, parts.

A new evaluation and one that is read from a file (``evaluate --from-rows``) are computed by the
same function, so that both hold the same figures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline import metrics
from pipeline.errors import ProgressCallback
from pipeline.evaluation import document
from pipeline.evaluation.document import Evaluation, Figures, MeasuredNetwork
from pipeline.evaluation.figures import (
    all_figures,
    compare_figures,
    estimate_figures,
    find_figure,
)
from pipeline.evaluation.intervals import DRAWS
from pipeline.evaluation.restriction import restrict_to_slices
from pipeline.evaluation.rows import EvaluationRows, SliceTable

CALIBRATION_NOTE = (
    "before: the classifier's score without the calibration that is part of the network, recovered "
    "by inverting it on the averaged and smoothed score, which is an approximation; "
    "classifier: the calibrated classifier score; after: the slice score on which decisions are "
    "made, a calibrated rule of classifier score and outline evidence."
)


def collect_evaluation(
    rows: EvaluationRows,
    network: MeasuredNetwork,
    *,
    task: str,
    split: str,
    environment: dict[str, str],
    **parts: Any,
) -> Evaluation:
    """An evaluation that holds its rows, and no figures yet; see `compute_evaluation`.

    Args:
        rows: At least one patient.
        network: The network that answered.
        task: Such as ``brain-tumor``.
        split: What the patients are, such as ``held-out``, ``cross-validated``, ``given folder``.
        environment: See `evaluate.describe_environment`.
        parts: ``folds``, ``leakage`` and ``leave_institution_out`` of a cross-validation.
    """
    return Evaluation(
        task=task,
        network=network,
        split=split,
        environment=environment,
        counts=document.RowCounts(0, 0, 0),
        figures={},
        confusion=metrics.Confusion(0, 0, 0, 0),
        patients=rows.patients,
        slices_rows=rows.slices,
        **parts,
    )


def compute_evaluation(
    evaluation: Evaluation, *, draws: int = DRAWS, progress: ProgressCallback | None = None
) -> Evaluation:
    """Compute every figure and interval that follows from the rows.

    Parts that hold no rows keep the figures they have and are marked as stored.

    Args:
        evaluation: With at least one patient; figures that it holds are replaced.
        draws: Number of bootstrap draws.
        progress: Called before each part.
    """
    rows = evaluation.rows
    table = SliceTable.from_rows(rows)
    codes = _institutions(rows)
    total = 2 + len(codes) + len(evaluation.folds) + len(evaluation.leave_institution_out)
    done = iter(range(total + 1))

    def step(message: str) -> None:
        if progress is not None:
            progress(next(done), total, message)

    step("all patients")
    computed = replace(
        evaluation,
        environment={**evaluation.environment, "intervals": describe_intervals(draws)},
        counts=document.RowCounts(len(rows.patients), len(rows.slices), int(table.reference.sum())),
        figures=estimate_figures(table, draws=draws),
        confusion=metrics.confusion(table.reference, table.called),
        roc=metrics.roc_points(table.reference, table.score),
        precision_recall=metrics.precision_recall_points(table.reference, table.score),
        calibration=describe_calibration(rows),
    )
    institutions = []
    for code, patients in codes.items():
        step(f"institution {code}")
        institutions.append(document.InstitutionPart(code=code, **_part(rows.of(patients), draws)))
    folds = []
    for fold in evaluation.folds:
        step(fold.name)
        folds.append(_compute_fold(fold, rows, draws))
    step("leakage")
    leakage = evaluation.leakage
    if isinstance(leakage, document.Leakage):
        leakage = _compute_leakage(leakage, rows, draws)
    left_out = []
    for one in evaluation.leave_institution_out:
        step(f"without {one.code}")
        left_out.append(_compute_left_out(one, rows, draws))
    step("all parts")
    return replace(
        computed,
        institutions=tuple(institutions),
        folds=tuple(folds),
        leakage=leakage,
        leave_institution_out=tuple(left_out),
    )


def describe_intervals(draws: int) -> str:
    """How the intervals were made, for the document's environment."""
    return (
        f"95% CI, {draws:,} bootstrap samples of patients; exact for patients with tumor detected"
    )


def describe_calibration(rows: EvaluationRows) -> document.Calibration:
    """ECE, Brier score and reliability before and after calibration; None where unknown."""

    def curve(scores: list[float | None]) -> document.CalibrationCurve | None:
        known = [score for score in scores if score is not None]
        if not known or len(known) < len(scores):
            return None
        return document.CalibrationCurve(
            ece=metrics.expected_calibration_error(reference, known),
            brier=metrics.brier_score(reference, known),
            bins=tuple(metrics.reliability(reference, known)),
        )

    reference = [row.reference_tumor for row in rows.slices]
    return document.Calibration(
        explanation=CALIBRATION_NOTE,
        before=curve([row.uncalibrated_score for row in rows.slices]),
        classifier=curve([row.classifier_score for row in rows.slices]),
        after=curve([row.score for row in rows.slices]),
    )


def _institutions(rows: EvaluationRows) -> dict[str, list[str]]:
    """Patients of each institution, the largest first; patients of none are left out."""
    found: dict[str, list[str]] = {}
    for row in rows.patients:
        if row.institution:
            found.setdefault(row.institution, []).append(row.case_id)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _part(rows: EvaluationRows, draws: int) -> dict[str, Any]:
    """Patients, slices and figures of a part of the rows, drawn among its own patients."""
    return {
        "patients": len(rows.patients),
        "slices": len(rows.slices),
        "figures": estimate_figures(SliceTable.from_rows(rows), draws=draws),
    }


def _rows_of_fold(rows: EvaluationRows, name: str) -> EvaluationRows:
    return rows.of([row.case_id for row in rows.patients if row.fold == name])


def _compute_fold(fold: document.AnyFold, rows: EvaluationRows, draws: int) -> document.AnyFold:
    own = _rows_of_fold(rows, fold.name)
    if isinstance(fold, document.FoldNotRun) or not own.patients:
        return fold
    return replace(fold, **_part(own, draws))


def _compute_leakage(
    leakage: document.Leakage, pooled: EvaluationRows, draws: int
) -> document.Leakage:
    """By slice and by patient: each on its own held-out slices, then both on the same ones."""
    leaked = leakage.rows or EvaluationRows()
    kept: dict[str, set[int]] = {}
    for row in leaked.slices:
        kept.setdefault(row.case_id, set()).add(row.index)
    unseen = restrict_to_slices(pooled, kept)
    own = _rows_of_fold(pooled, leakage.fold)
    common = [row.case_id for row in unseen.patients]
    if not common or not own.patients:
        return replace(leakage, stored=True)
    by_slice = document.LeakageSide(epochs=leakage.by_slice.epochs, **_part(leaked, draws))
    by_patient = document.LeakageSide(epochs=leakage.by_patient.epochs, **_part(own, draws))
    first, second = (SliceTable.from_rows(rows.of(common)) for rows in (leaked, unseen))
    compared = [figure for figure in all_figures() if figure.compared]
    same = document.SameSlices(
        patients=len(common),
        slices=len(first.score),
        by_slice=estimate_figures(first, draws=draws),
        by_patient=estimate_figures(second, draws=draws),
        differences=compare_figures(first, second, compared, draws=draws),
    )
    return replace(
        leakage, by_slice=by_slice, by_patient=by_patient, same_slices=same, stored=False
    )


def _compute_left_out(
    part: document.AnyLeftOut, pooled: EvaluationRows, draws: int
) -> document.AnyLeftOut:
    """One institution's patients: left out as a whole, and the same ones cross-validated."""
    if isinstance(part, document.LeftOutNotRun):
        return part
    if part.rows is None or not part.rows.patients:
        return replace(part, stored=True)
    compared = pooled.of([row.case_id for row in part.rows.patients])
    common = [row.case_id for row in compared.patients]
    cross_validated: Figures | None = None
    difference = None
    if common:
        first = SliceTable.from_rows(part.rows.of(common))
        second = SliceTable.from_rows(compared)
        cross_validated = estimate_figures(second, draws=draws)
        dice = find_figure("patient_dice_mean")
        difference = compare_figures(first, second, [dice], draws=draws)[dice.name]
    return replace(
        part,
        **_part(part.rows, draws),
        compared_patients=len(common),
        cross_validated=cross_validated,
        difference=difference,
        stored=False,
    )
