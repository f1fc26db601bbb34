"""Who is reading: `current_reader` inside a request.

There are no accounts. If the trusted proxy names its user (``OVERREAD_USER_HEADER``), that is the
reader, and every request without the header is refused; `dashboard.api.security` removes the header
from requests of any other address. Otherwise each browser is a reader: it stores a random id
in a signed cookie, which no script can read, and the reader types a name once.

The cookie is set with a page, before its scripts send anything: otherwise parallel requests would
each receive their own id.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadSignature, Signer

from dashboard.api.security import is_https
from dashboard.store.history import Author
from dashboard.store.readers import find_reader
from dashboard.store.stored_json import Entry
from dashboard.studies.deletion import Requester
from dashboard.workspace import services
from dashboard.workspace.services import Services

COOKIE = "overread_reader"
#: Its name with HTTPS: browsers accept the prefix only from this host itself, and Secure.
SECURE_COOKIE = f"__Host-{COOKIE}"
#: What asks for it names no reader: other machines check whether the server responds.
_HEALTH = "/api/health"
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
        is_admin: Whether this is the configured administrator.
    """

    reader_id: str
    name: str
    is_named: bool = True
    can_rename: bool = True
    is_admin: bool = False


def register(server: Flask, parts: Services) -> None:
    """Give browsers their cookie, or require the proxy's header.

    Every page renews the cookie. Other answers set it only where the browser sent none: an answer
    that comes late would otherwise bring back a reader who has left the browser.
    """
    if header := parts.settings.user_header:

        @server.before_request
        def require_reader() -> None:
            if request.path != _HEALTH:
                _header_name(header)

        return

    @server.after_request
    def set_cookie(response: Response) -> Response:
        is_page = response.mimetype == "text/html" and request.method == "GET"
        if is_page or ("overread_reader_id" in g and not _known_browser()):
            _set_cookie(response, _browser_id())
        return response


def current_reader() -> Reader:
    """Return the reader of the current request, with the name from the database.

    Raises:
        UnknownReader: The proxy should name the reader and did not.
    """
    settings = _services().settings
    reader_id = current_reader_id()
    if header := settings.user_header:
        name = _header_name(header)
        is_admin = bool(settings.admin) and name == settings.admin
        return Reader(reader_id, name[:_LONGEST_NAME], can_rename=False, is_admin=is_admin)
    name = find_reader(_services().store, reader_id).name
    shown = name or f"Reader {reader_id[-4:].upper()}"
    is_admin = settings.is_local and bool(settings.admin) and name == settings.admin
    return Reader(reader_id, shown, is_named=bool(name), is_admin=is_admin)


def requester() -> Requester:
    """The reader of the current request, for what only some readers may do."""
    who = current_reader()
    return Requester(who.reader_id, who.name, who.is_admin)


def author() -> Author:
    """The reader of the current request, as histories and records name them."""
    who = current_reader()
    return Author(who.reader_id, who.name)


def entry_of_reader() -> Entry:
    """The reader of the current request and the time, as they are stored with an entry."""
    who = current_reader()
    return Entry(reader_id=who.reader_id, author=who.name, at=_services().store.clock())


def current_reader_id() -> str:
    """Return the id of the reader of the current request, without asking the database.

    Raises:
        UnknownReader: The proxy should name the reader and did not.
    """
    if header := _services().settings.user_header:
        digest = hashlib.sha256(_header_name(header).encode()).hexdigest()
        return f"user-{digest[:48]}"
    g.overread_reader_id = _browser_id()
    return str(g.overread_reader_id)


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
    return known or _known_browser() or f"browser-{secrets.token_hex(16)}"


def _known_browser() -> str:
    """Return the id in the cookie; "" if this server did not sign it."""
    # the second one is from before this server was reached by HTTPS
    for cookie in (SECURE_COOKIE, COOKIE) if _is_https() else (COOKIE,):
        try:
            text = _signer().unsign(request.cookies.get(cookie, "")).decode("ascii")
        except (BadSignature, UnicodeDecodeError):
            continue
        if _BROWSER_ID.fullmatch(text):
            return text
    return ""


def _set_cookie(response: Response, reader_id: str) -> Response:
    response.set_cookie(
        SECURE_COOKIE if _is_https() else COOKIE,
        _signer().sign(reader_id).decode("ascii"),
        max_age=_MAX_AGE_S,
        httponly=True,
        samesite="Lax",  # not Strict: a link in an email would open the page as another reader
        secure=_is_https(),
    )
    return response


def _signer() -> Signer:
    secret = _services().settings.signing_secret()
    return Signer(secret, salt="overread.reader", digest_method=hashlib.sha256)


def reader_key() -> str:
    """Who counts as one for limits: the reader, or the address where there is no cookie yet."""
    header = _services().settings.user_header
    known = _header_name(header) if header else _known_browser()
    return known or str(request.remote_addr)


def _is_https() -> bool:
    return is_https(_services().settings)


def _services() -> Services:
    return services.get(current_app)
