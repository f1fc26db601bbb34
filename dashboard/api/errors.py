"""Every error of a request in one sentence, and the log of requests, which holds tracebacks."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from dash.exceptions import DependencyException
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from dashboard.api.identity import UnknownReader
from dashboard.workspace.received import NotThere, RequestRefused, UploadRefused
from pipeline import InputError

_LOG = logging.getLogger(__name__)
SENTENCES = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take requests of this kind.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "This is more than the server takes at once.",
}
#: Addresses whose answers are logged only where they fail.
_QUIET = ("/data/", "/assets/", "/scripts/", "/_dash-", "/_favicon", "/api/health", "/api/studies/")
_FAILED = "Something went wrong on the server; its log has the details."


def register(server: Flask) -> None:
    """Answer every error of a server by a sentence, and time and log every request."""
    server.register_error_handler(Exception, answer_error)
    server.before_request(_note_begin)
    server.after_request(_log_request)


def answer_error(error: Exception) -> Response:
    """What is answered in place of an error."""
    status, sentence = HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED
    if isinstance(error, NotThere):
        status, sentence = HTTPStatus.NOT_FOUND, str(error)
    elif isinstance(error, RequestRefused):
        status, sentence = HTTPStatus.BAD_REQUEST, str(error)
    elif isinstance(error, UnknownReader):
        status, sentence = HTTPStatus.FORBIDDEN, str(error)
    elif isinstance(error, UploadRefused):
        status, sentence = error.status, str(error)
    elif isinstance(error, DependencyException):  # a script that Dash does not have
        status, sentence = HTTPStatus.NOT_FOUND, SENTENCES[HTTPStatus.NOT_FOUND]
    elif isinstance(error, InputError):
        status, sentence = HTTPStatus.NOT_FOUND, error.message
    elif isinstance(error, HTTPException):
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return Response(status=error.code, headers=list(error.get_headers()))
        status = HTTPStatus(error.code)
        sentence = SENTENCES.get(status, f"The request was refused ({status.phrase}).")
    else:
        _LOG.error("%s %s failed", request.method, quote(request.path), exc_info=error)
    return _sentence(status, sentence)


def refuse_input(error: InputError) -> Response:
    """What is answered where something that was sent does not fit: for blueprints that take it."""
    return _sentence(HTTPStatus.BAD_REQUEST, error.message)


def _sentence(status: HTTPStatus, sentence: str) -> Response:
    body: Any = {"error": sentence}
    if request.path.startswith(("/api/", "/data/")):
        response: Response = jsonify(body)
    else:
        response = Response(f"{sentence}\n", mimetype="text/plain")
    response.status_code = status
    return response


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
