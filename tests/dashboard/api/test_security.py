from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import make_services
from flask import Flask
from flask.testing import FlaskClient

from dashboard.api import security
from dashboard.api.endpoint import VERSION, VERSION_HEADER

OURS = {"X-Overread": "1"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8050", "[::1]:8050", "LOCALHOST:1"])
def test_local_names_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_foreign_names_are_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/api/health", headers={"Host": host})
    assert answer.status_code == 403
    assert "OVERREAD_ALLOWED_HOSTS" in answer.json["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Origin": "http://localhost"}, 404),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[localhost"}, 403),
        ({"Origin": "http://localhost:8051"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"X-Overread": "2"}, 403),
    ],
)
def test_forged_requests_are_refused(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    address = f"/api/uploads/{'0' * 16}/finish"
    answer = client.post(address, json={"files": 1}, headers=OURS | headers)
    assert answer.status_code == status


def test_page_of_another_version_is_refused_by_the_endpoints_only(client: FlaskClient) -> None:
    other = {VERSION_HEADER: "0"}
    assert client.get("/api/health", headers=other).status_code == 403
    assert client.get("/data/nothing", headers=other).status_code == 404
    for address in ("/api/health", "/api/nothing", "/data/nothing"):
        assert client.get(address).headers[VERSION_HEADER] == VERSION


def test_header_is_required_on_our_addresses_only(client: FlaskClient) -> None:
    assert client.delete(f"/api/uploads/{'0' * 16}").status_code == 403
    assert client.post("/_dash-update-component").status_code == 404  # there is no Dash here
    answer = client.post("/_dash-update-component", headers={"Origin": "http://evil.example"})
    assert (answer.status_code, answer.mimetype) == (403, "text/plain")


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND"])
def test_methods_that_no_route_declares_are_refused(client: FlaskClient, method: str) -> None:
    for address in ("/api/health", "/data/nothing"):
        answer = client.open(address, method=method, headers=OURS | {"X-Secret": "of-the-browser"})
        assert answer.status_code == 405 and "of-the-browser" not in answer.text


def test_headers(client: FlaskClient) -> None:
    headers = client.get("/api/health").headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self' 'sha256-x';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_hosts_can_be_allowed(tmp_path: Path) -> None:
    for allowed, status in (("overread.example", 200), ("*", 200), ("other.example", 403)):
        parts = make_services(tmp_path / "home", OVERREAD_ALLOWED_HOSTS=allowed)
        server = Flask("test")
        security.protect(server, parts.settings, script_hashes=list)
        server.add_url_rule("/", view_func=lambda: "ok")
        answer = server.test_client().get("/", headers={"Host": "Overread.example:443"})
        assert answer.status_code == status


def test_https_may_end_at_a_proxy_in_front_of_another_name(tmp_path: Path) -> None:
    parts = make_services(tmp_path / "home", OVERREAD_ALLOWED_HOSTS="overread.example")
    server = Flask("test")
    security.protect(server, parts.settings, script_hashes=list)
    server.add_url_rule("/", view_func=lambda: "ok", methods=["POST"])
    for scheme, status in (("https", 200), ("http", 200), ("ftp", 403)):
        headers = {"Host": "overread.example", "Origin": f"{scheme}://overread.example"}
        assert server.test_client().post("/", headers=headers).status_code == status
