"""The review page's layout and the relay of a study's analysis."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from fake_server import add_case, fake_factory, make_case

from dashboard.jobs.callbacks import read_request
from dashboard.jobs.execution import Worker
from dashboard.pages.review import page as review
from dashboard.studies.analysis import cancel_analysis
from dashboard.workspace.received import NO_STUDY
from dashboard.workspace.services import build_services

STUDY = "0123456789abcdef"


def ids(component: Any) -> set[str]:
    return {found.id for found in component._traverse() if getattr(found, "id", None)}


@pytest.mark.parametrize(
    ("study", "is_invalid"),
    [
        (None, False),
        ("", False),
        ("../etc", True),
        ("0123456789ABCDEF", True),
        (STUDY + "0", True),
    ],
)
def test_layout_without_a_study_explains_it_and_draws_no_viewer(study, is_invalid):
    page = review.layout(study=study)
    assert ("review-error-title" in ids(page)) == is_invalid
    assert all((text in str(page)) == is_invalid for text in review.NO_STUDY)
    assert "viewer-screen" not in ids(page)


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("-1", None), ("1e9", None), (None, None)]
)
def test_layout_hands_a_checked_study_and_slice_to_the_browser(text, number):
    page = review.layout(study=STUDY, slice=text, other="ignored")
    (store,) = (found for found in page._traverse() if getattr(found, "id", "") == review.STUDY)
    assert store.data == {"study_id": STUDY, "slice": number}
    assert {"viewer-screen", "findings", "rail"} <= ids(page)


@pytest.mark.parametrize(
    ("changes", "is_valid"),
    [
        ({}, True),
        ({"study_id": 1}, False),
        ({"study_id": "../x"}, False),
        ({"study_id": STUDY + "0"}, False),
        ({"study_id": STUDY + "\n"}, False),
    ],
)
def test_request_names_a_study(changes, is_valid):
    value = {"study_id": STUDY, "asked": 7, "again": False} | changes
    assert (read_request(review.AnalysisRequest, value) is not None) == is_valid


@pytest.mark.parametrize(("again", "state"), [(False, "cancelled"), (True, "queued")])
def test_a_cancelled_analysis_restarts_only_on_request(parts, again, state):
    study = add_case(parts, make_case())
    cancel_analysis(parts, study)
    heard: list[Any] = []

    def hear(progress: dict[str, Any]) -> None:
        heard.append(progress)
        cancel_analysis(parts, study)

    request = review.AnalysisRequest(study_id=study, asked=7, again=again)
    last = review.follow_analysis(parts, request, hear)
    assert [*heard, last][0]["state"] == state
    assert last == {
        **request.model_dump(),
        **{"state": "cancelled", "done": 0, "total": 3, "message": "", "cancelling": False},
    }


def test_a_lost_result_is_computed_again(parts):
    study = add_case(parts, make_case())
    assert Worker(parts, make_analyser=fake_factory()).run_one()
    request = review.AnalysisRequest(study_id=study, asked=7, again=False)
    assert review.follow_analysis(parts, request, pytest.fail)["state"] == "done"
    shutil.rmtree(parts.settings.results)
    heard: list[str] = []

    def hear(progress: dict[str, Any]) -> None:
        heard.append(progress["state"])
        assert Worker(parts, make_analyser=fake_factory()).run_one()

    parts = build_services(parts.settings)
    assert review.follow_analysis(parts, request, hear)["state"] == "done"
    assert heard == ["queued"]


def test_a_study_that_is_gone_fails_with_a_sentence(parts):
    request = review.AnalysisRequest(study_id=STUDY, asked=7, again=False)
    last = review.follow_analysis(parts, request, pytest.fail)
    assert (last["state"], last["asked"]) == ("failed", 7)
    assert last["message"] == NO_STUDY


def test_warnings_stand_directly_under_the_volume_that_they_qualify():
    page = review.layout(study=STUDY)
    sections = [
        found.id
        for found in page._traverse()
        if getattr(found, "className", "") == "findings-section" and getattr(found, "id", None)
    ]
    assert sections[:2] == ["findings-study", "findings-warnings"]
