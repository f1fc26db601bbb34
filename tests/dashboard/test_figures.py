"""Figures: what is drawn, where, and in which token."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_evaluation import make_evaluation

from dashboard.evaluation import count_confusion, institution_dice, parse_evaluation
from dashboard.evaluation.estimates import Estimate
from dashboard.figures import template
from dashboard.figures.comparison import Pair, make_pair_figure
from dashboard.figures.dice import make_dice_figure, stack_dots
from dashboard.figures.institutions import INTERVALS, MEANS, PATIENTS, make_institution_figure
from dashboard.figures.reliability import AFTER, BEFORE, bin_sizes, make_reliability_figure
from dashboard.figures.roc import (
    CURVE,
    OPERATING_POINT,
    SHIPPED_POINT,
    label_drop,
    make_recall_figure,
    make_roc_figure,
)
from dashboard.figures.training import choose_measures, make_training_figure, parse_history

CSS = Path(__file__).parents[2] / "assets" / "css" / "tokens.css"


@pytest.fixture(scope="module")
def evaluation():
    return parse_evaluation(make_evaluation())


def _traces(figure):
    return {trace.name: trace for trace in figure.data}


def _contrast(one, other):
    def luminance(color):
        parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_template_holds_the_tokens_of_the_style_sheet(theme):
    css = CSS.read_text("utf-8")
    start = css.index(":root {" if theme == "dark" else ':root[data-theme="light"]')
    block = css[start : css.index("}", start)]
    names = dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})\b", block))
    tokens = template.tokens_of(theme)
    assert tokens.background == names["bg"]
    for name in ("panel", "raised", "line", "text", "muted", "accent", "ai", "reference"):
        assert getattr(tokens, name) == names[name], name
    for name in ("warning", "error", "done"):
        assert getattr(tokens, name) == names[name], name


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_and_marks_stand_out_from_the_panel(theme):
    tokens = template.tokens_of(theme)
    assert min(_contrast(tokens.panel, c) for c in (tokens.text, tokens.muted)) >= 4.5
    marks = (tokens.accent, tokens.ai, tokens.reference)
    assert min(_contrast(tokens.panel, color) for color in marks) >= 3


@pytest.mark.parametrize("value", ["purple", None, 3, ["light"], "LIGHT"])
def test_unknown_theme_is_dark(value):
    assert template.parse_theme(value) == "dark"


def test_curve_carries_the_threshold_and_the_point_lies_at_the_rates(evaluation):
    counts = count_confusion(evaluation.slices, 0.5)
    figure = make_roc_figure(
        evaluation.roc,
        current=counts,
        threshold=0.5,
        shipped=counts,
        shipped_threshold=0.5,
        theme="dark",
    )
    traces = _traces(figure)
    assert list(traces[CURVE].customdata) == evaluation.roc["threshold"].tolist()
    assert traces[OPERATING_POINT].x[0] == pytest.approx(1 - counts.specificity)
    assert traces[OPERATING_POINT].y[0] == pytest.approx(counts.sensitivity)
    assert traces[OPERATING_POINT].marker.color == template.DARK.ai
    assert SHIPPED_POINT not in traces


def test_moved_point_leaves_the_shipped_one_in_place(evaluation):
    shipped = count_confusion(evaluation.slices, 0.5)
    figure = make_roc_figure(
        evaluation.roc,
        current=count_confusion(evaluation.slices, 0.2),
        threshold=0.2,
        shipped=shipped,
        shipped_threshold=0.5,
        theme="light",
    )
    traces = _traces(figure)
    assert traces[SHIPPED_POINT].y[0] == pytest.approx(shipped.sensitivity)
    assert traces[OPERATING_POINT].y[0] >= traces[SHIPPED_POINT].y[0]


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


def test_each_patient_is_one_dot_that_names_its_case(evaluation):
    figure = make_dice_figure(evaluation.patients, theme="dark")
    dots = _traces(figure)["patients"]
    assert [item[0] for item in dots.customdata] == evaluation.patients["case_id"].tolist()
    assert dots.marker.color == template.DARK.ai
    median = evaluation.patients["dice"].median()
    assert figure.layout.annotations[0].text == f"median {median:.2f}"


def test_patient_without_dice_has_no_dot_and_the_chosen_one_a_ring(evaluation):
    patients = evaluation.patients.assign(dice=[np.nan, *evaluation.patients["dice"].tolist()[1:]])
    chosen = patients["case_id"][3]
    dots = _traces(make_dice_figure(patients, theme="light", selected=chosen))["patients"]
    assert len(dots.x) == len(patients) - 1
    assert np.asarray(dots.marker.line.width).tolist().index(3) == 2


def test_institution_has_a_dot_per_patient_and_its_mean_below():
    patients = pd.DataFrame(
        {
            "case_id": ["a", "b", "c", "d"],
            "institution": ["HT", "HT", "EZ", "HT"],
            "dice": [0.9, 0.9, 0.8, np.nan],
        }
    )
    table = pd.DataFrame(
        {
            "institution": ["HT", "EZ"],
            "patients": [12, 1],
            "mean": [0.9, 0.8],
            "low": [0.85, np.nan],
            "high": [0.95, np.nan],
        }
    )
    figure = make_institution_figure(patients, table, theme="dark", selected="b")
    dots, means = _traces(figure)[PATIENTS], _traces(figure)[MEANS]
    assert [item[0] for item in dots.customdata] == ["a", "b", "c"]
    assert dots.marker.color == template.DARK.ai
    assert np.asarray(dots.marker.line.width).tolist() == [0, 3, 0]
    rows = dict(zip(figure.layout.yaxis.ticktext, figure.layout.yaxis.tickvals, strict=True))
    assert list(rows) == ["HT, 12 patients", "EZ, 1 patient"]
    assert np.round(dots.y).tolist() == [rows["HT, 12 patients"]] * 2 + [rows["EZ, 1 patient"]]
    assert dots.y[0] != dots.y[1]  # the same Dice, one beside the other
    assert means.marker.line.color.tolist() == [template.DARK.accent, template.DARK.muted]
    assert sum(trace.name == INTERVALS for trace in figure.data) == 1
    assert list(means.text) == ["HT: mean 0.90, 0.85 to 0.95", "EZ: mean 0.80, one patient"]


def test_institutions_of_no_patients_make_an_empty_chart():
    patients = pd.DataFrame({"case_id": [], "institution": [], "dice": []})
    figure = make_institution_figure(patients, institution_dice(patients), theme="dark")
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


def test_precision_is_held_against_marking_every_slice(evaluation):
    counts = count_confusion(evaluation.slices, None)
    figure = make_recall_figure(
        evaluation.precision_recall, current=counts, threshold=0.5, theme="dark"
    )
    point = _traces(figure)[OPERATING_POINT]
    assert (point.x[0], point.y[0]) == (counts.sensitivity, counts.precision)
    assert figure.layout.shapes[0].y0 == counts.prevalence
    assert f"marking every slice, {counts.prevalence:.2f}" in str(figure.layout.annotations)


def test_reliability_has_a_curve_before_and_after_with_larger_points_for_more_slices():
    before = pd.DataFrame({"score": [0.2, 0.9], "tumor_rate": [0.4, 0.8], "slices": [4, 100]})
    traces = _traces(make_reliability_figure(before, before.iloc[:1], theme="light"))
    assert traces[BEFORE].customdata[1] == [BEFORE, 1, 100]
    assert traces[BEFORE].y.tolist() == [0.4, 0.8]
    assert traces[AFTER].marker.color == template.LIGHT.accent
    assert BEFORE not in _traces(make_reliability_figure(None, before, theme="light"))
    assert bin_sizes(np.array([100.0, 25.0, 0.0])).tolist() == [20.0, 13.5, 7.0]
    assert bin_sizes(np.array([])).tolist() == []


def test_pairs_lie_one_above_the_other_with_their_intervals():
    pairs = [
        Pair("Dice", Estimate(0.89, 0.86, 0.92), Estimate(0.85, 0.82, 0.88)),
        Pair("AUC", None, Estimate(0.99)),
    ]
    figure = make_pair_figure(pairs, names=("by slice", "by patient"), theme="dark")
    traces = _traces(figure)
    assert traces["by slice"].x == (0.89,)
    assert traces["by patient"].x == (0.85, 0.99)
    assert traces["by slice"].y[0] > traces["by patient"].y[0] > traces["by patient"].y[1]
    assert list(traces["by slice"].customdata) == ["Dice, by slice: 0.89, 0.86 to 0.92"]
    assert list(traces["by patient"].customdata)[1] == "AUC, by patient: 0.99"
    assert traces["by slice"].marker.color == template.DARK.panel  # hollow
    intervals = [trace for trace in figure.data if trace.name == "95% interval"]
    assert [trace.x for trace in intervals] == [(0.86, 0.92, None), (0.82, 0.88, None)]
    assert list(figure.layout.yaxis.ticktext) == ["Dice", "AUC"]
    assert figure.layout.xaxis.range[0] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            ["epoch", "loss", "auc", "val_auc"],
            [("auc", "val_auc", "slice AUC"), ("loss", "", "loss")],
        ),
        (["epoch", "val_patient_dice"], [("", "val_patient_dice", "Dice per patient")]),
        (["epoch", "loss", "val_loss"], [("loss", "val_loss", "loss")]),
        (["epoch", "seconds"], []),
    ],
)
def test_what_the_history_holds_is_drawn(columns, expected):
    measures = choose_measures(pd.DataFrame(columns=columns))
    assert [(m.training, m.validation, m.words) for m in measures] == expected


@pytest.mark.parametrize(
    ("rows", "epochs"),
    [
        ([{"epoch": 0.0, "loss": 1.0}, {"epoch": 1.0, "loss": 0.5}], [1, 2]),
        ([{"epoch": 2.0}, {"epoch": 1.0}, {"loss": 3.0}], [1, 2]),
        ([{"loss": 1.0}], []),
        ([], []),
    ],
)
def test_epochs_count_from_one(rows, epochs):
    assert parse_history(rows)["epoch"].tolist() == epochs


def test_shipped_epoch_is_marked_on_the_validation_line():
    history = pd.DataFrame({"epoch": [1, 2, 3], "auc": [0.5, 0.7, 0.8], "val_auc": [0.4, 0.6, 0.5]})
    (measure,) = choose_measures(history)
    traces = _traces(make_training_figure(history, measure, shipped_epoch=2, theme="dark"))
    assert (traces["shipped epoch"].x[0], traces["shipped epoch"].y[0]) == (2, 0.6)
    unmarked = make_training_figure(history, measure, shipped_epoch=None, theme="dark")
    assert "shipped epoch" not in _traces(unmarked)


def test_figures_are_plain_json(evaluation):
    text = make_dice_figure(evaluation.patients, theme="dark").to_json()
    assert json.loads(text)["layout"]["template"]
