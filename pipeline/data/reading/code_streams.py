"""What the headers of compressed images state: sizes and samples, before anything is decoded.

Decoders believe the code stream, not the file around it: a DICOM header of 128 x 128 pixels may
hold an image of 16,384 x 16,384. These functions read the code stream's own numbers. Decoders also
fill rows that are missing: `check_png_rows` and `check_jpeg_rows` count them, and keep nothing;
`read_whole_jpeg` decodes and checks at once.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from pipeline.data.reading.limits import MAX_PARTS, PART_BYTES

#: Start of frame of every kind of JPEG, and of JPEG-LS.
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
#: Markers without a segment.
_LONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
#: A marker within compressed data: 0xFF is followed by 0 there, or by a restart marker.
_NEXT_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])", re.DOTALL)
_N_COEFFICIENTS = 64
_JPEG_2000 = re.compile(rb"\xff\x4f\xff\x51")
_PNG_MARK = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: First column, first row, step along columns and along rows of each pass of an interlaced PNG.
_PNG_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_CHUNK_BYTES = 1 << 20


class CutShort(Exception):
    """A code stream that ends before its last row."""


class Damaged(Exception):
    """A code stream that contradicts itself or its checksums."""


@dataclass(frozen=True)
class CodeStream:
    """What a code stream states of its image.

    Attributes:
        rows: Height.
        columns: Width.
        samples: Values of one pixel.
        bits: Bits of one value.
        frames: Images of that size.
        scans: Times that a decoder goes through the image.
        is_whole: Whether the headers of the scans cover every component down to its last bit.
    """

    rows: int
    columns: int
    samples: int = 1
    bits: int = 8
    frames: int = 1
    scans: int = 1
    is_whole: bool = True

    @property
    def n_pixels(self) -> int:
        """Pixels of all frames."""
        return self.rows * self.columns * self.frames

    @property
    def decoded_bytes(self) -> int:
        """Bytes of all frames as a decoder returns them."""
        return self.n_pixels * self.samples * ((self.bits + 7) // 8)


def read_code_stream(data: bytes) -> CodeStream | None:
    """Read what a JPEG, JPEG-LS or JPEG 2000 image states; None for anything else."""
    if data.startswith(b"\xff\xd8"):
        return _read_jpeg(data)
    # Boxes of JP2 stand in front, which may hold a decoy: the largest image counts.
    found = [_read_jpeg_2000(data[m.start() : m.start() + 43]) for m in _JPEG_2000.finditer(data)]
    return max(filter(None, found), key=lambda one: one.decoded_bytes, default=None)


def _read_jpeg_2000(head: bytes) -> CodeStream | None:
    if len(head) < 43:
        return None
    right, bottom, left, top = struct.unpack(">4I", head[8:24])
    samples, bits = struct.unpack(">HB", head[40:43])
    return CodeStream(
        max(0, bottom - top), max(0, right - left), samples=samples, bits=(bits & 0x7F) + 1
    )


@dataclass(frozen=True)
class _Segment:
    marker: int
    content: bytes
    end: int


def check_parts(data: bytes) -> None:
    """Check that a JPEG, PNG or WebP has no absurd number of segments or chunks.

    Decoders list them one by one, before they look at the picture.

    Raises:
        Damaged: It has.
    """
    parts: Iterator[object] = iter(())
    if data.startswith(b"\xff\xd8"):
        parts = _segments(data)
    elif data.startswith(_PNG_MARK):
        parts = _png_chunks(data)
    elif data.startswith(b"RIFF"):
        parts = _riff_chunks(data, 12)
    for _ in parts:
        pass


def _count(number: int, size: int) -> None:
    """Refuse the part with this number of a file of a size.

    Raises:
        Damaged: No encoder makes so many parts.
    """
    if number > MAX_PARTS + size // PART_BYTES:
        raise Damaged


def _segments(data: bytes) -> Iterator[_Segment]:
    """Segments of a JPEG, compressed data left out; ends at the end mark or where none follows.

    Raises:
        Damaged: There are absurdly many.
    """
    place, number = 2, 0
    while True:
        found = _NEXT_MARKER.search(data, place)
        if found is None:
            return
        marker, place = found[1][0], found.end()
        if marker in _LONE_MARKERS:
            continue
        if marker == _END_OF_IMAGE or place + 2 > len(data):
            return
        length = int.from_bytes(data[place : place + 2], "big")
        content = data[place + 2 : place + length]
        place += max(2, length)
        number += 1
        _count(number, len(data))
        yield _Segment(marker, content, place)


def _read_jpeg(data: bytes) -> CodeStream | None:
    frame: _Segment | None = None
    # The lowest bit of each coefficient of each component that the scans hold.
    lowest: dict[int, list[int]] = {}
    scans = 0
    for segment in _segments(data):
        content = segment.content
        if segment.marker in _JPEG_FRAMES and frame is None and len(content) >= 6:
            frame = segment
            lowest = {
                content[6 + 3 * k]: [16] * _N_COEFFICIENTS
                for k in range(content[5])
                if 6 + 3 * k < len(content)
            }
        elif segment.marker == _START_OF_SCAN:
            scans += 1
            if frame is not None:
                _note_scan(content, lowest, is_progressive=frame.marker in _PROGRESSIVE)
    if frame is None:
        return None
    bits, rows, columns, samples = struct.unpack(">BHHB", frame.content[:6])
    is_whole = scans == 0 or not any(level for levels in lowest.values() for level in levels)
    return CodeStream(rows, columns, samples=samples, bits=bits, scans=scans, is_whole=is_whole)


def _note_scan(content: bytes, lowest: dict[int, list[int]], *, is_progressive: bool) -> None:
    n = content[0] if content else 0
    if len(content) < 4 + 2 * n:
        return
    first, last, levels = content[1 + 2 * n : 4 + 2 * n]
    chosen = range(first, last + 1) if is_progressive else range(_N_COEFFICIENTS)
    for k in range(n):
        known = lowest.get(content[1 + 2 * k], [])
        for place in chosen:
            if place < len(known):
                known[place] = min(known[place], levels & 15 if is_progressive else 0)


def read_whole_jpeg(data: bytes) -> NDArray[np.uint8] | None:
    """Decode a JPEG of 8 bits, grey or in colour, of which no data is missing.

    Returns:
        Its pixels ``(h, w, 1 or 3)``, those of Pillow; None for other colours (CMYK), which were
        checked and not kept.

    Raises:
        CutShort: Data is missing or damaged: other decoders fill what is missing with grey.
    """
    try:
        _, _, space, _ = simplejpeg.decode_jpeg_header(data, strict=False)
        kind = {"Gray": "GRAY", "YCbCr": "RGB", "RGB": "RGB"}.get(space)
        if kind is None:
            check_jpeg_rows(data)
            return None
        return simplejpeg.decode_jpeg(data, kind)
    except ValueError as error:
        raise CutShort from error


def check_jpeg_rows(data: bytes) -> None:
    """Check that a JPEG of 8 bits holds all its rows: decoders fill what is missing with grey.

    Raises:
        CutShort: Data is missing or damaged.
    """
    try:
        _, _, space, _ = simplejpeg.decode_jpeg_header(data, strict=False)
        kind = "CMYK" if space in {"CMYK", "YCCK"} else "GRAY"
        simplejpeg.decode_jpeg(data, kind, fastdct=True, fastupsample=True, min_factor=8)
    except ValueError as error:
        raise CutShort from error


def check_lossless_rows(data: bytes, pixels: NDArray[np.integer[Any]]) -> None:
    """Check that a lossless JPEG of grey values holds the bits of all its pixels.

    The decoder fills what is missing. As nothing is lost, the decoded pixels say how many bits
    they take with the file's own Huffman table: never more than there are, unless rows are missing.

    Args:
        data: The JPEG.
        pixels: ``(rows, columns)`` as decoded.

    Raises:
        CutShort: Bits are missing.
    """
    lengths: dict[int, NDArray[np.int64]] = {}
    rows_apart, bits = 0, 0
    for segment in _segments(data):
        content = segment.content
        if segment.marker == 0xC3:
            bits = content[0]
            if content[5] != 1:
                return  # colour, which is not read
        elif segment.marker == 0xC4:
            lengths |= _code_lengths(content)
        elif segment.marker == 0xDD:
            interval = int.from_bytes(content[:2], "big")
            rows_apart, rest = divmod(interval, pixels.shape[1])
            if rest:
                return  # intervals that end within rows: nobody writes them
        elif segment.marker == _START_OF_SCAN and content[0] == 1:
            start, end = segment.end, data.rfind(b"\xff\xd9")
            there = end - start - data.count(b"\xff\x00", start, end)
            predictor, shift = content[3], content[5] & 15
            known = lengths.get(content[2] >> 4)
            if known is None or bits < 2:
                return
            categories = _categories(pixels, predictor, bits - shift, shift, rows_apart)
            counts = np.bincount(categories.ravel(), minlength=17)[:17]
            sizes = known + np.array([*range(16), 0])  # category 16 has no bits behind its code
            if int(counts @ sizes) > 8 * there:
                raise CutShort
            return


def _code_lengths(content: bytes) -> dict[int, NDArray[np.int64]]:
    """Of each table of a segment, the bits of the code of each category (1 where it has none)."""
    tables: dict[int, NDArray[np.int64]] = {}
    place = 0
    while place + 17 <= len(content):
        number, counts = content[place], content[place + 1 : place + 17]
        place += 17
        lengths = np.ones(17, np.int64)
        for length, count in enumerate(counts, start=1):
            for category in content[place : place + count]:
                if category < len(lengths):
                    lengths[category] = length
            place += count
        tables[number & 15] = lengths
    return tables


def _categories(
    pixels: NDArray[np.integer[Any]], predictor: int, bits: int, shift: int, rows_apart: int
) -> NDArray[np.int64]:
    """Bits of the difference of each pixel from what is predicted of it."""
    values = pixels.astype(np.int64) & 0xFFFF
    values >>= shift
    left = np.roll(values, 1, axis=1)
    above = np.roll(values, 1, axis=0)
    corner = np.roll(above, 1, axis=1)
    predicted = {
        1: left,
        2: above,
        3: corner,
        4: left + above - corner,
        5: left + ((above - corner) >> 1),
        6: above + ((left - corner) >> 1),
        7: (left + above) >> 1,
    }.get(predictor, np.zeros_like(values))
    predicted[:, 0] = above[:, 0]
    firsts = slice(0, None, rows_apart or len(values))
    predicted[firsts] = left[firsts]
    predicted[firsts, 0] = 1 << (bits - 1)
    differences = (values - predicted) & 0xFFFF
    magnitudes = np.where(differences > 0x8000, 0x10000 - differences, differences)
    return np.ceil(np.log2(magnitudes + 1)).astype(np.int64)


@dataclass(frozen=True)
class _PngHeader:
    columns: int
    rows: int
    depth: int
    colour: int
    interlaced: bool

    def raw_bytes(self, columns: int, rows: int) -> int:
        """Bytes of one frame before they are packed: each row has one in front."""
        bits = self.depth * _PNG_CHANNELS.get(self.colour, 4)
        if not self.interlaced:
            return rows * (1 + (columns * bits + 7) // 8)
        total = 0
        for left, top, across, down in _PNG_PASSES:
            wide, high = -(-(columns - left) // across), -(-(rows - top) // down)
            if wide > 0 and high > 0:
                total += high * (1 + (wide * bits + 7) // 8)
        return total


def read_png(data: bytes) -> CodeStream | None:
    """Read what a PNG states of its image and of its animation."""
    header = _png_header(data)
    if header is None:
        return None
    frames = 1
    for kind, content in _png_chunks(data):
        if kind == b"acTL" and len(content) >= 4:
            frames = max(1, int.from_bytes(content[:4], "big"))
        if kind == b"IDAT":
            break
    samples = 4 if header.colour == 3 else _PNG_CHANNELS.get(header.colour, 4)
    return CodeStream(
        header.rows, header.columns, samples=samples, bits=header.depth, frames=frames
    )


def _png_header(data: bytes) -> _PngHeader | None:
    if not data.startswith(_PNG_MARK) or data[12:16] != b"IHDR" or len(data) < 29:
        return None
    columns, rows, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    return _PngHeader(columns, rows, depth, colour, bool(interlaced))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of each chunk; ends where the file does.

    Raises:
        Damaged: There are absurdly many.
    """
    view, place, number = memoryview(data), len(_PNG_MARK), 0
    while place + 8 <= len(data):
        number += 1
        _count(number, len(data))
        length, kind = struct.unpack(">I4s", view[place : place + 8])
        yield kind, view[place + 8 : place + 8 + length]
        place += 12 + length


def check_png_chunks(data: bytes) -> None:
    """Check that the chunks of a PNG are whole, up to its end mark.

    Raises:
        CutShort: Bytes are missing.
        Damaged: A checksum does not match.
    """
    place = len(_PNG_MARK)
    for kind, content in _png_chunks(data):
        place += 12 + len(content)
        if kind in {b"IHDR", b"PLTE", b"IDAT", b"fdAT", b"fcTL", b"IEND"}:
            stated = data[place - 4 : place]
            if len(stated) < 4:
                raise CutShort
            if zlib.crc32(content, zlib.crc32(kind)) != int.from_bytes(stated, "big"):
                raise Damaged
        if kind == b"IEND":
            return
    raise CutShort


def check_png_rows(data: bytes) -> None:
    """Check that a PNG holds the bytes of all rows of all frames: decoders fill missing ones.

    Nothing is kept: memory stays small whatever the file unpacks to.

    Raises:
        CutShort: Bytes are missing.
        Damaged: The compressed rows are damaged, or far too many.
    """
    header = _png_header(data)
    if header is None:
        raise Damaged
    left, unpacker = header.raw_bytes(header.columns, header.rows), zlib.decompressobj()
    size = header.columns, header.rows
    for kind, content in _png_chunks(data):
        if kind == b"fcTL" and len(content) >= 12:
            size = struct.unpack(">II", content[4:12])
        elif kind in {b"IDAT", b"fdAT"}:
            packed = content[4:] if kind == b"fdAT" else content
            if kind == b"fdAT" and left <= 0 and unpacker.eof:
                left, unpacker = header.raw_bytes(*size), zlib.decompressobj()
            left -= _count_unpacked(unpacker, bytes(packed), left)
        elif kind == b"IEND":
            break
    if left > 0:
        raise CutShort


def _count_unpacked(unpacker: zlib._Decompress, packed: bytes, most: int) -> int:
    """Bytes that packed ones unpack to, not far beyond the number that is of interest."""
    count = 0
    try:
        while packed and not unpacker.eof:
            count += len(unpacker.decompress(packed, _CHUNK_BYTES))
            packed = unpacker.unconsumed_tail
            if count > most + _CHUNK_BYTES:
                raise Damaged
    except zlib.error:
        raise Damaged from None
    return count


def read_webp(data: bytes) -> CodeStream | None:
    """Read what a WebP states: its canvas, its frames, and the size of each image in it.

    Raises:
        Damaged: An image in it is larger than the canvas.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    canvas: tuple[int, int] | None = None
    images: list[tuple[int, int]] = []
    for kind, content in _riff_chunks(data, 12):
        if kind == b"VP8X" and len(content) >= 10:
            canvas = _less_one(content[4:7]), _less_one(content[7:10])
        elif kind == b"ANMF":
            sizes = [_webp_size(*inner) for inner in _riff_chunks(content, 16)]
            images += [size for size in sizes if size is not None]
        elif (size := _webp_size(kind, content)) is not None:
            images.append(size)
    largest = (
        max((wide for wide, _ in images), default=0),
        max((high for _, high in images), default=0),
    )
    wide, high = canvas or largest
    if largest[0] > wide or largest[1] > high:
        raise Damaged
    return CodeStream(high, wide, samples=4, frames=max(1, len(images)))


def _riff_chunks(data: bytes | memoryview, place: int) -> Iterator[tuple[bytes, memoryview]]:
    view, number = memoryview(data), 0
    while place + 8 <= len(view):
        number += 1
        _count(number, len(view))
        kind, length = struct.unpack("<4sI", view[place : place + 8])
        yield kind, view[place + 8 : place + 8 + length]
        place += 8 + length + (length & 1)


def _less_one(three_bytes: memoryview) -> int:
    return int.from_bytes(three_bytes, "little") + 1


def _webp_size(kind: bytes, content: memoryview) -> tuple[int, int] | None:
    """(width, height) of a lossy or lossless image."""
    if kind == b"VP8 " and len(content) >= 10:
        wide, high = struct.unpack("<HH", content[6:10])
        return wide & 0x3FFF, high & 0x3FFF
    if kind == b"VP8L" and len(content) >= 5:
        bits = int.from_bytes(content[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
