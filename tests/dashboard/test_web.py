"""The web process for real: what the server does before the app receives a request."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from fake_server import make_environment
from service_processes import free_port, until

from dashboard.processes.connections import (
    CONNECTIONS_PER_ADDRESS,
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


@pytest.mark.timing
def test_hundreds_of_slow_connections_keep_nobody_out(port: int) -> None:
    """Headers, bodies and nothing at all, all half sent by one address."""
    begun = (
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /_dash-update-component HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n{",
    )
    quiet = max(seconds_of_health(port) for _ in range(5))  # what this machine takes anyway
    with ExitStack() as opened:
        senders = []
        for number in range(900):
            sender = opened.enter_context(socket.socket())
            sender.connect(("127.0.0.1", port))
            sender.sendall(begun[number % 3])
            senders.append(sender)
            if number % 100 == 99:
                assert seconds_of_health(port) < 1 + quiet
        assert len([one for one in senders if is_open(one)]) <= CONNECTIONS_PER_ADDRESS


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


def seconds_of_health(port: int) -> float:
    began = time.monotonic()
    assert is_healthy(port)
    return time.monotonic() - began


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
