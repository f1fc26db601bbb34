"""Formats of files, told by their content and never by their name."""

from __future__ import annotations

import struct
import zlib
from enum import StrEnum
from pathlib import Path

#: Bytes at the start of a file that are enough to tell its format.
HEAD_BYTES = 1024
_VRS = (
    "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR"
    " US UT UV"
).split()
#: Characters that plain text may hold beside the printable ones.
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


class FileFormat(StrEnum):
    """Format of one file; the value is how a sentence names it."""

    PNG = "a PNG image"
    JPEG = "a JPEG image"
    TIFF = "a TIFF image"
    WEBP = "a WebP image"
    DICOM = "a DICOM file"
    NIFTI = "a NIfTI volume"
    NIFTI_GZ = "a packed NIfTI volume"
    ZIP = "a zip archive"
    NIFTI_PAIR = "the header of a two-file NIfTI or Analyze volume"
    EMPTY = "empty"
    TEXT = "a text file"
    HTML = "a web page"
    PDF = "a PDF document"
    GIF = "a GIF image"
    BMP = "a BMP image"
    JPEG2000 = "a bare JPEG 2000 image"
    GZIP = "a gzip file that holds no NIfTI volume"
    ARCHIVE = "an archive that is not a zip"
    OTHER = "not an image that is known here"


IMAGE_FORMATS = frozenset({FileFormat.PNG, FileFormat.JPEG, FileFormat.TIFF, FileFormat.WEBP})
NIFTI_FORMATS = frozenset({FileFormat.NIFTI, FileFormat.NIFTI_GZ})
READABLE_FORMATS = IMAGE_FORMATS | NIFTI_FORMATS | {FileFormat.DICOM, FileFormat.ZIP}

_MAGIC: tuple[tuple[bytes, FileFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", FileFormat.PNG),
    (b"\xff\xd8\xff", FileFormat.JPEG),
    (b"II*\x00", FileFormat.TIFF),
    (b"MM\x00*", FileFormat.TIFF),
    (b"II+\x00", FileFormat.TIFF),
    (b"MM\x00+", FileFormat.TIFF),
    (b"PK\x03\x04", FileFormat.ZIP),
    (b"PK\x05\x06", FileFormat.ZIP),
    (b"%PDF", FileFormat.PDF),
    (b"GIF8", FileFormat.GIF),
    (b"BM", FileFormat.BMP),
    (b"\x00\x00\x00\x0cjP  ", FileFormat.JPEG2000),
    (b"\xff\x4f\xff\x51", FileFormat.JPEG2000),
    (b"7z\xbc\xaf\x27\x1c", FileFormat.ARCHIVE),
    (b"Rar!", FileFormat.ARCHIVE),
    (b"BZh", FileFormat.ARCHIVE),
    (b"\xfd7zXZ", FileFormat.ARCHIVE),
)


def read_format(path: Path) -> FileFormat:
    """Tell the format of a file from its first bytes.

    Raises:
        OSError: If the file cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return format_of(head)


def format_of(head: bytes) -> FileFormat:
    """Tell the format from the first `HEAD_BYTES` of a file (all of it where it is shorter)."""
    if not head:
        return FileFormat.EMPTY
    if head[128:132] == b"DICM":
        return FileFormat.DICOM
    for magic, known in _MAGIC:
        if head.startswith(magic) and (known is not FileFormat.BMP or _is_bitmap(head)):
            return known
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return FileFormat.WEBP
    if head.startswith(b"\x1f\x8b"):
        return _format_of_gzip(head)
    if nifti := _format_of_nifti(head):
        return nifti
    if head[257:262] == b"ustar":
        return FileFormat.ARCHIVE
    if _is_bare_dicom(head):
        return FileFormat.DICOM
    return _format_of_text(head)


def _is_bitmap(head: bytes) -> bool:
    """Two letters are a weak mark: the BMP header's reserved field must be zero too."""
    return len(head) >= 26 and head[6:10] == b"\0\0\0\0"


def _format_of_gzip(head: bytes) -> FileFormat:
    try:
        inner = zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return FileFormat.GZIP
    return FileFormat.NIFTI_GZ if _format_of_nifti(inner) is FileFormat.NIFTI else FileFormat.GZIP


def _format_of_nifti(head: bytes) -> FileFormat | None:
    if len(head) < 4:
        return None
    sizes = {struct.unpack(order + "i", head[:4])[0] for order in "<>"}
    if 540 in sizes and head[4:7] in (b"n+2", b"ni2"):
        return FileFormat.NIFTI if head[4:7] == b"n+2" else FileFormat.NIFTI_PAIR
    if 348 in sizes:
        return FileFormat.NIFTI if head[344:347] == b"n+1" else FileFormat.NIFTI_PAIR
    return None


def _is_bare_dicom(head: bytes) -> bool:
    """DICOM without preamble: starts with an element of group 2 or 8 of a plausible type."""
    if len(head) < 8:
        return False
    for order in "<>":
        group, element = struct.unpack(order + "HH", head[:4])
        if group not in (2, 8) or element > 0x0100:
            continue
        if head[4:6].decode("latin-1") in _VRS:
            return True
        if order == "<" and struct.unpack("<I", head[4:8])[0] <= 256:
            return True
    return False


def _format_of_text(head: bytes) -> FileFormat:
    text = head.removeprefix(b"\xef\xbb\xbf")
    lowered = text.lstrip().lower()
    if lowered.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return FileFormat.HTML
    if all(byte >= 32 or byte in _TEXT_CONTROLS for byte in text) and _decodes(text):
        return FileFormat.TEXT
    return FileFormat.OTHER


def _decodes(text: bytes) -> bool:
    try:
        text[: len(text) - 3 if len(text) == HEAD_BYTES else len(text)].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
