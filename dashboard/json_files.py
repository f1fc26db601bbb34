"""Reads small JSON files that somebody else may have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline import InputError

_MAX_BYTES = 32 << 20


def read_document(path: Path, shown: str) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: The file.
        shown: How it is called in a sentence.

    Raises:
        InputError: It is too large, cannot be read, or holds no object.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(shown, f"{shown} is too large to be what it should be.")
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise InputError(shown, f"{shown} cannot be read as JSON.") from None
    if not isinstance(content, dict):
        raise InputError(shown, f"{shown} must hold a JSON object.")
    return content
