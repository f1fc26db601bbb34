"""Zip archives, unpacked without trusting a single name or number in them.

Developer notes: members are written under numbered names of our own, so that no name in the archive
ever becomes a path. Sizes are checked twice, as the archive declares them and as they come out.
"""

from __future__ import annotations

import stat
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
from pipeline.data.reading.names import printable
from pipeline.errors import InputError

_CHUNK_BYTES = 1 << 20


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
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_archive(entries, path.stat().st_size, source, budget)
            return _unpack_entries(archive, entries, source, folder, budget)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        raise InputError(
            source, f"{name} is damaged or cut short: it cannot be unpacked. Pack it again."
        ) from None


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
            f"{name} would unpack to {total / max(packed, 1):,.0f} times its size; no study packs"
            f" to less than one part in {MAX_ARCHIVE_RATIO}. Check where it came from.",
        )


def _too_large(source: str, size: int) -> InputError:
    name = source.rsplit("/", 1)[-1]
    return InputError(
        source,
        f"{name} would unpack to {gigabytes(size, digits=1)}, which no study needs; at most"
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
        shown = printable(entry.filename)
        try:
            _check_entry(entry, f"{source}/{shown}")
            target = folder / f"{budget.unpacked:06d}"
            budget.unpacked += 1
            budget.files_left -= 1
            _write_entry(archive, entry, target, source, budget)
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


def _check_entry(entry: zipfile.ZipInfo, source: str) -> None:
    """Refuse a name that leads out of the archive, a link, and a locked file."""
    file = source.rsplit("/", 1)[-1]
    raw = entry.filename.replace("\\", "/")
    parts = PurePosixPath(raw).parts
    if ".." in parts or raw.startswith("/") or (len(raw) > 1 and raw[1] == ":"):
        raise InputError(
            source,
            f"{file} has a name in its archive that leads outside of it, and is left out.",
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(source, f"{file} is a link in its archive, not a file, and is left out.")
    if entry.flag_bits & 1:
        raise InputError(source, f"{file} is locked with a password. Pack it without one.")


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
