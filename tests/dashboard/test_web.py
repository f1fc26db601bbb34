"""The web process for real: what the server does before the app receives a request."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path

import pytest
from fake_server import make_environment
from sent_uploads import PART, TUS, creation_headers
from service_processes import free_port, until

from dashboard.processes.connections import (
    HEADERS_S,
    TOO_LARGE,
    TOO_LARGE_UPLOAD,
)

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a running web process that takes uploads of 1 MB."""
    found = free_port()
    environment = make_environment(
        tmp_path_factory.mktemp("web") / "home",
        OVERREAD_PORT=str(found),
        OVERREAD_MAX_UPLOAD_MB="1",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.web"], cwd=ROOT, env={**os.environ, **environment}
    )
    try:
        until(lambda: is_healthy(found), "the web process")
        yield found
    finally:
        process.terminate()
        process.wait(20)


def is_healthy(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("method", "address", "size", "sentence"),
    [
        ("PUT", "/api/uploads/x", 3 << 20, TOO_LARGE_UPLOAD),
        ("PUT", "/api/reader", (64 << 10) + 1, TOO_LARGE),
        ("POST", "/_dash-update-component", (2 << 20) + 1, TOO_LARGE),
        ("POST", "/nothing", 60 << 20, TOO_LARGE),
        ("GET", "/", 60 << 20, TOO_LARGE),
    ],
)
def test_a_body_over_its_routes_limit_is_refused_before_it_arrives(
    port: int, method: str, address: str, size: int, sentence: str
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, address)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()  # and not one byte of the body
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (413, "application/json")
    assert json.load(answer) == {"error": sentence, "field": ""}


def test_a_body_without_a_stated_length_is_cut_at_the_limit(port: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as sender:
        sender.sendall(b"PUT /api/reader HTTP/1.1\r\nHost: localhost\r\nX-Overread: 1\r\n")
        sender.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        sender.sendall((b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 3)
        assert b"413" in sender.recv(100)


def test_a_request_that_takes_too_long_is_ended(port: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", port))) as sender:
        began = time.monotonic()
        sender.sendall(b"GET / HTTP/1.1\r\n")
        while is_open(sender):
            assert time.monotonic() - began < HEADERS_S + 10
            try:
                sender.sendall(b"X: y\r\n")  # activity does not prolong it
            except OSError:
                break
            time.sleep(0.5)
        assert time.monotonic() - began > HEADERS_S - 5


def is_open(sender: socket.socket) -> bool:
    sender.setblocking(False)
    try:
        return sender.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        sender.setblocking(True)


@contextmanager
def web_process(home: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A web process that answers, with its port; killed afterwards."""
    port = free_port()
    environment = make_environment(home, OVERREAD_PORT=str(port))
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.web"], cwd=ROOT, env={**os.environ, **environment}
    )
    try:
        until(lambda: is_healthy(port), "the web process")
        yield port, process
    finally:
        process.kill()
        process.wait(20)


class Sender:
    """A browser that sends one file.

    Attributes:
        port: Of the web process that it talks to.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._cookie = ""

    def ask(
        self, method: str, address: str, headers: dict[str, str], body: bytes = b""
    ) -> tuple[Message, bytes]:
        """Send a request; returns headers and body of the answer, which must be a success."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            connection.request(method, address, body, headers | {"Cookie": self._cookie})
            with connection.getresponse() as answer:
                assert answer.status < 300
                set_cookie = answer.getheader("Set-Cookie")
                self._cookie = (set_cookie or self._cookie).partition(";")[0]
                return answer.headers, answer.read()

    def offset(self, address: str) -> int:
        """How much of a file has arrived."""
        return int(self.ask("HEAD", address, TUS)[0]["Upload-Offset"])

    def break_off(self, address: str, offset: int, body: bytes, length: int) -> None:
        """Send a part whose connection breaks before all of it is sent."""
        head = f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        headers = {
            **PART,
            "Upload-Offset": str(offset),
            "Content-Length": str(length),
            "Cookie": self._cookie,
        }
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(head.encode() + b"\r\n" + body)


def test_a_file_outlives_broken_connections_and_killed_web_processes(tmp_path: Path) -> None:
    content = secrets.token_bytes(3 << 20)
    third = len(content) // 3
    files = f"/api/uploads/{secrets.token_hex(16)}/files"
    with web_process(tmp_path / "home") as (port, process):
        sender = Sender(port)
        headers = creation_headers("large.nii", len(content), with_bytes=False)
        address = sender.ask("POST", files, headers)[0]["Location"]
        sender.break_off(address, 0, content[:third], len(content))
        until(lambda: sender.offset(address) == third, "what arrived of a part that broke off")
        with web_process(tmp_path / "home") as (sender.port, _):  # another process goes on
            part = content[third : 2 * third]
            found, _ = sender.ask("PATCH", address, PART | {"Upload-Offset": str(third)}, part)
            assert int(found["Upload-Offset"]) == 2 * third
        sender.port = port
        process.kill()
        process.wait(20)
    with web_process(tmp_path / "home") as (sender.port, _):
        assert sender.offset(address) == 2 * third
        rest = PART | {"Upload-Offset": str(2 * third)}
        sender.ask("PATCH", address, rest, content[2 * third :])
        assert sender.ask("GET", address, {})[1] == content
