"""The worklist: rows, layout, and callbacks as plain functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from dash import html
from dash.exceptions import PreventUpdate
from fake_server import add_row, make_display, make_services
from flask import Flask
from page_calls import find, of_type, text, words_of
from sqlalchemy import text as sql_text
from sqlalchemy.exc import OperationalError

from dashboard.jobs import table
from dashboard.pages.worklist import frame, grid, upload
from dashboard.pages.worklist import page as worklist
from dashboard.store import JobState, Origin, ResultClaims, ResultSummary, StudyRow, worklist_lines
from dashboard.store.worklist_pages import Selection, read_page
from dashboard.studies import worklist_rows
from dashboard.workspace import services
from dashboard.workspace.services import Services


@pytest.fixture
def served(parts: Services) -> Iterator[Services]:
    server = Flask("test")
    services.attach(server, parts)
    with server.test_request_context():
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
        "reader_id": "",
        "added_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return StudyRow(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [None, *JobState])
def test_every_state_has_words_of_its_own(state):
    assert (
        worklist_rows.describe_study(row(job_state=state))["state_words"]
        == worklist_rows.STATE_WORDS[state]
    )
    assert len(set(worklist_rows.STATE_WORDS.values())) == len(JobState) + 1


@pytest.mark.parametrize(
    ("state", "share"), [(JobState.RUNNING, ", 62%"), (JobState.QUEUED, ""), (JobState.DONE, "")]
)
def test_a_running_analysis_shows_its_progress(state, share):
    cells = worklist_rows.describe_study(row(job_state=state, job_done=45, job_total=72))
    assert cells["state_words"] == worklist_rows.STATE_WORDS[state] + share
    assert cells["progress"] == 0.625


@pytest.mark.parametrize(
    ("sequences", "words"),
    [
        (("t1", "flair", "t1c"), "FLAIR T1 T1c"),
        (("flair", "flair", "flair"), "FLAIR"),
        (("unknown",), worklist_lines.UNKNOWN),
        (("t2", "unknown"), "T2"),
        ((), worklist_lines.UNKNOWN),
    ],
)
def test_sequences_are_named_once_flair_first(sequences, words):
    assert worklist_lines.sequence_words(sequences) == words


FIGURES = ("volume_ml", "no_volume", "expected_dice", "conflicts", "cautions")
GOOD = ResultClaims(conflicts=2, expected_dice=0.91, cautions=1, unfit="")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (12.345, "", 0.91, 2, 1)),
        ({"job_state": JobState.RUNNING}, (None, "", None, None, None)),
        ({"volume_ml": None}, (None, worklist_rows.NO_SPACING, 0.91, 2, 1)),
        (
            {"claims": replace(GOOD, expected_dice=None, unfit="Not FLAIR.")},
            (None, "Not FLAIR.", None, 2, 1),
        ),
        ({"claims": None}, (None, worklist_rows.OPEN_FOR_FIGURES, None, None, None)),
    ],
)
def test_figures_belong_to_a_finished_analysis_that_may_claim_them(changes, expected):
    done = row(job_state=JobState.DONE, volume_ml=12.345, claims=GOOD)
    cells = worklist_rows.describe_study(replace(done, **changes))
    assert tuple(cells[name] for name in FIGURES) == expected


def test_notes_hold_synthetic_the_error_and_all_warnings():
    failed = row(
        job_state=JobState.FAILED, job_error="Too large.", synthetic=True, warnings=("W1.", "W2.")
    )
    assert worklist_lines.notes_text(failed) == "Synthetic Too large. W1. W2."
    cells = worklist_rows.describe_study(failed)
    assert (cells["error"], cells["warnings"]) == ("Too large.", ["W1.", "W2."])


@pytest.mark.parametrize(
    ("sequences", "words"),
    [
        (("t1", "flair", "t1c"), ""),
        (("unknown",), worklist_rows.SEQUENCE_UNKNOWN),
        (("t2", "unknown"), worklist_rows.SEQUENCE_UNKNOWN),
        (("t1", "t2"), worklist_rows.NOT_FLAIR),
        ((), worklist_rows.SEQUENCE_UNKNOWN),
    ],
)
def test_short_note_where_no_sequence_is_flair(sequences, words):
    cells = worklist_rows.describe_study(row(sequences=sequences, warnings=("Read with care.",)))
    assert (cells["sequence_note"], cells["notes"]) == (words, "Read with care.")


def test_only_uploads_can_be_deleted_and_a_nameless_study_shows_its_case():
    assert worklist_rows.describe_study(row())["deletable"] is True
    assert worklist_rows.describe_study(row(origin=Origin.DEMO))["deletable"] is False
    assert worklist_rows.describe_study(row(), may_delete=False)["deletable"] is False
    assert worklist_rows.describe_study(row(patient=""))["patient"] == "case1"
    assert worklist_rows.describe_study(row())["href"] == "/review?study=0000000000000001"


def test_empty_worklist_offers_an_upload_and_names_its_limits(served):
    page = worklist.layout()
    assert find(page, worklist.FILLED).hidden and not find(page, worklist.EMPTY).hidden
    assert text(find(page, worklist.EMPTY).children) == text(frame.no_studies(has_library=False))
    assert getattr(find(page, "upload-open-empty"), "data-upload") == "open"
    settings = served.settings
    limits = upload.limits_words(
        max_bytes=settings.max_upload_bytes, max_files=settings.max_upload_files
    )
    assert limits in text(page) and frame.INTENDED_USE in text(page)


def test_an_empty_library_is_explained_by_its_setting():
    texts = {text(frame.nothing_found(has)) for has in (False, True)}
    assert len(texts) == 2 and all("OVERREAD_LIBRARY" in one for one in texts)


def test_filled_worklist_counts_its_tabs(served):
    add_row(served.store, 1)
    add_row(served.store, 2, origin=Origin.DEMO, synthetic=True)
    tabs = find(worklist.layout(), frame.TABS).children
    counts = {getattr(tab, "data-origin"): tab.children[1].children.strip() for tab in tabs}
    assert counts == {"": "2", Origin.UPLOAD: "1", Origin.LIBRARY: "0", Origin.DEMO: "1"}


def test_no_two_buttons_save_different_studies_under_one_name(served):
    add_row(served.store, 1)
    buttons = of_type(worklist.layout(), html.Button)
    names = [name for one in buttons if "CSV" in (name := words_of(one))]
    assert len(names) == len(set(names)) == 2


def test_nothing_changes_while_the_database_is_unreadable(served, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("select", {}, Exception("disk"))

    monkeypatch.setattr(type(served.store), "count_studies", fail)
    with pytest.raises(PreventUpdate):
        worklist.refresh(1, None, "", "")


@pytest.mark.parametrize("question", ["count_studies", "source_errors", "known_studies"])
def test_unreadable_database_has_a_way_out(served, monkeypatch, question):
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("select", {}, Exception("disk"))

    monkeypatch.setattr(type(served.store), question, fail)
    page = worklist.layout()
    assert text(page.children) == text(frame.unreadable())
    assert find(page, worklist.FILLED) is None


@pytest.mark.parametrize(
    ("name", "column"),
    [("studies", "added_at"), ("studies", "origin"), ("jobs", "state"), ("jobs", "finished_at")],
)
def test_a_damaged_row_does_not_empty_the_page(served, name, column):
    table.submit(served.store, add_row(served.store, 1))
    with served.store.writing() as session:
        session.execute(sql_text(f"UPDATE {name} SET {column} = 'yesterday'"))
    whole = add_row(served.store, 2)
    _, lines = read_page(served.store, Selection(), offset=0, limit=10)
    rows = [worklist_rows.describe_line(line) for line in lines]
    assert whole in [cells["study_id"] for cells in rows]
    assert len(rows) == 2  # the other one says that it is damaged, or shows what is not
    assert find(worklist.layout(), grid.GRID) is not None


def test_missing_models_and_library_errors_are_shown(tmp_path):
    parts = make_services(tmp_path / "home", models=False)
    sentences = [f"a{k}.dcm is cut short." for k in range(5)]
    errors = [("a.dcm", sentence) for sentence in sentences]
    parts.store.set_source(Origin.LIBRARY, "folder", state="s", errors=errors)
    server = Flask("test")
    services.attach(server, parts)
    with server.test_request_context():
        models, library = find(worklist.layout(), worklist.NOTICES).children
    assert parts.models_error in text(models)
    assert [sentence in text(library) for sentence in sentences] == [True] * 3 + [False] * 2
    assert library.children[0].children.startswith("5 ")


def test_refresh_answers_each_change_once(served):
    add_row(served.store, 1)
    tabs, seen, interval, filled, empty = worklist.refresh(1, None, None, "upload")
    assert getattr(tabs[1], "aria-pressed") == "true"
    assert (interval, filled, empty) == (worklist.IDLE_MS, False, True)
    with pytest.raises(PreventUpdate):
        worklist.refresh(2, None, seen, "upload")


def test_refresh_is_quick_while_something_is_analysed(served):
    study_id = add_row(served.store, 1)
    job_id = table.submit(served.store, study_id)
    assert worklist.refresh(1, None, "", "")[2] == worklist.BUSY_MS
    table.claim(served.store, "w", job_id=job_id)
    table.renew(served.store, job_id, "w", progress=(1, 6, "Classifying slice 2 of 3"))
    assert worklist.refresh(1, None, "", "")[2] == worklist.BUSY_MS
    _, (line,) = read_page(served.store, Selection(), offset=0, limit=1)
    cells = worklist_rows.describe_line(line)
    assert (cells["state"], cells["progress"]) == ("running", pytest.approx(1 / 6))
    summary = ResultSummary(highest_score=0.9, volume_ml=None, positive_slices=1, mask_slices=1)
    table.end(served.store, job_id, "w", JobState.DONE, summary=summary)
    assert worklist.refresh(1, None, "", "")[2] == worklist.IDLE_MS


@pytest.mark.parametrize("origin", [None, 3, ["upload"], {"a": 1}, "<script>"])
def test_refresh_takes_any_origin_for_no_tab(served, origin):
    add_row(served.store, 1)
    tabs = worklist.refresh(1, None, object(), origin)[0]
    assert all(getattr(tab, "aria-pressed") in ("true", "false") for tab in tabs)
