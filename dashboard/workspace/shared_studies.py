"""Studies on shared storage: each file as an object, and last a manifest that names their digests.

A study without its manifest is not there, so that half of one is never read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline import SHA256, SharedStorage

_NAMES = ("case.json", "pixels.npy", "masks.npy")
_MANIFEST = "manifest.json"
_MANIFEST_BYTES = 1 << 16


def send_study(storage: SharedStorage, study_id: str, folder: Path) -> None:
    """Put a study's files on the storage.

    Raises:
        StorageError: The storage does not answer or refuses.
    """
    files = {}
    for name in _NAMES:
        path = folder / name
        if path.is_file():
            storage.upload(f"{_prefix(study_id)}/{name}", path)
            files[name] = {"bytes": path.stat().st_size, "sha256": _digest(path)}
    manifest = json.dumps({"files": files}, sort_keys=True).encode()
    storage.write(f"{_prefix(study_id)}/{_MANIFEST}", manifest)


def fetch_study(storage: SharedStorage, study_id: str, folder: Path) -> bool:
    """Write a study's files into a folder.

    Returns:
        Whether the study is there and all its files are what the manifest says.

    Raises:
        StorageError: The storage does not answer, or the disk is full.
    """
    text = storage.read(f"{_prefix(study_id)}/{_MANIFEST}", limit_bytes=_MANIFEST_BYTES)
    files = _parse_manifest(text)
    if files is None:
        return False
    for name, stated in files.items():
        path = folder / name
        if not storage.download(f"{_prefix(study_id)}/{name}", path):
            return False
        if path.stat().st_size != stated["bytes"] or _digest(path) != stated["sha256"]:
            return False
    return True


def has_study(storage: SharedStorage, study_id: str) -> bool:
    """Whether a study is on the storage, whole.

    Raises:
        StorageError: The storage does not answer.
    """
    return storage.exists(f"{_prefix(study_id)}/{_MANIFEST}")


def delete_study(storage: SharedStorage, study_id: str) -> None:
    """Take a study off the storage; none is no error.

    Raises:
        StorageError: The storage does not answer or refuses.
    """
    storage.delete(f"{_prefix(study_id)}/{_MANIFEST}")  # first: what is left is no study
    storage.delete(_prefix(study_id))


def _prefix(study_id: str) -> str:
    return f"studies/{study_id}"


def _parse_manifest(text: bytes | None) -> dict[str, dict[str, Any]] | None:
    """The files that a manifest names, checked; None where it is none."""
    try:
        content = json.loads(text or b"")
    except (ValueError, RecursionError):
        return None
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not {"case.json", "pixels.npy"} <= set(files) <= set(_NAMES):
        return None
    for stated in files.values():
        fits = isinstance(stated, dict) and type(stated.get("bytes")) is int
        if not fits or SHA256.fullmatch(str(stated.get("sha256"))) is None:
            return None
    return files


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
