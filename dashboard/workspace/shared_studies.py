"""Studies on shared storage: each file as an object, and last a manifest with their digests.

A study without its manifest does not exist, so that half of one is never read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError, field_validator

from dashboard.store import STUDY_ID
from dashboard.workspace.study_listings import LISTING
from pipeline import SHA256, DeclaredModel, SharedStorage

_Name = Literal["case.json", "pixels.npy", "masks.npy"]
_MANIFEST = "manifest.json"
_MANIFEST_BYTES = 1 << 16


class _File(DeclaredModel):
    """A file of a study."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=rf"^{SHA256.pattern}$")]


class _Manifest(DeclaredModel):
    """The files of a study; its masks only where it has a reference."""

    files: dict[_Name, _File]

    @field_validator("files")
    @classmethod
    def _check_whole(cls, files: dict[_Name, _File]) -> dict[_Name, _File]:
        if not {"case.json", "pixels.npy"} <= set(files):
            raise ValueError("must have case.json and pixels.npy")
        return files


def send_study(storage: SharedStorage, study_id: str, folder: Path) -> None:
    """Put a study's files on the storage.

    Raises:
        StorageError: The storage does not respond or refuses.
    """
    files: dict[_Name, _File] = {}
    for name in get_args(_Name):
        path = folder / name
        if path.is_file():
            storage.upload(f"{_prefix(study_id)}/{name}", path)
            files[name] = _describe(path)
    send_listing(storage, study_id, folder)
    manifest = _Manifest(files=files).model_dump_json().encode()
    storage.write(f"{_prefix(study_id)}/{_MANIFEST}", manifest)


def send_listing(storage: SharedStorage, study_id: str, folder: Path) -> None:
    """Put a study's listing on the storage, outside the manifest, which earlier versions read too.

    Raises:
        StorageError: The storage does not respond or refuses.
    """
    if (folder / LISTING).is_file():
        storage.upload(f"{_prefix(study_id)}/{LISTING}", folder / LISTING)


def fetch_study(storage: SharedStorage, study_id: str, folder: Path) -> bool:
    """Write a study's files into a folder.

    Returns:
        Whether the study exists and all its files match the manifest.

    Raises:
        StorageError: The storage does not respond, or the disk is full.
    """
    text = storage.read(f"{_prefix(study_id)}/{_MANIFEST}", limit_bytes=_MANIFEST_BYTES)
    try:
        manifest = _Manifest.model_validate_json(text or b"")
    except ValidationError:
        return False
    for name, stated in manifest.files.items():
        path = folder / name
        if not storage.download(f"{_prefix(study_id)}/{name}", path) or _describe(path) != stated:
            return False
    storage.download(f"{_prefix(study_id)}/{LISTING}", folder / LISTING)
    return True


def list_ids(storage: SharedStorage) -> Iterator[str]:
    """The ids of all studies on the storage.

    Raises:
        StorageError: The storage does not respond.
    """
    for found in storage.list("studies"):
        _, study_id, name = found.key.split("/", 2)
        if name == _MANIFEST and STUDY_ID.fullmatch(study_id):
            yield study_id


def has_study(storage: SharedStorage, study_id: str) -> bool:
    """Whether a whole study is on the storage.

    Raises:
        StorageError: The storage does not respond.
    """
    return storage.exists(f"{_prefix(study_id)}/{_MANIFEST}")


def delete_study(storage: SharedStorage, study_id: str) -> None:
    """Delete a study from the storage; a missing one is not an error.

    Raises:
        StorageError: The storage does not respond or refuses.
    """
    forget_study(storage, study_id)
    storage.delete(_prefix(study_id))


def forget_study(storage: SharedStorage, study_id: str) -> None:
    """Delete a study's manifest: without it the other files are not a study.

    Raises:
        StorageError: The storage does not respond or refuses.
    """
    storage.delete(f"{_prefix(study_id)}/{_MANIFEST}")


def _prefix(study_id: str) -> str:
    return f"studies/{study_id}"


def _describe(path: Path) -> _File:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return _File(bytes=path.stat().st_size, sha256=digest)
