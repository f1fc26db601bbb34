"""What a call leaves of each finished case, so that the next one need not compute it again.

A part is a JSON file in ``.parts`` of the output folder: the case as it stands in results.json, and
the digest of each file that was written for it. It is named by a key of everything that the answer
depends on, so that changed input, or another model, finds no part. It appears whole or not at all,
after the files that it names; a power cut may leave less than was written, and somebody may have
changed a file since: a part that does not fit in every detail counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.storage.atomic_files import write_json
from pipeline.storage.checked_json import Fields, read_json_object
from pipeline.storage.digests import SHA256, file_digest

try:  # Windows has no fcntl: there, two calls may write to one folder at once.
    import fcntl
except ImportError:  # pragma: no cover
    fcntl = None  # type: ignore[assignment]

#: To be raised whenever a part would be another one although all that it is named by is the same.
_VERSION = 1
_FOLDER = ".parts"
_NAME = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
SAFE_NAME = re.compile(_NAME)
#: The only files that a part may name, and that are ever deleted for one.
_OUR_FILE = re.compile(rf"masks/{_NAME}/[0-9]+\.png|masks/{_NAME}\.nii\.gz|heat_maps/{_NAME}\.png")
_PART_FILE = re.compile(r"[0-9a-f]{64}-[0-9]+\.json")
#: What a process that was killed leaves: drafts of `atomic_files`, files that were being renamed.
_DRAFT = re.compile(r"\.part-[0-9]+-[0-9a-f]{8}-.+|\.moving-[0-9]+")
#: Whatever a file that was made to do harm may lead to; it counts as no part.
_UNFIT = (InputError, OSError, ValueError, TypeError, KeyError, RecursionError)


@dataclass
class Part:
    """A finished case.

    Attributes:
        name: Of its file, without suffix.
        content: The case as it stands in results.json.
        files: Each file written for it, relative to the output folder, and its SHA-256.
    """

    name: str
    content: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)


class FinishedParts:
    """The parts in an output folder; one call at a time holds them.

    Args:
        output: The output folder, which exists.

    Raises:
        InputError: Another call is writing to the folder.
        OSError: The folder cannot be written.
    """

    def __init__(self, output: Path) -> None:
        self._output, self._folder = output, output / _FOLDER
        self._folder.mkdir(exist_ok=True)
        self._asked: Counter[str] = Counter()
        self._lock = (self._folder / "lock").open("wb")
        if fcntl is not None:
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
        """Name of a part by all that it depends on; cases that are alike in that are numbered.

        Args:
            binding: Texts, numbers and None, in lists or not.
        """
        text = json.dumps([_VERSION, *binding], allow_nan=False)
        key = hashlib.sha256(text.encode()).hexdigest()
        self._asked[key] += 1
        return f"{key}-{self._asked[key]}"

    def find(self, name: str, check: Callable[[Fields, Mapping[str, str]], None]) -> Part | None:
        """The part of that name, or None where it is missing or does not fit.

        Args:
            name: As `name_of` gave it.
            check: Given the case and its files, raises `InputError` where they do not fit.
        """
        try:
            part = self._read(name)
            if part is not None:
                check(Fields(part.content, name), part.files)
        except _UNFIT:
            return None
        return part

    def keep(self, part: Part) -> None:
        """Write a part; its files must lie in their places.

        Raises:
            OSError: The folder cannot be written.
        """
        content = {"name": part.name, "case": part.content, "files": part.files}
        whole = {"digest": _digest_of(content), "part": content}
        write_json(self._folder / f"{part.name}.json", whole, lines=False)

    def names(self) -> set[str]:
        """Names of all parts in the folder, whatever they hold."""
        found = (path.name for path in self._folder.iterdir())
        return {name.removesuffix(".json") for name in found if _PART_FILE.fullmatch(name)}

    def files(self) -> set[str]:
        """Files that the parts in the folder name, relative to the output folder."""
        named: set[str] = set()
        for name in self.names():
            with contextlib.suppress(*_UNFIT):
                part = self._read(name, with_files=False)
                named.update(part.files if part is not None else ())
        return named

    def forget_others(self, parts: Iterable[Part]) -> None:
        """Remove all other parts with their files, and what killed calls left.

        Raises:
            OSError: The folder cannot be written.
        """
        kept = list(parts)
        names = {part.name for part in kept}
        in_use = {file for part in kept for file in part.files}
        for name in sorted(self.names() - names):
            with contextlib.suppress(*_UNFIT):
                old = self._read(name, with_files=False)
                for file in () if old is None else sorted(set(old.files) - in_use):
                    remove_file(self._output, file)
            (self._folder / f"{name}.json").unlink()
        for folder in (self._folder, self._output / "masks", self._output / "heat_maps"):
            for path in folder.iterdir() if folder.is_dir() else ():
                if _DRAFT.fullmatch(path.name):
                    path.unlink()

    def _read(self, name: str, *, with_files: bool = True) -> Part | None:
        """Read a part, checked but for the case itself."""
        path = self._folder / f"{name}.json"
        whole = read_json_object(path, path.name)
        if whole is None:
            return None
        fields = Fields(whole, path.name)
        part = fields.mapping("part")
        content = whole.get("part")
        fields.require(fields.text("digest", SHA256) == _digest_of(content), "it was changed")
        case, files = part.get("case"), part.get("files")
        fields.require(part.get("name") == name, "it is another one's")
        fields.require(isinstance(case, dict) and isinstance(files, dict), "a field is missing")
        for file, digest in files.items():
            fields.require(_OUR_FILE.fullmatch(file) is not None, "it names a foreign file")
            if with_files:
                there = self._output / file
                same = there.is_file() and file_digest(there) == digest
                fields.require(same, "one of its files is missing or was changed")
        return Part(name, case, files)


def remove_file(output: Path, file: str) -> None:
    """Remove one of our files, and its folder where it is empty then.

    Raises:
        OSError: It is there and cannot be removed.
    """
    path = output / file
    path.unlink(missing_ok=True)
    if path.parent.parent == output / "masks":
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def _digest_of(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
