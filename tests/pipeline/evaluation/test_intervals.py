"""Bootstrap intervals: the vectorised figures against the plain ones, draw by draw."""

import numpy as np
import pytest

from pipeline.evaluation import intervals
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow, SliceTable


def make_rows(patients: int = 6, seed: int = 3, first_tumor: int = 0) -> EvaluationRows:
    """Invented rows; scores have ties, patients before ``first_tumor`` have no tumor slice."""
    rng = np.random.default_rng(seed)
    slices, people = [], []
    for p in range(patients):
        count = int(rng.integers(4, 9))
        for k in range(count):
            tumor = p >= first_tumor and 1 <= k < 1 + count // 2
            score = round(float(np.clip(rng.normal(0.7 if tumor else 0.3, 0.2), 0, 1)), 1)
            called = score >= 0.5
            dice = float(rng.uniform(0.3, 1)) if tumor and called else 0.0
            slices.append(
                SliceRow(f"p{p}", k + 1, tumor, score, called, None if not (tumor or called)
                         else dice, 50 if called else 0, 60 if tumor else 0)
            )  # fmt: skip
        dice = None if p < first_tumor else float(rng.uniform(0.2, 1))
        people.append(PatientRow(f"p{p}", "", dice, dice, 100, 100, count))
    return EvaluationRows(tuple(people), tuple(slices))


def repeat_patients(rows: EvaluationRows, counts: np.ndarray) -> EvaluationRows:
    """The rows of a draw, written out: each patient as often as it was drawn."""
    people, slices = [], []
    for row, count in zip(rows.patients, counts.astype(int), strict=True):
        for copy in range(count):
            name = f"{row.case_id}-{copy}"
            people.append(PatientRow(name, "", row.dice, row.iou, 0, 0, row.slices))
            slices += [
                SliceRow(name, s.index, s.reference_tumor, s.score, s.called, s.dice, s.mask_px,
                         s.reference_px)
                for s in rows.slices
                if s.case_id == row.case_id
            ]  # fmt: skip
    return EvaluationRows(tuple(people), tuple(slices))


@pytest.mark.parametrize("first_tumor", [0, 2])
def test_every_draw_gives_what_the_plain_metrics_give(first_tumor: int) -> None:
    rows = make_rows(first_tumor=first_tumor)
    counts = intervals.draw_counts(6, draws=12, seed=5)
    drawn = {
        name: figure(counts)
        for name, figure in intervals._statistics(SliceTable.from_rows(rows)).items()
    }
    for k in range(len(counts)):
        expected = intervals._values(SliceTable.from_rows(repeat_patients(rows, counts[k])))
        for name, value in expected.items():
            assert drawn[name][k] == pytest.approx(value, nan_ok=True), name


def test_the_same_seed_gives_the_same_intervals() -> None:
    table = SliceTable.from_rows(make_rows())
    first = intervals.estimate_figures(table, draws=200, seed=1)
    assert first == intervals.estimate_figures(table, draws=200, seed=1)
    assert first != intervals.estimate_figures(table, draws=200, seed=2)


def test_an_interval_holds_its_figure_and_is_as_wide_as_statistics_say() -> None:
    rng = np.random.default_rng(0)
    dice = rng.uniform(0.5, 1, 100)
    people = tuple(PatientRow(f"p{k}", "", d, d, 1, 1, 1) for k, d in enumerate(dice))
    slices = tuple(SliceRow(f"p{k}", 1, k % 2 == 0, 0.5, True, 0.0, 1, 1) for k in range(100))
    table = SliceTable.from_rows(EvaluationRows(people, slices))
    mean = intervals.estimate_figures(table, draws=4000)["patient_dice_mean"]
    half = 1.96 * dice.std() / 10
    assert mean.value == pytest.approx(dice.mean())
    assert mean.low == pytest.approx(dice.mean() - half, abs=0.01)
    assert mean.high == pytest.approx(dice.mean() + half, abs=0.01)


def test_what_is_not_defined_has_no_figure() -> None:
    people = (PatientRow("a", "", None, None, 0, 0, 1),)
    slices = (SliceRow("a", 1, False, 0.1, False, None, 0, 0),)
    figures = intervals.estimate_figures(
        SliceTable.from_rows(EvaluationRows(people, slices)), draws=10
    )
    assert figures["slice_auc"] == intervals.Estimate(None, None, None)
    assert figures["patient_dice_mean"].value is None
    assert figures["specificity"].value == 1.0


def test_every_draw_holds_as_many_patients_as_there_are() -> None:
    counts = intervals.draw_counts(7, draws=50)
    assert (counts.sum(axis=1) == 7).all()
    with pytest.raises(ValueError, match="at least one patient"):
        intervals.draw_counts(0)


def test_rows_that_do_not_belong_together_are_refused() -> None:
    person = PatientRow("a", "", 1.0, 1.0, 1, 1, 1)
    row = SliceRow("b", 1, True, 0.9, True, 1.0, 1, 1)
    with pytest.raises(ValueError, match="belong to one of the patients"):
        SliceTable.from_rows(EvaluationRows((person,), (row,)))
    with pytest.raises(ValueError, match="stand in one row"):
        SliceTable.from_rows(EvaluationRows((person, person), ()))
