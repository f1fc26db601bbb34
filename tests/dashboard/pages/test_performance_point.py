"""The operating point of the performance page, and the charts that follow it."""

from __future__ import annotations

import pytest
from dash import no_update
from dash.exceptions import PreventUpdate
from page_calls import text, triggered

from dashboard.evaluation import CELLS
from dashboard.evaluation.installed import evaluated
from dashboard.figures.roc import OPERATING_POINT
from dashboard.pages.performance import charts as figures
from dashboard.pages.performance import ids
from dashboard.pages.performance.inputs import parse_point, parse_threshold
from pipeline.evaluation.facade import all_figures


def test_moving_the_operating_point_recounts_the_tiles(served):
    figure, words, rates, counts, kept = figures.show_operating_point("0.2", "light")
    assert kept == 0.2
    expected = evaluated().count(0.2)
    assert words == "0.20"
    assert counts == [f"{getattr(expected, cell):,}" for cell in CELLS]
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
        (0.503, 0.5),
        ("high", 0.5),
        (float("nan"), 0.5),
        (None, 0.5),
        (True, 0.5),
        ([0.3], 0.5),
    ],
)
def test_threshold_from_the_browser_is_checked(value, expected):
    assert parse_threshold(value, default=0.5) == expected


def test_click_on_the_curve_and_reset_move_the_slider(served):
    click = {"points": [{"customdata": 0.27}]}
    assert triggered(ids.ROC, figures.move_point, click, None) == 0.27
    assert triggered(ids.RESET, figures.move_point, click, 1) == 0.5
    assert triggered(ids.ROC, figures.move_point, {"points": "x"}, None) == 0.5


@pytest.mark.parametrize("theme", ["dark", "light", None, 7])
def test_charts_are_drawn_in_every_theme(served, document, theme):
    names = (ids.DICE, ids.INSTITUTIONS, ids.RELIABILITY, "other")
    drawn = figures.draw_pickable(theme, None, [ids.graph_id(name) for name in names])
    assert [bool(figure.data) for figure in drawn[:3]] == [True] * 3
    assert drawn[3] is no_update
    for draw in (figures.draw_recall, figures.draw_folds, figures.draw_leakage):
        assert draw(theme).data
    assert len(figures.draw_training(theme, [ids.training_id(0), ids.training_id(1)])) == 2


@pytest.mark.parametrize("charts", [[{"which": "other"}], [{"which": []}], [{"which": 9}]])
def test_unknown_training_charts_are_ignored(served, charts):
    with pytest.raises(PreventUpdate):
        figures.draw_training("dark", charts)


@pytest.mark.parametrize(
    ("values", "expected"), [([0.25], 0.25), ([None], None), ([], None), ("x", None), ([7], 0.99)]
)
def test_kept_operating_point_is_checked(values, expected):
    assert parse_point(values) == expected
