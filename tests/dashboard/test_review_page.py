"""The review page's layout and the relay of a study's analysis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dashboard import shell
from dashboard.jobs import table
from dashboard.pages import review
from pipeline import InputError

STUDY = "0123456789abcdef"
REQUEST = {"study_id": STUDY, "asked": 7}


@dataclass(frozen=True)
class Job:
    state: str
    done: int = 0
    total: int = 36
    message: str = ""
    error: str = ""

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


def ids(component: Any) -> set[str]:
    return {found.id for found in component._traverse() if getattr(found, "id", None)}


@pytest.mark.parametrize(
    ("study", "words"),
    [
        (None, "No study is open"),
        ("", "No study is open"),
        ("../etc", "This study cannot be opened"),
        ("0123456789ABCDEF", "This study cannot be opened"),
        (STUDY + "0", "This study cannot be opened"),
    ],
)
def test_layout_without_a_study_says_so_and_draws_no_viewer(study, words):
    page = review.layout(study=study)
    assert words in str(page)
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
    "value", [None, [], "x", {}, {"study_id": 1}, {"study_id": "../x"}, {"study_id": STUDY + "0"}]
)
def test_requests_that_are_none_are_left_alone(value):
    assert review._parse_request(value) is None


def test_follow_relays_at_each_look_and_ends_with_the_last_state(monkeypatch):
    states = iter(
        [
            Job("queued"),
            Job("running", 1, message="Classifying slice 2 of 36"),
            Job("running", 1, message="Classifying slice 2 of 36"),
            Job("done", 36),
        ]
    )
    asked = []
    monkeypatch.setattr(
        table, "submit", lambda store, study, **how: asked.append((study, how)) or 3
    )
    monkeypatch.setattr(table, "state", lambda store, job_id: next(states))
    told: list[Any] = []
    last = review.follow_job(None, REQUEST, told.append, has_result=False, pause_seconds=0)
    assert asked == [(STUDY, {"priority": table.PRIORITY_OPENED, "result_lost": True})]
    assert [(job["state"], job["done"]) for job in told] == [
        ("queued", 0),
        ("running", 1),
        ("running", 1),
    ]
    assert last == {**REQUEST, "state": "done", "done": 36, "total": 36, "message": ""}


def test_follow_tells_why_nothing_can_be_analysed_and_survives_a_deleted_study(monkeypatch):
    def refuse(*_: object, **__: object) -> int:
        raise InputError("", "No models are installed.")

    monkeypatch.setattr(table, "submit", refuse)
    last = review.follow_job(None, REQUEST, lambda state: None)
    assert (last["state"], last["message"]) == ("failed", "No models are installed.")

    monkeypatch.setattr(table, "submit", lambda *_, **__: 3)
    monkeypatch.setattr(table, "state", lambda store, job_id: None)
    assert review.follow_job(None, REQUEST, lambda state: None)["state"] == "cancelled"


def test_browser_and_server_know_the_same_pages():
    script = (Path(shell.__file__).parents[1] / "assets" / "js" / "shell.js").read_text()
    (paths,) = re.findall(r"const PATHS = \[(.*?)\];", script)
    assert re.findall(r'"(.*?)"', paths) == [path for _, path in shell.PAGES]


def test_warnings_stand_directly_under_the_volume_that_they_qualify():
    page = review.layout(study=STUDY)
    sections = [
        found.id
        for found in page._traverse()
        if getattr(found, "className", "") == "findings-section" and getattr(found, "id", None)
    ]
    assert sections[:2] == ["findings-study", "findings-warnings"]
