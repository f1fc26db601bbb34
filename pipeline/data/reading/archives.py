"""Zip archives, unpacked without trusting a single name or number in them.

Developer notes: members are written under numbered names of our own, so that no name in the archive
ever becomes a path. Sizes are checked twice, as the archive declares them and as they come out.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from pipeline.data.reading.format_kinds import (
    ArchiveFormat,
    ArchiveMember,
    UnpackBudget,
    starts_with,
)
from pipeline.data.reading.limits import (
    ARCHIVE_RATIO_FLOOR_BYTES,
    MAX_ARCHIVE_BYTES,
    MAX_ARCHIVE_FILES,
    MAX_ARCHIVE_RATIO,
    gigabytes,
)
from pipeline.errors import InputError, printable
from pipeline.sandbox.watch import renew

_CHUNK_BYTES = 1 << 20
#: Flag of an entry whose name is UTF-8; without it, the standard says code page 437.
_UTF8_FLAG = 0x800
#: Extra field of Info-ZIP that holds the name in UTF-8 (version, checksum of the other name, name).
_UNICODE_PATH = 0x7075
_DOS_FOLDER = 0x10
_UNIX = 3
#: Compressions that Python's zipfile cannot unpack, by their number in the standard.
_COMPRESSIONS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    93: "Zstandard",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
}


def unpack_archive(
    path: Path, source: str, folder: Path, budget: UnpackBudget
) -> tuple[list[ArchiveMember], list[InputError]]:
    """Unpack the files of a zip archive.

    Args:
        path: The archive.
        source: Its name relative to what the user gave.
        folder: Temporary folder to write to.
        budget: What may still be unpacked; is drawn on.

    Returns:
        The files, and one error per file that cannot be had.

    Raises:
        InputError: If the archive as a whole is damaged, locked, or would unpack to too much.
    """
    name = source.rsplit("/", 1)[-1]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
            _check_archive(entries, path.stat().st_size, source, budget)
            return _unpack_entries(archive, entries, source, folder, budget)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        raise InputError(
            source, f"{name} is damaged or cut short: it cannot be unpacked. Pack it again."
        ) from None


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder: some programs end its name with a backslash, or flag it."""
    if entry.filename.endswith(("/", "\\")):
        return True
    return bool(entry.external_attr & _DOS_FOLDER) and entry.file_size == 0


def member_name(entry: zipfile.ZipInfo) -> str:
    """Name of an entry as the program that packed it meant it, with ``/`` between folders.

    macOS writes UTF-8 without the flag that says so, Info-ZIP puts the UTF-8 name into a field of
    its own, Windows divides folders with backslashes, libarchive begins names with ``./``.
    """
    name = entry.filename
    if not entry.flag_bits & _UTF8_FLAG:
        name = _unicode_path(entry.extra) or _from_utf8(name)
    parts = name.replace("\\", "/").split("/")
    root = "/" if parts[0] == "" and len(parts) > 1 else ""
    return root + "/".join(part for part in parts if part not in ("", "."))


def _from_utf8(name: str) -> str:
    """Decode a name that was taken for code page 437 and is valid UTF-8."""
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _unicode_path(extra: bytes) -> str:
    """The UTF-8 name among an entry's extra fields, or ""."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == _UNICODE_PATH and size > 5:
            return extra[9 : 4 + size].decode("utf-8", "ignore")
        extra = extra[4 + size :]
    return ""


def _check_archive(
    entries: list[zipfile.ZipInfo], packed: int, source: str, budget: UnpackBudget
) -> None:
    name = source.rsplit("/", 1)[-1]
    if len(entries) > budget.files_left:
        raise InputError(
            source,
            f"{name} holds {len(entries):,} files; at most {MAX_ARCHIVE_FILES:,} can be unpacked."
            " Split it.",
        )
    if entries and all(entry.flag_bits & 1 for entry in entries):
        raise InputError(source, f"{name} is locked with a password. Pack it without one.")
    total = sum(entry.file_size for entry in entries)
    if total > budget.bytes_left:
        raise _too_large(source, total)
    if total > ARCHIVE_RATIO_FLOOR_BYTES and total > MAX_ARCHIVE_RATIO * max(packed, 1):
        raise InputError(
            source,
            f"{name} would unpack to {total / max(packed, 1):,.0f} times its size,"
            " more than any real study. Check where it came from.",
        )


def _too_large(source: str, size: int) -> InputError:
    name = source.rsplit("/", 1)[-1]
    return InputError(
        source,
        f"{name} would unpack to {gigabytes(size, digits=1)}, more than any real study; at most"
        f" {gigabytes(MAX_ARCHIVE_BYTES)} are unpacked. Split it, or check where it came from.",
    )


def _unpack_entries(
    archive: zipfile.ZipFile,
    entries: list[zipfile.ZipInfo],
    source: str,
    folder: Path,
    budget: UnpackBudget,
) -> tuple[list[ArchiveMember], list[InputError]]:
    members: list[ArchiveMember] = []
    errors: list[InputError] = []
    for entry in entries:
        name = member_name(entry)
        shown = printable(name)
        try:
            _check_entry(entry, name, f"{source}/{shown}")
            target = folder / f"{budget.unpacked:06d}"
            budget.unpacked += 1
            budget.files_left -= 1
            _write_entry(archive, entry, target, source, budget)
            renew()
            members.append(ArchiveMember(shown, target))
        except InputError as error:
            if error.source == source:
                raise  # the archive as a whole
            errors.append(error)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ):
            file = shown.rsplit("/", 1)[-1]
            message = f"{file} is damaged in its archive and cannot be unpacked. Pack it again."
            errors.append(InputError(f"{source}/{shown}", message))
    return members, errors


def _check_entry(entry: zipfile.ZipInfo, name: str, source: str) -> None:
    """Refuse a name that leads out of the archive, a link, a locked file, a rare compression."""
    file = source.rsplit("/", 1)[-1]
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        raise InputError(
            source,
            f"{file} has a name in its archive that leads outside of it, and is left out.",
        )
    if entry.create_system == _UNIX and stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(source, f"{file} is a link in its archive, not a file, and is left out.")
    if entry.flag_bits & 1:
        raise InputError(source, f"{file} is locked with a password. Pack it without one.")
    if entry.compress_type in _COMPRESSIONS:
        method = _COMPRESSIONS[entry.compress_type]
        raise InputError(
            source,
            f"{file} is packed with {method}, which cannot be unpacked here. Pack it as an ordinary"
            " zip (Deflate).",
        )


def _write_entry(
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    target: Path,
    source: str,
    budget: UnpackBudget,
) -> None:
    with archive.open(entry) as packed, target.open("xb") as unpacked:
        while chunk := packed.read(_CHUNK_BYTES):
            budget.bytes_left -= len(chunk)
            if budget.bytes_left < 0:
                raise _too_large(source, MAX_ARCHIVE_BYTES + 1)
            unpacked.write(chunk)


ZIP = ArchiveFormat(
    name="zip",
    suffixes=(".zip",),
    matches=starts_with(b"PK\x03\x04", b"PK\x05\x06"),
    unpack=unpack_archive,
)
