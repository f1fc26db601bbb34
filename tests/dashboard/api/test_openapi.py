"""The description of the HTTP interface: complete, and consistent with itself.

`test_written_documents.py` compares it with docs/openapi.json; `make_server` checks real
answers against it in the tests of all endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_server import make_server
from flask import Flask, Response

from dashboard.api import scripts
from dashboard.api.endpoint import VERSION, Endpoint
from dashboard.api.openapi import describe_interface, list_endpoints
from dashboard.workspace.services import Services


@pytest.fixture
def server(parts: Services) -> Flask:
    server = make_server(parts)
    scripts.register(server, scripts.ScriptTree({}, ""))
    return server


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner.rpartition("/")[2]
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_endpoint_is_described(server: Flask) -> None:
    described = {
        operation["operationId"]: (path, method)
        for path, methods in describe_interface(server)["paths"].items()
        for method, operation in methods.items()
    }
    served = {rule.endpoint for rule in server.url_map.iter_rules()}
    assert served - set(described) == {"static", "overread.nothing"}
    assert described["measurement.write"] == ("/api/studies/{study_id}/measurements", "put")
    assert described["comparisons.picture"][0].endswith("/{image_id}/{digest}/{name}")


def test_addresses_declare_the_variables_of_their_rules(server: Flask) -> None:
    for rule, declared in list_endpoints(server):
        fields = set(declared.address.model_fields) if declared.address else set()
        assert fields == rule.arguments, rule


def test_description_of_an_endpoint(server: Flask) -> None:
    interface = describe_interface(server)
    assert (interface["openapi"], interface["info"]["version"]) == ("3.1.0", VERSION)
    write = interface["paths"]["/api/studies/{study_id}/measurements"]["put"]
    assert [(one["name"], one["in"]) for one in write["parameters"]] == [
        ("study_id", "path"),
        ("X-Overread", "header"),
    ]
    assert set(references(write["requestBody"])) == {"SentMeasurements"}
    assert {status: set(references(one)) for status, one in write["responses"].items()} == {
        "200": {"Measurements"},
        "409": {"MeasurementsConflict"},
        "default": {"ErrorAnswer"},
    }
    thumbnail = interface["paths"]["/data/{study_id}/{digest}/thumbnail/{channel}.png"]["get"]
    assert list(thumbnail["responses"]["200"]["content"]) == ["image/png"]
    assert [one["required"] for one in thumbnail["parameters"]] == [True, True, True, False]


def test_schemas_are_all_there_and_all_used(server: Flask) -> None:
    interface = describe_interface(server)
    assert set(references(interface)) == set(interface["components"]["schemas"])


def test_requests_are_closed_and_answers_are_open(server: Flask) -> None:
    schemas = describe_interface(server)["components"]["schemas"]
    assert schemas["SentMeasurement"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["StudyAnswer"]


def test_an_answer_that_is_not_as_declared_is_noticed(server: Flask) -> None:
    view: Any = server.view_functions["worklist.counts"]

    def other() -> Response:
        return Response('{"all": "many"}', mimetype="application/json")

    other.declared = view.declared  # type: ignore[attr-defined]
    server.view_functions["worklist.counts"] = other
    assert isinstance(view.declared, Endpoint)
    assert server.test_client().get("/api/worklist/counts").status_code == 500
