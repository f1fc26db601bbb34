"""Who is reading: by cookie, by a proxy's header; what is kept of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import Clock, make_services
from flask import Flask
from flask.testing import FlaskClient

from dashboard import api
from dashboard.api import security
from dashboard.api.identity import COOKIE, NOBODY, SECURE_COOKIE, current_reader
from dashboard.api.readers import LONGEST_NAME, MOST_KEYS
from dashboard.store import Store
from dashboard.store.readers import ReaderRow, change_reader, find_reader
from dashboard.workspace import services

OURS = {"X-Overread": "1"}
PROXY = {"OVERREAD_USER_HEADER": "X-Remote-User", "OVERREAD_TRUSTED_PROXY": "127.0.0.1"}


def make_client(home: Path, **variables: str) -> FlaskClient:
    parts = make_services(home, **variables)
    server = Flask("test")
    services.attach(server, parts)
    api.register(server, parts)
    security.protect(server, parts.settings, script_hashes=list)
    server.add_url_rule("/page", "page", lambda: "<!DOCTYPE html>")
    server.add_url_rule("/who", "who", lambda: current_reader().reader_id)
    server.add_url_rule("/data", "data", lambda: {"reader": current_reader().reader_id})
    return server.test_client()


@pytest.fixture
def reading(tmp_path: Path) -> FlaskClient:
    return make_client(tmp_path / "home")


def test_page_gives_the_cookie_that_names_the_reader_from_then_on(reading: FlaskClient) -> None:
    given = reading.get("/page").headers["Set-Cookie"]
    assert given.startswith(f"{COOKIE}=browser-")
    assert "HttpOnly" in given and "SameSite=Lax" in given

    first = reading.get("/who")
    assert first.text.startswith("browser-")
    assert reading.get("/who").text == first.text
    assert "Set-Cookie" not in first.headers or first.text in first.headers["Set-Cookie"]


def test_reader_without_a_cookie_gets_one_with_the_answer(reading: FlaskClient) -> None:
    assert reading.get("/who").text == reading.get("/who").text


def test_pages_renew_the_cookie_and_other_answers_only_give_the_first(reading: FlaskClient) -> None:
    first = reading.get("/data")
    assert first.json is not None and first.json["reader"] in first.headers["Set-Cookie"]
    assert "Set-Cookie" not in reading.get("/data").headers
    assert first.json["reader"] in reading.get("/page").headers["Set-Cookie"]


def test_other_browsers_are_other_readers(tmp_path: Path) -> None:
    one, other = (make_client(tmp_path / "home") for _ in range(2))
    assert one.get("/who").text != other.get("/who").text


@pytest.mark.parametrize(
    "forged", ["browser-" + "0" * 32, "browser-" + "0" * 32 + ".abc", "é", "." * 500]
)
def test_cookie_that_the_server_has_not_signed_names_nobody(
    reading: FlaskClient, forged: str
) -> None:
    reading.set_cookie(COOKIE, forged)
    found = reading.get("/who").text
    assert found.startswith("browser-") and found != "browser-" + "0" * 32


def test_proxy_names_the_reader(tmp_path: Path) -> None:
    client = make_client(tmp_path / "home", **PROXY)
    zoe = {"X-Remote-User": "Zoë".encode().decode("latin-1")}
    answer = client.get("/api/reader", headers=zoe)
    assert (answer.json["shown"], answer.json["can_rename"]) == ("Zoë", False)
    assert "Set-Cookie" not in answer.headers
    ids = {client.get("/who", headers=headers).text for headers in (zoe, {"X-Remote-User": "bob"})}
    assert len(ids) == 2 and all(len(found) <= 64 for found in ids)

    renamed = client.put("/api/reader", json={"name": "Bob"}, headers=OURS | zoe)
    assert (renamed.status_code, renamed.json["field"]) == (400, "name")
    kept = client.put("/api/reader", json={"tour_done": True}, headers=OURS | zoe)
    assert kept.json["tour_done"] is True
    assert client.get("/api/reader", headers={"X-Remote-User": "bob"}).json["tour_done"] is False


@pytest.mark.parametrize("name", [None, "", "   ", "a" * 201])
def test_request_past_the_proxy_is_refused(tmp_path: Path, name: str | None) -> None:
    client = make_client(tmp_path / "home", **PROXY)
    answer = client.get("/api/reader", headers={} if name is None else {"X-Remote-User": name})
    assert answer.status_code == 403
    assert answer.json["error"] == NOBODY


@pytest.mark.parametrize("address", ["/", "/page", "/api/worklist/rows", "/api/nothing", "/who"])
def test_header_from_another_address_than_the_proxys_names_nobody(
    tmp_path: Path, address: str
) -> None:
    client = make_client(tmp_path / "home", **PROXY)
    named = {"X-Remote-User": "Dr Chief"}
    for place, is_served in (("127.0.0.1", True), ("10.0.0.9", False), ("::ffff:127.0.0.1", True)):
        answer = client.get(address, headers=named, environ_base={"REMOTE_ADDR": place})
        assert (answer.status_code != 403) is is_served, place
    health = client.get("/api/health", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert health.status_code == 200


def test_cookie_is_secure_with_https_and_names_the_same_reader_as_before(tmp_path: Path) -> None:
    client = make_client(tmp_path / "home", OVERREAD_TRUSTED_PROXY="127.0.0.1")
    before = client.get("/who").text
    by_https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.1.1"}
    page = client.get("/page", headers=by_https)
    given = page.headers["Set-Cookie"]
    assert given.startswith(f"{SECURE_COOKIE}={before}") and "; Secure" in given
    assert int(page.headers["Strict-Transport-Security"].split("=")[1].split(";")[0]) >= 31536000
    assert client.get("/who", headers=by_https).text == before

    other = {"REMOTE_ADDR": "10.0.0.9"}  # whose headers say nothing
    page = client.get("/page", headers=by_https, environ_base=other)
    assert "Secure" not in page.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in page.headers


def test_https_by_setting_needs_no_header(tmp_path: Path) -> None:
    page = make_client(tmp_path / "home", OVERREAD_HTTPS="yes").get("/page")
    assert page.headers["Set-Cookie"].startswith(SECURE_COOKIE)
    assert "; Secure" in page.headers["Set-Cookie"] and "Path=/" in page.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in page.headers


def test_name_keys_and_tour_are_kept_each_by_itself(reading: FlaskClient) -> None:
    before = reading.get("/api/reader").json
    assert (before["name"], before["keys"], before["tour_done"]) == ("", {}, False)
    assert before["shown"].startswith("Reader ") and len(before["shown"]) == len("Reader ABCD")

    for change in ({"name": "  Dr.  A "}, {"keys": {"show.ai": "a", "fill": ""}}):
        assert reading.put("/api/reader", json=change, headers=OURS).status_code == 200
    reading.put("/api/reader", json={"tour_done": True}, headers=OURS)
    reading.put("/api/reader", json={"view_mode": "three", "second_view": "t1c"}, headers=OURS)
    view = {"name": " Low  Dice", "view": "to-read", "reason": "dice", "sort": "added_at"}
    views = {"worklist_views": [view], "worklist_first": "Low Dice"}
    assert reading.put("/api/reader", json=views, headers=OURS).status_code == 200

    assert reading.get("/api/reader").json == {
        "name": "Dr. A",
        "shown": "Dr. A",
        "can_rename": True,
        "keys": {"show.ai": "a", "fill": ""},
        "tour_done": True,
        "view_mode": "three",
        "second_view": "t1c",
        "worklist_views": [
            {
                "name": "Low Dice",
                "view": "to-read",
                "origin": "",
                "reason": "dice",
                "search": "",
                "sort": "added_at",
                "descending": False,
            }
        ],
        "worklist_first": "Low Dice",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, ""),
        ([], ""),
        ({}, ""),
        ({"role": "admin"}, "role"),
        ({"name": 3}, "name"),
        ({"name": "a" * (LONGEST_NAME + 1)}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"keys": ["a"]}, "keys"),
        ({"keys": {f"b{i}": "a" for i in range(MOST_KEYS + 1)}}, "keys"),
        ({"keys": {"<script>": "a"}}, "keys.<script>"),
        ({"keys": {"show.ai": 1}}, "keys.show.ai"),
        ({"keys": {"show.ai": "Meta+Alt+q"}}, "keys.show.ai"),
        ({"keys": {"show.ai": "a\n"}}, "keys.show.ai"),
        ({"tour_done": 1}, "tour_done"),
        ({"view_mode": "space"}, "view_mode"),
        ({"second_view": "T1 c"}, "second_view"),
    ],
)
def test_what_does_not_fit_is_refused(reading: FlaskClient, body: object, field: str) -> None:
    answer = reading.put("/api/reader", json=body, headers=OURS)
    assert (answer.status_code, answer.json["field"]) == (400, field)
    assert answer.json["error"].endswith(".")
    assert reading.get("/api/reader").json["keys"] == {}


@pytest.mark.parametrize("key", ["m", "?", "Shift+n", "Ctrl+Shift+z", "ArrowDown", " ", "F2", "+"])
def test_keys_that_keyboards_send_are_kept(reading: FlaskClient, key: str) -> None:
    answer = reading.put("/api/reader", json={"keys": {"show.ai": key}}, headers=OURS)
    assert answer.json["keys"] == {"show.ai": key}


@pytest.mark.parametrize("body", ["{", '"x"', "[" * 60_000], ids=["cut", "text", "deep"])
def test_what_is_no_object_is_refused(reading: FlaskClient, body: str) -> None:
    answer = reading.put("/api/reader", data=body, content_type="application/json", headers=OURS)
    assert (answer.status_code, answer.json["field"]) == (400, "")


def test_large_body_is_refused(reading: FlaskClient) -> None:
    answer = reading.put("/api/reader", data=b"x" * (64 * 1024 + 1), headers=OURS)
    assert answer.status_code == 413


def test_rows_of_readers(store: Store, clock: Clock) -> None:
    assert find_reader(store, "a") == ReaderRow("a")
    change_reader(store, "a", name="A\0n", keys={"fill": "g"})
    change_reader(store, "a", tour_done=True)
    change_reader(store, "b", name="B")
    assert find_reader(store, "a") == ReaderRow("a", "An", {"fill": "g"}, True)
    assert find_reader(store, "b") == ReaderRow("b", "B")
