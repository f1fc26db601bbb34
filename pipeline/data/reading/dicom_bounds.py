"""DICOM files opened within limits: elements are counted and deflated data is unpacked in parts.

Developer notes: pydicom takes some 25 microseconds for each element and item, wherever it lies, and
unpacks a deflated data set whole. A file of 300 KB may hold 38,000 items, or gigabytes of zeros. So
pydicom reads from a stream that counts what it reads. Sequences of a stated length are taken as
bytes and parsed when they are asked for, so that their elements are counted before that.
"""

from __future__ import annotations

import io
import mmap
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import _read_file_meta_info, read_partial, read_preamble
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.limits import (
    MAX_ALL_ELEMENTS,
    MAX_ELEMENTS,
    MAX_ELEMENTS_PER_FRAME,
    check_memory,
)
from pipeline.errors import InputError

#: Bytes of a value, beside pixels and sequences, that are looked at: longer ones are no header.
_MAX_VALUE_BYTES = 1 << 18
_PART_BYTES = 1 << 16
_UNPACKED_BYTES = 1 << 22
#: How often an unpacked data set is in memory at once: as such, as values, as pixels.
_DEFLATED_COPIES = 3
_UNDEFINED = 0xFFFFFFFF
#: Kinds of values with a length of four bytes.
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
#: Types of values that stay bytes. Those of UN do not: pydicom knows the type of public elements.
_BYTES_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
#: Pixels of each kind.
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_ITEM_GROUP, _ITEM = 0xFFFE, {"<": b"\xfe\xff\x00\xe0", ">": b"\xff\xfe\xe0\x00"}
_BYTES_OF_HEADER = 8


class TooManyElements(Exception):
    """A header holds more elements and items than are allowed."""


def allowed_elements(n_frames: int) -> int:
    """Elements and items that a header of some frames may hold."""
    return min(MAX_ELEMENTS + MAX_ELEMENTS_PER_FRAME * max(0, n_frames), MAX_ALL_ELEMENTS)


class _CountedStream(io.RawIOBase):
    """A stream that counts the headers of elements that are read, and never reads past its end."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self._left = most
        start = stream.tell()
        self._size = stream.seek(0, io.SEEK_END)
        stream.seek(start)

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes; element headers are read in eights.

        Raises:
            TooManyElements: More headers were read than are allowed.
        """
        if size == _BYTES_OF_HEADER:
            self._left -= 1
            if self._left < 0:
                raise TooManyElements
        if size is not None and 0 <= size <= _PART_BYTES:
            return self._stream.read(size)
        there = max(0, self._size - self._stream.tell())
        return self._stream.read(there if size is None or size < 0 else min(size, there))

    @property
    def is_exhausted(self) -> bool:
        """Whether more headers were asked for than are allowed."""
        return self._left < 0

    def seek(self, place: int, whence: int = io.SEEK_SET, /) -> int:
        """As of any stream."""
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        """As of any stream."""
        return self._stream.tell()


def read_within_limits(
    file: InputFile,
    tags: Sequence[BaseTag],
    *,
    most: int,
    stop_when: Callable[[BaseTag, str | None, int], bool] | None = None,
) -> FileDataset:
    """Read some elements of a DICOM file, with or without a preamble.

    Args:
        file: The file.
        tags: What is read; the others are passed over.
        most: Elements and items that may be read (`allowed_elements`).
        stop_when: Called with the tag, type and length of each element; reading ends where true.

    Returns:
        The data set. Values too long for a header are left out of it, if they are not bytes.

    Raises:
        TooManyElements: There are more.
        InputError: A deflated data set unpacks to more than one file may take.
    """
    with file.path.open("rb") as stream:
        opened = _inflated(stream, file, most)
        counted = _CountedStream(opened, most)
        try:
            dataset = read_partial(
                counted,  # type: ignore[arg-type]
                stop_when=stop_when,
                force=True,
                specific_tags=list(tags),
            )
        except Exception:
            if counted.is_exhausted:  # pydicom makes an error of its own of some of ours
                raise TooManyElements from None
            raise
    _check_values(dataset, most)
    return dataset


def _inflated(stream: BinaryIO, file: InputFile, most: int) -> BinaryIO:
    """The stream itself, or the same data set without compression where it is deflated.

    pydicom itself says which it is, so that no file is deflated to pydicom and not to this module.
    """
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(DeflatedExplicitVRLittleEndian.encode()) < 0:
            return stream
    counted = _CountedStream(stream, most)
    preamble = read_preamble(counted, True)  # type: ignore[arg-type]
    meta = _read_file_meta_info(counted)  # type: ignore[arg-type]
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        stream.seek(0)
        return stream
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plain = io.BytesIO()
    plain.write((preamble or bytes(128)) + b"DICM")
    write_file_meta_info(plain, meta, enforce_standard=False)  # type: ignore[arg-type]
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    while packed := stream.read(_PART_BYTES):
        while packed and not unpacker.eof:
            plain.write(unpacker.decompress(packed, _UNPACKED_BYTES))
            packed = unpacker.unconsumed_tail
            check_memory(file.source, _DEFLATED_COPIES * plain.tell())
    if not unpacker.eof:
        raise InputError(
            file.source,
            f"{file.name} is cut short: its compressed data breaks off. Export it again.",
        )
    plain.seek(0)
    return plain


def _check_values(dataset: Dataset, most: int) -> None:
    """Count the elements of sequences that are not parsed yet; leave out absurdly long values."""
    left = most
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag)
        if not isinstance(raw, RawDataElement) or not isinstance(raw.value, bytes):
            continue
        if tag in _PIXELS:  # compressed ones look like a sequence
            continue
        order = "<" if raw.is_little_endian else ">"
        if raw.VR == "SQ" or raw.value.startswith(_ITEM[order]):
            left -= count_elements(
                raw.value, is_implicit=raw.is_implicit_VR, order=order, most=left
            )
            if left < 0:
                raise TooManyElements
        elif len(raw.value) > _MAX_VALUE_BYTES and raw.VR not in _BYTES_VRS:
            del dataset[tag]


def count_elements(value: bytes, *, is_implicit: bool, order: str, most: int) -> int:
    """Most elements and items that a parser can find in the bytes of a sequence.

    Args:
        value: The bytes.
        is_implicit: Whether elements do not state their type.
        order: Byte order, ``<`` or ``>``.
        most: Where counting may end.

    Returns:
        The number, or one above ``most``. Bytes that cannot be followed count as elements of eight.
    """
    numbers = struct.Struct(order + "HHI")
    count, place, end = 0, 0, len(value)
    while place + _BYTES_OF_HEADER <= end and count <= most:
        count += 1
        group, _, length = numbers.unpack_from(value, place)
        head = _BYTES_OF_HEADER
        if group == _ITEM_GROUP:
            place += head
            continue
        kind = value[place + 4 : place + 6]
        if not is_implicit and kind.isalpha() and kind.isupper():
            if kind in _LONG_VRS:
                head = 12
                if place + head > end:
                    break
                (length,) = struct.unpack_from(order + "I", value, place + 8)
            else:
                (length,) = struct.unpack_from(order + "H", value, place + 6)
        elif not is_implicit:
            return count + (end - place) // _BYTES_OF_HEADER
        inner = place + head
        is_nested = length == _UNDEFINED or value.startswith(_ITEM[order], inner)
        place = inner if is_nested else inner + length
    return count


def too_many_elements_error(file: InputFile, n_frames: int) -> InputError:
    """The error for a header of more elements than any image's."""
    images = "one image" if n_frames <= 1 else f"{n_frames:,} images"
    return InputError(
        file.source,
        f"{file.name} holds more than {allowed_elements(n_frames):,} elements, more than the DICOM"
        f" header of {images} needs. Export it again.",
    )


def read_until_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
    """Whether pixels begin: a ``stop_when``."""
    return tag in _PIXELS
