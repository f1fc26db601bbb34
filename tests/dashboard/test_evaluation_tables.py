"""What the performance page computes from an evaluation file, on tables checked by hand."""

import json
import math

import pandas as pd
import pytest
from fake_evaluation import make_evaluation

from dashboard.evaluation import (
    CELLS,
    Estimate,
    EvaluationError,
    OldEvaluation,
    count_confusion,
    estimate_rates,
    institution_dice,
    parse_evaluation,
    select_cell,
)

SLICES = pd.DataFrame(
    [
        ("a", 1, True, 0.9, 500.0),
        ("a", 2, True, 0.5, 40.0),
        ("a", 3, True, 0.2, 90.0),
        ("a", 4, True, 0.1, 700.0),
        ("b", 1, False, 0.7, 0.0),
        ("b", 2, False, 0.4, 0.0),
        ("b", 3, False, 0.0, 0.0),
    ],
    columns=["case_id", "index", "reference_tumor", "score", "reference_px"],
)


@pytest.mark.parametrize(
    ("threshold", "counts"),
    [(0.0, (4, 0, 3, 0)), (0.5, (2, 2, 1, 2)), (0.51, (1, 3, 1, 2)), (1.0, (0, 4, 0, 3))],
)
def test_confusion_counts_from_the_threshold_on(threshold, counts):
    found = count_confusion(SLICES, threshold)
    assert (found.found, found.missed, found.marked, found.unmarked) == counts


def test_rates_of_a_confusion():
    counts = count_confusion(SLICES, 0.5)
    assert counts.sensitivity == 0.5
    assert counts.specificity == pytest.approx(2 / 3)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.prevalence == pytest.approx(4 / 7)
    assert math.isnan(count_confusion(SLICES, 2.0).precision)
    assert math.isnan(count_confusion(SLICES.iloc[:0], 0.5).prevalence)


def test_rates_have_intervals_over_patients():
    slices = parse_evaluation(make_evaluation()).slices
    rates = estimate_rates(slices, 0.5)
    sensitivity = rates["sensitivity"]
    assert sensitivity.value == count_confusion(slices, 0.5).sensitivity
    assert sensitivity.low < sensitivity.value < sensitivity.high
    assert estimate_rates(slices, 0.5) == rates
    assert estimate_rates(slices.iloc[:0], 0.5) == {}
    clear = slices[~slices["reference_tumor"]]
    assert math.isnan(estimate_rates(clear, 0.5)["sensitivity"].value)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("found", [("a", 2), ("a", 1)]),
        ("missed", [("a", 4), ("a", 3)]),
        ("marked", [("b", 1)]),
        ("unmarked", [("b", 2), ("b", 3)]),
    ],
)
def test_cell_shows_what_is_worth_a_look_first(cell, expected):
    rows = select_cell(SLICES, 0.5, cell)
    assert list(zip(rows["case_id"], rows["index"], strict=True)) == expected


def test_every_slice_is_in_one_cell():
    slices = parse_evaluation(make_evaluation()).slices
    assert sum(len(select_cell(slices, 0.3, cell)) for cell in CELLS) == len(slices)


def test_institutions_have_intervals_around_their_mean():
    patients = pd.DataFrame(
        {"institution": ["X", "X", "X", "Y", "Z"], "dice": [0.6, 0.8, 1.0, 0.5, math.nan]}
    )
    table = institution_dice(patients)
    assert table["institution"].tolist() == ["X", "Y"]
    assert table["patients"].tolist() == [3, 1]
    assert table["mean"].tolist() == pytest.approx([0.8, 0.5])
    assert table.loc[0, "low"] < 0.8 < table.loc[0, "high"]
    assert math.isnan(table.loc[1, "low"])


def test_evaluation_file_is_read_whole():
    document = make_evaluation()
    evaluation = parse_evaluation(json.loads(json.dumps(document)))
    counts = count_confusion(evaluation.slices, 0.5)
    assert document["confusion"] == {
        "tp": counts.found,
        "fn": counts.missed,
        "fp": counts.marked,
        "tn": counts.unmarked,
    }
    assert evaluation.cross_validated
    assert len(evaluation.patients) == 18
    assert evaluation.roc["false_positive_rate"].is_monotonic_increasing
    assert isinstance(evaluation.figures["slice_auc"], Estimate)
    assert evaluation.environment["cpu"] == "Invented CPU"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("patients"), "The evaluation file has no rows named patients."),
        (lambda d: d.update(slices_rows="x"), "The evaluation file has no rows named slices_rows."),
        (lambda d: d.pop("figures"), "The file has no part named figures."),
        (
            lambda d: d["patients"][0].update(dice="high"),
            "The evaluation file holds a word where a number belongs.",
        ),
    ],
)
def test_damaged_file_is_refused_in_a_sentence(change, message):
    document = make_evaluation()
    change(document)
    with pytest.raises(EvaluationError) as caught:
        parse_evaluation(document)
    assert str(caught.value) == message


@pytest.mark.parametrize("schema", [1, 3, None, "2"])
def test_file_of_another_version_says_so(schema):
    with pytest.raises(OldEvaluation, match="another version of Overread"):
        parse_evaluation(make_evaluation() | {"schema": schema})


def test_calls_as_measured_need_no_threshold():
    slices = SLICES.assign(called=[True, False, False, False, True, True, False])
    found = count_confusion(slices, None)
    assert (found.found, found.missed, found.marked, found.unmarked) == (1, 3, 2, 1)
    assert select_cell(slices, None, "found")["index"].tolist() == [1]
    assert estimate_rates(slices, None)["sensitivity"].value == 0.25


def test_file_that_is_no_table_is_refused():
    with pytest.raises(EvaluationError, match="holds no table"):
        parse_evaluation([])


def test_file_without_slices_counts_nothing():
    document = make_evaluation()
    document.update(slices_rows=[], patients=[], roc=[])
    evaluation = parse_evaluation(document)
    assert count_confusion(evaluation.slices, 0.5).found == 0
    assert institution_dice(evaluation.patients).empty
