"""From the paths a user gave to the list of files to read: folders walked, archives unpacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.data.reading.format_kinds import ArchiveFormat, InputFile, UnpackBudget, Unreadable
from pipeline.data.reading.formats import TEXT, read_format, refusal_of
from pipeline.data.reading.limits import MAX_ARCHIVE_DEPTH, MAX_FILES
from pipeline.data.reading.names import printable
from pipeline.errors import InputError

#: Files that come with images in every data set and export: passed over in a folder or archive.
_COMPANION_SUFFIXES = frozenset(
    ".csv .tsv .txt .json .md .rst .xml .html .htm .yml .yaml .log .ini .cfg .bval .bvec .db .xls"
    " .xlsx .doc .docx .rtf .py .ipynb .sh .bat .exe .inf .css .js .sha256 .md5 .url .lnk".split()
)
_COMPANION_NAMES = frozenset(
    {"readme", "license", "licence", "thumbs.db", "desktop.ini", "checksums", "version"}
)
_COMPANION_FOLDERS = frozenset({"__macosx"})


@dataclass
class Collection:
    """What `collect_files` found so far."""

    files: list[InputFile] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    budget: UnpackBudget = field(default_factory=UnpackBudget)
    seen: set[Path] = field(default_factory=set)
    repeats: int = 0
    full: bool = False


def collect_files(paths: Iterable[Path], unpack_folder: Path) -> Collection:
    """List the readable files below ``paths``; others become a sentence or are passed over.

    What is given twice is read once.

    Args:
        paths: Files and folders as the user gave them.
        unpack_folder: Empty temporary folder for archives; nothing is written anywhere else.
    """
    collection = Collection()
    for number, path in enumerate(dict.fromkeys(path.absolute() for path in paths)):
        before = len(collection.files) + len(collection.errors) + collection.repeats
        shown = printable(path.name or path.resolve().name)
        try:
            if path.is_dir():
                _collect_folder(path, f"{number}", collection, unpack_folder)
                found = len(collection.files) + len(collection.errors) + collection.repeats
                if found == before:
                    message = f"There is no image in {shown}."
                    collection.errors.append(InputError(shown, message))
            elif path.exists():
                _collect_named_file(path, shown, collection, unpack_folder)
            else:
                message = f"{shown} does not exist. Check the path."
                collection.errors.append(InputError(shown, message))
        except OSError:
            message = f"{shown} cannot be opened. Check its permissions."
            collection.errors.append(InputError(shown, message))
    return collection


def _collect_named_file(
    path: Path, shown: str, collection: Collection, unpack_folder: Path
) -> None:
    folder = f"/{path.resolve().parent}"
    _add_file(path, shown, (folder, ""), collection, unpack_folder, named=True)


def _collect_folder(root: Path, key: str, collection: Collection, unpack_folder: Path) -> None:
    """Walk a folder; links to folders are not followed, hidden folders are passed over."""
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name.lower() not in _COMPANION_FOLDERS
        )
        relative = Path(parent).relative_to(root).as_posix()
        relative = "" if relative == "." else printable(relative)
        place = (f"{key}/{relative}", relative.rsplit("/", 1)[-1] or printable(root.name))
        for name in sorted(names):
            source = f"{relative}/{printable(name)}" if relative else printable(name)
            _add_file(Path(parent) / name, source, place, collection, unpack_folder)


def _add_file(
    path: Path,
    source: str,
    place: tuple[str, str],
    collection: Collection,
    unpack_folder: Path,
    *,
    named: bool = False,
    depth: int = 0,
) -> None:
    """Add one file, or what its archive holds, or the sentence that says why not."""
    name = source.rsplit("/", 1)[-1]
    if not named and (name.startswith(".") or name.upper() == "DICOMDIR"):
        return
    if path.resolve() in collection.seen:
        collection.repeats += 1
        return
    collection.seen.add(path.resolve())
    if len(collection.files) >= MAX_FILES:
        if not collection.full:
            collection.full = True
            message = (
                f"More than {MAX_FILES:,} files were given; {name} and those after it are left out."
            )
            collection.errors.append(InputError(source, message))
        return
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(source, f"{name} is not a file.")
        found = read_format(path)
        if isinstance(found, ArchiveFormat):
            _add_archive(found, path, source, place, collection, unpack_folder, depth=depth)
        elif not isinstance(found, Unreadable):
            collection.files.append(InputFile(path, source, *place, found))
        elif named or not _is_companion(name, found):
            raise InputError(source, refusal_of(name, found))
    except InputError as error:
        collection.errors.append(error)
    except OSError:
        message = f"{name} cannot be opened. Check its permissions."
        collection.errors.append(InputError(source, message))


def _add_archive(
    found: ArchiveFormat,
    path: Path,
    source: str,
    place: tuple[str, str],
    collection: Collection,
    unpack_folder: Path,
    *,
    depth: int,
) -> None:
    name = source.rsplit("/", 1)[-1]
    if depth > MAX_ARCHIVE_DEPTH:
        raise InputError(
            source, f"{name} is an archive inside an archive inside an archive. Unpack it first."
        )
    before = len(collection.files) + len(collection.errors)
    members, errors = found.unpack(path, source, unpack_folder, collection.budget)
    collection.errors.extend(errors)
    title = name.rsplit(".", 1)[0]
    for member in members:
        parts = member.name.split("/")
        if any(p.lower() in _COMPANION_FOLDERS or p.startswith(".") for p in parts):
            continue
        parent = "/".join(parts[:-1])
        inner = (f"{place[0]}|{source}/{parent}", parts[-2] if parent else title)
        inner_source = f"{source}/{member.name}"
        _add_file(member.path, inner_source, inner, collection, unpack_folder, depth=depth + 1)
    if len(collection.files) + len(collection.errors) == before:
        raise InputError(source, f"There is no image in {name}.")


def _is_companion(name: str, found: Unreadable) -> bool:
    lowered = name.lower()
    stem, dot, suffix = lowered.rpartition(".")
    if (stem if dot else lowered) in _COMPANION_NAMES or lowered in _COMPANION_NAMES:
        return True
    if f".{suffix}" in _COMPANION_SUFFIXES and dot:
        return True
    return not dot and found is TEXT
