"""The confusion matrix as a picture: counts, shares, and the rates at its margins."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.figures.chart_data import data_of
from dashboard.figures.confusion import (
    CELL_NAMES,
    CORRECT,
    ERRORS,
    confusion_data,
    make_confusion_figure,
)
from dashboard.figures.template import mix, tokens_of
from pipeline.image_tasks.facade import ConfusionMatrix

SLICES = ConfusionMatrix(labels=("tumor", "none"), counts=((9, 1), (20, 60)))


def words(figure) -> list[str]:
    return [one.text for one in figure.layout.annotations]


def test_two_classes_have_their_four_rates_and_named_cells():
    figure = make_confusion_figure(SLICES, positive="tumor", theme="dark")
    shown = words(figure)
    for rate in ("Sensitivity<br><b>90.0%", "Specificity<br><b>75.0%", "PPV<br><b>31.0%"):
        assert any(one.startswith(rate) for one in shown), rate
    assert any(one.startswith("NPV<br><b>98.4%") for one in shown)
    assert set(CELL_NAMES.values()) < set(shown)
    cells = {one.text: (one.x, one.y) for one in figure.layout.annotations}
    assert cells["True positive"] == (0, 0) == cells["9"]
    assert cells["False negative"] == (1, 0) == cells["1"]
    assert cells["False positive"] == (0, 1) == cells["20"]
    assert cells["True negative"] == (1, 1) == cells["60"]


def test_the_second_of_two_classes_is_positive_by_default_and_comes_first():
    turned = ConfusionMatrix(labels=("none", "tumor"), counts=((60, 20), (1, 9)))
    figure = make_confusion_figure(turned, theme="dark")
    assert figure == make_confusion_figure(SLICES, positive="tumor", theme="dark")


def test_several_classes_have_sensitivity_and_predictive_value_each():
    labels = ("a", "b", "c")
    matrix = ConfusionMatrix(labels=labels, counts=((2, 1, 1), (0, 4, 0), (0, 0, 0)))
    titles = {"a": "Covid-19", "b": "Bacterial pneumonia of children"}
    figure = make_confusion_figure(matrix, titles=titles, theme="light")
    shown = words(figure)
    assert shown.count("Sensitivity<br><b>50.0%</b>") == 1
    assert shown.count("Sensitivity<br><b>not defined</b>") == 1  # no image of class c
    assert shown.count("PPV<br><b>80.0%</b>") == 1
    assert not set(CELL_NAMES.values()) & set(shown)
    assert figure.layout.xaxis.ticktext[0] == "Covid-19"
    assert figure.layout.yaxis.ticktext[2] == "c"
    correct, errors = (np.array(trace.z, float) for trace in figure.data)
    assert [trace.name for trace in figure.data] == [CORRECT, ERRORS]
    assert (np.isnan(correct) != np.isnan(errors)).all()
    assert correct[0, 0] == 0.5 and errors[0, 1] == 0.25


def test_a_matrix_without_counts_is_drawn():
    empty = ConfusionMatrix(labels=("no", "yes"), counts=((0, 0), (0, 0)))
    assert words(make_confusion_figure(empty, theme="dark")).count("0") == 4


def test_its_data_have_a_row_per_cell():
    data = data_of(make_confusion_figure(SLICES, positive="tumor", unit="slices", theme="dark"))
    assert data.columns[2] == "Slices"
    assert data.iloc[0].tolist() == ["tumor", "tumor", 9, 0.9, pytest.approx(9 / 29)]
    assert data["Slices"].sum() == 90
    assert confusion_data(SLICES)["Share of row"].tolist() == [0.9, 0.1, 0.25, 0.75]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_is_legible_on_the_darkest_cell(theme, contrast):
    tokens = tokens_of(theme)
    figure = make_confusion_figure(SLICES, theme=theme)
    for trace in figure.data:
        (_, faint), (_, strong) = trace.colorscale
        assert min(contrast(tokens.text, color) for color in (faint, strong)) >= 4.5


def test_colours_are_mixed():
    assert mix("#ff0000", "#0000ff", share=0.2) == "#3300cc"
    assert mix("#123456", "#ffffff", share=1) == "#123456"
