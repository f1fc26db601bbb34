"""One evaluation out of all folds, with what the same recipe scores when it is split otherwise.

Every patient is answered by the network of the fold that held it out. What was not run is named
with the command that runs it, and is never left out silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.datasets.splits import split_by_slice
from pipeline.errors import InputError, ProgressCallback
from pipeline.evaluation import document
from pipeline.evaluation.computing import collect_evaluation, compute_evaluation
from pipeline.evaluation.document import Evaluation, MeasuredNetwork
from pipeline.evaluation.evaluate import describe_environment
from pipeline.evaluation.intervals import DRAWS
from pipeline.evaluation.restriction import restrict_to_slices
from pipeline.evaluation.rows import EvaluationRows, pool_rows
from pipeline.evaluation.runs import MeasuredRun, Run, RunPlan

LEAKAGE_EXPLANATION = (
    "The same recipe with two splits. With the split by slice, the network was trained on "
    "neighbours of the slices on which it is evaluated; with the split by patient, it never saw "
    "the patient. Only the latter shows the performance in a new patient. Both networks are "
    "evaluated on the slices held out by the split by slice; Dice per patient is that of these "
    "slices only, and surface distances, which need whole volumes, are omitted."
)


def build_cross_validation(
    plan: RunPlan,
    measured: Mapping[str, MeasuredRun],
    *,
    task: str,
    shipped: MeasuredNetwork | None,
    estimate: str,
    engine: str,
    command: str,
    draws: int = DRAWS,
    progress: ProgressCallback | None = None,
) -> Evaluation:
    """Pool what the runs gave into one evaluation.

    Args:
        plan: All runs.
        measured: Those that are there, by the name of their run.
        task: Such as ``brain-tumor``.
        shipped: The network that is shipped; by default that of the first fold that is there.
        estimate: How long a missing run would take.
        engine: Runtime and precision.
        command: What repeats it.
        draws: Number of bootstrap draws.
        progress: Called before each part is computed.

    Raises:
        InputError: No fold is there.
    """
    folds = [measured[run.name] for run in plan.folds if run.name in measured]
    if not folds:
        first = plan.folds[0]
        name = first.folder.parent.name
        raise InputError(name, f"{name} holds no trained fold; start with {first.command}.")
    network = shipped or folds[0].network
    collected = collect_evaluation(
        pool_rows(fold.rows for fold in folds),
        network,
        task=task,
        split=_name_split(plan, folds),
        environment=describe_environment(engine, command=command, draws=draws),
        folds=tuple(
            _collect_fold(run, measured.get(run.name), network, estimate) for run in plan.folds
        ),
        leakage=_collect_leakage(plan.by_slice, measured, folds, estimate),
        leave_institution_out=tuple(
            _collect_left_out(code, run, measured.get(run.name), folds, estimate)
            for code, run in plan.without.items()
        ),
    )
    return compute_evaluation(collected, draws=draws, progress=progress)


def _name_split(plan: RunPlan, folds: Sequence[MeasuredRun]) -> str:
    if len(folds) == len(plan.folds):
        return document.CROSS_VALIDATED
    patients = sum(len(fold.run.patients) for fold in folds)
    total = sum(len(run.patients) for run in plan.folds)
    return (
        f"{document.CROSS_VALIDATED}, {len(folds)} of {len(plan.folds)} folds"
        f" ({patients} of {total} patients)"
    )


def _collect_fold(
    run: Run, measured: MeasuredRun | None, network: MeasuredNetwork, estimate: str
) -> document.AnyFold:
    if measured is None:
        return document.FoldNotRun(
            name=run.name,
            patients=len(run.patients),
            status=document.NOT_RUN,
            command=run.command,
            estimate=estimate,
        )
    return document.Fold(
        name=run.name,
        patients=len(measured.rows.patients),
        slices=len(measured.rows.slices),
        figures={},
        digest=measured.network.digest,
        interrupted=measured.interrupted,
        epochs=measured.epochs,
        shipped=measured.network.digest == network.digest,
    )


def _collect_leakage(
    run: Run, measured: Mapping[str, MeasuredRun], folds: Sequence[MeasuredRun], estimate: str
) -> document.AnyLeakage:
    """The rows of the network that was split by slice, of the slices that it held out."""
    if run.name not in measured:
        return document.NotRun(status=document.NOT_RUN, command=run.command, estimate=estimate)
    by_slice = measured[run.name]
    return document.Leakage(
        fold=folds[0].run.name,
        by_slice=document.LeakageSide(patients=0, slices=0, figures={}, epochs=by_slice.epochs),
        by_patient=document.LeakageSide(patients=0, slices=0, figures={}, epochs=folds[0].epochs),
        same_slices=document.SameSlices(
            patients=0, slices=0, by_slice={}, by_patient={}, differences={}
        ),
        explanation=LEAKAGE_EXPLANATION + _describe_lengths(by_slice.epochs, folds),
        rows=_held_out_rows(by_slice.rows),
    )


def _held_out_rows(rows: EvaluationRows) -> EvaluationRows:
    """Rows of the slices that the split by slice held out."""
    held_out = split_by_slice({row.case_id: row.slices for row in rows.patients}).held_out
    numbers: dict[str, list[int]] = {row.case_id: [] for row in rows.patients}
    for row in rows.slices:
        numbers[row.case_id].append(row.index)
    return restrict_to_slices(
        rows,
        {
            case_id: {own[k] for k in held_out.get(case_id, ()) if k < len(own)}
            for case_id, own in numbers.items()
        },
    )


def _describe_lengths(by_slice: int | None, folds: Sequence[MeasuredRun]) -> str:
    """A sentence where the splits were not trained for equally many epochs."""
    other = _other_lengths(by_slice, folds)
    if not other:
        return ""
    return (
        f" Training differs: {by_slice} epochs by slice, {other} by patient; the comparison is not"
        " that of the splits alone."
    )


def _other_lengths(epochs: int | None, folds: Sequence[MeasuredRun]) -> str:
    """How many epochs the folds learned, "16 to 20"; "" where it is `epochs`, or not known."""
    lengths = sorted({fold.epochs for fold in folds if fold.epochs is not None})
    if epochs is None or not lengths or lengths == [epochs]:
        return ""
    return " to ".join(str(n) for n in dict.fromkeys((lengths[0], lengths[-1])))


def _collect_left_out(
    code: str,
    run: Run,
    measured: MeasuredRun | None,
    folds: Sequence[MeasuredRun],
    estimate: str,
) -> document.AnyLeftOut:
    """The rows of the network that never saw the institution, and how long it learned."""
    if measured is None:
        return document.LeftOutNotRun(
            code=code,
            patients=len(run.patients),
            status=document.NOT_RUN,
            command=run.command,
            estimate=estimate,
        )
    other = _other_lengths(measured.epochs, folds)
    sentence = (
        f"Without {code} the network was trained for {measured.epochs} epochs instead of {other},"
        " which may explain part of the difference."
    )
    return document.LeftOut(
        code=code,
        patients=len(measured.rows.patients),
        slices=len(measured.rows.slices),
        figures={},
        digest=measured.network.digest,
        epochs=measured.epochs,
        explanation=sentence if other else "",
        rows=measured.rows,
    )
