"""The worklist's rows, places, counts and export over HTTP."""

from __future__ import annotations

import csv
import io

import pytest
from fake_server import Clock, add_row, make_server
from flask.testing import FlaskClient

from dashboard.store.history import Author
from dashboard.store.readings import set_priority
from dashboard.workspace.services import Services


@pytest.fixture
def client(parts: Services) -> FlaskClient:
    return make_server(parts).test_client()


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
        }
        assert answer == expected
    gone = client.get(f"/api/worklist/place?study={studies[0]}&search=nobody").json
    assert gone["at"] == -1


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
    text = client.get("/api/worklist/export.csv?origin=upload").get_data(as_text=True)
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["study_id"] == f"{1:016x}"
    assert line["patient"] == "'=1+1"  # no spreadsheet runs it


@pytest.mark.parametrize(
    "query", ["sort=password", "limit=100000", "offset=-1", "view=none", "since=-1", "reason=x"]
)
def test_an_unknown_selection_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/worklist/rows?{query}").status_code == 404
