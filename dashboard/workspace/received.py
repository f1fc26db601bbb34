"""What browsers send: file names that stay inside their folder, and what is refused."""

from __future__ import annotations

import re
import unicodedata
from http import HTTPStatus
from pathlib import PurePosixPath

#: In place of a study that is unknown or was deleted.
NO_STUDY = "No study at this link; it may have been deleted."
_MAX_NAME_BYTES = 200
_MAX_DEPTH = 16


class NotThere(Exception):
    """There is nothing at the address; the message is one plain sentence."""


class Forbidden(Exception):
    """The reader may not do this; the message is one plain sentence."""


class RequestRefused(Exception):
    """What was sent does not fit; the message is one plain sentence.

    Attributes:
        field: The field that does not fit, "" for none in particular.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class UploadRefused(Exception):
    """A file cannot be received; the message is one plain sentence.

    Attributes:
        status: HTTP status of the answer; a number where HTTP itself has no such status.
    """

    def __init__(self, status: HTTPStatus | int, message: str) -> None:
        super().__init__(message)
        self.status = status


def safe_relative_name(name: str) -> PurePosixPath:
    """Return a browser's relative file name as a path inside the upload's folder.

    Raises:
        UploadRefused: The name leads outside, is empty, or is too long or too deep to be stored.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/")
    text = "".join(c if c.isprintable() and not _is_surrogate(c) else "_" for c in text)
    parts = [part for part in text.split("/") if part not in ("", ".")]
    shown = parts[-1][:80] if parts else "A file"
    if ".." in parts or text.startswith("/") or re.match(r"[A-Za-z]:", text):
        raise UploadRefused(
            HTTPStatus.BAD_REQUEST,
            f"{shown} was left out: its name leads outside the upload's folder. Rename it.",
        )
    if not parts:
        raise UploadRefused(HTTPStatus.BAD_REQUEST, "A file without a name was left out.")
    if len(parts) > _MAX_DEPTH or any(len(part.encode()) > _MAX_NAME_BYTES for part in parts):
        raise UploadRefused(
            HTTPStatus.BAD_REQUEST, f"{shown} was left out: its name is too long. Rename it."
        )
    return PurePosixPath(*parts)


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
