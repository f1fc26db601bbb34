"""Who is reading: `current_reader` inside a request.

There are no accounts. If a proxy names its user (``OVERREAD_USER_HEADER``), that is the reader, and
a request without the header is refused. Otherwise each browser is a reader: it stores a random id
in a signed cookie, which no script can read, and the reader types a name once.

The cookie is set with a page, before its scripts send anything: otherwise parallel requests would
each receive their own id.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from flask import Flask, Response, after_this_request, current_app, g, request
from itsdangerous import BadSignature, Signer

from dashboard.store.readers import find_reader
from dashboard.workspace import services
from dashboard.workspace.services import Services

COOKIE = "overread_reader"
#: Browsers limit a cookie's age to this; each page renews it.
_MAX_AGE_S = 400 * 24 * 3600
_BROWSER_ID = re.compile(r"browser-[0-9a-f]{32}")
_LONGEST_NAME = 80
NOBODY = (
    "The request does not name a reader; open Overread at the address that your"
    " administrator gave you."
)


class UnknownReader(Exception):
    """The proxy did not name its user; the message is one plain sentence."""


@dataclass(frozen=True)
class Reader:
    """Who is reading.

    Attributes:
        reader_id: Permanent; at most 64 characters.
        name: Name to show, for example as an author; never empty.
        is_named: Whether the reader or the proxy gave the name; otherwise it is made from the id.
        can_rename: Whether the reader may type another name.
    """

    reader_id: str
    name: str
    is_named: bool = True
    can_rename: bool = True


def register(server: Flask, parts: Services) -> None:
    """Set the cookie of every browser that requests a page."""
    if parts.settings.user_header:
        return

    @server.after_request
    def set_cookie(response: Response) -> Response:
        is_page = response.mimetype == "text/html" and request.method == "GET"
        if is_page and "overread_reader_id" not in g:
            _set_cookie(response, _browser_id())
        return response


def current_reader() -> Reader:
    """Return the reader of the current request, with the name from the database.

    Raises:
        UnknownReader: The proxy should name the reader and did not.
    """
    header = _services().settings.user_header
    if header:
        name = _header_name(header)
        digest = hashlib.sha256(name.encode()).hexdigest()
        return Reader(f"user-{digest[:48]}", name[:_LONGEST_NAME], can_rename=False)
    reader_id = _browser_id()
    if "overread_reader_id" not in g:
        g.overread_reader_id = reader_id
        after_this_request(lambda response: _set_cookie(response, reader_id))
    name = find_reader(_services().store, reader_id).name
    return Reader(reader_id, name or f"Reader {reader_id[-4:].upper()}", is_named=bool(name))


def _header_name(header: str) -> str:
    """Return the proxy's user; WSGI decodes the header as Latin-1."""
    text = request.headers.get(header, "").strip()
    try:
        text = text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass  # the header is Latin-1
    if not text or len(text) > 200 or not text.isprintable():
        raise UnknownReader(NOBODY)
    return text


def _browser_id() -> str:
    """Return the id in the cookie, or a new one if this server did not sign it."""
    known: str | None = g.get("overread_reader_id")
    if known:
        return known
    try:
        text = _signer().unsign(request.cookies.get(COOKIE, "")).decode("ascii")
    except (BadSignature, UnicodeDecodeError):
        text = ""
    return text if _BROWSER_ID.fullmatch(text) else f"browser-{secrets.token_hex(16)}"


def _set_cookie(response: Response, reader_id: str) -> Response:
    response.set_cookie(
        COOKIE,
        _signer().sign(reader_id).decode("ascii"),
        max_age=_MAX_AGE_S,
        httponly=True,
        samesite="Lax",  # not Strict: a link in an email would open the page as another reader
        secure=request.is_secure,
    )
    return response


def _signer() -> Signer:
    secret = _services().settings.signing_secret()
    return Signer(secret, salt="overread.reader", digest_method=hashlib.sha256)


def _services() -> Services:
    return services.get(current_app)
