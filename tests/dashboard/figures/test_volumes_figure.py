"""Volume and diameter over time."""

from __future__ import annotations

import pandas as pd

from dashboard.figures.chart_data import data_of
from dashboard.figures.volumes import (
    DATE,
    IN_VIEW,
    LONGEST,
    PERPENDICULAR,
    VOLUME,
    make_volumes_figure,
)

POINTS = pd.DataFrame(
    [
        ("2026-06-03", 61.0, 55.0, 41.0, True),
        ("", 1.0, 1.0, 1.0, False),
        ("2025-12-11", 52.3, None, None, False),
    ],
    columns=[DATE, VOLUME, LONGEST, PERPENDICULAR, IN_VIEW],
)


def test_points_run_in_time_and_those_without_a_date_are_left_out() -> None:
    figure = make_volumes_figure(POINTS, theme="dark")
    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name[VOLUME].x) == ["2025-12-11", "2026-06-03"]
    assert list(by_name[VOLUME].y) == [52.3, 61.0]
    assert by_name[LONGEST].yaxis == "y2"
    assert by_name[VOLUME].marker.size[1] > by_name[VOLUME].marker.size[0]
    assert list(data_of(figure)[VOLUME]) == [52.3, 61.0]
