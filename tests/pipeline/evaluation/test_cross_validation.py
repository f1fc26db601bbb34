"""The cross-validated document from invented rows: folds, leakage, institutions left out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from invented_rows import make_rows

from pipeline.data.splits import split_by_slice
from pipeline.errors import InputError
from pipeline.evaluation.cross_validation import LEAKAGE_FIGURES, build_cross_validation
from pipeline.evaluation.evaluate import MeasuredNetwork
from pipeline.evaluation.restriction import restrict_to_slices
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
    network = MeasuredNetwork("brain-tumor", "resunet-resnet18", "2.0.0", digest)
    return MeasuredRun(run, network, False, 10, EvaluationRows(people, rows.slices))


def build(plan: RunPlan, *runs: MeasuredRun, **changes: Any) -> dict[str, Any]:
    given = {"shipped": None, "estimate": "about 9 minutes", "engine": "x", "command": "y"}
    measured = {one.run.name: one for one in runs}
    document = build_cross_validation(plan, measured, **(given | {"draws": 60} | changes))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    return document


def test_folds_are_pooled(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    document = build(plan, *folds)
    assert document["split"] == "cross-validated"
    assert document["counts"]["patients"] == 6
    assert [row["case_id"] for row in document["patients"]] == list(PATIENTS)
    assert [row["fold"] for row in document["patients"]][::2] == ["fold 1", "fold 2", "fold 3"]
    dice = [row["dice"] for row in document["patients"]]
    mean = document["figures"]["patient_dice_mean"]["value"]
    assert mean == pytest.approx(sum(dice) / 6)
    by_fold = [fold["figures"]["patient_dice_mean"]["value"] for fold in document["folds"]]
    assert by_fold == [pytest.approx(sum(dice[k : k + 2]) / 2) for k in (0, 2, 4)]
    assert [fold["digest"][0] for fold in document["folds"]] == ["1", "2", "3"]


def test_the_fold_that_is_shipped_is_marked(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    document = build(plan, *folds, shipped=folds[1].network)
    assert [fold["shipped"] for fold in document["folds"]] == [False, True, False]
    assert document["network"]["digest"] == "2" * 64
    assert build(plan, *folds)["network"]["digest"] == "1" * 64


def test_what_is_missing_is_told_with_its_command(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "runs")
    document = build(plan, measured_run(plan.folds[0]), measured_run(plan.folds[2]))
    assert document["split"] == "cross-validated, 2 of 3 folds (4 of 6 patients)"
    missing = document["folds"][1]
    assert missing == {
        "name": "fold 2",
        "patients": 2,
        "status": "not run",
        "command": plan.folds[1].command,
        "estimate": "about 9 minutes",
    }
    assert document["leakage"]["status"] == "not run"
    assert document["leakage"]["command"].endswith("--by-slice")
    (left_out,) = document["leave_institution_out"]
    assert (left_out["code"], left_out["patients"], left_out["status"]) == ("CS", 3, "not run")
    assert str(tmp_path) not in json.dumps(document)


def test_without_any_fold_there_is_nothing_to_pool(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "runs")
    with pytest.raises(InputError, match=r"runs holds no trained fold; start with python -m"):
        build(plan, measured_run(plan.by_slice))


def test_both_splits_are_compared_on_the_same_slices(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    by_slice = measured_run(plan.by_slice)
    leakage = build(plan, *folds, by_slice)["leakage"]
    counts = {row.case_id: row.slices for row in by_slice.rows.patients}
    held_out = split_by_slice(counts).held_out
    kept = sum(map(len, held_out.values()))
    assert (leakage["fold"], leakage["by_patient"]["patients"]) == ("fold 1", 2)
    assert (leakage["by_slice"]["epochs"], leakage["by_patient"]["epochs"]) == (10, 10)
    assert leakage["by_slice"]["slices"] == kept < sum(counts.values())
    same = leakage["same_slices"]
    assert same["slices"] == kept
    assert same["patients"] == len(restrict_to_slices(by_slice.rows, held_out).patients)
    # These invented networks answer alike, so that nothing is left of the difference.
    assert set(same["differences"]) == set(LEAKAGE_FIGURES)
    assert all(d["value"] in (0.0, None) for d in same["differences"].values())
    assert same["by_slice"] == same["by_patient"]


def test_with_one_fold_only_its_patients_are_compared(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    leakage = build(plan, measured_run(plan.folds[0]), measured_run(plan.by_slice))["leakage"]
    assert leakage["same_slices"]["patients"] <= 2
    assert leakage["same_slices"]["slices"] < leakage["by_slice"]["slices"]


def test_an_institution_left_out_is_compared_patient_by_patient(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    document = build(plan, *folds, measured_run(plan.without["CS"], worse=0.05))
    (left_out,) = document["leave_institution_out"]
    assert (left_out["code"], left_out["patients"], left_out["compared_patients"]) == ("CS", 3, 3)
    assert left_out["difference"]["value"] == pytest.approx(-0.05)
    assert left_out["difference"]["high"] == pytest.approx(-0.05)
    ours = left_out["figures"]["patient_dice_mean"]["value"]
    theirs = left_out["cross_validated"]["patient_dice_mean"]["value"]
    assert ours - theirs == pytest.approx(-0.05)
    assert (left_out["epochs"], left_out["explanation"]) == (10, "")

    shorter = replace(measured_run(plan.without["CS"]), epochs=4)
    (told,) = build(plan, *folds, shorter)["leave_institution_out"]
    assert told["explanation"] == (
        "Without CS the network learned 4 epochs, the cross-validated ones 10:"
        " part of the difference may come from that."
    )


def test_patients_that_no_fold_answered_are_not_compared(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    left = measured_run(plan.without["CS"])
    (partly,) = build(plan, measured_run(plan.folds[0]), left)["leave_institution_out"]
    assert (partly["patients"], partly["compared_patients"]) == (3, 2)
    (nobody,) = build(plan, measured_run(plan.folds[1]), left)["leave_institution_out"]
    assert (nobody["compared_patients"], nobody["difference"]) == (0, None)


def test_splits_that_did_not_learn_equally_long_say_so(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    folds = [measured_run(run) for run in plan.folds]
    same = build(plan, *folds, measured_run(plan.by_slice))["leakage"]["explanation"]
    assert "equally long" not in same
    shorter = replace(measured_run(plan.by_slice), epochs=5)
    told = build(plan, *folds, shorter)["leakage"]["explanation"]
    assert "by slice 5 epochs, by patient 10;" in told
