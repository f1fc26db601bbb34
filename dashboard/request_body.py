"""The JSON body of a request: bounded, and an object."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard.route_errors import RequestRefused


def read_object(most: int) -> dict[str, Any]:
    """The JSON object that was sent; its fields are unchecked.

    Args:
        most: Longest body that is read, in bytes.

    Raises:
        RequestEntityTooLarge: The body is longer.
        RequestRefused: It is no JSON object.
    """
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # nested too deeply
        body = None
    if not isinstance(body, dict):
        raise RequestRefused("The request must hold a JSON object.")
    return body
