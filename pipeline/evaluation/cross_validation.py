"""One evaluation out of all folds, with what the same recipe scores when it is split otherwise.

Every patient is answered by the network of the fold that held it out. What was not run is told with
the command that runs it, and is never left out silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.data.splits import split_by_slice
from pipeline.errors import InputError
from pipeline.evaluation.evaluate import (
    MeasuredNetwork,
    build_evaluation,
    describe_figures,
    describe_group,
)
from pipeline.evaluation.intervals import DRAWS, compare_figures
from pipeline.evaluation.restriction import restrict_to_slices
from pipeline.evaluation.rows import EvaluationRows, SliceTable, pool_rows
from pipeline.evaluation.runs import MeasuredRun, Run, RunPlan

CROSS_VALIDATED = "cross-validated"
#: What the two splits of the leakage exhibit are compared by.
LEAKAGE_FIGURES = (
    "patient_dice_mean",
    "tumor_slice_dice",
    "all_slice_dice",
    "slice_auc",
    "pr_auc",
    "sensitivity",
    "specificity",
    "sensitivity_at_95_specificity",
    "brier",
)
LEAKAGE_EXPLANATION = (
    "One recipe, split in two ways. Split by slice, the network learned from the neighbours of the "
    "slices on which it is measured; split by patient, it never saw the patient. Only the second "
    "says what a new patient may expect. Measured on the same slices, both networks answer the "
    "slices that the split by slice held out; Dice per patient is then that of these slices alone, "
    "and the surfaces' distances, which need whole volumes, are left out."
)


def build_cross_validation(
    plan: RunPlan,
    measured: Mapping[str, MeasuredRun],
    *,
    shipped: MeasuredNetwork | None,
    estimate: str,
    engine: str,
    command: str,
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Pool what the runs gave into one evaluation document.

    Args:
        plan: All runs.
        measured: Those that are there, by the name of their run.
        shipped: The network that is shipped; by default that of the first fold that is there.
        estimate: How long a missing run would take.
        engine: Runtime and precision.
        command: What repeats it.
        draws: Number of bootstrap draws.

    Raises:
        InputError: No fold is there.
    """
    folds = [measured[run.name] for run in plan.folds if run.name in measured]
    if not folds:
        first = plan.folds[0]
        name = first.folder.parent.name
        raise InputError(name, f"{name} holds no trained fold; start with {first.command}.")
    pooled = pool_rows(fold.rows for fold in folds)
    network = shipped or folds[0].network
    document = build_evaluation(
        pooled,
        network,
        split=_name_split(plan, folds),
        engine=engine,
        command=command,
        draws=draws,
    )
    return document | {
        "folds": [
            _describe_fold(run, measured.get(run.name), network, estimate=estimate, draws=draws)
            for run in plan.folds
        ],
        "leakage": _describe_leakage(plan, measured, folds, estimate=estimate, draws=draws),
        "leave_institution_out": [
            _describe_left_out(code, run, measured.get(run.name), pooled, estimate, draws)
            | _tell_shorter(code, measured.get(run.name), folds)
            for code, run in plan.without.items()
        ],
    }


def _name_split(plan: RunPlan, folds: Sequence[MeasuredRun]) -> str:
    if len(folds) == len(plan.folds):
        return CROSS_VALIDATED
    patients = sum(len(fold.run.patients) for fold in folds)
    total = sum(len(run.patients) for run in plan.folds)
    return (
        f"{CROSS_VALIDATED}, {len(folds)} of {len(plan.folds)} folds"
        f" ({patients} of {total} patients)"
    )


def _not_run(run: Run, estimate: str) -> dict[str, Any]:
    return {"status": "not run", "command": run.command, "estimate": estimate}


def _describe_fold(
    run: Run,
    measured: MeasuredRun | None,
    network: MeasuredNetwork,
    *,
    estimate: str,
    draws: int,
) -> dict[str, Any]:
    if measured is None:
        return {"name": run.name, "patients": len(run.patients)} | _not_run(run, estimate)
    return {
        "name": run.name,
        **describe_group(measured.rows, draws=draws),
        "digest": measured.network.digest,
        "interrupted": measured.interrupted,
        "epochs": measured.epochs,
        "shipped": measured.network.digest == network.digest,
    }


def _describe_leakage(
    plan: RunPlan,
    measured: Mapping[str, MeasuredRun],
    folds: Sequence[MeasuredRun],
    *,
    estimate: str,
    draws: int,
) -> dict[str, Any]:
    """By slice beside by patient: each on its own held-out slices, then both on the same ones."""
    if plan.by_slice.name not in measured:
        return _not_run(plan.by_slice, estimate)
    rows = measured[plan.by_slice.name].rows
    held_out = split_by_slice({row.case_id: row.slices for row in rows.patients}).held_out
    leaked = restrict_to_slices(rows, held_out)
    unseen = restrict_to_slices(pool_rows(fold.rows for fold in folds), held_out)
    learned = measured[plan.by_slice.name].epochs
    return {
        "fold": folds[0].run.name,
        "by_slice": describe_group(leaked, draws=draws) | {"epochs": learned},
        "by_patient": describe_group(folds[0].rows, draws=draws) | {"epochs": folds[0].epochs},
        "same_slices": _compare_same_slices(leaked, unseen, draws=draws),
        "explanation": LEAKAGE_EXPLANATION + _tell_lengths(learned, folds),
    }


def _tell_lengths(by_slice: int | None, folds: Sequence[MeasuredRun]) -> str:
    """A sentence where the splits did not learn equally long: it is no fair comparison then."""
    told = _other_lengths(by_slice, folds)
    if not told:
        return ""
    return (
        f" The splits did not learn equally long: by slice {by_slice} epochs, by patient {told};"
        " what is shown compares unequal training, not the splits alone."
    )


def _other_lengths(epochs: int | None, folds: Sequence[MeasuredRun]) -> str:
    """How many epochs the folds learned, "16 to 20"; "" where it is `epochs`, or not known."""
    lengths = sorted({fold.epochs for fold in folds if fold.epochs is not None})
    if epochs is None or not lengths or lengths == [epochs]:
        return ""
    return " to ".join(str(n) for n in dict.fromkeys((lengths[0], lengths[-1])))


def _compare_same_slices(
    leaked: EvaluationRows, unseen: EvaluationRows, *, draws: int
) -> dict[str, Any]:
    common = [row.case_id for row in unseen.patients]
    first, second = (SliceTable.from_rows(rows.of(common)) for rows in (leaked, unseen))
    differences = compare_figures(first, second, LEAKAGE_FIGURES, draws=draws)
    return {
        "patients": len(common),
        "slices": len(first.score),
        "by_slice": describe_figures(first, draws=draws),
        "by_patient": describe_figures(second, draws=draws),
        "differences": {name: asdict(found) for name, found in differences.items()},
    }


def _tell_shorter(
    code: str, measured: MeasuredRun | None, folds: Sequence[MeasuredRun]
) -> dict[str, Any]:
    """How long the network without an institution learned, and what that means where it differs."""
    if measured is None:
        return {}
    told = _other_lengths(measured.epochs, folds)
    sentence = (
        f"Without {code} the network learned {measured.epochs} epochs, the cross-validated ones"
        f" {told}: part of the difference may come from that."
    )
    return {"epochs": measured.epochs, "explanation": sentence if told else ""}


def _describe_left_out(
    code: str,
    run: Run,
    measured: MeasuredRun | None,
    pooled: EvaluationRows,
    estimate: str,
    draws: int,
) -> dict[str, Any]:
    """One institution's patients: left out as a whole, and the same ones cross-validated."""
    if measured is None:
        return {"code": code, "patients": len(run.patients)} | _not_run(run, estimate)
    compared = pooled.of(run.patients)
    common = [row.case_id for row in compared.patients]
    told: dict[str, Any] = {
        "code": code,
        **describe_group(measured.rows, draws=draws),
        "digest": measured.network.digest,
        "compared_patients": len(common),
        "cross_validated": None,
        "difference": None,
    }
    if common:
        first = SliceTable.from_rows(measured.rows.of(common))
        second = SliceTable.from_rows(compared)
        name = "patient_dice_mean"
        found = compare_figures(first, second, (name,), draws=draws)[name]
        told["cross_validated"] = describe_figures(second, draws=draws)
        told["difference"] = asdict(found)
    return told
