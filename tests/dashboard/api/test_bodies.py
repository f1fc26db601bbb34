"""How large and how deeply nested what browsers send may be."""

from __future__ import annotations

import json

import pytest
from fake_server import make_server
from flask import Flask
from flask.testing import FlaskClient

from dashboard.api.bodies import DEEPEST, LONGEST_BODY, TOO_DEEP, declare_limit, limit_of, nesting
from dashboard.workspace.services import Services

OURS = {"X-Overread": "1"}
STUDY = "0" * 16


@pytest.fixture
def server(parts: Services) -> Flask:
    made = make_server(parts)
    made.add_url_rule("/other", "other", lambda: "ok", methods=["POST"])
    declare_limit(made, "/other", 5000)
    return made


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("PUT", "/api/reader", LONGEST_BODY),
        ("GET", "/api/worklist/rows", LONGEST_BODY),
        ("POST", "/nothing", LONGEST_BODY),
        ("TRACE", "/api/reader", LONGEST_BODY),
        ("POST", "/other", 5000),
        ("PUT", f"/api/studies/{STUDY}/measurements", 1 << 20),
    ],
)
def test_each_route_has_the_limit_that_is_declared_for_it(
    parts: Services, server: Flask, method: str, path: str, limit: int
) -> None:
    assert limit_of(server, parts.settings, method, path) == limit


def test_masks_and_uploads_may_be_larger(parts: Services, server: Flask) -> None:
    assert limit_of(server, parts.settings, "PUT", f"/api/studies/{STUDY}/draft") > 10 << 20


@pytest.mark.parametrize("path", ["/other", "/api/reader"])
def test_larger_bodies_are_refused_with_and_without_their_length(server: Flask, path: str) -> None:
    client = server.test_client()
    body = b'"' + b"a" * LONGEST_BODY + b'"'
    send = client.post if path == "/other" else client.put
    answer = send(path, data=body, headers=OURS, content_type="application/json")
    assert answer.status_code == 413


@pytest.mark.parametrize("unit", ["[", '{"a":', '[{"\\"": ', "[[],"])
def test_json_that_is_nested_too_deeply_is_refused_in_a_sentence(
    client: FlaskClient, unit: str
) -> None:
    body = unit * 900
    answer = client.put("/api/reader", data=body, headers=OURS, content_type="application/json")
    assert (answer.status_code, answer.json["error"]) == (400, TOO_DEEP)


@pytest.mark.parametrize(
    ("value", "depth"),
    [
        (1, 0),
        ([], 1),
        ([[], [[]]], 3),
        ({"[[[": ']]]"[[[{{{\\'}, 1),
        (["\\", ['\\\\"'], "[" * 500], 2),
        (json.loads("[" * 40 + "]" * 40), 40),
    ],
)
def test_nesting_is_counted_outside_of_texts(value: object, depth: int) -> None:
    assert nesting(json.dumps(value).encode()) == depth
    assert nesting(json.dumps(value, indent=2).encode()) == depth


def test_counting_ends_early() -> None:
    assert nesting(b"[" * 10_000_000) == DEEPEST + 1
