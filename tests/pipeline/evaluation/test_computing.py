"""What follows from rows is computed alike when they are measured and when they are read."""

from dataclasses import replace

import pytest
from invented_rows import make_evaluation, make_rows, parse_evaluation

from pipeline.evaluation.computing import (
    compute_evaluation,
    describe_calibration,
    describe_intervals,
)
from pipeline.evaluation.document import (
    Evaluation,
    Fold,
    Leakage,
    LeakageSide,
    LeftOut,
    SameSlices,
    dump_evaluation,
)
from pipeline.evaluation.figures import all_figures
from pipeline.evaluation.intervals import Estimate
from pipeline.evaluation.restriction import restrict_to_slices
from pipeline.evaluation.rows import EvaluationRows

NAMES = ("TCGA_CS_1", "TCGA_CS_2", "TCGA_DU_3", "TCGA_CS_4", "TCGA_DU_5", "TCGA_HT_6")


def rows_of_folds() -> EvaluationRows:
    rows = make_rows(names=NAMES)
    people = (replace(row, fold=f"fold {k % 2 + 1}") for k, row in enumerate(rows.patients))
    return EvaluationRows(tuple(people), rows.slices)


def cross_validated(*, with_rows: bool = True) -> Evaluation:
    """Two folds, a leakage exhibit and an institution left out, all answered alike."""
    rows = rows_of_folds()
    side = LeakageSide(patients=9, slices=9, figures={"slice_auc": Estimate(0.9)}, epochs=7)
    same = SameSlices(patients=9, slices=9, by_slice={}, by_patient={}, differences={})
    kept = {name: {1, 2, 3} for name in NAMES}
    own = rows.of(["TCGA_DU_3", "TCGA_DU_5"])
    return make_evaluation(
        rows,
        split="cross-validated",
        folds=tuple(
            Fold(name=name, patients=0, slices=0, figures={}) for name in ("fold 1", "fold 2")
        ),
        leakage=Leakage(
            fold="fold 1",
            by_slice=side,
            by_patient=side,
            same_slices=same,
            rows=restrict_to_slices(rows, kept) if with_rows else None,
        ),
        leave_institution_out=(
            LeftOut(
                code="DU",
                patients=9,
                slices=9,
                figures={"slice_auc": Estimate(0.5)},
                rows=own if with_rows else None,
            ),
        ),
    )


def test_parts_are_of_their_own_patients() -> None:
    found = cross_validated()
    dice = [row.dice for row in found.patients]
    assert found.counts.patients == 6
    assert [part.code for part in found.institutions] == ["CS", "DU", "HT"]
    assert [part.patients for part in found.institutions] == [3, 2, 1]
    for k, fold in enumerate(found.folds):
        assert isinstance(fold, Fold)
        assert fold.figures["patient_dice_mean"].value == pytest.approx(sum(dice[k::2]) / 3)
    confusion = found.confusion
    assert confusion.tp + confusion.fn == found.counts.tumor_slices
    assert found.environment["intervals"] == describe_intervals(20)


def test_the_leakage_exhibit_is_computed_from_its_rows() -> None:
    leakage = cross_validated().leakage
    assert isinstance(leakage, Leakage)
    same = leakage.same_slices
    assert (leakage.by_slice.patients, leakage.by_slice.slices) == (6, 18)
    assert (leakage.by_patient.patients, leakage.by_patient.epochs) == (3, 7)
    assert (same.patients, same.slices, leakage.stored) == (6, 18, False)
    assert same.by_slice == same.by_patient, "both networks answer alike here"
    assert list(same.differences) == [f.name for f in all_figures() if f.compared]
    assert all(found.value in (0.0, None) for found in same.differences.values())


def test_an_institution_left_out_is_computed_from_its_rows() -> None:
    (part,) = cross_validated().leave_institution_out
    assert isinstance(part, LeftOut)
    assert (part.patients, part.compared_patients, part.stored) == (2, 2, False)
    assert part.difference is not None
    assert part.difference.value == 0.0
    assert part.figures == part.cross_validated


def test_parts_without_rows_keep_their_figures_and_say_so() -> None:
    found = cross_validated(with_rows=False)
    assert isinstance(found.leakage, Leakage)
    assert found.leakage.stored
    assert found.leakage.by_slice.figures == {"slice_auc": Estimate(0.9)}
    (part,) = found.leave_institution_out
    assert isinstance(part, LeftOut)
    assert (part.stored, part.figures) == (True, {"slice_auc": Estimate(0.5)})


def test_rows_of_nobody_are_no_rows() -> None:
    found = cross_validated()
    assert isinstance(found.leakage, Leakage)
    emptied = replace(
        found,
        leakage=replace(found.leakage, rows=EvaluationRows()),
        leave_institution_out=tuple(
            replace(part, rows=EvaluationRows()) for part in found.leave_institution_out
        ),
    )
    again = compute_evaluation(emptied, draws=20)
    assert isinstance(again.leakage, Leakage)
    assert (again.leakage.stored, again.leakage.same_slices) == (True, found.leakage.same_slices)
    (part,) = again.leave_institution_out
    assert isinstance(part, LeftOut)
    assert part.stored


def test_computing_again_from_a_file_gives_the_same() -> None:
    first = cross_validated()
    read = parse_evaluation(dump_evaluation(first))
    assert compute_evaluation(read, draws=20) == first
    stripped = replace(read, figures={}, roc=(), institutions=(), calibration=None)
    assert compute_evaluation(stripped, draws=20) == first


def test_progress_reaches_its_end() -> None:
    seen: list[tuple[int, int]] = []

    def note(done: int, total: int, message: str) -> None:
        assert message
        seen.append((done, total))

    compute_evaluation(cross_validated(), draws=2, progress=note)
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_calibration_is_known_only_where_every_slice_has_a_score() -> None:
    rows = make_rows()
    known = describe_calibration(rows)
    assert known.before is not None
    assert known.after is not None
    assert sum(one.slices for one in known.after.bins) == len(rows.slices)
    first, *others = rows.slices
    part = EvaluationRows(rows.patients, (replace(first, uncalibrated_score=None), *others))
    assert describe_calibration(part).before is None
    assert describe_calibration(EvaluationRows()).after is None
