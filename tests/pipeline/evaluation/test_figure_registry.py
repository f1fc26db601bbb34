"""The registry of figures: every entry computed from rows, on draws and on tables done by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_rows import make_rows, repeat_patients

from pipeline.evaluation import figures
from pipeline.evaluation.figures import (
    FigureGroup,
    all_figures,
    compare_figures,
    estimate_figures,
    find_figure,
    find_image_figure,
)
from pipeline.evaluation.intervals import Estimate, draw_counts
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow, SliceTable

NAMES = [figure.name for figure in all_figures()]
#: What invented rows allow a figure to be; all others lie from 0 to 1. Differences of volumes lie
#: within 200% of their mean, and their limits within the standard deviation of two such extremes.
_FARTHEST = 200 + 1.96 * 200 * 2**0.5
BOUNDS = {
    "patients_below_0_6": (0, 6),
    "hd95_px": (0, 30),
    "hd95_px_median": (0, 30),
    "volume_bias": (-200, 200),
    "volume_limit_low": (-_FARTHEST, 200),
    "volume_limit_high": (-200, _FARTHEST),
    "volume_excess": (
        -100,
        850,
    ),  # the least Dice is 0.2, so that a mask is at most nine times larger
}


def table_of(rows: EvaluationRows) -> SliceTable:
    return SliceTable.from_rows(rows)


def table_of_slices(reference: list[int], scores: list[float], called: list[int]) -> SliceTable:
    """One patient's slices."""
    slices = tuple(
        SliceRow("p", k, bool(r), s, bool(c), None, 0, int(r))
        for k, (r, s, c) in enumerate(zip(reference, scores, called, strict=True), start=1)
    )
    person = PatientRow("p", "", None, None, 0, 0, len(slices))
    return table_of(EvaluationRows((person,), slices))


def value_of(name: str, table: SliceTable) -> float | None:
    return estimate_figures(table, [find_figure(name)], draws=10)[name].value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first_tumor", [0, 2])
def test_a_draw_is_the_figure_of_its_patients_written_out(name: str, first_tumor: int) -> None:
    rows = make_rows(first_tumor=first_tumor)
    compute = find_figure(name).compute
    assert compute is not None
    counts = draw_counts(6, draws=12, seed=5)
    drawn = compute(table_of(rows))(counts)
    for k in range(len(counts)):
        written_out = table_of(repeat_patients(rows, counts[k]))
        (expected,) = compute(written_out)(np.ones((1, len(written_out.case_ids))))
        assert drawn[k] == pytest.approx(expected, nan_ok=True)


def test_every_figure_has_a_name_of_its_own_and_words() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for figure in all_figures():
        assert figure.label and figure.explanation.endswith("."), figure.name
    assert [figure for group in FigureGroup for figure in all_figures(group)] == all_figures()


def test_only_millimetres_are_not_defined_on_rows_without_spacing() -> None:
    found = estimate_figures(table_of(make_rows()), draws=10)
    assert list(found) == NAMES
    undefined = {name for name, figure in found.items() if figure.value is None}
    assert undefined == {"hd95_mm", "surface_dice_mm"}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), patients=st.integers(1, 7), moved=st.integers(0, 6))
def test_figures_do_not_depend_on_the_order_of_patients(
    seed: int, patients: int, moved: int
) -> None:
    rows = make_rows(patients, seed=seed)
    names = [row.case_id for row in rows.patients]
    turned = rows.of(names[moved % patients :] + names[: moved % patients])
    expected = estimate_figures(table_of(rows), draws=2)
    for name, found in estimate_figures(table_of(turned), draws=2).items():
        assert found.value == pytest.approx(expected[name].value), name


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), patients=st.integers(1, 6))
def test_intervals_lie_within_what_a_figure_can_be(seed: int, patients: int) -> None:
    rows = make_rows(patients, seed=seed)
    for name, found in estimate_figures(table_of(rows), draws=30).items():
        if found.low is None or found.high is None:
            continue
        least, most = BOUNDS.get(name, (0, 1))
        assert least - 1e-9 <= found.low <= found.high <= most + 1e-9, name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), value=st.floats(0.01, 1))
def test_patients_that_are_all_alike_leave_nothing_open(seed: int, value: float) -> None:
    rows = make_rows(5, seed=seed)
    alike = EvaluationRows(tuple(replace(r, dice=value) for r in rows.patients), rows.slices)
    found = estimate_figures(table_of(alike), draws=20)
    for name in ("patient_dice_mean", "patient_dice_median"):
        low, high = found[name].low, found[name].high
        assert (low, high) == (pytest.approx(value), pytest.approx(value))


def test_what_is_not_defined_has_no_figure() -> None:
    people = (PatientRow("a", "", None, None, 0, 0, 1),)
    slices = (SliceRow("a", 1, False, 0.1, False, None, 0, 0),)
    found = estimate_figures(table_of(EvaluationRows(people, slices)), draws=10)
    for name in ("slice_auc", "pr_auc", "patient_dice_mean", "detection", "hd95_px", "precision"):
        assert found[name] == Estimate(None), name
    assert found["specificity"].value == 1.0
    assert found["patients_below_0_6"].value == 0.0


def test_patients_below_the_line_are_counted() -> None:
    people = tuple(
        PatientRow(name, "", dice, dice, 1, 1, 0)
        for name, dice in (("a", 0.59), ("b", 0.6), ("c", 0.0), ("d", None))
    )
    found = estimate_figures(table_of(EvaluationRows(people)), draws=500)
    assert found["patients_below_0_6"].value == 2.0
    assert found["patients_below_0_6"].high == 4.0


def test_volumes_are_compared_with_their_references() -> None:
    volumes = [(30, 10), (10, 30), (20, 20), (5, 0)]  # the last has no reference and no difference
    people = tuple(PatientRow(f"p{k}", "", None, None, *both, 0) for k, both in enumerate(volumes))
    table = table_of(EvaluationRows(people))
    # In per cent of the mean of both: 100, -100, 0; their standard deviation is 100.
    assert value_of("volume_bias", table) == pytest.approx(0)
    assert value_of("volume_limit_low", table) == pytest.approx(-196)
    assert value_of("volume_limit_high", table) == pytest.approx(196)
    # In per cent of the reference: 200, -66.7, 0.
    assert value_of("volume_excess", table) == pytest.approx(400 / 9)


def test_the_share_of_patients_found_has_an_exact_interval() -> None:
    people = tuple(PatientRow(f"p{k}", "", 1, 1, 1, 1, 0, detected=True) for k in range(10))
    found = estimate_figures(table_of(EvaluationRows(people)), draws=10)["detection"]
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 10))  # draws would leave nothing open


# (reference, called, sensitivity, specificity, PPV)
RATES = [
    pytest.param([1, 1, 1, 0, 0], [1, 1, 0, 1, 0], 2 / 3, 1 / 2, 2 / 3, id="some of both"),
    pytest.param([1, 1, 0, 0], [1, 0, 1, 1], 1 / 2, 0.0, 1 / 3, id="more alarms than hits"),
    pytest.param([1, 1], [1, 0], 1 / 2, None, 1.0, id="no slice without tumor"),
    pytest.param([1, 0], [0, 0], 0.0, 1.0, None, id="nothing is called"),
]


@pytest.mark.parametrize(("reference", "called", "sensitivity", "specificity", "ppv"), RATES)
def test_rates_at_the_operating_point(
    reference: list[int],
    called: list[int],
    sensitivity: float | None,
    specificity: float | None,
    ppv: float | None,
) -> None:
    table = table_of_slices(reference, [0.5] * len(called), called)
    assert value_of("sensitivity", table) == pytest.approx(sensitivity)
    assert value_of("specificity", table) == pytest.approx(specificity)
    assert value_of("precision", table) == pytest.approx(ppv)


# (reference, called, NPV)
NEGATIVES = [
    pytest.param([1, 0, 0, 0], [0, 0, 0, 1], 2 / 3, id="one of three holds tumor"),
    pytest.param([1, 0], [1, 0], 1.0, id="none holds tumor"),
    pytest.param([1, 1], [0, 0], 0.0, id="each holds tumor"),
    pytest.param([1, 0], [1, 1], None, id="every slice is called"),
]


@pytest.mark.parametrize(("reference", "called", "expected"), NEGATIVES)
def test_negative_predictive_value(
    reference: list[int], called: list[int], expected: float | None
) -> None:
    table = table_of_slices(reference, [0.5] * len(called), called)
    assert value_of("npv", table) == pytest.approx(expected)


def test_specificity_at_95_sensitivity_may_miss_one_tumor_slice_in_twenty() -> None:
    reference = [1] * 20 + [0] * 4
    scores = [0.9] * 18 + [0.5, 0.1] + [0.6, 0.3, 0.05, 0.01]
    # Down to 0.5 nineteen of twenty are found (95%), for the alarm at 0.6: one of four.
    table = table_of_slices(reference, scores, [0] * 24)
    assert value_of("specificity_at_95_sensitivity", table) == pytest.approx(3 / 4)
    scores[17] = 0.2  # eighteen (90%) are not enough: down to 0.2, with the alarms at 0.6 and 0.3
    table = table_of_slices(reference, scores, [0] * 24)
    assert value_of("specificity_at_95_sensitivity", table) == pytest.approx(2 / 4)
    assert value_of("specificity_at_95_sensitivity", table_of_slices([1], [0.5], [1])) is None


def test_another_operating_point_changes_the_rates_and_nothing_else() -> None:
    table = table_of(make_rows())
    before, after = (estimate_figures(t, draws=20) for t in (table, table.at(0.2)))
    moved = {name for name in NAMES if before[name] != after[name]}
    assert moved == {figure.name for figure in all_figures() if figure.at_operating_point}
    assert (
        value_of("sensitivity", table_of_slices([1, 1, 0], [0.5, 0.4, 0.5], [0, 0, 0]).at(0.5))
        == 0.5
    )


@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 1000), second=st.integers(0, 1000))
def test_the_other_way_round_a_difference_changes_its_sign(first: int, second: int) -> None:
    one, other = table_of(make_rows(5, seed=first)), table_of(make_rows(5, seed=second))
    there = compare_figures(one, other, draws=40)
    back = compare_figures(other, one, draws=40)
    for name, found in there.items():
        if found.value is None or found.low is None:
            assert back[name].value is None
            continue
        assert found.value == pytest.approx(-(back[name].value or 0)), name
        assert found.low == pytest.approx(-(back[name].high or 0)), name


def test_other_patients_are_not_compared() -> None:
    one = table_of(make_rows(2, names=("a", "b")))
    other = table_of(make_rows(2, names=("b", "a")))
    with pytest.raises(ValueError, match="same patients in the same order"):
        compare_figures(one, other)


# (figure, estimate, its words, its interval)
WORDS = [
    ("patient_dice_mean", Estimate(0.12345, 0.1, 0.2), "0.123", "0.100 to 0.200"),
    ("patients_below_0_6", Estimate(4.0, 0.0, 7.0), "4", "0 to 7"),
    ("hd95_px", Estimate(1012.25, 8.0, 2000.0), "1,012.2 px", "8.0 to 2,000.0"),
    ("slice_auc", Estimate(0.9), "0.900", ""),
    ("slice_auc", Estimate(None), "not defined", ""),
    ("slice_auc", None, "missing", ""),
]


@pytest.mark.parametrize(("name", "found", "words", "interval"), WORDS)
def test_a_figure_is_written_with_its_decimals_and_its_unit(
    name: str, found: Estimate | None, words: str, interval: str
) -> None:
    figure = find_figure(name)
    assert (figure.words(found), figure.interval_words(found)) == (words, interval)


def test_differences_carry_their_sign() -> None:
    figure, found = find_figure("slice_auc"), Estimate(0.1, -0.05, 0.25)
    assert figure.words(found, sign=True) == "+0.100"
    assert figure.interval_words(found, sign=True) == "\N{MINUS SIGN}0.050 to +0.250"


def test_a_figure_that_is_not_registered_is_called_by_its_own_name() -> None:
    assert find_figure("times_faster").label == "Times faster"
    assert find_image_figure("keras_p50_ms").words(Estimate(12.3456)) == "12.35"


def test_figures_of_images_are_not_those_of_slices() -> None:
    assert find_image_figure("accuracy").label == "Accuracy"
    assert "images" in find_image_figure("sensitivity").explanation
    assert "slices" in find_figure("sensitivity").explanation
    of_class = find_image_figure("sensitivity_pneumonia_bac")
    assert (of_class.label, of_class.digits) == ("Sensitivity, pneumonia bac", 3)
    assert not [figure for figure in figures.IMAGE_FIGURES if figure.compute is not None]


@pytest.mark.parametrize(
    ("name", "titles", "label"),
    [
        ("accuracy", {}, "Accuracy"),
        ("sensitivity_pneumonia_vir", {}, "Sensitivity, pneumonia vir"),
        ("sensitivity_pneumonia_vir", {"pneumonia_vir": "Viral"}, "Sensitivity, Viral"),
        ("onnxruntime_p50_ms", {}, "ONNX Runtime p50 (ms)"),
    ],
)
def test_figures_of_images_are_named_by_class_and_product(name, titles, label):
    assert find_image_figure(name, titles).label == label
