"""Digests that bind models, exports, studies and results to each other, and sealed bytes.

A digest is compared before a file is used: a file that was altered, by a person or by a bad disk,
never counts as the one that was written.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from functools import lru_cache
from pathlib import Path

#: How a SHA-256 is written.
SHA256 = re.compile(r"[0-9a-f]{64}")
#: A file that changed so recently may change again without another time of change.
_SETTLED_S = 1.0


def file_digest(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    It is computed once per process for a file that does not change: 20 MB take some 40 ms, and the
    files of an export are checked before each case.

    Raises:
        OSError: It cannot be read.
    """
    marks = file_marks(path)
    return _compute(path) if marks is None else _remembered(Path(path).absolute(), marks)


def file_marks(path: Path | str) -> tuple[int, ...] | None:
    """What changes with a file's content: where it is, its size and times.

    Returns:
        None while it changed so recently that it may change again at the same time.

    Raises:
        OSError: It is missing.
    """
    found = os.stat(path)
    if time.time() - found.st_ctime < _SETTLED_S:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sha256(content: bytes) -> str:
    """SHA-256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def seal(magic: bytes, body: bytes) -> bytes:
    """Bytes with their own SHA-256, as `unseal` reads them: ``magic | digest | body``."""
    return magic + hashlib.sha256(body).digest() + body


def unseal(magic: bytes, content: bytes) -> memoryview:
    """The body of sealed bytes.

    Raises:
        ValueError: They are not of this kind, or were altered.
    """
    start = len(magic) + hashlib.sha256().digest_size
    if len(content) < start or content[: len(magic)] != magic:
        raise ValueError("the bytes are not sealed as this kind")
    body = memoryview(content)[start:]
    if hashlib.sha256(body).digest() != content[len(magic) : start]:
        raise ValueError("the bytes are damaged")
    return body


def _compute(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=4096)
def _remembered(path: Path, marks: tuple[int, ...]) -> str:
    return _compute(path)
