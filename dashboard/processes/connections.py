"""Waitress with limits on what one address, one slow sender or one large body may take.

A connection costs no thread until its request has arrived completely. So that half-open and slow
connections cannot use up all connections, the headers and the body of a request have deadlines, and
where there are too many connections, one of the address that has most of them is closed: one that
waits for the rest of a request, then one that has been idle. A whole hospital may share an address,
so no address has a limit of its own. A connection is never closed when its request has arrived,
even if nobody has read it; where nothing can be closed, newcomers wait in the system's queue.

Waitress hands over a request when its body is complete. A part of an upload's file that breaks off
is handed over as well: its bytes are stored, and need not be sent again.
"""

from __future__ import annotations

import copy
import ipaddress
import json
import resource
import socket
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

#: All connections. A browser opens six: waitress's own limit of 100 is reached by 17 readers.
CONNECTIONS = 1000
#: How many more may be open while nothing can be closed.
_MORE = 100
#: A connection is not cut before its browser had this long to send a request, while others can be.
_GRACE_S = 2.0
#: How long the headers of a request may take.
HEADERS_S = 15.0
#: A body may take this long, and longer if it arrives faster than so many bytes per second.
BODY_S, SLOWEST_BYTES_PER_S = 30.0, 4096
#: How long a connection may wait for a request, or for its browser to receive an answer.
IDLE_S = 120
_LONGEST_HEADERS = 64 * 1024
#: Connections that are accepted before others are served.
_ACCEPTED_AT_ONCE = 32
_CHECK_S = 1
#: Eight that answer at once, and those that wait for files to be read in other processes.
_THREADS = 32
TOO_LARGE = "The request is too large."
TOO_LARGE_UPLOAD = "This is larger than one upload may be; send the files in several uploads."
_UPLOADS = "/api/uploads/"

#: Largest body of a request by method and path, in bytes.
BodyLimit = Callable[[str, str], int]


def serve(
    application: Any,
    *,
    host: str,
    port: int,
    body_limit: BodyLimit,
    is_proxy: Callable[[str], bool],
    connections: int = CONNECTIONS,
) -> None:
    """Serve a WSGI application until the process is asked to end.

    Args:
        application: The application.
        host: Where to listen.
        port: Where to listen.
        body_limit: Asked when the headers of a request have arrived.
        is_proxy: Whether an address is the trusted proxy's, which connects for all browsers.
        connections: How many may be open.
    """
    _allow_descriptors(2 * connections)
    adjustments = Adjustments(
        host=host,
        port=port,
        threads=_THREADS,
        connection_limit=connections + _MORE,
        channel_timeout=IDLE_S,
        cleanup_interval=_CHECK_S,
        max_request_header_size=_LONGEST_HEADERS,
        asyncore_use_poll=True,  # select() knows no descriptors above 1023
        ident="overread",
        clear_untrusted_proxy_headers=False,  # `dashboard.api.security` removes them
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(adjustments.threads)
    sockets: dict[int, Any] = {}
    servers = [
        LimitedServer(
            application,
            sockets,
            True,
            None,
            dispatcher=dispatcher,
            adj=adjustments,
            sockinfo=listen,
            body_limit=body_limit,
            is_proxy=is_proxy,
            connections=connections,
        )
        for listen in adjustments.listen
    ]
    servers[-1].run()  # its loop serves the sockets of all


class _Parser(HTTPRequestParser):
    """Reads a request, whose body may be as large as its route allows."""

    adj: Any
    error: Any

    def __init__(self, adj: Adjustments, body_limit: BodyLimit) -> None:
        super().__init__(adj)
        self.began = time.monotonic()
        self._body_limit = body_limit

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers, and with them the limit of the body."""
        super().parse_header(header_plus)
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = self._body_limit(self.command, self.path) + 1

    def received(self, data: bytes) -> int:
        """Read more of the request."""
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge):
            is_upload = getattr(self, "path", "").startswith(_UPLOADS)
            self.error = _TooLarge(TOO_LARGE_UPLOAD if is_upload else TOO_LARGE)
        return consumed

    def is_late(self, now: float) -> bool:
        """Whether the rest of the request takes too long."""
        if not self.headers_finished:
            return now - self.began > HEADERS_S
        most = BODY_S + self.body_bytes_received / SLOWEST_BYTES_PER_S
        return bool(now - self.began > most)

    @property
    def is_cut_part(self) -> bool:
        """Whether it is the beginning of a part of a file that has an address already."""
        return bool(
            self.headers_finished
            and not self.completed
            and self.error is None
            and self.command == "PATCH"
            and self.path.startswith(_UPLOADS)
            and self.body_rcv
        )


class _TooLarge(RequestEntityTooLarge):
    """The answer to a body over its limit: our sentence instead of waitress's text."""

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status, headers and body."""
        body = json.dumps({"error": self.body, "field": ""}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return f"{self.code} {self.reason}", headers, body


class _Channel(HTTPChannel):
    """A connection."""

    request: Any
    outbufs: list[Any]
    current_outbuf_count: int

    @property
    def parser_class(self) -> Callable[[Adjustments], _Parser]:
        """Makes the reader of the next request."""
        return lambda adj: _Parser(adj, self.server.body_limit)

    @cached_property
    def address(self) -> object:
        """What counts as one address: of IPv6, the network of a site."""
        found = ipaddress.ip_address(str(self.addr[0]).partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address) and not found.ipv4_mapped:
            return int(found) >> 64
        return found

    @cached_property
    def is_of_proxy(self) -> bool:
        """Whether the trusted proxy opened it, which connects for all browsers."""
        return bool(self.server.is_proxy(self.addr[0]))

    @property
    def is_answering(self) -> bool:
        """Whether a request has arrived that is not answered completely."""
        return bool(self.requests or self.total_outbufs_len)

    @property
    def is_closable(self) -> bool:
        """Whether it waits for its browser: no request has arrived, not even unread."""
        if self.is_answering:
            return False
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)  # none of them blocks
        except BlockingIOError:
            return True
        except OSError:  # it is broken
            return True

    def use(self, now: float) -> tuple[int, float]:
        """How much is lost if it is closed, and since when: the smallest is closed first."""
        is_young = now - self.creation_time < _GRACE_S
        if self.request is None and self.creation_time != self.last_activity:
            return 1, self.last_activity
        if self.request is not None and self.request.headers_finished:
            return 3, self.creation_time
        return (2 if is_young else 0), self.creation_time

    def _flush_some(self, do_close: bool = True) -> bool:
        """Send what there is to send; forget what was sent.

        Waitress holds the last answer of each connection until the next one: for 300 open ones that
        is 60 MB. Its callers see to it that nothing is written meanwhile.
        """
        has_sent = bool(super()._flush_some(do_close=do_close))
        if not self.total_outbufs_len and self.current_outbuf_count:
            self.outbufs[-1].close()
            self.outbufs = [OverflowableBuffer(self.adj.outbuf_overflow)]
            self.current_outbuf_count = 0
        return has_sent

    def handle_close(self) -> None:
        """Close the connection; store what arrived of a part of a file."""
        cut: _Parser | None = self.request
        self.request = None
        super().handle_close()
        if cut is not None and cut.is_cut_part:
            self.server.add_task(_CutPart(self, cut))


class _CutPart:
    """Runs the app on a part that broke off; nobody receives the answer."""

    def __init__(self, channel: _Channel, request: _Parser) -> None:
        self._channel, self._request = channel, request

    def service(self) -> None:
        """Run the app, in a thread of the server."""
        environment = WSGITask(self._channel, self._request).get_environment()
        try:
            answer = self._channel.server.application(environment, _ignore_answer)
            for _ in answer:
                pass
            if hasattr(answer, "close"):
                answer.close()
        finally:
            self._request.close()

    def cancel(self) -> None:
        """Drop the part; the server ends."""
        self._request.close()


def _ignore_answer(
    status: str, headers: list[tuple[str, str]], exc_info: Any = None
) -> Callable[[bytes], object]:
    return lambda data: None


class LimitedServer(TcpWSGIServer):
    """A listening socket and its connections."""

    channel_class = _Channel

    def __init__(
        self,
        *args: Any,
        body_limit: BodyLimit,
        is_proxy: Callable[[str], bool],
        connections: int,
        **options: Any,
    ) -> None:
        self.body_limit, self.is_proxy, self._most = body_limit, is_proxy, connections
        super().__init__(*args, **options)

    def readable(self) -> bool:
        """Close connections where there are too many; whether others are accepted."""
        self._make_room()
        return bool(super().readable())

    def handle_accept(self) -> None:
        """Accept some connections."""
        for _ in range(_ACCEPTED_AT_ONCE):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                return

    def maintenance(self, now: float) -> None:
        """Close connections that have been idle for too long, or whose request takes too long."""
        super().maintenance(now)
        clock = time.monotonic()
        for channel in list(self.active_channels.values()):
            is_stuck = channel.total_outbufs_len and now - channel.last_activity > IDLE_S
            request = channel.request
            is_new = request is None and channel.creation_time == channel.last_activity
            is_silent = is_new and now - channel.creation_time > HEADERS_S
            if is_stuck or is_silent or (request is not None and request.is_late(clock)):
                channel.will_close = True

    def _make_room(self) -> None:
        """Have connections closed when their turn in the loop comes.

        Closed here, a connection's number could be a new one's when events of the old one arrive.
        """
        channels = [one for one in self.active_channels.values() if not one.will_close]
        surplus = len(channels) - self._most
        if surplus <= 0:
            return
        by_address: dict[tuple[bool, object], list[_Channel]] = {}
        for one in channels:
            by_address.setdefault((one.is_of_proxy, one.address), []).append(one)
        order = sorted(by_address.items(), key=lambda item: (item[0][0], -len(item[1])))
        now = time.time()
        for _, mine in order if surplus > _MORE // 2 else order[:1]:
            for one in sorted(mine, key=lambda one: one.use(now)):
                if one.is_closable:
                    one.will_close = True
                    surplus -= 1
                    if surplus <= 0:
                        return


def _allow_descriptors(wanted: int) -> None:
    """Let this process open as many files as it needs connections, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
