"""How large and how deeply nested the body of a request may be, before it is read or parsed.

A limit is declared where its route is: by `dashboard.api.endpoint.endpoint` (``longest``,
``receives``), or `declare_limit` for routes of other libraries. `dashboard.processes.connections`
refuses larger bodies as soon as their headers have arrived.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Flask, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from dashboard.workspace.received import RequestRefused
from dashboard.workspace.settings import Settings

#: Largest body in bytes where a route declares no other limit.
LONGEST_BODY: Final = 64 * 1024
#: Largest body of a route whose limit depends on a study: that of a mask of the largest one.
_MOST_MASK_BYTES = 256 << 20
#: How deeply objects and lists of a JSON body may be nested.
DEEPEST = 64
TOO_DEEP = "The request is nested too deeply; load the page again."
_LIMITS = "overread_body_limits"
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')
_SYNTAX = b'[]{}"'
_OTHERS = bytes(set(range(256)) - set(_SYNTAX))
_OPENING = frozenset(b"[{")


def register(server: Flask, settings: Settings) -> None:
    """Refuse bodies above their route's limit, and JSON that is nested too deeply."""

    @server.before_request
    def check() -> None:
        view = server.view_functions.get(request.endpoint or "")
        limit = _limit(server, settings, view, request.path)
        request.max_content_length = limit
        if (request.content_length or 0) > limit:
            raise RequestEntityTooLarge
        if request.is_json and not hasattr(view, "declared"):  # endpoints do so themselves
            check_nesting(request.get_data())


def declare_limit(server: Flask, path: str, limit: int) -> None:
    """Declare the largest body, in bytes, of a route that is not an endpoint of ours."""
    server.config.setdefault(_LIMITS, {})[path] = limit


def limit_of(server: Flask, settings: Settings, method: str, path: str) -> int:
    """Largest body of a request in bytes, known from its first line.

    Where the limit depends on a study, this is the largest of all; `register` checks the exact one.
    """
    try:
        endpoint, _ = server.url_map.bind("").match(path, method)
    except HTTPException:  # nothing there, or not by this method
        return LONGEST_BODY
    return _limit(server, settings, server.view_functions.get(endpoint), path)


def check_nesting(text: bytes) -> None:
    """Refuse a JSON text that is nested too deeply.

    Raises:
        RequestRefused: It is.
    """
    if nesting(text) > DEEPEST:
        raise RequestRefused(TOO_DEEP)


def nesting(text: bytes) -> int:
    """How deeply a JSON text is nested; counting ends above `DEEPEST`."""
    if b"\\" in text:
        text = _ESCAPE.sub(b"", text)
    deepest = depth = 0
    for character in _STRING.sub(b"", text.translate(None, _OTHERS)):
        depth += 1 if character in _OPENING else -1
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            break
    return deepest


def _limit(server: Flask, settings: Settings, view: object, path: str) -> int:
    declared: Any = getattr(view, "declared", None)
    if declared is not None:
        if declared.receives:
            return settings.max_upload_bytes
        return declared.longest if isinstance(declared.longest, int) else _MOST_MASK_BYTES
    found: dict[str, int] = server.config.get(_LIMITS, {})
    return found.get(path, LONGEST_BODY)
