"""Who loses a connection where a server has too many: real sockets of several addresses."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from service_processes import free_port, until

ROOT = Path(__file__).resolve().parents[3]
CONNECTIONS = 40
PROXY, CROWD, READER = "127.0.0.4", "127.0.0.2", "127.0.0.3"
_PROGRAM = """
import sys, threading
from dashboard.processes import connections

held = threading.Event()

def answer(environment, start):
    if environment["PATH_INFO"] == "/held":
        held.wait(60)
    if environment["PATH_INFO"] == "/release":
        held.set()
    body = b"ok" if environment["PATH_INFO"] != "/large" else bytes(900_000) + b"\\r\\n\\r\\nok"
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]

connections.serve(
    answer, host="127.0.0.1", port=int(sys.argv[1]), body_limit=lambda method, path: 1000,
    is_proxy=sys.argv[2].__eq__, connections=int(sys.argv[3]),
)
"""
_ASK = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")


class Clients:
    """Opens connections from chosen addresses to one server, and looks at its memory."""

    def __init__(self, port: int, opened: ExitStack, server: int) -> None:
        self._port, self._opened, self._server = port, opened, server

    def open(self, address: str, begin: bytes = b"") -> socket.socket:
        """A new connection that sends the beginning of a request."""
        client = self._opened.enter_context(socket.socket())
        client.settimeout(30)
        client.bind((address, 0))
        client.connect(("127.0.0.1", self._port))
        client.sendall(begin)
        return client

    def used(self, address: str) -> socket.socket:
        """A connection that was answered once and is idle now."""
        client = self.open(address)
        assert is_answered(client)
        return client

    def server_mb(self) -> float:
        """What the server holds, in MB."""
        return float(psutil.Process(self._server).memory_info().rss) / 1e6


@pytest.fixture
def clients() -> Iterator[Clients]:
    port = free_port()
    program = [sys.executable, "-c", _PROGRAM, str(port), PROXY, str(CONNECTIONS)]
    process = subprocess.Popen(program, cwd=ROOT)
    try:
        until(lambda: accepts(port), "the server")
        with ExitStack() as opened:
            yield Clients(port, opened, process.pid)
    finally:
        process.kill()
        process.wait(20)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def is_answered(client: socket.socket, path: bytes = b"") -> bool:
    """Whether a request on a connection is answered."""
    try:
        client.sendall(_ASK % path)
        return receives(client)
    except OSError:
        return False


def receives(client: socket.socket) -> bool:
    """Whether the answer to a request that was sent arrives."""
    answer = bytearray()
    try:
        while not answer.endswith(b"\r\n\r\nok"):
            received = client.recv(1 << 16)
            if not received:
                return False
            answer += received
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200")


def test_one_address_may_have_as_many_as_there_are(clients: Clients) -> None:
    """A hospital behind one address: every connection of every browser goes on."""
    crowd = [clients.used(CROWD) for _ in range(CONNECTIONS - 5)]
    assert all(is_answered(one) for one in crowd)


def test_slow_connections_of_one_address_keep_no_other_out(clients: Clients) -> None:
    """Headers, bodies and nothing at all, all half sent, many more than there may be."""
    begun = (b"", b"GET / HTTP/1.1\r\nX-Slow: ", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
    reader, behind_proxy = clients.used(READER), [clients.used(PROXY) for _ in range(20)]
    for number in range(4 * CONNECTIONS):
        clients.open(CROWD, begun[number % 3])
        if number % 20 == 19:
            assert is_answered(clients.open(READER))
    assert is_answered(reader)
    assert all(is_answered(one) for one in behind_proxy)


def test_idle_connections_go_before_those_that_were_just_opened(clients: Clients) -> None:
    idle = [clients.used(CROWD) for _ in range(CONNECTIONS)]
    new = [clients.open(CROWD) for _ in range(5)]
    assert all(is_answered(one) for one in new)
    assert [is_answered(one) for one in idle].count(False) == 5


def test_no_request_is_dropped_and_newcomers_wait_where_all_are_answered(clients: Clients) -> None:
    held = [clients.open(CROWD, _ASK % b"held") for _ in range(5)]
    crowd = [clients.open(CROWD, _ASK % b"") for _ in range(4 * CONNECTIONS)]
    release = clients.open(CROWD, _ASK % b"release")
    assert all(receives(one) for one in [*crowd, release, *held])


def test_open_connections_hold_nothing_of_what_was_sent(clients: Clients) -> None:
    """By itself, waitress holds the last answer of each: here 34 MB."""
    readers = [clients.used(READER) for _ in range(CONNECTIONS - 2)]
    before = clients.server_mb()
    assert all(is_answered(one, b"large") for one in readers)
    assert clients.server_mb() - before < 17
