"""Every error of a request, told in one sentence; the traceback goes to the log only."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from dash.exceptions import DependencyException
from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from dashboard.readers import UnknownReader
from dashboard.uploads import UploadRefused
from pipeline import InputError

_LOG = logging.getLogger(__name__)
SENTENCES = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take requests of this kind.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "This is more than the server takes at once.",
}
_FAILED = "Something went wrong on the server; its log has the details."


class NotThere(Exception):
    """Nothing is at the address; the message is one plain sentence."""


class RequestRefused(Exception):
    """What was sent does not fit; the message is one plain sentence."""


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
