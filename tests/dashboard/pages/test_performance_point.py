"""The operating point of the performance page, and the charts that follow it."""

from __future__ import annotations

import dash_bootstrap_components as dbc
import pytest
from dash import no_update
from dash.exceptions import PreventUpdate
from page_calls import of_type, text, triggered
from pydantic import TypeAdapter

from dashboard.evaluation import CELLS
from dashboard.evaluation.installed import evaluated
from dashboard.figures.chart_data import data_of
from dashboard.figures.roc import OPERATING_POINT
from dashboard.pages.performance import charts as figures
from dashboard.pages.performance import ids
from dashboard.pages.performance import page as performance
from dashboard.pages.performance.inputs import Threshold, moved_point
from pipeline.evaluation.facade import all_figures


def test_moving_the_operating_point_recounts_the_matrix(served):
    figure, words, rates, matrix, kept = figures.show_operating_point("0.2", "light")
    assert kept == 0.2
    expected = evaluated().count(0.2)
    assert words == "0.20"
    assert data_of(matrix)["Slices"].tolist() == [getattr(expected, cell) for cell in CELLS]
    point = next(trace for trace in figure.data if trace.name == OPERATING_POINT)
    sensitivity = expected.tp / (expected.tp + expected.fn)
    assert point.y[0] == pytest.approx(sensitivity)
    assert f"{sensitivity:.3f}" in text(rates)
    for moving in all_figures():
        assert (f'"{moving.title}"' in text(rates)) is moving.at_operating_point


def test_default_operating_point_has_the_intervals_of_the_file(served, document):
    _, _, rates, _, kept = figures.show_operating_point(0.5, "dark")
    assert kept is None
    figure = document["figures"]["sensitivity"]
    assert f"{figure['low']:.3f} to {figure['high']:.3f}" in text(rates)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.304, 0.3),
        ("0.9", 0.9),
        (7, 0.99),
        (-1, 0.01),
        (0.503, None),
        ("high", None),
        (float("nan"), None),
        (None, None),
        ([0.3], None),
    ],
)
def test_threshold_from_the_browser_is_checked(value, expected):
    given = TypeAdapter(Threshold).validate_python(value)
    assert moved_point(given, default=0.5) == expected


def test_click_on_the_curve_and_reset_move_the_slider(served):
    click = {"points": [{"customdata": 0.27}]}
    assert triggered(ids.ROC, figures.move_point, click, None) == 0.27
    assert triggered(ids.RESET, figures.move_point, click, 1) == 0.5
    assert triggered(ids.ROC, figures.move_point, {"points": "x"}, None) == 0.5


@pytest.mark.parametrize("theme", ["dark", "light", None, 7])
def test_charts_are_drawn_in_every_theme(served, document, theme):
    names = (ids.DICE, ids.INSTITUTIONS, ids.RELIABILITY, ids.AGREEMENT, "other")
    drawn = figures.draw_pickable(theme, None, [ids.graph_id(name) for name in names])
    assert [bool(figure.data) for figure in drawn[:4]] == [True] * 4
    assert drawn[4] is no_update
    for draw in (figures.draw_recall, figures.draw_folds, figures.draw_leakage):
        assert draw(theme).data
    drawn = figures.draw_training(theme, [[RUN]], CURVES, [ids.runs_id("network")])
    assert [bool(figure.data) for figure in drawn] == [True, True]


RUN = "resunet-resnet18"  # the invented metadata.json names no split
CURVES = [ids.training_id("network", name) for name in ("patient_dice", "loss")]


def test_runs_are_switched(served):
    groups = [ids.runs_id("network")]
    for chosen in ([[]], [["nothing"]], ["x"], None, [[{}]]):
        drawn = figures.draw_training("dark", chosen, CURVES, groups)
        assert not any(figure.data for figure in drawn), chosen
    assert figures.draw_training("dark", [], [], []) == []


@pytest.mark.parametrize(
    "chart", [{"which": "loss"}, {"which": [], "group": "network"}, {"group": [], "which": "loss"}]
)
def test_unknown_training_charts_are_ignored(served, chart):
    with pytest.raises(PreventUpdate):
        figures.draw_training("dark", [], [chart], [])


def test_the_matrix_of_a_chosen_system_is_drawn(served):
    view = performance.layout(view="published")
    (choice,) = of_type(view, dbc.Select)
    chart = ids.experiment_id("invented")
    figure = figures.draw_experiment("dark", choice.value, chart)
    assert data_of(figure)["Images"].tolist() == [9, 1, 2, 8]  # the positive class first
    for system, name in (("other", chart), (None, chart), (choice.value, {"which": "x"}), ("", 3)):
        with pytest.raises(PreventUpdate):
            figures.draw_experiment("dark", system, name)
