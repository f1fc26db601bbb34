"""Files packed with gzip: volumes are read packed, any other file is unpacked as an archive is."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from pipeline.data.reading.format_kinds import (
    ArchiveFormat,
    ArchiveMember,
    UnpackBudget,
    starts_with,
)
from pipeline.data.reading.limits import MAX_EXTENSION_BYTES
from pipeline.errors import InputError

GZIP_MARK = b"\x1f\x8b"
#: Bytes that gzip makes of one at most.
_MOST_UNPACKED = 1032
_CHUNK_BYTES = 1 << 20


def unpacked_head(head: bytes, size: int) -> bytes:
    """The first bytes of a file that may be packed; b"" where it is damaged.

    Args:
        head: Its first bytes as stored.
        size: How many are wanted.
    """
    if not head.startswith(GZIP_MARK):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, size)
    except zlib.error:
        return b""


@contextmanager
def open_unpacked(path: Path) -> Iterator[BufferedIOBase]:
    """A file's bytes, unpacked while they are read where it is packed."""
    with path.open("rb") as stream:
        packed = stream.read(len(GZIP_MARK)) == GZIP_MARK
        stream.seek(0)
        yield gzip.GzipFile(fileobj=stream) if packed else stream


def most_bytes(path: Path) -> int:
    """Bytes that a file can hold at most, unpacked."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        return size * _MOST_UNPACKED if stream.read(len(GZIP_MARK)) == GZIP_MARK else size


def check_end(stream: BufferedIOBase) -> None:
    """Read what follows the voxels of a packed file, a little at most: its checksum is there.

    Raises:
        OSError: The checksum is another one.
        EOFError: It is missing.
    """
    left = MAX_EXTENSION_BYTES
    while isinstance(stream, gzip.GzipFile) and left > 0 and (part := stream.read(1 << 16)):
        left -= len(part)


def unpack_gzip(
    path: Path, source: str, folder: Path, budget: UnpackBudget
) -> tuple[list[ArchiveMember], list[InputError]]:
    """Unpack the one file that a gzip file holds, as an `ArchiveFormat` does.

    Raises:
        InputError: It is damaged, or unpacks to too much.
    """
    name = source.rsplit("/", 1)[-1]
    target = folder / f"{budget.take_file(source):06d}"
    try:
        with gzip.open(path) as packed, target.open("xb") as unpacked:
            while chunk := packed.read(_CHUNK_BYTES):
                budget.take_bytes(len(chunk), source)
                unpacked.write(chunk)
    except (OSError, EOFError, zlib.error):
        raise InputError(
            source, f"{name} is damaged or cut short: it cannot be unpacked. Pack it again."
        ) from None
    inner = name[: -len(".gz")] if name.lower().endswith(".gz") else name
    return [ArchiveMember(inner, target)], []


GZIP = ArchiveFormat(
    name="gzip",
    suffixes=(".gz",),
    matches=starts_with(GZIP_MARK),
    unpack=unpack_gzip,
)
