"""From the text of an environment variable to a value that is checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path


class SettingsError(ValueError):
    """A setting that cannot be used; the message is one plain sentence."""


def parse_text(name: str, text: str) -> str:
    """Any text."""
    return text


def parse_path(name: str, text: str) -> Path:
    """A path, relative to where the program is started."""
    return Path(text).expanduser().absolute()


def or_below(root: Path, default: str) -> Callable[[str, str], Path]:
    """A path, whose default lies below the program's folder wherever it is started."""

    def parse(name: str, text: str) -> Path:
        return (root / text).resolve() if text == default else parse_path(name, text)

    return parse


def parse_folder(name: str, text: str) -> Path | None:
    """A folder that exists, or None for no text."""
    if not text:
        return None
    path = parse_path(name, text)
    if not path.is_dir():
        raise SettingsError(f"{name} must be a folder that exists, got {text!r}.")
    return path


def whole_number(low: int, high: int, factor: int = 1) -> Callable[[str, str], int]:
    """A whole number within bounds, times a factor."""

    def parse(name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:12]) <= high):
            raise SettingsError(
                f"{name} must be a whole number from {low} to {high}, got {text!r}."
            )
        return int(text) * factor

    return parse


def or_none(parse: Callable[[str, str], int]) -> Callable[[str, str], int | None]:
    """A number, or None for 0."""
    return lambda name, text: parse(name, text) or None


def one_of(choices: tuple[str, ...]) -> Callable[[str, str], str]:
    """One of some words."""

    def parse(name: str, text: str) -> str:
        if text not in choices:
            raise SettingsError(f"{name} must be one of {', '.join(choices)}, got {text!r}.")
        return text

    return parse


def parse_yes_no(name: str, text: str) -> bool:
    """``yes`` or ``no``."""
    return one_of(("yes", "no"))(name, text) == "yes"


def parse_hosts(name: str, text: str) -> tuple[str, ...]:
    """Host names between commas, in lower case."""
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def parse_database(name: str, text: str) -> str:
    """An SQLAlchemy URL of SQLite or PostgreSQL, or no text."""
    if text and not re.match(r"(sqlite|postgres(ql)?)(\+[a-z0-9_]+)?://", text):
        raise SettingsError(
            f"{name} must be an SQLAlchemy URL such as sqlite:///file.db or"
            " postgresql://user:password@host/database."
        )
    return text


def parse_redis(name: str, text: str) -> str:
    """A Redis URL, or no text."""
    if text and not text.startswith(("redis://", "rediss://")):
        raise SettingsError(f"{name} must be a Redis URL such as redis://host:6379/0.")
    return text


def parse_storage(name: str, text: str) -> str:
    """A URL with a scheme, or a folder's absolute path, or no text."""
    if text and not (re.match(r"[a-z][a-z0-9+]*://.", text) or Path(text).is_absolute()):
        raise SettingsError(
            f"{name} must be a URL such as s3://bucket/prefix, or a folder's absolute path."
        )
    return text


def parse_secret(name: str, text: str) -> str:
    """A secret that is long enough, or no text."""
    if text and len(text) < 32:
        raise SettingsError(f"{name} must have at least 32 characters.")
    return text


def parse_header(name: str, text: str) -> str:
    """The name of an HTTP header, or no text."""
    if text and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", text):
        raise SettingsError(f"{name} must be the name of a header such as X-Remote-User.")
    return text
