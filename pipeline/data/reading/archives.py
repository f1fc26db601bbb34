"""Zip archives, unpacked without trusting a single name or number in them.

Developer notes: members are written under numbered names of our own, so that no name in the archive
ever becomes a path. Sizes are checked twice, as the archive declares them and as they come out.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from copy import copy
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pipeline.data.reading.format_kinds import (
    ArchiveFormat,
    ArchiveMember,
    UnpackBudget,
    starts_with,
)
from pipeline.data.reading.limits import MAX_DICTIONARY_BYTES, MAX_ENTRY_BYTES
from pipeline.errors import InputError, printable
from pipeline.sandbox.watch import renew

_CHUNK_BYTES = 1 << 20
#: Bytes that are unpacked at a time where what comes out is not limited: some 100 MB at most.
_PACKED_BYTES = 4096
_LIMITED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: Version, size of the properties, the first of them, size of the dictionary.
_LZMA_START = struct.Struct("<HHBI")
#: An entry of an archive's list: sizes of its name, its extra fields and its comment.
_ENTRY = struct.Struct("<28x3H12x")
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
        with path.open("rb") as stream:
            # Folders are listed too, and need no file: twice as many entries are as many as any.
            if _count_entries(stream, 2 * budget.files_left) > 2 * budget.files_left:
                budget.check(budget.files_left + 1, 0, source)
            with zipfile.ZipFile(stream) as archive:
                entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
                _check_archive(entries, source, budget)
                return _unpack_entries(archive, entries, source, folder, budget)
    except (InputError, MemoryError):
        raise
    except Exception:  # whatever a damaged list does to the library
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


def _count_entries(stream: BinaryIO, most: int) -> int:
    """Files that an archive lists, one above ``most`` where there are more; nothing is kept.

    `zipfile` makes an object of each entry, some 350 bytes and 15 microseconds, before it says how
    many there are; and it does not believe the number that an archive states.

    Raises:
        zipfile.BadZipFile: There is no list.
    """
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if not end:
        raise zipfile.BadZipFile
    size = int(end[zipfile._ECD_SIZE])  # type: ignore[attr-defined]
    stated = int(end[zipfile._ECD_LOCATION]) - size  # type: ignore[attr-defined]
    if end[zipfile._ECD_SIGNATURE] == zipfile.stringEndArchive64:  # type: ignore[attr-defined]
        stated -= zipfile.sizeEndCentDir64 + zipfile.sizeEndCentDir64Locator  # type: ignore[attr-defined]
    if stated < 0:
        raise zipfile.BadZipFile
    if size > most * MAX_ENTRY_BYTES:
        return most + 1
    stream.seek(stated)
    listed = stream.read(size)
    count = place = 0
    while place + _ENTRY.size <= len(listed) and count <= most:
        count += 1
        place += _ENTRY.size + sum(_ENTRY.unpack_from(listed, place))
    return count


def _check_archive(entries: list[zipfile.ZipInfo], source: str, budget: UnpackBudget) -> None:
    name = source.rsplit("/", 1)[-1]
    if entries and all(entry.flag_bits & 1 for entry in entries):
        raise InputError(source, f"{name} is locked with a password. Pack it without one.")
    budget.check(len(entries), sum(entry.file_size for entry in entries), source)


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
            target = folder / f"{budget.take_file(source):06d}"
            _write_entry(archive, entry, target, source, budget)
            renew()
            members.append(ArchiveMember(shown, target))
        except InputError as error:
            if error.source == source:
                raise  # the archive as a whole
            errors.append(error)
        except MemoryError:
            raise
        except Exception:  # whatever a damaged member does to its decoder
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
    # zipfile limits what deflated bytes unpack to, but not what those of bzip2 and LZMA do.
    size = _CHUNK_BYTES if entry.compress_type in _LIMITED else _PACKED_BYTES
    if entry.compress_type == zipfile.ZIP_LZMA:
        _check_dictionary(archive, entry)
    with archive.open(entry) as packed, target.open("xb") as unpacked:
        while chunk := packed.read(size):
            budget.take_bytes(len(chunk), source)
            unpacked.write(chunk)


def _check_dictionary(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Refuse an LZMA member whose decoder would allocate gigabytes.

    Raises:
        ValueError: It would.
    """
    raw = copy(entry)
    raw.compress_type, raw.file_size = zipfile.ZIP_STORED, entry.compress_size
    raw.CRC = None  # type: ignore[assignment]  # it is that of the unpacked bytes
    with archive.open(raw) as packed:
        head = packed.read(_LZMA_START.size)
    *_, dictionary = _LZMA_START.unpack(head)
    if dictionary > MAX_DICTIONARY_BYTES:
        raise ValueError


ZIP = ArchiveFormat(
    name="zip",
    suffixes=(".zip",),
    matches=starts_with(b"PK\x03\x04", b"PK\x05\x06"),
    unpack=unpack_archive,
)
