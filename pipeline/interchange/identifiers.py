"""Identifiers and dates of objects, derived from what they are made of."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from uuid import UUID


def derive_uid(*parts: str | int) -> str:
    """A DICOM UID for these parts, always the same.

    It is a name-based UUID below the root 2.25; the name is hashed with SHA-256 in place of UUID
    version 5's SHA-1.
    """
    name = "\0".join(["overread", *map(str, parts)])
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return f"2.25.{UUID(bytes=digest[:16], version=5).int}"


def date_and_time(at: datetime) -> tuple[str, str]:
    """A moment as DICOM's date and time, in UTC."""
    moment = at.astimezone(UTC)
    return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S.%f")


def zoned_time(at: datetime) -> str:
    """A moment as DICOM's DT, in UTC with the offset."""
    return "".join(date_and_time(at)) + "+0000"
