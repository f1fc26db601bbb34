"""How often a reader may request what costs much."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import add_case, make_case, make_server, make_services
from flask.testing import FlaskClient

from dashboard.api import endpoint
from dashboard.workspace.services import Services

RATES = {endpoint.SURFACES: "measures", endpoint.PLANES: "plane"}


@pytest.fixture
def study(parts: Services) -> str:
    """The address of a study's data."""
    row = parts.store.study(add_case(parts, make_case()))
    assert row is not None
    return f"/data/{row.study_id}/{row.data_digest}"


def statuses(client: FlaskClient, address: str, times: int) -> list[int]:
    return [client.get(address).status_code for _ in range(times)]


def test_a_reader_who_requests_too_many_surfaces_waits_and_nobody_else_does(
    parts: Services, study: str
) -> None:
    server = make_server(parts)
    server.add_url_rule("/page", "page", lambda: "<!DOCTYPE html>")
    one, other = server.test_client(), server.test_client()
    for client in (one, other):
        client.get("/page")  # which gives each its cookie
    most = int(endpoint.SURFACES.split()[0])
    address = f"{study}/measures/{'0' * 64}"
    assert 429 not in statuses(one, address, most)
    refused = one.get(address)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.json["error"].endswith(".")
    assert other.get(address).status_code != 429
    assert one.get(f"{study}/pixels/0/0").status_code == 200  # what costs little goes on


def test_browsers_without_a_cookie_share_the_limit_of_their_address(
    parts: Services, study: str
) -> None:
    server = make_server(parts)
    address = f"{study}/measures/{'0' * 64}"
    most = int(endpoint.SURFACES.split()[0])
    found = [server.test_client().get(address).status_code for _ in range(most + 1)]
    assert found[-1] == 429 not in found[:-1]
    elsewhere = server.test_client().get(address, environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert elsewhere.status_code != 429


def test_what_costs_much_declares_a_rate(tmp_path: Path) -> None:
    server = make_server(make_services(tmp_path / "home"))
    for rule in server.url_map.iter_rules():
        declared = getattr(server.view_functions[rule.endpoint], "declared", None)
        if any(part in rule.rule for part in ("/plane/", "/surface", "/space", "/measures/")):
            assert declared is not None and declared.rate in RATES, rule.rule
