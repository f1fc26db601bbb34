"""The measured cases as tables, and the cells of an operating point, on tables checked by hand."""

import math

import pandas as pd
import pytest
from fake_evaluation import evaluate, make_metadata, make_rows, write_models

from dashboard.evaluation import CELLS, Measured, select_cell
from dashboard.evaluation.cases import make_table
from pipeline import read_model_info
from pipeline.evaluation.facade import (
    Confusion,
    EvaluationRows,
    PatientRow,
    SliceRow,
    all_figures,
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


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = write_models(tmp_path_factory.mktemp("models"), evaluation=None)
    assert make_metadata()["decision"]["threshold"] == 0.5
    return Measured(read_model_info(folder).network, evaluate(make_rows()))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("tp", [("a", 2), ("a", 1)]),
        ("fn", [("a", 4), ("a", 3)]),
        ("fp", [("b", 1)]),
        ("tn", [("b", 2), ("b", 3)]),
    ],
)
def test_a_cell_shows_what_is_worth_a_look_first(cell, expected):
    rows = select_cell(SLICES, 0.5, cell)
    assert list(zip(rows["case_id"], rows["index"], strict=True)) == expected


@pytest.mark.parametrize(
    ("threshold", "counts"),
    [(0.0, (4, 0, 3, 0)), (0.5, (2, 2, 1, 2)), (0.51, (1, 3, 1, 2)), (1.0, (0, 4, 0, 3))],
)
def test_cells_count_from_the_threshold_on(threshold, counts):
    assert tuple(len(select_cell(SLICES, threshold, cell)) for cell in CELLS) == counts


def test_calls_as_measured_need_no_threshold():
    slices = SLICES.assign(called=[True, False, False, False, True, True, False])
    assert [len(select_cell(slices, None, cell)) for cell in CELLS] == [1, 3, 2, 1]
    assert select_cell(slices, None, "tp")["index"].tolist() == [1]


def test_the_counts_of_an_operating_point_are_those_of_its_cells(measured):
    for threshold in (0.3, 0.5, None):
        counts = measured.count(threshold)
        cells = {cell: len(select_cell(measured.slices, threshold, cell)) for cell in CELLS}
        assert counts == Confusion(**cells)
    assert measured.count(0.5) == measured.count(None) == measured.evaluation.confusion


def test_rates_of_another_operating_point_have_intervals(measured):
    moving = [figure.name for figure in all_figures() if figure.at_operating_point]
    rates, counts = measured.rates(0.3), measured.count(0.3)
    assert list(rates) == moving
    sensitivity = rates["sensitivity"]
    assert sensitivity.value == pytest.approx(counts.tp / (counts.tp + counts.fn))
    assert sensitivity.low < sensitivity.value < sensitivity.high
    assert measured.rates(0.3) == rates


def test_rates_as_shipped_are_those_of_the_file(measured):
    figures = measured.evaluation.figures
    assert measured.rates(None) == {name: figures[name] for name in measured.rates(0.3)}


def test_tables_have_the_fields_of_the_rows_as_columns(measured):
    assert list(measured.slices) == list(SliceRow.__dataclass_fields__)
    assert list(measured.patients) == list(PatientRow.__dataclass_fields__)
    assert measured.patients["hd95_mm"].isna().all()
    assert measured.slices["called"].dtype == bool


def test_tables_of_no_rows_hold_no_cases():
    rows = EvaluationRows()
    patients, slices = make_table(rows.patients, PatientRow), make_table(rows.slices, SliceRow)
    assert patients.dropna(subset=["dice"]).empty
    assert [len(select_cell(slices, 0.5, cell)) for cell in CELLS] == [0, 0, 0, 0]
    assert math.isnan(Confusion(0, 0, 0, 0).prevalence)
