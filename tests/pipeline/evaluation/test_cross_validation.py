"""The cross-validated document from invented rows: folds, leakage, institutions left out."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from invented_rows import make_rows, parse_evaluation

from pipeline.datasets.splits import split_by_slice
from pipeline.errors import InputError
from pipeline.evaluation.computing import compute_evaluation
from pipeline.evaluation.cross_validation import LEAKAGE_EXPLANATION, build_cross_validation
from pipeline.evaluation.document import (
    Evaluation,
    Fold,
    FoldNotRun,
    Leakage,
    LeftOut,
    LeftOutNotRun,
    MeasuredNetwork,
    NotRun,
    dump_evaluation,
)
from pipeline.evaluation.rows import EvaluationRows, pool_rows
from pipeline.evaluation.runs import MeasuredRun, Run, RunPlan

PATIENTS = tuple(f"TCGA_{code}_{k}" for k, code in enumerate(("CS", "CS", "DU", "DU", "HT", "CS")))


def make_plan(folder: Path) -> RunPlan:
    folds = tuple(
        Run(f"fold {k}", folder / f"fold-{k}", PATIENTS[2 * k - 2 : 2 * k], ("--fold", str(k)))
        for k in (1, 2, 3)
    )
    cs = tuple(patient for patient in PATIENTS if "_CS_" in patient)
    return RunPlan(
        folds,
        Run("by slice", folder / "by-slice", PATIENTS, ("--by-slice",)),
        {"CS": Run("without CS", folder / "without-CS", cs, ("--without", "CS"))},
    )


def measured_run(run: Run, *, worse: float = 0.0) -> MeasuredRun:
    """Rows of the run's patients, which do not depend on the run; ``worse`` lowers every Dice."""
    parts = [make_rows(1, seed=PATIENTS.index(p), names=(p,)) for p in run.patients]
    rows = pool_rows(parts)
    people = tuple(
        replace(row, dice=row.dice - worse, fold=run.name)
        for row in rows.patients
        if row.dice is not None
    )
    digest = run.folder.name[-1] * 64
    network = MeasuredNetwork("resunet-resnet18", "2.0.0", digest)
    return MeasuredRun(run, network, False, 10, EvaluationRows(people, rows.slices))


def build(plan: RunPlan, *runs: MeasuredRun, **changes: Any) -> Evaluation:
    given = {"shipped": None, "estimate": "about 9 minutes", "engine": "x", "command": "y"}
    given |= {"task": "brain-tumor", "draws": 60} | changes
    evaluation = build_cross_validation(plan, {one.run.name: one for one in runs}, **given)
    written = json.loads(json.dumps(dump_evaluation(evaluation), allow_nan=False))
    assert parse_evaluation(written) == evaluation
    return evaluation


def leakage_of(evaluation: Evaluation) -> Leakage:
    assert isinstance(evaluation.leakage, Leakage)
    return evaluation.leakage


def left_out_of(evaluation: Evaluation) -> LeftOut:
    (part,) = evaluation.leave_institution_out
    assert isinstance(part, LeftOut)
    return part


def test_folds_are_pooled(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    evaluation = build(plan, *folds)
    assert evaluation.split == "cross-validated"
    assert evaluation.counts.patients == 6
    assert [row.case_id for row in evaluation.patients] == list(PATIENTS)
    assert [row.fold for row in evaluation.patients][::2] == ["fold 1", "fold 2", "fold 3"]
    dice = [row.dice or 0.0 for row in evaluation.patients]
    assert evaluation.figures["patient_dice_mean"].value == pytest.approx(sum(dice) / 6)
    for k, fold in enumerate(evaluation.folds):
        assert isinstance(fold, Fold)
        own = sum(dice[2 * k : 2 * k + 2]) / 2
        assert fold.figures["patient_dice_mean"].value == pytest.approx(own)
        assert (fold.patients, fold.digest[0]) == (2, str(k + 1))


def test_the_fold_that_is_shipped_is_marked(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    evaluation = build(plan, *folds, shipped=folds[1].network)
    marked = [isinstance(fold, Fold) and fold.shipped for fold in evaluation.folds]
    assert marked == [False, True, False]
    assert evaluation.network.digest == "2" * 64
    assert build(plan, *folds).network.digest == "1" * 64


def test_what_is_missing_is_named_with_its_command(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "runs")
    evaluation = build(plan, measured_run(plan.folds[0]), measured_run(plan.folds[2]))
    assert evaluation.split == "cross-validated, 2 of 3 folds (4 of 6 patients)"
    missing = {"status": "not run", "estimate": "about 9 minutes"}
    command = plan.folds[1].command
    assert evaluation.folds[1] == FoldNotRun(name="fold 2", patients=2, command=command, **missing)
    by_slice, left_out = evaluation.leakage, evaluation.leave_institution_out
    assert isinstance(by_slice, NotRun)
    assert by_slice.command.endswith("--by-slice")
    command = plan.without["CS"].command
    assert left_out == (LeftOutNotRun(code="CS", patients=3, command=command, **missing),)
    assert str(tmp_path) not in json.dumps(dump_evaluation(evaluation))


def test_without_any_fold_there_is_nothing_to_pool(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "runs")
    with pytest.raises(InputError, match=r"runs holds no trained fold; start with python -m"):
        build(plan, measured_run(plan.by_slice))


def test_both_splits_are_compared_on_the_same_slices(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    by_slice = measured_run(plan.by_slice)
    leakage = leakage_of(build(plan, *folds, by_slice))
    counts = {row.case_id: row.slices for row in by_slice.rows.patients}
    held_out = split_by_slice(counts).held_out
    kept = sum(map(len, held_out.values()))
    assert (leakage.fold, leakage.by_patient.patients) == ("fold 1", 2)
    assert (leakage.by_slice.epochs, leakage.by_patient.epochs) == (10, 10)
    assert leakage.by_slice.slices == kept < sum(counts.values())
    same = leakage.same_slices
    assert same.slices == kept
    assert same.patients == sum(bool(own) for own in held_out.values())
    # These invented networks answer alike, so that nothing is left of the difference.
    assert all(found.value in (0.0, None) for found in same.differences.values())
    assert same.by_slice == same.by_patient


def test_with_one_fold_only_its_patients_are_compared(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    found = build(plan, measured_run(plan.folds[0]), measured_run(plan.by_slice))
    leakage = leakage_of(found)
    assert leakage.same_slices.patients <= 2
    assert leakage.same_slices.slices < leakage.by_slice.slices


def test_an_institution_left_out_is_compared_patient_by_patient(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    part = left_out_of(build(plan, *folds, measured_run(plan.without["CS"], worse=0.05)))
    assert (part.code, part.patients, part.compared_patients) == ("CS", 3, 3)
    assert part.difference is not None
    assert part.cross_validated is not None
    assert part.difference.value == pytest.approx(-0.05)
    assert part.difference.high == pytest.approx(-0.05)
    ours = part.figures["patient_dice_mean"].value or 0.0
    theirs = part.cross_validated["patient_dice_mean"].value or 0.0
    assert ours - theirs == pytest.approx(-0.05)
    assert (part.epochs, part.explanation) == (10, "")

    shorter = replace(measured_run(plan.without["CS"]), epochs=4)
    explanation = left_out_of(build(plan, *folds, shorter)).explanation
    assert "CS" in explanation and re.findall(r"\d+", explanation) == ["4", "10"]


def test_patients_that_no_fold_answered_are_not_compared(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    left = measured_run(plan.without["CS"])
    partly = left_out_of(build(plan, measured_run(plan.folds[0]), left))
    assert (partly.patients, partly.compared_patients) == (3, 2)
    nobody = left_out_of(build(plan, measured_run(plan.folds[1]), left))
    assert (nobody.compared_patients, nobody.difference) == (0, None)


def test_splits_that_did_not_learn_equally_long_say_so(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    same = leakage_of(build(plan, *folds, measured_run(plan.by_slice))).explanation
    assert same == LEAKAGE_EXPLANATION
    shorter = replace(measured_run(plan.by_slice), epochs=5)
    other = leakage_of(build(plan, *folds, shorter)).explanation
    assert re.findall(r"\d+", other.removeprefix(same)) == ["5", "10"]


def test_leakage_and_institutions_left_out_are_computed_again_from_the_document(
    tmp_path: Path,
) -> None:
    plan = make_plan(tmp_path)
    runs = [measured_run(run, worse=0.03 * k) for k, run in enumerate(plan.all)]
    evaluation = build(plan, *runs)
    by_slice = leakage_of(evaluation)
    assert by_slice.rows is not None
    assert len(by_slice.rows.slices) == by_slice.by_slice.slices, "held-out slices alone"
    read = parse_evaluation(dump_evaluation(evaluation))
    emptied = replace(
        read,
        figures={},
        leakage=replace(by_slice, same_slices=replace(by_slice.same_slices, differences={})),
        leave_institution_out=(replace(left_out_of(read), figures={}, difference=None),),
    )
    assert compute_evaluation(emptied, draws=60) == evaluation
