"""Files that appear whole or not at all, however their writing ends.

Everything that is stored is written here: to a temporary file, forced to the disk (fsync), renamed
to its place. A full disk, a killed process or a power cut leave the older file, or none.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PREFIX = ".part-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_disk_full(error: OSError) -> bool:
    """Whether a write failed because the disk, a quota or a limit on a file's size is exhausted."""
    return error.errno in _FULL


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Provide a temporary path next to ``path``, which replaces it when the block succeeds.

    The temporary name ends like the final one, since some libraries go by the suffix.

    Args:
        path: The file.
        durable: Whether it must survive a power cut once the block has ended; not for what a digest
            guards that is stored elsewhere.

    Raises:
        OSError: The disk refuses; the older file stays.
    """
    temporary = _beside(path)
    try:
        yield temporary
        put_in_place(temporary, path, durable=durable)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path, *, durable: bool = True) -> None:
    """Rename a finished file to its place, on the disk when this returns; see `replacing`.

    Raises:
        OSError: The disk refuses; the older file stays.
    """
    if durable:
        _sync(temporary)
    temporary.replace(path)
    if durable:
        _sync(path.parent)


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """As `replacing` for a folder: provide an empty one, which replaces ``folder`` with its files.

    Raises:
        OSError: The disk refuses; the older folder stays.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = _beside(folder)
    draft.mkdir(mode=0o700)
    try:
        yield draft
        for parent, _, names in os.walk(draft):
            for name in names:
                _sync(Path(parent, name))
            _sync(Path(parent))
        _swap(draft, folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_bytes(path: Path, content: bytes | memoryview, *, durable: bool = True) -> None:
    """Write a file in one step; see `replacing`."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) in one step; see `replacing`."""
    write_bytes(path, text.encode("utf-8"))


def write_once(path: Path, text: str) -> None:
    """Write a text file that only its owner can read, unless it exists; one of several wins.

    Raises:
        OSError: The disk refuses.
    """
    draft = _beside(path)
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(text, "utf-8")
        _sync(draft)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            draft.replace(path)
        _sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def remove_leftovers(folder: Path, *, older_than_s: float) -> int:
    """Delete temporary files and folders that killed processes left; returns how many.

    Args:
        folder: Of the files that they were to replace.
        older_than_s: Age below which another process may still be writing one.
    """
    count = 0
    for path in folder.glob(f"{_PREFIX}*"):
        try:
            if time.time() - path.lstat().st_mtime < older_than_s:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            count += 1
        except OSError:  # deleted by another process, or not ours to delete
            continue
    return count


def write_json(path: Path, content: Any, *, lines: bool = True) -> None:
    """Write JSON in one step.

    Args:
        path: The file.
        content: What it holds.
        lines: A line for each innermost object or list, so that a changed row is one changed line;
            else all on one line.

    Raises:
        ValueError: The content holds NaN or an infinity, which are no JSON.
        OSError: The disk refuses; the older file stays.
    """
    text = _in_lines(content, "") if lines else _on_one_line(content)
    write_text(path, text + "\n")


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


def _beside(path: Path) -> Path:
    """A temporary name next to a path, which nobody else uses."""
    return path.with_name(f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{path.name}")


def _swap(draft: Path, folder: Path) -> None:
    """Rename a finished folder to its place; a folder cannot be renamed over a full one."""
    if not folder.exists():
        draft.rename(folder)
        return
    old = draft.with_name(f"{draft.name}-old")
    folder.rename(old)
    try:
        draft.rename(folder)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
