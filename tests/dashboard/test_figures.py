"""Figures: what is drawn, where, and in which token."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_evaluation import make_evaluation

from dashboard.evaluation import count_confusion, institution_dice, parse_evaluation
from dashboard.figures import template
from dashboard.figures.dice import make_dice_figure, make_institution_figure, stack_dots
from dashboard.figures.roc import CURVE, OPERATING_POINT, SHIPPED_POINT, make_roc_figure
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


def test_small_institutions_are_grey_and_single_patients_without_interval():
    table = pd.DataFrame(
        {
            "institution": ["HT", "EZ"],
            "patients": [12, 1],
            "mean": [0.9, 0.8],
            "low": [0.85, np.nan],
            "high": [0.95, np.nan],
        }
    )
    figure = make_institution_figure(table, theme="dark")
    dots = _traces(figure)["institutions"]
    assert dots.marker.line.color.tolist() == [template.DARK.accent, template.DARK.muted]
    assert sum(trace.mode == "lines" for trace in figure.data) == 1
    assert list(figure.layout.yaxis.ticktext) == ["HT, 12 patients", "EZ, 1 patient"]
    assert list(dots.customdata) == ["HT: 0.90, 0.85 to 0.95", "EZ: 0.80, one patient"]


def test_institutions_of_no_patients_make_an_empty_chart():
    patients = pd.DataFrame({"institution": [], "dice": []})
    assert len(make_institution_figure(institution_dice(patients), theme="dark").data) == 1


@pytest.mark.parametrize(
    ("columns", "stage", "expected"),
    [
        (
            ["epoch", "loss", "auc", "val_auc"],
            "classifier",
            [("auc", "val_auc", "slice AUC"), ("loss", "", "loss")],
        ),
        (
            ["epoch", "val_patient_dice"],
            "segmenter",
            [("", "val_patient_dice", "Dice per patient")],
        ),
        (["epoch", "loss", "val_loss"], "segmenter", [("loss", "val_loss", "loss")]),
        (["epoch", "seconds"], "segmenter", []),
        (["epoch", "auc"], "unknown stage", []),
    ],
)
def test_most_telling_measure_and_the_loss_are_drawn(columns, stage, expected):
    measures = choose_measures(pd.DataFrame(columns=columns), stage)
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
    history = pd.DataFrame(
        {"epoch": [1, 2, 3], "dice": [0.5, 0.7, 0.8], "val_dice": [0.4, 0.6, 0.5]}
    )
    (measure,) = choose_measures(history, "segmenter")
    traces = _traces(make_training_figure(history, measure, shipped_epoch=2, theme="dark"))
    assert (traces["shipped epoch"].x[0], traces["shipped epoch"].y[0]) == (2, 0.6)
    unmarked = make_training_figure(history, measure, shipped_epoch=None, theme="dark")
    assert "shipped epoch" not in _traces(unmarked)


def test_figures_are_plain_json(evaluation):
    text = make_dice_figure(evaluation.patients, theme="dark").to_json()
    assert json.loads(text)["layout"]["template"]
