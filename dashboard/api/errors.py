"""One sentence for each error of a request, and the log of requests with its tracebacks."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from urllib.parse import quote

from dash.exceptions import DependencyException
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from dashboard.api.endpoint import (
    NOTHING_HERE,
    VERSION,
    VERSION_HEADER,
    ErrorAnswer,
    json_response,
)
from dashboard.api.identity import UnknownReader
from dashboard.store.claims import AmendmentNeeded
from dashboard.workspace.faults import find_fault
from dashboard.workspace.received import Forbidden, NotThere, RequestRefused, UploadRefused
from pipeline import InputError

_LOG = logging.getLogger(__name__)
_SENTENCES = {
    HTTPStatus.NOT_FOUND: NOTHING_HERE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large.",
}
#: Addresses of the HTTP interface.
OURS = ("/api/", "/data/")
#: Addresses whose answers are logged only if they fail.
_QUIET = ("/data/", "/assets/", "/scripts/", "/_dash-", "/_favicon", "/api/health", "/api/studies/")
FAILED = "Something went wrong on the server; its log has the details."


def register(server: Flask) -> None:
    """Answer every error of a server with a sentence, and time and log every request."""
    server.register_error_handler(Exception, answer_error)
    server.before_request(_note_begin)
    server.after_request(_log_request)


def answer_error(error: Exception) -> Response:
    """Return the answer to an error."""
    status: HTTPStatus | int = HTTPStatus.INTERNAL_SERVER_ERROR
    sentence, field = FAILED, ""
    if fault := find_fault(error):
        status, sentence = fault.status, fault.sentence
        _LOG.error("%s %s: %s", request.method, quote(request.path), sentence)
    elif isinstance(error, NotThere):
        status, sentence = HTTPStatus.NOT_FOUND, str(error)
    elif isinstance(error, RequestRefused):
        status, sentence, field = HTTPStatus.BAD_REQUEST, str(error), error.field
    elif isinstance(error, UnknownReader | Forbidden):
        status, sentence = HTTPStatus.FORBIDDEN, str(error)
    elif isinstance(error, AmendmentNeeded):
        status, sentence = HTTPStatus.LOCKED, str(error)
    elif isinstance(error, UploadRefused):
        status, sentence = error.status, str(error)
    elif isinstance(error, DependencyException):  # Dash does not have this script
        status, sentence = HTTPStatus.NOT_FOUND, _SENTENCES[HTTPStatus.NOT_FOUND]
    elif isinstance(error, InputError):
        status, sentence = HTTPStatus.NOT_FOUND, error.message
    elif isinstance(error, HTTPException):
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return Response(status=error.code, headers=list(error.get_headers()))
        status = known = HTTPStatus(error.code)
        sentence = _SENTENCES.get(known, f"The request was refused ({known.phrase}).")
    else:
        _LOG.error("%s %s failed", request.method, quote(request.path), exc_info=error)
    return _sentence(status, sentence, field)


def refuse_input(error: InputError) -> Response:
    """Return the answer to input that is not valid, for blueprints that receive some."""
    if find_fault(error):
        return answer_error(error)
    return _sentence(HTTPStatus.BAD_REQUEST, error.message)


def _sentence(status: HTTPStatus | int, sentence: str, field: str = "") -> Response:
    if request.path.startswith(OURS):
        return json_response(ErrorAnswer(error=sentence, field=field), status)
    return Response(f"{sentence}\n", status, mimetype="text/plain")


def _note_begin() -> None:
    g.began = time.perf_counter()


def _log_request(response: Response) -> Response:
    if request.path.startswith(OURS):
        response.headers[VERSION_HEADER] = VERSION
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    took = (time.perf_counter() - g.get("began", time.perf_counter())) * 1000
    response.headers["Server-Timing"] = f"app;dur={took:.1f}"
    is_fine = response.status_code < HTTPStatus.BAD_REQUEST
    level = logging.DEBUG if is_fine and request.path.startswith(_QUIET) else logging.INFO
    # the path only: a query may hold a file's name, and with it a patient's name
    _LOG.log(
        level, "%s %s %d %.0f ms", request.method, quote(request.path), response.status_code, took
    )
    return response
