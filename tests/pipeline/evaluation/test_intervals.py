"""Bootstrap intervals: the vectorised figures against the plain ones, draw by draw."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_rows import make_rows, repeat_patients

from pipeline.evaluation import intervals
from pipeline.evaluation.drawn_figures import figure_statistics
from pipeline.evaluation.figures import FIGURE_LABELS, STAGE_FIGURES, compute_figures
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow, SliceTable


def table_of(rows: EvaluationRows) -> SliceTable:
    return SliceTable.from_rows(rows)


@pytest.mark.parametrize("first_tumor", [0, 2])
def test_every_draw_gives_what_the_plain_metrics_give(first_tumor: int) -> None:
    rows = make_rows(first_tumor=first_tumor)
    counts = intervals.draw_counts(6, draws=12, seed=5)
    drawn = {name: f(counts) for name, f in figure_statistics(table_of(rows)).items()}
    for k in range(len(counts)):
        expected = compute_figures(table_of(repeat_patients(rows, counts[k])))
        for name, value in expected.items():
            assert drawn[name][k] == pytest.approx(value, nan_ok=True), name


def test_every_figure_has_a_label_a_stage_and_an_interval() -> None:
    found = intervals.estimate_figures(table_of(make_rows()), draws=10)
    assert set(found) == set(FIGURE_LABELS)
    by_stage = [name for names in STAGE_FIGURES.values() for name in names]
    assert sorted(by_stage) == sorted(FIGURE_LABELS)
    undefined = {name for name, figure in found.items() if figure.value is None}
    assert undefined == {"hd95_mm", "surface_dice_mm"}, "no invented patient has a spacing"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), patients=st.integers(1, 7), moved=st.integers(0, 6))
def test_figures_do_not_depend_on_the_order_of_patients(
    seed: int, patients: int, moved: int
) -> None:
    rows = make_rows(patients, seed=seed)
    names = [row.case_id for row in rows.patients]
    turned = rows.of(names[moved % patients :] + names[: moved % patients])
    expected = compute_figures(table_of(rows))
    for name, value in compute_figures(table_of(turned)).items():
        assert value == pytest.approx(expected[name], nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), patients=st.integers(1, 6))
def test_intervals_lie_within_what_a_figure_can_be(seed: int, patients: int) -> None:
    rows = make_rows(patients, seed=seed)
    for name, found in intervals.estimate_figures(table_of(rows), draws=30).items():
        if found.value is None:
            continue
        top = {"patients_below_0_6": patients, "hd95_px": 30, "hd95_px_median": 30}.get(name, 1)
        assert 0 <= found.low <= found.high <= top + 1e-12, name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), value=st.floats(0.01, 1))
def test_patients_that_are_all_alike_leave_nothing_open(seed: int, value: float) -> None:
    rows = make_rows(5, seed=seed)
    alike = EvaluationRows(tuple(replace(r, dice=value) for r in rows.patients), rows.slices)
    found = intervals.estimate_figures(table_of(alike), draws=20)
    for name in ("patient_dice_mean", "patient_dice_median"):
        low, high = found[name].low, found[name].high
        assert (low, high) == (pytest.approx(value), pytest.approx(value))


def test_the_same_seed_gives_the_same_intervals() -> None:
    table = table_of(make_rows())
    first = intervals.estimate_figures(table, draws=200, seed=1)
    assert first == intervals.estimate_figures(table, draws=200, seed=1)
    assert first != intervals.estimate_figures(table, draws=200, seed=2)


def test_an_interval_holds_its_figure_and_is_as_wide_as_statistics_say() -> None:
    rng = np.random.default_rng(0)
    dice = rng.uniform(0.5, 1, 100)
    people = tuple(PatientRow(f"p{k}", "", d, d, 1, 1, 1) for k, d in enumerate(dice))
    slices = tuple(SliceRow(f"p{k}", 1, k % 2 == 0, 0.5, True, 0.0, 1, 1) for k in range(100))
    table = table_of(EvaluationRows(people, slices))
    mean = intervals.estimate_figures(table, draws=4000)["patient_dice_mean"]
    half = 1.96 * dice.std() / 10
    assert mean.value == pytest.approx(dice.mean())
    assert mean.low == pytest.approx(dice.mean() - half, abs=0.01)
    assert mean.high == pytest.approx(dice.mean() + half, abs=0.01)


def test_what_is_not_defined_has_no_figure() -> None:
    people = (PatientRow("a", "", None, None, 0, 0, 1),)
    slices = (SliceRow("a", 1, False, 0.1, False, None, 0, 0),)
    figures = intervals.estimate_figures(table_of(EvaluationRows(people, slices)), draws=10)
    for name in ("slice_auc", "pr_auc", "patient_dice_mean", "detection", "hd95_px", "precision"):
        assert figures[name] == intervals.Estimate(None, None, None), name
    assert figures["specificity"].value == 1.0
    assert figures["patients_below_0_6"].value == 0.0


def test_patients_below_the_line_are_counted() -> None:
    people = tuple(
        PatientRow(name, "", dice, dice, 1, 1, 0)
        for name, dice in (("a", 0.59), ("b", 0.6), ("c", 0.0), ("d", None))
    )
    figures = intervals.estimate_figures(table_of(EvaluationRows(people)), draws=500)
    assert figures["patients_below_0_6"].value == 2.0
    assert figures["patients_below_0_6"].high == 4.0


def test_every_draw_holds_as_many_patients_as_there_are() -> None:
    counts = intervals.draw_counts(7, draws=50)
    assert (counts.sum(axis=1) == 7).all()
    with pytest.raises(ValueError, match="at least one patient"):
        intervals.draw_counts(0)


def test_rows_that_do_not_belong_together_are_refused() -> None:
    person = PatientRow("a", "", 1.0, 1.0, 1, 1, 1)
    row = SliceRow("b", 1, True, 0.9, True, 1.0, 1, 1)
    with pytest.raises(ValueError, match="belong to one of the patients"):
        table_of(EvaluationRows((person,), (row,)))
    with pytest.raises(ValueError, match="stand in one row"):
        table_of(EvaluationRows((person, person), ()))


def patients_with(dice: list[float]) -> SliceTable:
    people = tuple(PatientRow(f"p{k}", "", d, d, 1, 1, 0) for k, d in enumerate(dice))
    return table_of(EvaluationRows(people))


@pytest.mark.parametrize(
    ("found", "patients", "low", "high"),
    [
        (88, 88, 0.025 ** (1 / 88), 1),  # 0.9589: the chance of 88 of 88 is 2.5% there
        (0, 10, 0, 1 - 0.025 ** (1 / 10)),
        (1, 2, 1 - 0.975**0.5, 0.975**0.5),  # none fails, or none succeeds, with 1 - 2.5%
    ],
)
def test_a_share_of_patients_has_its_exact_interval(
    found: int, patients: int, low: float, high: float
) -> None:
    people = tuple(
        PatientRow(f"p{k}", "", 0.5, 0.5, 1, 1, 0, detected=k < found) for k in range(patients)
    )
    undefined = PatientRow("none", "", None, None, 0, 0, 0, detected=None)
    table = table_of(EvaluationRows((*people, undefined)))
    share = intervals.estimate_figures(table, draws=10)["detection"]
    assert share.value == found / patients
    assert (share.low, share.high) == (pytest.approx(low), pytest.approx(high))


def test_a_difference_is_drawn_with_the_same_patients_on_both_sides() -> None:
    # Easy and hard patients, and a second model that is 0.1 worse on each: no draw says otherwise.
    first, second = patients_with([0.9, 0.5, 0.3]), patients_with([0.8, 0.4, 0.2])
    found = intervals.compare_figures(first, second, ("patient_dice_mean",), draws=200)
    difference = found["patient_dice_mean"]
    assert difference.value == pytest.approx(0.1)
    assert (difference.low, difference.high) == (pytest.approx(0.1), pytest.approx(0.1))


def test_a_difference_of_two_patients_can_be_counted_out() -> None:
    # +0.4 and -0.2: the mean of a draw of two is 0.4, 0.1 (in half of all draws) or -0.2.
    found = intervals.compare_figures(
        patients_with([0.9, 0.5]), patients_with([0.5, 0.7]), ("patient_dice_mean",), draws=400
    )["patient_dice_mean"]
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == (pytest.approx(-0.2), pytest.approx(0.4))


@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 1000), second=st.integers(0, 1000))
def test_the_other_way_round_a_difference_changes_its_sign(first: int, second: int) -> None:
    one, other = table_of(make_rows(5, seed=first)), table_of(make_rows(5, seed=second))
    there = intervals.compare_figures(one, other, FIGURE_LABELS, draws=40)
    back = intervals.compare_figures(other, one, FIGURE_LABELS, draws=40)
    for name, found in there.items():
        if found.value is None:
            assert back[name].value is None
            continue
        assert found.value == pytest.approx(-back[name].value), name
        assert found.low == pytest.approx(-back[name].high), name


def test_other_patients_are_not_compared() -> None:
    one = table_of(make_rows(2, names=("a", "b")))
    other = table_of(make_rows(2, names=("b", "a")))
    with pytest.raises(ValueError, match="same patients in the same order"):
        intervals.compare_figures(one, other, ("patient_dice_mean",))
