"""Files that appear whole or not at all, however their writing ends."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Provide a temporary path next to ``path``, which replaces it when the block succeeds.

    The temporary name ends like the final one, since some libraries go by the suffix.
    """
    temporary = path.with_name(f".part-{os.getpid()}-{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any, *, lines: bool = True) -> None:
    """Write JSON in one step.

    Args:
        path: The file.
        content: What it holds.
        lines: A line for each innermost object or list, so that a changed row is one changed line;
            else all on one line.

    Raises:
        ValueError: The content holds NaN or an infinity, which are no JSON.
    """
    text = _in_lines(content, "") if lines else _on_one_line(content)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _in_lines(content: Any, indent: str) -> str:
    parts = list(content.values()) if isinstance(content, dict) else content
    nested = isinstance(content, dict | list | tuple) and any(
        isinstance(part, dict | list | tuple) for part in parts
    )
    if not nested:
        return _on_one_line(content)
    inner = indent + " "
    lines = [_in_lines(part, inner) for part in parts]
    if isinstance(content, dict):
        keys = json.loads(_on_one_line(dict.fromkeys(content)))
        lines = [f"{_on_one_line(key)}: {line}" for key, line in zip(keys, lines, strict=True)]
    opening, closing = "{}" if isinstance(content, dict) else "[]"
    return f"{opening}\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}{closing}"


def _on_one_line(content: Any) -> str:
    return json.dumps(content, allow_nan=False, ensure_ascii=False)
