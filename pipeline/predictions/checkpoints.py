"""Checkpoints of ``predict``: each finished case, so that the next call need not compute it again.

A checkpoint is a JSON file in ``.parts`` of the output folder: the case as results.json holds it,
and the digest of each file that was written for it. It is named by a key of everything that the
answer depends on, so that changed input, or another model, finds no checkpoint. It appears whole or
not at all, after the files that it names; a power cut may leave less than was written, and somebody
may have changed a file since: a checkpoint that is not right in every detail counts as missing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Generic

from pydantic import Field, with_config

from pipeline.errors import InputError
from pipeline.predictions.results import CASE_ID, AnyCase
from pipeline.storage.checked_json import (
    STRICT,
    dump_json,
    parse_json,
    read_json,
    write_document,
)
from pipeline.storage.digests import file_digest
from pipeline.storage.field_types import Digest

#: To be raised whenever a checkpoint would differ although all that it is named by is the same.
_VERSION = 2
_FOLDER = ".parts"
#: What ``--write`` writes, see `pipeline.interchange.exports`.
_EXPORT = r"images/[0-9]{4,6}\.dcm|[a-z0-9-]{1,60}\.(dcm|csv|json|nii\.gz|html|pdf)"
_OUR_FILES = (
    rf"masks/{CASE_ID}/[0-9]+\.png|masks/{CASE_ID}\.nii\.gz|heat_maps/{CASE_ID}\.png"
    rf"|exports/{CASE_ID}/({_EXPORT})"
)
#: The only files that a checkpoint may name, and that are ever deleted for one.
OurFile = Annotated[str, Field(pattern=rf"^({_OUR_FILES})\z")]
_PART_FILE = re.compile(r"[0-9a-f]{64}-[0-9]+\.json")
#: What a process that was killed leaves: drafts of `atomic_files`, files that were being renamed.
_DRAFT = re.compile(r"\.part-[0-9]+-[0-9a-f]{8}-.+|\.moving-[0-9]+")
#: What a file that was made to do harm may lead to; it counts as missing.
_UNFIT = (InputError, OSError, ValueError, RecursionError)


@dataclass(frozen=True)
class Checkpoint(Generic[AnyCase]):
    """A finished case.

    Attributes:
        name: Of its file, without suffix.
        record: The case as results.json holds it.
        files: Each file written for it, relative to the output folder, and its SHA-256.
    """

    name: str
    record: AnyCase
    files: Mapping[str, str]


@dataclass(frozen=True)
class _Content:
    """What a checkpoint's digest is of. The case is of a type that depends on the task."""

    name: str
    case: dict[str, Any]
    files: dict[OurFile, Digest]


@with_config(STRICT)
@dataclass(frozen=True)
class _File:
    """A checkpoint on disk."""

    digest: Digest
    part: _Content


class Checkpoints(Generic[AnyCase]):
    """The checkpoints in an output folder; one call at a time holds them.

    Args:
        output: The output folder, which exists.
        kind: Type of the cases.

    Raises:
        InputError: Another call is writing to the folder.
        OSError: The folder cannot be written.
    """

    def __init__(self, output: Path, kind: type[AnyCase]) -> None:
        self._output, self._folder, self._kind = output, output / _FOLDER, kind
        self._folder.mkdir(exist_ok=True)
        self._asked: Counter[str] = Counter()
        self._lock = (self._folder / "lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            name = output.name or str(output)
            message = f"Another call is writing to the folder {name}. Wait until it is done."
            raise InputError(name, message) from None

    def close(self) -> None:
        """Let another call have the folder."""
        self._lock.close()

    def name_of(self, *binding: object) -> str:
        """Name of a checkpoint by all that it depends on; cases that are alike are numbered.

        Args:
            binding: Texts, numbers and None, in lists or not.
        """
        text = json.dumps([_VERSION, *binding], allow_nan=False)
        key = hashlib.sha256(text.encode()).hexdigest()
        self._asked[key] += 1
        return f"{key}-{self._asked[key]}"

    def find(
        self, name: str, check: Callable[[AnyCase, Mapping[str, str]], bool]
    ) -> Checkpoint[AnyCase] | None:
        """The checkpoint of that name, or None where it is missing or not right.

        Args:
            name: As `name_of` returned it.
            check: Whether a case and its files are those that are expected.
        """
        try:
            content = self._read(name)
            if content is None or not self._holds(content):
                return None
            text = json.dumps(content.case)
            record = parse_json(text, self._kind, shown=name, remedy="compute it again")
        except _UNFIT:
            return None
        right = check(record, content.files)
        return Checkpoint(name, record, content.files) if right else None

    def keep(self, checkpoint: Checkpoint[AnyCase]) -> None:
        """Write a checkpoint; its files must be in their places.

        Raises:
            OSError: The folder cannot be written.
        """
        case = dump_json(checkpoint.record)
        content = _Content(checkpoint.name, case, dict(checkpoint.files))
        path = self._folder / f"{checkpoint.name}.json"
        write_document(path, _File(_digest_of(content), content), lines=False)

    def names(self) -> set[str]:
        """Names of all checkpoints in the folder, whatever they hold."""
        found = (path.name for path in self._folder.iterdir())
        return {name.removesuffix(".json") for name in found if _PART_FILE.fullmatch(name)}

    def files(self) -> set[str]:
        """Files that the checkpoints in the folder name, relative to the output folder."""
        return {file for name in self.names() for file in self._files_of(name)}

    def forget_others(self, checkpoints: Iterable[Checkpoint[AnyCase]]) -> None:
        """Remove all other checkpoints with their files, and what killed calls left.

        Raises:
            OSError: The folder cannot be written.
        """
        kept = list(checkpoints)
        in_use = {file for checkpoint in kept for file in checkpoint.files}
        for name in sorted(self.names() - {checkpoint.name for checkpoint in kept}):
            for file in sorted(self._files_of(name) - in_use):
                with contextlib.suppress(OSError):
                    remove_file(self._output, file)
            (self._folder / f"{name}.json").unlink()
        for folder in (self._folder, self._output / "masks", self._output / "heat_maps"):
            for path in folder.iterdir() if folder.is_dir() else ():
                if _DRAFT.fullmatch(path.name):
                    path.unlink()

    def _files_of(self, name: str) -> set[str]:
        """Files that a checkpoint names; none where it is not valid."""
        try:
            content = self._read(name)
        except _UNFIT:
            return set()
        return set() if content is None else set(content.files)

    def _read(self, name: str) -> _Content | None:
        """Read a checkpoint, checked but for its case and files; None where it is not right.

        Raises:
            InputError: It cannot be read or is not valid.
        """
        path = self._folder / f"{name}.json"
        file = read_json(path, _File, shown=path.name, remedy="compute it again")
        if file is None or file.part.name != name or file.digest != _digest_of(file.part):
            return None
        return file.part

    def _holds(self, content: _Content) -> bool:
        """Whether all of its files are there and unchanged."""
        paths = {self._output / file: digest for file, digest in content.files.items()}
        return all(path.is_file() and file_digest(path) == paths[path] for path in paths)


def remove_file(output: Path, file: str) -> None:
    """Remove one of our files, and its folder where it is empty then.

    Raises:
        OSError: It is there and cannot be removed.
    """
    path = output / file
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder.parent == output or folder == output:
            break
        with contextlib.suppress(OSError):
            folder.rmdir()


def is_export(file: str) -> bool:
    """Whether a name below ``exports/CASE`` is one of ours."""
    return re.fullmatch(_EXPORT, file) is not None


def _digest_of(content: _Content) -> str:
    text = json.dumps(asdict(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
