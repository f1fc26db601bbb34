"""Figures: what is drawn, where, and in which token."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from fake_evaluation import evaluate, make_rows

from dashboard.evaluation.cases import make_table
from dashboard.figures import template
from dashboard.figures.agreement import PATIENTS as AGREEING
from dashboard.figures.agreement import make_agreement_figure
from dashboard.figures.bars import make_bar_figure
from dashboard.figures.chart_data import attach_data, data_of
from dashboard.figures.comparison import Pair, make_pair_figure
from dashboard.figures.dice import make_dice_figure, stack_dots
from dashboard.figures.institutions import MEANS, PATIENTS, make_institution_figure
from dashboard.figures.probabilities import make_probability_figure
from dashboard.figures.reliability import AFTER, BEFORE, bin_sizes, make_reliability_figure
from dashboard.figures.roc import (
    CURVE,
    DEFAULT_POINT,
    OPERATING_POINT,
    OperatingPoint,
    label_drop,
    make_recall_figure,
    make_roc_figure,
)
from pipeline.evaluation.facade import (
    Estimate,
    InstitutionPart,
    PatientRow,
    Reliability,
    find_figure,
)

CSS = Path(__file__).parents[3] / "assets" / "css" / "tokens.css"


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(make_rows())


@pytest.fixture(scope="module")
def patients(evaluation):
    return make_table(evaluation.patients, PatientRow)


DEFAULT = OperatingPoint(0.5, sensitivity=0.9, specificity=0.8, ppv=0.7)


def _traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_volumes_are_drawn_with_their_mean_difference_and_limits(evaluation, patients):
    some = patients.head(6).assign(
        volume_px=[30, 10, 0, 5, 10, 20], reference_px=[10, 30, 7, 0, 10, 20]
    )
    found = {
        "volume_bias": Estimate(-40.0),
        "volume_limit_low": Estimate(-241.0),
        "volume_limit_high": Estimate(None),
    }
    chosen = some["case_id"][0]
    figure = make_agreement_figure(some, found, theme="dark", selected=chosen)
    dots = _traces(figure)[AGREEING]
    assert list(dots.y) == pytest.approx([-200, -100, 0, 0, 100]), "no reference, no dot"
    assert [w > 0 for w in dots.marker.line.width] == [c == chosen for c in dots.customdata[:, 0]]
    assert [line.y0 for line in figure.layout.shapes] == [0, -40, -241]
    words = [note.text for note in figure.layout.annotations]
    assert words == ["mean<br>\N{MINUS SIGN}40.0 %", "lower limit<br>\N{MINUS SIGN}241.0 %"]
    assert len(data_of(figure)) == 5


def test_colours_are_read_from_the_style_sheet():
    found = template.read_tokens(CSS.read_text("utf-8"))
    assert found["dark"].reference == "#56d0c4", "through var()"
    assert found["light"].reference == "#00776b"
    assert found["dark"].error != found["light"].error
    assert template.tokens_of("light") == found["light"]


@pytest.mark.parametrize("value", ["", "teal", "var(--nowhere)"])
def test_colour_that_is_missing_is_refused(value):
    css = re.sub(r"(--on-image-reference:)[^;]+;", rf"\1 {value};", CSS.read_text("utf-8"))
    with pytest.raises(ValueError, match="reference"):
        template.read_tokens(css)


def test_colours_are_named_in_the_tokens_alone():
    names = {"#56d0c4", "#f2a93b", "#dcc4ff"}
    for path in [*CSS.parent.glob("*.css"), *CSS.parents[1].glob("js/**/*.js")]:
        if path != CSS:
            assert not names & set(re.findall(r"#[0-9a-f]{6}\b", path.read_text("utf-8"))), path


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_and_marks_stand_out_from_the_panel(theme, contrast):
    tokens = template.tokens_of(theme)
    assert min(contrast(tokens.panel, c) for c in (tokens.text, tokens.muted)) >= 4.5
    marks = (tokens.accent, tokens.ai, tokens.reference)
    assert min(contrast(tokens.panel, color) for color in marks) >= 3


def test_curve_carries_the_threshold_and_the_point_lies_at_the_rates(evaluation):
    figure = make_roc_figure(evaluation.roc, current=DEFAULT, default=DEFAULT, theme="dark")
    traces = _traces(figure)
    assert list(traces[CURVE].customdata) == [point.threshold for point in evaluation.roc]
    assert traces[OPERATING_POINT].x[0] == pytest.approx(0.2)
    assert traces[OPERATING_POINT].y[0] == 0.9
    assert traces[OPERATING_POINT].marker.color == template.DARK.ai
    assert DEFAULT_POINT not in traces


def test_moved_point_leaves_the_default_one_in_place(evaluation):
    moved = OperatingPoint(0.2, sensitivity=0.95, specificity=0.6, ppv=0.5)
    figure = make_roc_figure(evaluation.roc, current=moved, default=DEFAULT, theme="light")
    traces = _traces(figure)
    assert traces[DEFAULT_POINT].y[0] == 0.9
    assert traces[OPERATING_POINT].y[0] == 0.95


def test_a_point_whose_rates_are_missing_is_not_drawn(evaluation):
    unknown = OperatingPoint(0.5, sensitivity=np.nan, specificity=0.8, ppv=np.nan)
    figure = make_roc_figure(evaluation.roc, current=unknown, default=unknown, theme="dark")
    assert OPERATING_POINT not in _traces(figure)


@pytest.mark.parametrize(
    ("values", "x", "y"),
    [
        ([0.01], [0.01], [1]),
        ([0.91, 0.905, 0.5], [0.91, 0.91, 0.51], [2, 1, 1]),
        ([1.0, 0.99], [0.99, 0.99], [2, 1]),
        ([], [], []),
    ],
)
def test_dots_are_stacked_in_columns(values, x, y):
    got_x, got_y = stack_dots(np.array(values, float))
    assert got_x == pytest.approx(x)
    assert got_y.tolist() == y


def test_each_patient_is_one_dot_that_names_its_case(patients):
    figure = make_dice_figure(patients, theme="dark")
    dots = _traces(figure)["patients"]
    assert [item[0] for item in dots.customdata] == patients["case_id"].tolist()
    assert dots.marker.color == template.DARK.ai
    median = patients["dice"].median()
    assert figure.layout.annotations[0].text == f"median {median:.2f}"


def test_patient_without_dice_has_no_dot_and_the_chosen_one_a_ring(patients):
    some = patients.assign(dice=[np.nan, *patients["dice"].tolist()[1:]])
    dots = _traces(make_dice_figure(some, theme="light", selected=some["case_id"][3]))["patients"]
    assert len(dots.x) == len(some) - 1
    assert np.asarray(dots.marker.line.width).tolist().index(3) == 2


def institution(code: str, patients: int, dice: Estimate) -> InstitutionPart:
    figures = {"patient_dice_mean": dice}
    return InstitutionPart(code=code, patients=patients, slices=9, figures=figures)


def test_institution_has_a_dot_per_patient_and_its_mean_below():
    patients = pd.DataFrame(
        {
            "case_id": ["a", "b", "c", "d"],
            "institution": ["HT", "HT", "EZ", "HT"],
            "dice": [0.9, 0.9, 0.8, np.nan],
        }
    )
    parts = (
        institution("HT", 12, Estimate(0.9, 0.85, 0.95)),
        institution("EZ", 1, Estimate(0.8, 0.8, 0.8)),
    )
    figure = make_institution_figure(patients, parts, theme="dark", selected="b")
    dots, means = _traces(figure)[PATIENTS], _traces(figure)[MEANS]
    assert [item[0] for item in dots.customdata] == ["a", "b", "c"]
    assert dots.marker.color == template.DARK.ai
    assert np.asarray(dots.marker.line.width).tolist() == [0, 3, 0]
    rows = dict(zip(figure.layout.yaxis.ticktext, figure.layout.yaxis.tickvals, strict=True))
    assert list(rows) == ["HT (n = 12)", "EZ (n = 1)"]
    assert np.round(dots.y).tolist() == [rows["HT (n = 12)"]] * 2 + [rows["EZ (n = 1)"]]
    assert dots.y[0] != dots.y[1]  # the same Dice, one beside the other
    assert list(means.marker.line.color) == [template.DARK.accent, template.DARK.muted]
    assert sum(trace.name == template.CI for trace in figure.data) == 1
    assert list(means.text) == [
        f"HT: mean {template.with_interval('0.900', '0.850 to 0.950')}",
        "EZ: mean 0.800",
    ]


def test_an_institution_whose_file_lacks_dice_keeps_its_dots_and_has_no_mean():
    patients = pd.DataFrame({"case_id": ["a"], "institution": ["HT"], "dice": [0.9]})
    part = InstitutionPart(code="HT", patients=1, slices=9, figures={})
    traces = _traces(make_institution_figure(patients, [part], theme="dark"))
    assert len(traces[PATIENTS].x) == 1
    assert len(traces[MEANS].x) == 0


def test_institutions_of_no_patients_make_an_empty_chart():
    patients = pd.DataFrame({"case_id": [], "institution": [], "dice": []})
    figure = make_institution_figure(patients, [], theme="dark")
    assert len(_traces(figure)[PATIENTS].x) == 0


@pytest.mark.parametrize(
    ("point", "others", "drop"),
    [
        ((0.02, 0.97), [], 0),
        ((0.02, 0.97), [(0.02, 0.97)], 17),
        ((0.02, 0.98), [(0.02, 0.97)], 20),  # three pixels higher: a line and these three down
        ((0.02, 0.96), [(0.02, 0.97)], 14),
        ((0.02, 0.80), [(0.02, 0.97)], 0),
        ((0.80, 0.97), [(0.02, 0.97)], 0),
    ],
)
def test_names_of_points_are_not_printed_over_each_other(point, others, drop):
    assert label_drop(point, others) == pytest.approx(drop)


def test_predictive_value_is_drawn_with_the_prevalence(evaluation):
    figure = make_recall_figure(
        evaluation.precision_recall, current=DEFAULT, prevalence=0.35, theme="dark"
    )
    point = _traces(figure)[OPERATING_POINT]
    assert (point.x[0], point.y[0]) == (0.9, 0.7)
    assert figure.layout.shapes[0].y0 == 0.35
    assert figure.layout.annotations[0].text.endswith("0.35")


def test_reliability_has_a_curve_before_and_after_with_larger_points_for_more_slices():
    before = (Reliability(0.2, 0.4, 4), Reliability(0.9, 0.8, 100))
    traces = _traces(make_reliability_figure(before, before[:1], theme="light"))
    assert traces[BEFORE].customdata[1] == [BEFORE, 1, 100]
    assert list(traces[BEFORE].y) == [0.4, 0.8]
    assert traces[AFTER].marker.color == template.LIGHT.accent
    assert BEFORE not in _traces(make_reliability_figure((), before, theme="light"))
    assert bin_sizes(np.array([100.0, 25.0, 0.0])).tolist() == [20.0, 13.5, 7.0]
    assert bin_sizes(np.array([])).tolist() == []


def test_pairs_lie_one_above_the_other_with_their_intervals():
    dice, auc = find_figure("patient_dice_mean"), find_figure("slice_auc")
    pairs = [
        Pair("Dice", dice, Estimate(0.89, 0.86, 0.92), Estimate(0.85, 0.82, 0.88)),
        Pair("AUC", auc, None, Estimate(0.99)),
        Pair("None", auc, Estimate(None), None),
    ]
    figure = make_pair_figure(
        pairs, names=("by slice", "by patient"), axes=("Value", "Metric"), theme="dark"
    )
    traces = _traces(figure)
    assert traces["by slice"].x == (0.89,)
    assert traces["by patient"].x == (0.85, 0.99)
    assert traces["by slice"].y[0] > traces["by patient"].y[0] > traces["by patient"].y[1]
    assert list(traces["by slice"].customdata) == [
        f"Dice, by slice: {template.with_interval('0.890', '0.860 to 0.920')}"
    ]
    assert list(traces["by patient"].customdata)[1] == "AUC, by patient: 0.990"
    assert traces["by slice"].marker.color == template.DARK.panel  # hollow
    intervals = [trace for trace in figure.data if trace.name == template.CI]
    assert [trace.x for trace in intervals] == [(0.86, 0.92, None), (0.82, 0.88, None)]
    assert list(figure.layout.yaxis.ticktext) == ["Dice", "AUC", "None"]
    assert figure.layout.xaxis.range[0] == pytest.approx(0.8)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Value", "Metric")
    first, second, third = map(list, figure.layout.meta["rows"])
    assert first == ["Dice", 0.89, 0.86, 0.92, 0.85, 0.82, 0.88]
    assert second == ["AUC", None, None, None, 0.99, None, None]
    assert third == ["None", *[None] * 6]


def test_a_figure_carries_its_data_with_missing_numbers_as_null():
    data = pd.DataFrame({"Case": ["a", "b"], "Dice": [0.5, np.nan], "Slices": [3, 4]})
    figure = attach_data(go.Figure(), data)
    assert json.loads(figure.to_json())["layout"]["meta"] == {
        "columns": ["Case", "Dice", "Slices"],
        "rows": [["a", 0.5, 3], ["b", None, 4]],
    }
    assert data_of(figure)["Slices"].tolist() == [3, 4]
    assert data_of(go.Figure()).empty


def test_the_data_of_a_figure_are_what_it_draws(evaluation, patients):
    dots = make_dice_figure(patients, theme="dark")
    shown = data_of(dots)
    assert shown["Dice"].tolist() == sorted(patients["dice"].dropna())
    assert set(shown["Case"]) == {item[0] for item in _traces(dots)["patients"].customdata}
    roc = make_roc_figure(evaluation.roc, current=DEFAULT, default=DEFAULT, theme="dark")
    names, *rows = zip(*data_of(roc).to_numpy().tolist(), strict=True)
    assert names[:2] == (OPERATING_POINT, CURVE)
    assert [column[0] for column in rows] == [0.5, pytest.approx(0.2), 0.9]
    assert list(rows[2][1:]) == [point.sensitivity for point in evaluation.roc]
    bins = (Reliability(0.2, 0.4, 4), Reliability(0.9, 0.8, 100))
    reliability = data_of(make_reliability_figure(bins[:1], bins, theme="dark"))
    assert reliability["Slices"].tolist() == [4, 4, 100]
    recall = make_recall_figure(
        evaluation.precision_recall, current=DEFAULT, prevalence=0.35, theme="dark"
    )
    assert len(data_of(recall)) == 1 + len(evaluation.precision_recall)
    means = make_institution_figure(patients, evaluation.institutions, theme="dark")
    assert len(data_of(means)) == len(patients) + len(evaluation.institutions)


def test_every_axis_with_numbers_has_a_title(evaluation, patients):
    figures = [
        make_roc_figure(evaluation.roc, current=DEFAULT, default=DEFAULT, theme="dark"),
        make_dice_figure(patients, theme="dark"),
        make_institution_figure(patients, evaluation.institutions, theme="dark"),
        make_agreement_figure(patients, evaluation.figures, theme="dark"),
        make_reliability_figure((), (Reliability(0.2, 0.4, 4),), theme="dark"),
        make_probability_figure([("Tumor", 0.9)], theme="dark"),
        make_bar_figure([("a", 2.0)], measure="Slices per second", row="Method", theme="dark"),
    ]
    for figure in figures:
        assert figure.layout.xaxis.title.text


def test_bars_have_their_numbers_at_their_ends():
    values = [("slow", 2.8), ("fast", 1200.04)]
    figure = make_bar_figure(values, measure="Slices per second", row="Method", theme="light")
    assert list(figure.data[0].text) == ["2.8", "1,200.0"]
    assert figure.layout.xaxis.title.text == "Slices per second"
    assert data_of(figure).to_numpy().tolist() == [["slow", 2.8], ["fast", 1200.04]]


def test_figures_are_plain_json(patients):
    text = make_dice_figure(patients, theme="dark").to_json()
    assert json.loads(text)["layout"]["template"]
