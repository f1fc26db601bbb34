"""From the paths a user gave to the list of files to read: folders walked, archives unpacked.

Every file that is found ends up in one place: among the files to read, in an error of its own, or
counted in a notice (`Passed`). Only what systems leave behind unseen (hidden files, ``__MACOSX``)
counts as nothing.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Annotated

from pydantic import Strict

from pipeline.data.reading.format_kinds import (
    ArchiveFormat,
    ArchiveMember,
    ImageFormat,
    InputFile,
    SeriesFormat,
    Stage,
    UnpackBudget,
    Unreadable,
    watching_file,
)
from pipeline.data.reading.formats import TEXT, read_format, refusal_of
from pipeline.data.reading.limits import MAX_ARCHIVE_DEPTH, MAX_FILES
from pipeline.errors import InputError, printable
from pipeline.sandbox.watch import crash_error
from pipeline.storage.checked_json import read_json

_LOG = logging.getLogger(__name__)
#: Files that come with images in every data set and export: passed over in a folder or archive.
_COMPANION_SUFFIXES = frozenset(
    ".csv .tsv .txt .json .md .rst .xml .html .htm .yml .yaml .log .ini .cfg .bval .bvec .db .xls"
    " .xlsx .doc .docx .rtf .py .ipynb .sh .bat .exe .inf .css .js .sha256 .md5 .url .lnk".split()
)
_COMPANION_NAMES = frozenset(
    {"readme", "license", "licence", "thumbs.db", "desktop.ini", "checksums", "version"}
)
_COMPANION_FOLDERS = frozenset({"__macosx"})
#: What a disc for patients has at its top: an index of its images, a program that starts by itself.
_DISC_NAMES = frozenset({"dicomdir", "autorun.inf"})
#: Programs: the pictures beside them are their logos and buttons.
_PROGRAM_SUFFIXES = (".exe", ".dll", ".ocx", ".jar", ".class", ".so", ".dylib", ".msi", ".cab")
#: What file managers append to the name of a copy: ``x (1)``, ``x - Copy``, ``x Kopie 2``.
_COPY_NAME = re.compile(
    r"(?i)(?P<name>.+?)( ?\(\d+\)|[ _-]+(copy|kopie|copie|copia)( ?\(?\d+\)?)?)"
)
_RESULTS = "results.json"
_OWN_MASK = re.compile(r"(?:masks|heat_maps)/(?P<case>[^/]+?)(?:\.nii\.gz|\.png|/\d+\.png)")
_COMPARED_BYTES = 4096


class Passed(Enum):
    """Why files are passed over and counted in a notice; the value is the notice's words."""

    COMPANION = ("comes with images and holds none", "come with images and hold none")
    VIEWER = ("belongs to a viewer program", "belong to a viewer program")
    OWN_RESULT = ("is an earlier result of this program", "are earlier results of this program")


def passed_over_notice(why: Passed, names: Sequence[str]) -> str:
    """The sentence on files that were passed over.

    Args:
        why: What they are.
        names: Their names, at least one.
    """
    if len(names) == 1:
        return f"{names[0]} {why.value[0]}; it was skipped."
    return f"{len(names):,} files, such as {names[0]}, {why.value[1]}; they were skipped."


def copies_warning(n_copies: int) -> str:
    """The sentence on a case of whose files there are exact copies."""
    return f"{_copies(n_copies)} of files of this study were found; each file was read once."


def copies_notice(n_copies: int) -> str:
    """The sentence on exact copies among files that belong to no study."""
    return f"{_copies(n_copies)} of other files were found; each file was read once."


def _copies(n_copies: int) -> str:
    return "1 exact copy" if n_copies == 1 else f"{n_copies:,} exact copies"


@dataclass(frozen=True)
class _Found:
    """One file: what it is, and where it is; no outcome if the file is ignored."""

    source: str
    folder: str
    outcome: InputFile | InputError | Passed | None


@dataclass
class Collection:
    """What `collect_files` found.

    Attributes:
        files: What is to be read, in order.
        errors: A sentence for each file, archive or path that cannot be read.
        notices: A sentence for each kind of files that are passed over.
        copies: Source of a file, and how many exact copies of it are passed over.
        n_files: All files that were found; what archives hold counts, archives do not.
    """

    files: list[InputFile] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    copies: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    n_files: int = 0


@dataclass
class _Walk:
    """A walk through the paths; what it found so far."""

    unpack_folder: Path
    found: list[_Found] = field(default_factory=list)
    budget: UnpackBudget = field(default_factory=UnpackBudget)
    seen: set[str] = field(default_factory=set)
    discs: set[str] = field(default_factory=set)
    program_folders: set[str] = field(default_factory=set)
    own_folders: dict[str, frozenset[str]] = field(default_factory=dict)
    output: Path | None = None
    masks: bool = False
    output_folders: set[str] = field(default_factory=set)
    repeats: int = 0
    n_files: int = 0
    full: bool = False


def collect_files(
    paths: Iterable[Path],
    unpack_folder: Path,
    *,
    output: Path | None = None,
    masks: bool = False,
) -> Collection:
    """List the readable files below ``paths``; others become a sentence or are counted in one.

    What is given twice is read once, and so are exact copies.

    Args:
        paths: Files and folders as the user gave them.
        unpack_folder: Empty temporary folder for archives; nothing is written anywhere else.
        output: Folder that results are written to now; earlier ones in it count as nothing.
        masks: Whether a reference is looked for, so that files of masks alone are read, too.
    """
    walk = _Walk(unpack_folder, output=None if output is None else output.resolve(), masks=masks)
    given: list[tuple[str, int, int]] = []
    for number, path in enumerate(dict.fromkeys(path.absolute() for path in paths)):
        before, repeats = len(walk.found), walk.repeats
        shown = printable(path.name or path.resolve().name)
        try:
            if path.is_dir():
                _walk_folder(path, f"{number}:{shown}", walk)
                if walk.repeats == repeats:
                    given.append((shown, before, len(walk.found)))
            elif path.exists():
                folder = f"/{path.resolve().parent}"
                _add_file(path, shown, (folder, ""), walk, named=True)
            else:
                _refuse(walk, shown, f"{shown} does not exist. Check the path.")
        except OSError:
            _refuse(walk, shown, f"{shown} cannot be opened. Check its permissions.")
    found = _settle(walk)
    for shown, start, end in reversed(given):
        if not any(isinstance(one.outcome, InputFile | InputError) for one in found[start:end]):
            error = InputError(shown, f"There is no image in {shown}.")
            found.insert(end, _Found(shown, "", error))
    return _list(walk, found)


def _refuse(walk: _Walk, source: str, message: str) -> None:
    walk.found.append(_Found(source, "", InputError(source, message)))


def _walk_folder(root: Path, key: str, walk: _Walk) -> None:
    """Walk a folder; links to folders are not followed, hidden folders are passed over."""

    def refuse(error: OSError) -> None:
        below = Path(os.fsdecode(error.filename)).relative_to(root).as_posix()
        shown = printable(root.name if below == "." else below)
        _refuse(walk, shown, f"The folder {shown} cannot be opened. Check its permissions.")

    for parent, folders, names in os.walk(root, onerror=refuse):
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
            _add_file(Path(parent) / name, source, place, walk)


def _add_file(
    path: Path,
    source: str,
    place: tuple[str, str],
    walk: _Walk,
    *,
    named: bool = False,
    depth: int = 0,
) -> None:
    """Add one file, or what its archive holds, or the sentence that says why not."""
    name, folder = source.rsplit("/", 1)[-1], place[0]
    if not named and name.startswith("."):
        return
    real = os.path.realpath(path)  # not Path.resolve, which raises for a link to itself
    if real in walk.seen:
        walk.repeats += 1
        return
    walk.seen.add(real)
    if len(walk.found) >= MAX_FILES:
        if not walk.full:
            walk.full = True
            limit = f"More than {MAX_FILES:,} files were given"
            _refuse(walk, source, f"{limit}; {name} and those after it are left out.")
        return
    walk.n_files += 1
    outcome: InputFile | InputError | Passed
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(source, f"{name} is not a file.")
        _note_folder(path, name, folder, walk)
        found = read_format(path, masks=walk.masks)
        if isinstance(found, ArchiveFormat):
            walk.n_files -= 1
            _add_archive(found, path, source, place, walk, depth=depth)
            return
        if not named and name.lower() in _DISC_NAMES:
            outcome = Passed.COMPANION
        elif not isinstance(found, Unreadable):
            outcome = InputFile(path, source, *place, found)
        elif named or not _is_companion(name, found):
            outcome = InputError(source, refusal_of(name, found))
        else:
            outcome = Passed.COMPANION
    except InputError as error:
        outcome = error
    except OSError:
        outcome = InputError(source, f"{name} cannot be opened. Check its permissions.")
    except Exception:  # whatever a damaged archive does to a library
        _LOG.exception("unforeseen input")
        outcome = crash_error(source)
    walk.found.append(_Found(source, folder, outcome))


def _note_folder(path: Path, name: str, folder: str, walk: _Walk) -> None:
    """Note what a file says of its folder: a disc, a program, results of our own."""
    lowered = name.lower()
    if lowered in _DISC_NAMES:
        walk.discs.add(folder)
    if lowered.endswith(_PROGRAM_SUFFIXES):
        walk.program_folders.add(folder)
    if lowered == _RESULTS:
        with watching_file(path, name, folder, Stage.LISTING):
            names = _names_of_results(path)
        if names is not None:
            walk.own_folders[folder] = names
            if Path(os.path.realpath(path)).parent == walk.output:
                walk.output_folders.add(folder)


@dataclass(frozen=True)
class _ResultsCase:
    """What is read of a case in a results.json; see `pipeline.predictions.results`."""

    case_id: str


@dataclass(frozen=True)
class _Results:
    """What is read of a results.json."""

    schema: Annotated[int, Strict()]
    cases: tuple[_ResultsCase, ...] = ()


def _names_of_results(path: Path) -> frozenset[str] | None:
    """Names of the cases of a results.json of this program, None where it is another's.

    An empty set stands for every name: the document of a call that was stopped, or one for a copy,
    lists no cases.
    """
    try:
        content = read_json(path, _Results, shown=path.name, remedy="analyse the folder again")
    except InputError:
        return None
    return None if content is None else frozenset(case.case_id for case in content.cases)


def _add_archive(
    found: ArchiveFormat,
    path: Path,
    source: str,
    place: tuple[str, str],
    walk: _Walk,
    *,
    depth: int,
) -> None:
    name = source.rsplit("/", 1)[-1]
    if depth > MAX_ARCHIVE_DEPTH:
        raise InputError(
            source, f"{name} is an archive inside an archive inside an archive. Unpack it first."
        )
    before = len(walk.found)
    if depth == 0:
        walk.budget.open(path.stat().st_size)
    with watching_file(path, source, place[0], Stage.LISTING):
        members, errors = found.unpack(path, source, walk.unpack_folder, walk.budget)
    walk.found += [_Found(error.source, place[0], error) for error in errors]
    title = name.rsplit(".", 1)[0]
    for member in sorted(members, key=_order_of):
        parts = member.name.split("/")
        if any(p.lower() in _COMPANION_FOLDERS or p.startswith(".") for p in parts):
            continue
        parent = "/".join(parts[:-1])
        inner = (f"{place[0]}|{source}/{parent}", parts[-2] if parent else title)
        _add_file(member.path, f"{source}/{member.name}", inner, walk, depth=depth + 1)
    if all(isinstance(one.outcome, Passed) for one in walk.found[before:]):
        raise InputError(source, f"There is no image in {name}.")


def _order_of(member: ArchiveMember) -> list[tuple[bool, str]]:
    """Order of a walk through folders: the files of each come before its folders."""
    *folders, name = member.name.split("/")
    return [*((True, folder) for folder in folders), (False, name)]


def _is_companion(name: str, found: Unreadable) -> bool:
    lowered = name.lower()
    stem, dot, suffix = lowered.rpartition(".")
    if (stem if dot else lowered) in _COMPANION_NAMES or lowered in _COMPANION_NAMES:
        return True
    if f".{suffix}" in _COMPANION_SUFFIXES and dot:
        return True
    return not dot and found is TEXT


def _settle(walk: _Walk) -> list[_Found]:
    """Pass over what is known, once all was seen, to be of a viewer or an earlier result."""
    of_series = {
        one.folder
        for one in walk.found
        if isinstance(one.outcome, InputFile) and isinstance(one.outcome.format, SeriesFormat)
    }
    settled = []
    for one in walk.found:
        results = _results_of(one, walk)
        if results is not None:
            is_output = results in walk.output_folders
            one = replace(one, outcome=None if is_output else Passed.OWN_RESULT)
        elif of_series and _is_of_viewer(one, walk, of_series):
            one = replace(one, outcome=Passed.VIEWER)
        settled.append(one)
    return settled


def _results_of(one: _Found, walk: _Walk) -> str | None:
    """Folder of the earlier results that a file belongs to, None where it belongs to none."""
    for folder, cases in walk.own_folders.items():
        if _lies_in(one.folder, folder):
            below = one.folder[len(folder) :].strip("/")
            name = one.source.rsplit("/", 1)[-1]
            if not below and name.lower() == _RESULTS:
                return folder
            match = _OWN_MASK.fullmatch(f"{below}/{name}" if below else name)
            if match and (match["case"] in cases or not cases):
                return folder
    return None


def _is_of_viewer(one: _Found, walk: _Walk, of_series: Container[str]) -> bool:
    """Whether a file that is no medical image lies on a disc for patients or beside a program.

    What cannot be read stays an error in a folder of DICOM files, where it may be one of them.
    """
    if isinstance(one.outcome, InputFile) and not isinstance(one.outcome.format, ImageFormat):
        return False
    if isinstance(one.outcome, InputError) and (not one.folder or one.folder in of_series):
        return False
    places = (*walk.discs, *walk.program_folders)
    return any(_lies_in(one.folder, place) for place in places)


def _lies_in(folder: str, parent: str) -> bool:
    if folder == parent:
        return True
    return folder.startswith(parent if parent.endswith("/") else parent + "/")


def _list(walk: _Walk, found: Sequence[_Found]) -> Collection:
    collection = Collection(n_files=walk.n_files)
    passed: dict[Passed, list[str]] = defaultdict(list)
    for one in found:
        if isinstance(one.outcome, InputFile):
            collection.files.append(one.outcome)
        elif isinstance(one.outcome, InputError):
            collection.errors.append(one.outcome)
        elif one.outcome is not None:
            passed[one.outcome].append(one.source)
    collection.notices = [passed_over_notice(why, passed[why]) for why in Passed if passed[why]]
    _drop_copies(collection)
    return collection


def _drop_copies(collection: Collection) -> None:
    """Leave out files that are others byte by byte, and count them.

    DICOM files say which slice of which series they are, so that equal bytes are one slice. Of
    pictures and volumes equal bytes prove nothing (two slices may be black, two masks empty), but
    where a file's name is another's with the mark of a copy.
    """
    copies: dict[Path, str] = {}
    names = {(file.folder, file.name): file for file in collection.files}
    starts: dict[tuple[int, bytes], list[InputFile]] = defaultdict(list)
    for file in collection.files:
        if isinstance(file.format, SeriesFormat):
            starts[_start_of(file)].append(file)
            continue
        marked = _COPY_NAME.fullmatch(file.stem)
        original = marked and names.get((file.folder, marked["name"] + file.name[len(file.stem) :]))
        if original and _start_of(original) == _start_of(file):
            starts[_start_of(file)] += [original, file]
    for alike in starts.values():
        contents: dict[bytes, InputFile] = {}
        for file in dict.fromkeys(alike) if len(alike) > 1 else ():
            first = contents.setdefault(_content_of(file), file)
            if first is not file:
                copies[file.path] = first.source
    for source in copies.values():
        collection.copies[source] += 1
    collection.files = [file for file in collection.files if file.path not in copies]


def _start_of(file: InputFile) -> tuple[int, bytes]:
    """Size and first bytes: what differs between most files, without reading them whole."""
    try:
        with file.path.open("rb") as stream:
            return os.fstat(stream.fileno()).st_size, stream.read(_COMPARED_BYTES)
    except OSError:  # deleted meanwhile: nothing is its copy, and reading it will say so
        return -1, file.source.encode("utf-8", "replace")


def _content_of(file: InputFile) -> bytes:
    try:
        with file.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return file.source.encode("utf-8", "replace")
