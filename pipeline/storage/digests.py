"""Digests that bind models, exports and results to each other."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

#: How a SHA-256 is written.
SHA256 = re.compile(r"[0-9a-f]{64}")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
