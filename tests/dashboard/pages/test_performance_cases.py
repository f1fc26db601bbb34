"""The cases behind a figure of the performance page: chosen, listed, opened."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest
from dash import dcc, html, no_update
from dash.exceptions import PreventUpdate
from fake_server import add_row
from page_calls import (
    FIRST,
    evaluation_file,
    of_type,
    rows_of,
    text,
    triggered,
    with_class,
    words_of,
)
from pydantic import TypeAdapter

from dashboard.evaluation import operating_points, select_cell
from dashboard.evaluation.installed import evaluated
from dashboard.pages.performance import ids
from dashboard.pages.performance import page as performance
from dashboard.pages.performance.cases import OWN_POINT, UNLINKED
from dashboard.pages.performance.inputs import Selected, bin_rows
from dashboard.pages.performance.slice_score import DECISIONS


def listed(kind: str, which: str, *, point: Any = None) -> Any:
    """The first list of a view after a choice."""
    chosen = {"kind": kind, "which": which}
    return performance.list_cases(chosen, [point], [ids.rows_id("group")])[0]


def listed_case(case_id: str) -> Any:
    """The list of a case's slices."""
    return performance.list_cases({"case": case_id}, None, [ids.rows_id("case")])[0]


def count_listed(component: Any) -> int:
    """Rows of a list without its head; an empty list has no table."""
    return max(len(rows_of(component)) - 1, 0)


def links_in(component: Any) -> set[str]:
    return {link.href for link in of_type(component, dcc.Link)}


def test_button_of_a_cell_lists_its_slices(served, document):
    chosen, *_ = triggered(
        ids.pick_id("cell", "fn"), performance.choose, [None, 1, None, None], [None], [], [], None
    )
    assert chosen == {"kind": "cell", "which": "fn"}
    assert count_listed(listed("cell", "fn")) == evaluated().count(None).fn
    assert count_listed(listed("cell", "fn", point=0.9)) == evaluated().count(0.9).fn
    assert performance.list_cases(chosen, None, [ids.rows_id("case"), ids.rows_id("x")]) == [
        None,
        None,
    ]


def test_every_figure_lists_its_cases(served, document):
    measured = evaluated()
    counts = measured.slices["decided_by"].value_counts()
    assert set(counts.index) <= set(DECISIONS)
    for decided, count in counts.items():
        assert count_listed(listed("decided", str(decided))) == count
    assert count_listed(listed("fold", "fold 1")) == 2
    assert count_listed(listed("institution", "HT")) == 2
    for name, part in (("before", "before"), ("after", "after")):
        for place, one in enumerate(document["calibration"][part]["bins"]):
            rows = bin_rows(f"{name} {place}", measured, measured.slices)
            assert len(rows) == one["slices"]
            assert count_listed(listed("bin", f"{name} {place}")) == one["slices"]


def own_points(document: dict[str, Any]) -> dict[str, Any]:
    """The document as if its folds were counted at 0.2, 0.35 and 0.5; 0.31 is missed at 0.352."""
    fold = {patient["case_id"]: patient["fold"] for patient in document["patients"]}
    point = {"fold 1": 0.2, "fold 2": 0.35, "fold 3": 0.5}
    rows = [
        {**row, "called": row["score"] >= point[fold[row["case_id"]]]}
        for row in document["slices_rows"]
    ]
    missed, lowest = [row for row in rows if fold[row["case_id"]] == "fold 2"][:2]
    missed.update(reference_tumor=True, score=0.31, called=False)
    lowest.update(score=0.352, called=True)
    return {**document, "slices_rows": rows}


def test_lists_show_each_slice_s_operating_point_where_folds_differ(served, document):
    assert OWN_POINT not in words_of(listed("cell", "fn"))  # one for all: 0.5
    evaluation_file(served).write_text(json.dumps(own_points(document)))
    assert OWN_POINT in words_of(listed("cell", "fn"))
    assert any({"0.310", "0.352"} <= set(row) for row in rows_of(listed("cell", "fn")))
    for kind, which in (("cell", "tp"), ("decided", "both"), ("bin", "after 0")):
        assert OWN_POINT in words_of(listed(kind, which)), which
    assert OWN_POINT in words_of(listed_case(FIRST))
    moved = listed("cell", "fn", point=0.9)  # one for all
    assert OWN_POINT not in words_of(moved)
    assert len(rows_of(moved)[0]) == len(rows_of(listed("cell", "fn"))[0]) - 1


def test_a_fold_s_operating_point_is_the_lowest_score_that_it_called():
    patients = pd.DataFrame({"case_id": ["a", "b", "c"], "fold": ["1", "2", "3"]})
    slices = pd.DataFrame(
        [
            ("a", 0.3, True),
            ("a", 0.9, True),
            ("b", 0.4, False),
            ("b", 0.6, True),
            ("c", 0.1, False),
        ],
        columns=["case_id", "score", "called"],
    )
    found = operating_points(patients, slices)
    assert found.to_list() == pytest.approx([0.3, 0.3, 0.6, 0.6, math.nan], nan_ok=True)
    assert operating_points(patients, slices.assign(called=slices["score"] >= 0.5)).empty


def test_click_on_a_point_of_the_reliability_diagram_lists_its_slices(served):
    click = {"points": [{"customdata": ["after", 0, 40]}]}
    chosen, *_ = triggered(
        ids.graph_id(ids.RELIABILITY), performance.choose, [], [click], [], [], {"case": FIRST}
    )
    assert chosen == {"case": FIRST, "kind": "bin", "which": "after 0"}


def test_dot_lists_a_case_that_is_not_here(served):
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    chosen, _, cleared, _ = triggered(
        ids.graph_id(ids.DICE),
        performance.choose,
        [],
        [dot],
        [],
        [],
        {"kind": "cell", "which": "tp"},
    )
    assert chosen == {"kind": "cell", "which": "tp", "case": FIRST}
    assert cleared == [None]
    (by_case,) = performance.list_cases(chosen, None, [ids.rows_id("case")])
    assert [row[0] for row in rows_of(by_case)[1:]] == [FIRST] * 12
    assert not links_in(by_case)


@pytest.mark.parametrize(
    ("place", "cell"), [((0, 0), "tp"), ((1, 0), "fn"), ((0, 1), "fp"), ((1, 1), "tn")]
)
def test_click_on_a_cell_of_the_matrix_chooses_it(served, place, cell):
    click = {"points": [{"x": place[0], "y": place[1]}]}
    name = ids.matrix_id("slices")
    chosen, _, dots, cells = triggered(name, performance.choose, [], [None], [click], [], None)
    assert chosen == {"kind": "cell", "which": cell}
    assert (dots, cells) == ([None], [None])


@pytest.mark.parametrize(
    "click",
    [None, "x", {}, {"points": [{}]}, {"points": [{"x": 2, "y": 0}]}, {"points": [{"x": "0"}]}],
)
def test_click_beside_the_cells_changes_nothing(served, click):
    with pytest.raises(PreventUpdate):
        triggered(ids.matrix_id("slices"), performance.choose, [], [], [click], [], None)


def test_a_cell_shows_pictures_of_slices_that_are_here_and_lists_the_others(served):
    assert not with_class(listed("cell", "tn"), "slice-picture")
    study_id = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    for point in (None, 0.9):
        shown = listed("cell", "tn", point=point)
        slices = select_cell(evaluated().slices, point, "tn")
        here = slices[slices["case_id"] == FIRST]["index"]
        hrefs = [link.href for link in with_class(shown, "slice-picture")]
        assert hrefs == [f"/review?study={study_id}&slice={number}" for number in here]
        assert count_listed(shown) == len(slices)


def test_dot_opens_a_case_that_is_here(served):
    study_id = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    assert f"/review?study={study_id}" in links_in(performance.layout())
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    _, href, *_ = triggered(ids.graph_id(ids.DICE), performance.choose, [], [dot], [], [], None)
    assert href == f"/review?study={study_id}"
    by_cell = listed("cell", "tn")
    assert f"/review?study={study_id}&slice=1" in links_in(by_cell)
    pictures = [picture.src for picture in of_type(by_cell, html.Img)]
    assert any(address.endswith("thumbnail/0.png?slice=0") for address in pictures)


def test_only_a_study_with_the_evaluated_slices_opens(served):
    whole = add_row(served.store, 7, case_id=FIRST, indices=tuple(range(1, 13)))
    single = add_row(served.store, 8, case_id=FIRST, indices=(3,))
    dot = {"points": [{"customdata": [FIRST, "0.9"]}]}
    _, href, *_ = triggered(ids.graph_id(ids.DICE), performance.choose, [], [dot], [], [], None)
    assert href == f"/review?study={whole}"
    by_cell = listed("cell", "tn")
    assert f"/review?study={whole}&slice=1" in links_in(by_cell)
    assert single not in text(by_cell)
    assert UNLINKED in words_of(by_cell)  # about the other cases
    served.store.delete_study(whole)
    chosen, href, *_ = triggered(
        ids.graph_id(ids.DICE), performance.choose, [], [dot], [], [], None
    )
    assert (chosen, href) == ({"case": FIRST}, no_update)
    assert not links_in(listed_case(FIRST))
    assert not {href for href in links_in(performance.layout()) if href.startswith("/review")}


def test_closing_forgets_the_choice(served):
    both = {"kind": "cell", "which": "tp", "case": FIRST}
    chosen, *_ = triggered(ids.close_id("group"), performance.choose, [], [None], [], [1], both)
    assert chosen == {"case": FIRST}
    chosen, *_ = triggered(ids.close_id("case"), performance.choose, [], [None], [], [1], both)
    assert chosen == {"kind": "cell", "which": "tp"}


@pytest.mark.parametrize(
    "dot",
    [None, {}, {"points": []}, {"points": [{"customdata": ["NOBODY"]}]}, {"points": [{}]}, "x"],
)
def test_click_on_nothing_changes_nothing(served, dot):
    with pytest.raises(PreventUpdate):
        triggered(ids.graph_id(ids.DICE), performance.choose, [], [dot], [], [], None)


def test_a_new_list_s_button_is_no_click(served):
    with pytest.raises(PreventUpdate):
        triggered(
            ids.close_id("group"), performance.choose, [], [None], [], [None], {"kind": "cell"}
        )


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        [],
        {"kind": "cell", "which": "all"},
        {"kind": "bin", "which": "after 99"},
        {"kind": "bin", "which": "other 0"},
        {"kind": "decided", "which": ""},
        {"kind": "fold", "which": "fold 9"},
        {"kind": "other", "which": "HT"},
        {"kind": ["cell"], "which": "tp"},
        {"kind": "cell", "which": []},
        {"case": ["x"]},
        {"case": "NOBODY"},
    ],
)
def test_selection_from_the_browser_is_checked(served, value):
    given = TypeAdapter(Selected).validate_python(value)
    assert given.existing(evaluated()).stored() == {}


@pytest.mark.parametrize("points", [None, "x", [], ["x"]])
def test_a_list_is_counted_at_the_default_where_the_stored_point_is_not_valid(served, points):
    chosen = {"kind": "cell", "which": "fn"}
    (shown,) = performance.list_cases(chosen, points, [ids.rows_id("group")])
    assert count_listed(shown) == evaluated().count(None).fn
