"""The worklist: rows, layout, and callbacks as plain functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from dash import no_update
from dash.exceptions import PreventUpdate
from fake_server import add_case, add_row, make_case, make_display, make_services
from flask import Flask
from page_calls import text
from sqlalchemy.exc import OperationalError

from dashboard.jobs import table
from dashboard.pages.worklist import frame, grid
from dashboard.pages.worklist import page as worklist
from dashboard.store import JobState, Origin, ResultSummary, StudyRow
from dashboard.workspace import services
from dashboard.workspace.services import Services


@pytest.fixture
def served(parts: Services) -> Iterator[Services]:
    server = Flask("test")
    services.attach(server, parts)
    with server.app_context():
        yield parts


def row(**changes: object) -> StudyRow:
    fields: dict[str, object] = {
        "study_id": "0" * 15 + "1",
        "case_id": "case1",
        "identity": "i",
        "content_digest": "c",
        "data_digest": "d",
        "patient": "P1",
        "study_date": "2026-01-02",
        "description": "",
        "synthetic": False,
        "origin": Origin.UPLOAD,
        "source": "",
        "sequences": ("flair",),
        "indices": (1, 2),
        "height": 4,
        "width": 4,
        "has_reference": False,
        "warnings": (),
        "display": make_display(),
        "added_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return StudyRow(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Not analysed"),
        ({"job_state": JobState.QUEUED, "job_total": 36}, "Queued"),
        (
            {
                "job_state": JobState.RUNNING,
                "job_done": 45,
                "job_total": 72,
                "job_message": "Outlining slice 10 of 36",
            },
            "Outlining slice 10 of 36",
        ),
        ({"job_state": JobState.RUNNING}, "Analysing"),
        ({"job_state": JobState.DONE}, "Analysed"),
        ({"job_state": JobState.FAILED}, "Failed: see why"),
        ({"job_state": JobState.CANCELLED}, "Cancelled"),
    ],
)
def test_state_is_told_in_words(changes, words):
    assert grid.describe_study(row(**changes))["state_words"] == words


@pytest.mark.parametrize(
    ("sequences", "words"),
    [
        (("t1", "flair", "t1c"), "FLAIR T1 T1c"),
        (("flair", "flair", "flair"), "FLAIR"),
        (("unknown",), "not known"),
        (("t2", "unknown"), "T2"),
        ((), "not known"),
    ],
)
def test_sequences_are_named_once_flair_first(sequences, words):
    assert grid.sequence_words(sequences) == words


def test_score_and_volume_belong_to_a_finished_analysis():
    done = row(job_state=JobState.DONE, highest_score=0.98765, volume_ml=12.345)
    cells = grid.describe_study(done)
    assert (cells["score"], cells["volume_ml"], cells["no_spacing"]) == (0.9877, 12.35, False)
    running = grid.describe_study(replace(done, job_state=JobState.RUNNING))
    assert (running["score"], running["volume_ml"]) == (None, None)
    without = grid.describe_study(replace(done, volume_ml=None))
    assert without["no_spacing"] is True


def test_notes_hold_synthetic_the_error_and_all_warnings():
    failed = row(
        job_state=JobState.FAILED, job_error="Too large.", synthetic=True, warnings=("W1.", "W2.")
    )
    assert grid.notes_text(failed) == "Synthetic Too large. W1. W2."
    cells = grid.describe_study(failed)
    assert (cells["error"], cells["warnings"]) == ("Too large.", ["W1.", "W2."])


@pytest.mark.parametrize(
    ("sequences", "words"),
    [
        (("t1", "flair", "t1c"), ""),
        (("unknown",), "Not known to be FLAIR"),
        (("t2", "unknown"), "Not known to be FLAIR"),
        (("t1", "t2"), "Not FLAIR"),
        ((), "Not known to be FLAIR"),
    ],
)
def test_short_note_where_no_sequence_is_flair(sequences, words):
    cells = grid.describe_study(row(sequences=sequences, warnings=("Read with care.",)))
    assert (cells["sequence_note"], cells["notes"]) == (words, "Read with care.")


def test_only_uploads_can_be_deleted_and_a_nameless_study_shows_its_case():
    assert grid.describe_study(row())["deletable"] is True
    assert grid.describe_study(row(origin=Origin.DEMO))["deletable"] is False
    assert grid.describe_study(row(patient=""))["patient"] == "case1"
    assert grid.describe_study(row())["href"] == "/review?study=0000000000000001"


def test_empty_worklist_says_what_to_do(served):
    page = text(worklist.layout())
    assert "No studies yet" in page
    assert "OVERREAD_LIBRARY" in page
    assert "Up to 10,000 files and 2 GB at once." in page
    assert "no medical device and makes no diagnosis" in page


@pytest.mark.parametrize(
    ("has_library", "end"), [(False, "none is set."), (True, "it holds no study yet.")]
)
def test_empty_library_is_explained(has_library, end):
    words = "The library is a folder on the server, set by OVERREAD_LIBRARY; "
    assert words + end in text(frame.nothing_found(has_library))


def test_filled_worklist_counts_its_tabs(served):
    add_row(served.store, 1)
    add_row(served.store, 2, origin=Origin.DEMO, synthetic=True)
    page = text(worklist.layout())
    assert '["All", {"props": {"children": " 2"}' in page
    assert '["Demo", {"props": {"children": " 1"}' in page
    assert "FLAIR" in page


def test_unreadable_database_has_a_way_out(served, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("select", {}, Exception("disk"))

    monkeypatch.setattr(type(served.store), "list_studies", fail)
    page = text(worklist.layout())
    assert "The worklist cannot be read" in page
    assert "Try again" in page
    with pytest.raises(PreventUpdate):
        worklist.refresh(1, None, "", "")


def test_missing_models_and_library_errors_are_told(tmp_path):
    parts = make_services(tmp_path / "home", models=False)
    errors = [("a.dcm", f"a{k}.dcm is cut short.") for k in range(5)]
    parts.store.set_source(Origin.LIBRARY, "folder", state="s", errors=errors)
    server = Flask("test")
    services.attach(server, parts)
    with server.app_context():
        page = text(worklist.layout())
    assert "Nothing can be analysed." in page
    assert "5 files of the library left out." in page
    assert "a0.dcm is cut short. · a1.dcm is cut short. · a2.dcm is cut short. …" in page


def test_refresh_sends_rows_once(served):
    add_row(served.store, 1)
    rows, tabs, seen, interval, filled, empty = worklist.refresh(1, None, None, "upload")
    assert [cells["patient"] for cells in rows] == ["P1"]
    assert getattr(tabs[1], "aria-pressed") == "true"
    assert (interval, filled, empty) == (worklist.IDLE_MS, False, True)
    with pytest.raises(PreventUpdate):
        worklist.refresh(2, None, seen, "upload")


def test_refresh_is_quick_while_something_is_analysed(served):
    study_id = add_row(served.store, 1)
    job_id = table.submit(served.store, study_id)
    assert worklist.refresh(1, None, "", "")[3] == worklist.BUSY_MS
    table.claim(served.store, "w", job_id=job_id)
    table.renew(served.store, job_id, "w", progress=(1, 6, "Classifying slice 2 of 3"))
    rows, _, _, interval, *_ = worklist.refresh(1, None, "", "")
    assert (rows[0]["state_words"], interval) == ("Classifying slice 2 of 3", worklist.BUSY_MS)
    summary = ResultSummary(highest_score=0.9, volume_ml=None, called_slices=1, mask_slices=1)
    table.end(served.store, job_id, "w", JobState.DONE, summary=summary)
    assert worklist.refresh(1, None, "", "")[3] == worklist.IDLE_MS


@pytest.mark.parametrize("origin", [None, 3, ["upload"], {"a": 1}, "<script>"])
def test_refresh_takes_any_origin_for_no_tab(served, origin):
    add_row(served.store, 1)
    tabs = worklist.refresh(1, None, object(), origin)[1]
    assert all(getattr(tab, "aria-pressed") in ("true", "false") for tab in tabs)


def test_delete_removes_an_upload_and_asks_for_fresh_rows(served):
    study_id = add_case(served, make_case())
    assert worklist.delete(1, study_id, 41)[0] == 42
    assert served.store.study(study_id) is None


def test_delete_refuses_a_demo_study_in_a_sentence(served):
    study_id = add_case(served, make_case(), Origin.DEMO)
    fresh, notices = worklist.delete(1, study_id, None)
    assert fresh is no_update
    assert "It was not deleted." in text(notices)
    assert served.store.study(study_id) is not None


@pytest.mark.parametrize("target", [None, 5, "", "../../etc", "ABCDEF0123456789", ["0" * 16]])
def test_delete_ignores_what_is_no_study(served, target):
    with pytest.raises(PreventUpdate):
        worklist.delete(1, target, None)


def test_delete_needs_the_click(served):
    with pytest.raises(PreventUpdate):
        worklist.delete(None, "0" * 16, None)
