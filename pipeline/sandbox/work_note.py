"""A child's note of what it is at, in a file of its own folder, which the parent reads.

A message for each file would wake the parent thousands of times. There are two places for notes, so
that one is whole at any moment, also when the child is killed while it writes the other.
"""

from __future__ import annotations

import json
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from pipeline.sandbox.watch import Work
from pipeline.storage.declared_models import DeclaredModel

NAME = "work"
_HEAD = struct.Struct(">QII")
_ROOM = 1 << 17


class WorkNote(DeclaredModel):
    """What a child is at.

    Attributes:
        work: What is limited; None between files.
        key: What names it in every child.
        source: The file for sentences.
        seconds: How long it may take.
        since: When it began (monotonic seconds, the same clock in every process).
    """

    work: Work | None
    key: Annotated[str, Field(max_length=32_768)]
    source: Annotated[str, Field(max_length=16_384)]
    seconds: Annotated[float, Field(ge=0)]
    since: float


class NoteWriter:
    """Writes notes.

    Args:
        folder: The child's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._number = 0

    def write(
        self, work: Work | None, key: str = "", source: str = "", seconds: float = 0.0
    ) -> None:
        """Replace the older of the two notes."""
        self._number += 1
        note = {  # a `WorkNote`, which the parent checks; here speed counts
            "work": work,
            "key": key,
            "source": source,
            "seconds": seconds,
            "since": time.monotonic(),
        }
        content = json.dumps(note).encode()
        head = _HEAD.pack(self._number, len(content), zlib.crc32(content))
        os.pwrite(self._file, head + content, _ROOM * (self._number % 2))


def read_note(folder: Path) -> WorkNote | None:
    """The newest note of a child; None where it has written none, or none that is whole."""
    found: tuple[int, WorkNote] | None = None
    try:
        file = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        for place in (0, _ROOM):
            content = os.pread(file, _ROOM, place)
            if len(content) < _HEAD.size:
                continue
            number, length, checksum = _HEAD.unpack(content[: _HEAD.size])
            body = content[_HEAD.size : _HEAD.size + length]
            if zlib.crc32(body) != checksum or (found is not None and number < found[0]):
                continue
            try:
                found = number, WorkNote.model_validate_json(body)
            except ValidationError:
                continue
    except OSError:
        return None
    finally:
        os.close(file)
    return None if found is None else found[1]
