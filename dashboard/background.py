"""The manager of Dash's background callbacks, on diskcache without pickle.

diskcache pickles whatever is not text, bytes or a number, and unpickling a row that somebody else
wrote runs it as code (CVE-2025-69872, unpatched). What passes through here is small (progress, the
outputs of a callback), so that JSON does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import diskcache
from dash import DiskcacheManager
from diskcache.core import MODE_RAW, MODE_TEXT, UNKNOWN
from plotly.utils import PlotlyJSONEncoder

_VALUE_FILE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")
_SIZE_LIMIT = 64 * 2**20


class ForeignEntry(ValueError):
    """The folder holds something that this program did not write."""


class JsonDisk(diskcache.Disk):
    """Text keys, JSON values; nothing is ever pickled or unpickled."""

    def put(self, key: Any) -> tuple[Any, bool]:
        """Keep text keys as they are; refuse others."""
        if not isinstance(key, str):
            raise TypeError(f"keys must be text, got {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        """Give back a text key; refuse a pickled one."""
        if not raw or not isinstance(key, str):
            raise ForeignEntry("the folder holds a key that is no text")
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> Any:
        """Keep a value as JSON; Dash components and figures become what the browser gets."""
        if read:
            raise TypeError("values must be JSON, got a file")
        return super().store(json.dumps(value, cls=PlotlyJSONEncoder), False, key=key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Read JSON from a row or from the folder's own files; refuse pickles and other files."""
        if read or mode not in (MODE_RAW, MODE_TEXT):
            raise ForeignEntry("the folder holds a value that is no JSON")
        if filename is not None and _VALUE_FILE.fullmatch(filename) is None:
            raise ForeignEntry("the folder names a file that is not its own")
        text = super().fetch(mode, filename, value, False)
        if not isinstance(text, str):
            raise ForeignEntry("the folder holds a value that is no JSON")
        return json.loads(text)

    def remove(self, file_path: str) -> None:
        """Delete one of the folder's own files."""
        if _VALUE_FILE.fullmatch(file_path):
            super().remove(file_path)


def build_background_manager(folder: Path) -> DiskcacheManager:
    """The manager, on a folder that its owner only may read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    cache = diskcache.Cache(str(folder), disk=JsonDisk, size_limit=_SIZE_LIMIT)
    return DiskcacheManager(cache)
