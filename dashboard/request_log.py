"""One line of log for each request, and how long it took."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, Response, g, request

_LOG = logging.getLogger(__name__)
_QUIET = ("/data/", "/assets/", "/_dash-", "/_favicon", "/api/health", "/api/studies/")


def register(server: Flask) -> None:
    """Time and log every request of a server."""
    server.before_request(_note_begin)
    server.after_request(_log_request)


def _note_begin() -> None:
    g.began = time.perf_counter()


def _log_request(response: Response) -> Response:
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    took = (time.perf_counter() - g.get("began", time.perf_counter())) * 1000
    response.headers["Server-Timing"] = f"app;dur={took:.1f}"
    fine = response.status_code < HTTPStatus.BAD_REQUEST
    level = logging.DEBUG if fine and request.path.startswith(_QUIET) else logging.INFO
    # the path only: a query may hold a file's name, and with it a patient's
    _LOG.log(
        level, "%s %s %d %.0f ms", request.method, quote(request.path), response.status_code, took
    )
    return response
