"""HTTP of the reader: who is reading, which keys they changed, whether they took the tour."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, current_app, jsonify

from dashboard.api.access import read_object
from dashboard.api.identity import Reader, current_reader
from dashboard.store.readers import ReaderRow, change_reader, find_reader
from dashboard.workspace import services
from dashboard.workspace.received import RequestRefused
from dashboard.workspace.services import Services

LONGEST_NAME = 60
MOST_KEYS = 300
_LONGEST_BODY = 64 * 1024
_BINDING = re.compile(r"[a-z][a-z0-9.-]{0,63}")
#: "m", "Shift+n", "Ctrl+Shift+z", "ArrowDown", " "; "" takes a key away.
_KEY = re.compile(r"(Ctrl\+)?(Shift\+)?([^\s]|[A-Z][A-Za-z0-9]{1,15}| )|")

reader = Blueprint("reader", __name__)


@reader.get("/api/reader")
def show_reader() -> Response:
    """Who is reading, with what is kept of them."""
    who = current_reader()
    return _answer(who, find_reader(_services().store, who.reader_id))


@reader.put("/api/reader")
def change() -> Response:
    """Change name, keys or tour_done; what is not sent stays."""
    who = current_reader()
    sent = _read_body()
    if "name" in sent and not who.can_rename:
        raise RequestRefused("Your name comes from the sign-in in front of Overread.")
    row = change_reader(_services().store, who.reader_id, **sent)
    return _answer(current_reader(), row)


def _answer(who: Reader, row: ReaderRow) -> Response:
    return jsonify(
        {
            "name": row.name if who.can_rename else who.name,
            "shown": who.name,
            "can_rename": who.can_rename,
            "keys": dict(row.keys),
            "tour_done": row.tour_done,
        }
    )


def _read_body() -> dict[str, Any]:
    """The fields that were sent, checked."""
    body = read_object(_LONGEST_BODY)
    if not body:
        raise RequestRefused("The request must hold name, keys or tour_done as JSON.")
    checks = {"name": _check_name, "keys": _check_keys, "tour_done": _check_done}
    unknown = sorted(str(name)[:32] for name in body if name not in checks)
    if unknown:
        raise RequestRefused(f"The request holds {unknown[0]!r}, which is not known.")
    return {name: checks[name](value) for name, value in body.items()}


def _check_name(value: object) -> str:
    name = " ".join(value.split()) if isinstance(value, str) else None
    if name is None or len(name) > LONGEST_NAME or not name.isprintable():
        raise RequestRefused(f"A name is plain text of at most {LONGEST_NAME} characters.")
    return name


def _check_keys(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MOST_KEYS:
        raise RequestRefused(f"keys must be an object with at most {MOST_KEYS} entries.")
    for binding, key in value.items():
        if not _BINDING.fullmatch(binding):
            raise RequestRefused("A name in keys is not that of a binding.")
        if not isinstance(key, str) or not _KEY.fullmatch(key) or not key.isprintable():
            raise RequestRefused(f"The key of {binding} is not one that a keyboard sends.")
    return value


def _check_done(value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestRefused("tour_done must be true or false.")
    return value


def _services() -> Services:
    return services.get(current_app)
