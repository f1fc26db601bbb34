"""The worklist's rows, places, counts and export over HTTP."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from fake_server import Clock, add_row, make_server
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from dashboard.jobs import table
from dashboard.store import JobState, ResultSummary, Store
from dashboard.store.history import Author
from dashboard.store.readings import open_study, set_priority
from dashboard.store.schema import EventRecord, ReadingRecord
from dashboard.store.stamp import worklist_stamp
from dashboard.store.states import StudyState
from dashboard.workspace.services import Services


@pytest.fixture
def client(parts: Services) -> FlaskClient:
    return make_server(parts).test_client()


def read_table(answer: TestResponse) -> pd.DataFrame:
    """An export as its reader opens it."""
    text = io.StringIO(answer.get_data(as_text=True))
    return pd.read_csv(text, dtype={"study_id": str})


def ids(client: FlaskClient, query: str = "") -> list[str]:
    return [row["study_id"] for row in client.get(f"/api/worklist/rows?{query}").json["rows"]]


def test_rows_are_paged_sorted_and_searched_by_the_server(
    client: FlaskClient, parts: Services, clock: Clock
) -> None:
    studies = []
    for number in range(1, 8):
        studies.append(add_row(parts.store, number, patient=f"Case-{number % 3}"))
        clock.advance(1)
    assert ids(client) == studies[::-1]
    assert ids(client, "offset=2&limit=3") == studies[::-1][2:5]
    by_name = ids(client, "sort=patient&descending=true&limit=200")
    assert [int(one, 16) % 3 for one in by_name] == [2, 2, 1, 1, 1, 0, 0]
    found = client.get("/api/worklist/rows?search=CASE-1").json
    assert (found["count"], len(found["rows"])) == (3, 3)
    assert ids(client, "search=nobody") == []


def test_an_urgent_study_comes_first_and_is_followed_by_its_neighbour(
    client: FlaskClient, parts: Services, clock: Clock
) -> None:
    studies = []
    for number in range(1, 5):
        studies.append(add_row(parts.store, number))
        clock.advance(1)
    set_priority(parts.store, studies[1], Author("r", "Reader"), stat=True)
    order = [studies[1], studies[3], studies[2], studies[0]]
    assert ids(client) == order
    for at, study in enumerate(order):
        answer = client.get(f"/api/worklist/place?study={study}").json
        around = [None, *order, None]
        expected = {
            "at": at,
            "count": 4,
            "previous": around[at],
            "next": around[at + 2],
            "to_read": (order[at + 1 :] or order)[0],
        }
        assert answer == expected
    gone = client.get(f"/api/worklist/place?study={studies[0]}&search=nobody").json
    assert (gone["at"], gone["to_read"]) == (-1, order[0])


def mark_signed(store: Store, study: str) -> None:
    open_study(store, study, Author("r", "Reader"))
    with store.writing() as session:
        reading = session.get(ReadingRecord, study)
        assert reading is not None
        reading.state = StudyState.SIGNED


@pytest.mark.parametrize("query", ["", "sort=patient", "sort=volume_ml", "search=P"])
def test_the_study_to_read_next_is_never_a_signed_one(
    client: FlaskClient, parts: Services, clock: Clock, query: str
) -> None:
    for number in range(1, 7):
        add_row(parts.store, number, patient=f"P{number}")
        clock.advance(1)
    order = ids(client, query)

    def next_to_read(study: str, query: str = query) -> str | None:
        answer = client.get(f"/api/worklist/place?study={study}&{query}")
        assert answer.status_code == 200
        found: str | None = answer.json["to_read"]
        return found

    first, *between, last = order
    for study in between:
        mark_signed(parts.store, study)
    assert (next_to_read(first), next_to_read(last)) == (last, first)
    assert {next_to_read(study) for study in between} <= {first, last}
    mark_signed(parts.store, last)
    assert next_to_read(last) == first
    for narrow in ("view=signed-today", "search=nobody", "origin=demo", "view=mine"):
        assert next_to_read(last, narrow) == first
    assert next_to_read(first) is None  # nothing else is left to read


def test_a_place_is_found_among_equal_and_empty_values(
    client: FlaskClient, parts: Services
) -> None:
    for number in range(1, 6):
        add_row(parts.store, number)
    for query in ("sort=volume_ml", "sort=slices&descending=true", "sort=patient"):
        order = ids(client, query)
        places = [
            client.get(f"/api/worklist/place?{query}&study={study}").json["at"] for study in order
        ]
        assert places == [0, 1, 2, 3, 4]


def test_counts_and_export_follow_the_selection(client: FlaskClient, parts: Services) -> None:
    add_row(parts.store, 1, patient="=1+1")
    add_row(parts.store, 2, origin="demo")
    assert client.get("/api/worklist/counts").json == {
        "all": 2,
        "to_read": 2,
        "mine": 0,
        "signed_today": 0,
    }
    table = read_table(client.get("/api/worklist/export.csv?origin=upload"))
    (line,) = table.to_dict("records")
    assert line["study_id"] == f"{1:016x}"
    assert line["patient"] == "'=1+1"  # no spreadsheet runs it


def test_export_has_all_rows_of_a_filter_with_the_words_of_the_page(
    client: FlaskClient, parts: Services
) -> None:
    for number in range(1, 251):
        add_row(parts.store, number, patient=f"Ann {number:03d}")
    add_row(parts.store, 300, patient="Bob")
    table = read_table(client.get("/api/worklist/export.csv?search=ann&sort=patient"))
    assert table["patient"].tolist() == [f"Ann {number:03d}" for number in range(1, 251)]
    shown = client.get("/api/worklist/rows?search=ann&sort=patient&limit=1").json["rows"][0]
    first = table.iloc[0]
    assert (first["state"], first["source"]) == (shown["state_words"], shown["origin_words"])
    assert shown["change_percent"] is None and pd.isna(first["change_percent"])
    assert (first["sequences"], first["slices"]) == (shown["sequences"], shown["slices"])


def test_export_has_the_reasons_and_the_rounding_of_the_page(
    client: FlaskClient, parts: Services
) -> None:
    study = add_row(parts.store, 1)
    add_row(parts.store, 2)
    job = table.submit(parts.store, study)
    table.claim(parts.store, "w", job_id=job)
    summary = ResultSummary(
        0.9,
        74.23681640625,
        positive_slices=1,
        mask_slices=1,
        conflicts=3,
        expected_dice=0.4712,
        cautions=1,
        unfit="",
        low_ml=35.2,
        high_ml=90.4,
    )
    table.end(parts.store, job, "w", JobState.DONE, summary=summary)
    shown = client.get("/api/worklist/rows").json["rows"][0]
    assert [text in shown["why"] for text in ("3", "0.47", "35 to 90 mL")] == [True] * 3
    answers = (
        client.get("/api/worklist/export.csv"),
        send(client, "export.csv", studies=[study]),
    )
    for answer in answers:
        first = read_table(answer).iloc[0]
        assert first["why"] == shown["why"]
        assert (first["volume_ml"], first["expected_dice"]) == (74.2, 0.47)


def test_a_damaged_line_stops_neither_page_nor_export(client: FlaskClient, parts: Services) -> None:
    study = add_row(parts.store, 1)
    with parts.store.writing() as session:
        session.execute(text("UPDATE worklist_lines SET reasons = x'01', tags = x'01'"))
        session.execute(text("UPDATE worklist_lines SET reader = x'01', priority = 'high'"))
    (row,) = client.get("/api/worklist/rows").json["rows"]
    assert (row["study_id"], row["why"], row["tags"], row["stat"]) == (study, "", [], False)
    exported = read_table(client.get("/api/worklist/export.csv")).iloc[0]
    assert exported["study_id"] == study and pd.isna(exported["stat"])


@pytest.mark.parametrize(
    "query",
    [
        "sort=password",
        "limit=100000",
        "offset=-1",
        "view=none",
        "since=-1",
        "since=549755813888",  # year 19391
        "reason=x",
    ],
)
def test_an_unknown_selection_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/worklist/rows?{query}").status_code == 404


def send(client: FlaskClient, address: str, **body: object) -> TestResponse:
    return client.post(f"/api/worklist/{address}", json=body, headers={"X-Overread": "1"})


def test_several_studies_are_tagged_prioritised_and_exported_at_once(
    client: FlaskClient, parts: Services
) -> None:
    one, two, _ = (add_row(parts.store, number) for number in (1, 2, 3))
    chosen = [two, one, f"{9:016x}"]  # the last one was deleted meanwhile
    assert send(client, "tags", studies=chosen, add=[" teaching  file "]).status_code == 200
    assert sorted(ids(client, "search=TEACHING+file")) == [one, two]
    assert send(client, "tags", studies=[one], remove=["teaching file"]).status_code == 200
    assert ids(client, "search=teaching") == [two]
    assert send(client, "priority", studies=[one], stat=True).status_code == 200
    assert ids(client)[0] == one
    table = read_table(send(client, "export.csv", studies=chosen))
    assert table["study_id"].tolist() == [two, one]
    assert table["tags"].fillna("").tolist() == ["teaching file", ""]
    assert table["stat"].fillna("").tolist() == ["", "STAT"]
    with parts.store.reading() as session:
        events = session.scalars(select(EventRecord).where(EventRecord.study_id == one))
        assert [str(event.event) for event in events][-3:] == ["changed", "changed", "priority"]
    tags = [f"tag {number}" for number in range(20)]
    assert send(client, "tags", studies=[one, two], add=tags).status_code == 400  # two has one
    assert ids(client, "search=tag") == []  # all or none


@pytest.mark.parametrize(
    "body",
    [
        {"studies": []},
        {"studies": ["x"]},
        {"studies": [f"{1:016x}"], "add": [""]},
        {"studies": [f"{1:016x}"], "add": ["a\nb", "\x00"]},
        {"studies": [f"{1:016x}"], "add": ["x" * 41]},
        {"studies": [f"{1:016x}"] * 501},
    ],
)
def test_a_tag_or_a_choice_that_is_not_valid_is_refused(client: FlaskClient, body: dict) -> None:
    assert send(client, "tags", **body).status_code == 400


def test_a_page_that_is_heard_of_again_changes_no_line(
    client: FlaskClient, parts: Services, clock: Clock
) -> None:
    study, reader = add_row(parts.store, 1), Author("r", "Reader")
    open_study(parts.store, study, reader)
    before = worklist_stamp(parts.store)
    clock.advance(30)
    open_study(parts.store, study, reader)
    assert worklist_stamp(parts.store) == before
    row = client.get("/api/worklist/rows").json["rows"][0]
    assert (row["state"], row["reader"]) == ("in-review", "Reader")
