"""Measurements over HTTP: what is kept, for whom, what is refused, what two windows do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_server import add_case, fake_factory, make_case, make_server
from flask import Flask
from flask.testing import FlaskClient

from dashboard.api.access import OTHER_MODELS
from dashboard.api.measurements import MOST_ITEMS
from dashboard.store.measurements import (
    MeasurementConflict,
    MeasurementsRow,
    read_measurements,
    write_measurements,
)
from dashboard.store.stored_json import Measurement
from dashboard.studies.measures import OF_ANOTHER_MASK
from dashboard.worker import Worker
from dashboard.workspace.services import Services

OURS = {"X-Overread": "1"}
RULER = {"id": "abcd1", "kind": "ruler", "k": 1, "points": [[0.5, 1], [4.25, 5]], "text": ""}
STORED = Measurement(id="abcd1", kind="ruler", k=1, points=((0.5, 1.0), (4.25, 5.0)))
DIAMETERS = {
    "id": "abcd2",
    "kind": "diameters",
    "k": 2,
    "points": [[0, 0], [4, 0], [2, 0], [2, 3]],
    "text": "",
}
ARROW = {**RULER, "id": "abcd3", "kind": "arrow", "text": "edema \u2013 or gliosis?"}


@pytest.fixture
def server(parts: Services) -> Flask:
    return make_server(parts)


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    return server.test_client()


@pytest.fixture
def address(parts: Services) -> str:
    """Of the measurements of a study of three slices of 6 x 5."""
    return f"/api/studies/{add_case(parts, make_case())}/measurements"


def put(client: FlaskClient, address: str, revision: Any, items: Any) -> Any:
    return client.put(address, json={"revision": revision, "items": items}, headers=OURS)


def test_measurements_are_kept_by_revision(client: FlaskClient, address: str) -> None:
    assert client.get(address).json == {"revision": 0, "items": []}
    first = put(client, address, 0, [RULER])
    assert (first.status_code, first.json) == (200, {"revision": 1, "items": [RULER]})
    assert client.get(address).json == first.json
    second = put(client, address, 1, [RULER, DIAMETERS])
    assert second.json["revision"] == 2
    assert client.get(address).json["items"] == [RULER, DIAMETERS]
    assert put(client, address, 2, [ARROW]).json == {"revision": 3, "items": [ARROW]}
    assert put(client, address, 3, []).json == {"revision": 4, "items": []}


def test_a_window_that_is_behind_is_given_what_another_wrote(
    client: FlaskClient, address: str
) -> None:
    put(client, address, 0, [RULER])
    late = put(client, address, 0, [DIAMETERS])
    assert late.status_code == 409
    assert late.json["items"] == [RULER]
    assert late.json["revision"] == 1
    assert late.json["error"].endswith(".")
    assert client.get(address).json["items"] == [RULER]


def test_another_reader_has_measurements_of_their_own(
    server: Flask, client: FlaskClient, address: str
) -> None:
    put(client, address, 0, [RULER])
    assert server.test_client().get(address).json == {"revision": 0, "items": []}


REFUSED = [
    pytest.param([{**RULER, "kind": "circle"}], "items[0].kind", id="kind"),
    pytest.param([{**RULER, "id": "../x"}], "items[0].id", id="id"),
    pytest.param([DIAMETERS, {**RULER, "id": "abcd\n"}], "items[1].id", id="line end"),
    pytest.param([{**RULER, "k": 3}], "items[0].k", id="slice"),
    pytest.param([{**RULER, "k": -1}], "items[0].k", id="slice below 0"),
    pytest.param([{**RULER, "k": 0.5}], "items[0].k", id="half a slice"),
    pytest.param([{**RULER, "k": True}], "items[0].k", id="true as a slice"),
    pytest.param([{**RULER, "points": [[0, 0]]}], "items[0].points", id="one point"),
    pytest.param([{**RULER, "points": [[0, 0]] * 1001}], "items[0].points", id="many points"),
    pytest.param([{**RULER, "points": "x"}], "items[0].points", id="no points"),
    pytest.param([{**RULER, "points": [[0, 0], [1]]}], "items[0].points[1][1]", id="half a point"),
    pytest.param([{**RULER, "points": [[0, 0], [5.1, 1]]}], "items[0].points", id="outside"),
    pytest.param([{**RULER, "points": [[0, 0], [0, -1]]}], "items[0].points[1][1]", id="above"),
    pytest.param([{**RULER, "points": [[0, 0], [10**400, 1]]}], "items[0].points[1][0]", id="huge"),
    pytest.param([{**RULER, "points": [[0, 0], ["1", 1]]}], "items[0].points[1][0]", id="text"),
    pytest.param([{**RULER, "note": "x"}], "items[0].note", id="another field"),
    pytest.param([{**RULER, "text": "x"}], "items[0].text", id="text of a ruler"),
    pytest.param([{**ARROW, "text": "a\nb"}], "items[0].text", id="two lines"),
    pytest.param([{**ARROW, "text": "x" * 121}], "items[0].text", id="long text"),
    pytest.param([RULER, RULER], "items", id="twice"),
    pytest.param(["x"], "items[0]", id="no object"),
    pytest.param("x", "items", id="no list"),
    pytest.param([RULER] * (MOST_ITEMS + 1), "items", id="too many"),
]


@pytest.mark.parametrize(("items", "field"), REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(
    client: FlaskClient, address: str, items: Any, field: str
) -> None:
    answer = put(client, address, 0, items)
    assert answer.status_code == 400
    assert answer.json["field"] == field
    assert answer.json["error"].endswith(".")
    assert client.get(address).json["revision"] == 0


def test_requests_that_are_no_documents_are_refused(client: FlaskClient, address: str) -> None:
    for body in ("[]", "{", "[" * 100_000, '"x"', ""):
        answer = client.put(address, data=body, content_type="application/json", headers=OURS)
        assert (answer.status_code, answer.json["field"]) == (400, "")
    infinite = json.dumps({**RULER, "points": [[0, 0], [float("inf"), float("nan")]]})
    body = f'{{"revision": 0, "items": [{infinite}]}}'
    answer = client.put(address, data=body, content_type="application/json", headers=OURS)
    assert (answer.status_code, answer.json["field"]) == (400, "items[0].points[1][0]")
    valid = json.dumps({"revision": 0, "items": []})
    answer = client.put(address, data=valid, content_type="text/plain", headers=OURS)
    assert answer.status_code == 400
    for revision in (-1, 2**31, "1", None, 0.5):
        assert put(client, address, revision, []).status_code == 400
    long = client.put(address, data=" " * 1_100_000, content_type="application/json", headers=OURS)
    assert long.status_code == 413
    assert client.put(address, json={}).status_code == 403, "without the header of our scripts"


def test_an_unknown_study_has_none(client: FlaskClient) -> None:
    assert client.get("/api/studies/nothing/measurements").status_code == 404
    assert put(client, "/api/studies/nothing/measurements", 0, []).status_code == 404


def test_measurements_go_with_their_study_when_it_is_purged(parts: Services) -> None:
    study = add_case(parts, make_case())
    write_measurements(parts.store, study, "one", revision=0, items=[STORED])
    parts.store.delete_study(study)  # it can be restored
    assert read_measurements(parts.store, study, "one").items == (STORED,)
    parts.store.purge_study(study)
    assert read_measurements(parts.store, study, "one") == MeasurementsRow()
    with pytest.raises(LookupError):
        write_measurements(parts.store, study, "one", revision=0, items=[STORED])


def test_a_conflict_names_what_is_kept(parts: Services) -> None:
    study = add_case(parts, make_case())
    kept = write_measurements(parts.store, study, "one", revision=0, items=[STORED])
    with pytest.raises(MeasurementConflict) as caught:
        write_measurements(parts.store, study, "one", revision=5, items=[])
    assert caught.value.row == kept == MeasurementsRow(1, (STORED,))


def judge(client: FlaskClient, address: str, sent: Any) -> Any:
    return client.post(f"{address}/judge", json=sent, headers=OURS)


def test_what_two_diameters_say_by_rano(client: FlaskClient, parts: Services) -> None:
    """A study of 1 x 2.5 mm pixels: 5 columns are 12.5 mm, 6 rows 6 mm."""
    study = add_case(parts, make_case(spacing_mm=(5.0, 1.0, 2.5)))
    address = f"/api/studies/{study}/measurements"
    wide = {"points": [[0, 3], [5, 3], [2, 0], [2, 6]], "slices": 3}
    assert judge(client, address, wide).json == {
        "lengths": [12.5, 6.0],
        "measurable": False,
        "reason": "Not measurable: 6.0 mm is below 10 mm.",
    }
    both = {"points": [[0, 3], [5, 3], [0, 2], [5, 2]], "slices": 2}
    assert judge(client, address, both).json["measurable"] is True
    assert "one slice only" in judge(client, address, both | {"slices": 1}).json["reason"]
    assert client.get(address).json == {"revision": 0, "items": []}, "nothing is kept"


def test_without_spacing_nothing_follows_from_two_diameters(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case(spacing_mm=None))
    sent = {"points": DIAMETERS["points"], "slices": 1}
    found = judge(client, f"/api/studies/{study}/measurements", sent).json
    assert (found["lengths"], found["measurable"]) == ([4.0, 3.0], None)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"points": DIAMETERS["points"]},
        {"points": DIAMETERS["points"], "slices": 0},
        {"points": DIAMETERS["points"], "slices": 4},
        {"points": DIAMETERS["points"][:2], "slices": 1},
        {"points": [[0, 0], [9, 9], [0, 0], [1, 1]], "slices": 1},
    ],
)
def test_diameters_that_do_not_fit_are_not_judged(
    client: FlaskClient, address: str, sent: Any
) -> None:
    assert judge(client, address, sent).status_code == 400


@pytest.fixture
def result(client: FlaskClient, parts: Services) -> Any:
    """Of an analysed study: 2 x 2 pixels of 200 on the second slice, whose score is 0.9."""
    study = add_case(parts, make_case())
    Worker(parts, make_analyser=fake_factory()).run_one()
    return client.get(f"/api/studies/{study}").json["result"]


def test_diameters_follow_threshold_and_operating_point(client: FlaskClient, result: Any) -> None:
    shipped = client.get(result["measures_url"]).json
    answer = client.get(result["diameters_url"].format(mask=100))
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.json["lesions"] == shipped["lesions"]
    first, *others = answer.json["notes"]
    assert first == OF_ANOTHER_MASK
    assert others == shipped["notes"]
    for mask, lesions in (("201", 0), ("100/91", 0), ("200/90", 1)):
        found = client.get(result["diameters_url"].format(mask=mask)).json
        assert len(found["lesions"]) == lesions, mask


@pytest.mark.parametrize("mask", ["0", "256", "-1", "x", "128/0", "128/100", "128/x", "1.5"])
def test_diameters_at_thresholds_that_are_not_there(
    client: FlaskClient, result: Any, mask: str
) -> None:
    answer = client.get(result["diameters_url"].format(mask=mask))
    assert answer.status_code == 404
    assert answer.json["error"].endswith(".")


def test_diameters_of_another_result_are_not_there(client: FlaskClient, result: Any) -> None:
    other = result["diameters_url"].format(mask=128).replace(result["key"], "a" * 64)
    answer = client.get(other)
    assert (answer.status_code, answer.json["error"]) == (404, OTHER_MODELS)
