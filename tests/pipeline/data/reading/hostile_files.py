"""Small files that take gigabytes or minutes of a reader that believes them, one per builder."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

_MEGABYTE = 1 << 20
EXPLICIT, DEFLATED = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.1.99"
JPEG_2000, JPEG_LS = b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.80"
JPEG_BASELINE = b"1.2.840.10008.1.2.4.50"
_LONG = (b"OB", b"OW", b"SQ", b"UN")


def element(group: int, number: int, kind: bytes, value: bytes, *, length: int | None = None):
    """One element of explicit little endian DICOM."""
    size = len(value) if length is None else length
    sized = b"\0\0" + struct.pack("<I", size) if kind in _LONG else struct.pack("<H", size)
    return struct.pack("<HH", group, number) + kind + sized + value


def item(value: bytes, *, length: int | None = None) -> bytes:
    """One item of a sequence, or a fragment of pixels."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value) if length is None else length) + value


SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def meta(syntax: bytes = EXPLICIT, *, preamble: bool = True, before: bytes = b"") -> bytes:
    """The start of a DICOM file."""
    body = before + element(2, 0x10, b"UI", syntax + b"\0" * (len(syntax) % 2))
    start = bytes(128) + b"DICM" if preamble else b""
    return start + element(2, 0, b"UL", struct.pack("<I", len(body))) + body


def image_elements(rows: int = 64, columns: int = 64, frames: int = 1) -> bytes:
    """What an image states of itself before its pixels."""
    number = str(frames).encode()
    return b"".join(
        (
            element(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
            element(0x20, 0x0E, b"UI", b"1.2.3\0"),
            element(0x28, 2, b"US", struct.pack("<H", 1)),
            element(0x28, 4, b"CS", b"MONOCHROME2 "),
            element(0x28, 8, b"IS", number + b" " * (len(number) % 2)),
            element(0x28, 0x10, b"US", struct.pack("<H", rows)),
            element(0x28, 0x11, b"US", struct.pack("<H", columns)),
            element(0x28, 0x100, b"US", struct.pack("<H", 16)),
            element(0x28, 0x101, b"US", struct.pack("<H", 16)),
            element(0x28, 0x102, b"US", struct.pack("<H", 15)),
            element(0x28, 0x103, b"US", struct.pack("<H", 0)),
        )
    )


def pixels(rows: int = 64, columns: int = 64) -> bytes:
    """Pixels of one image of 16 bits."""
    return element(0x7FE0, 0x10, b"OW", bytes(2 * rows * columns))


def encapsulated(*fragments: bytes) -> bytes:
    """Compressed pixels."""
    whole = item(b"") + b"".join(map(item, fragments)) + SEQUENCE_END
    return element(0x7FE0, 0x10, b"OB", whole, length=0xFFFFFFFF)


def tiny_elements(n: int = 38_000) -> bytes:
    elements = (
        struct.pack("<HH", 9 + 2 * (k >> 14), 0x1000 + (k & 0x3FFF)) + b"SH\0\0" for k in range(n)
    )
    return meta() + b"".join(elements) + image_elements() + pixels()


def tiny_items(n: int = 38_000) -> bytes:
    per_frame = element(0x5200, 0x9230, b"SQ", item(b"") * n)
    return meta() + image_elements() + per_frame + pixels()


def tiny_items_to_a_delimiter(n: int = 38_000) -> bytes:
    content = item(b"") * n + SEQUENCE_END
    per_frame = element(0x5200, 0x9230, b"SQ", content, length=0xFFFFFFFF)
    return meta() + image_elements() + per_frame + pixels()


def tiny_items_nobody_asks_for(n: int = 38_000) -> bytes:
    content = item(element(8, 0x60, b"CS", b"")) * n + SEQUENCE_END
    private = element(0x29, 0x1010, b"SQ", content, length=0xFFFFFFFF)
    return meta() + image_elements() + private + pixels()


def tiny_elements_of_the_file_meta(n: int = 38_000) -> bytes:
    before = b"".join(struct.pack("<HH", 2, 0x102) + b"SH\0\0" for _ in range(n))
    return meta(before=before) + image_elements() + pixels()


def tiny_fragments(n: int = 60_000) -> bytes:
    return meta(JPEG_2000) + image_elements() + encapsulated(*[b""] * n)


def deep_sequences(depth: int = 20_000) -> bytes:
    opened = (
        element(8, 0x1115, b"SQ", b"", length=0xFFFFFFFF) + item(b"", length=0xFFFFFFFF)
    ) * depth
    return meta() + image_elements() + opened


def deep_sequences_of_stated_length(depth: int = 2_000) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = element(8, 0x1115, b"SQ", item(inner))
    shared = element(0x5200, 0x9229, b"SQ", item(inner))
    return meta() + image_elements() + shared + pixels()


def endless_value() -> bytes:
    many = element(0x20, 0x4000, b"UN", b"\\1" * (4 * _MEGABYTE))
    position = element(0x20, 0x32, b"UN", b"1\\" * (4 * _MEGABYTE))
    return meta() + many + position + image_elements() + pixels()


def false_length() -> bytes:
    return meta() + image_elements() + element(0x7FE0, 0x10, b"OW", b"", length=0xFFFFFF00)


def packed_zeros(n_megabytes: int) -> bytes:
    """A deflated stream of zeros without its end; one block is packed and repeated."""
    packer = zlib.compressobj(9, wbits=-15)
    return (packer.compress(bytes(_MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)) * n_megabytes


#: The end of a deflated stream: a last block, empty.
_LAST_BLOCK = b"\x03\0"


def _deflated(plain: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    start = plain + element(0x7FE0, 0x10, b"OW", b"", length=400 * _MEGABYTE)
    packed = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    return packed + packed_zeros(400) + _LAST_BLOCK


def deflated_bomb() -> bytes:
    return meta(DEFLATED) + _deflated(image_elements(8000, 8000))


def deflated_bomb_without_preamble() -> bytes:
    return meta(DEFLATED, preamble=False) + _deflated(image_elements(8000, 8000))


def deflated_bomb_after_a_long_file_meta() -> bytes:
    before = element(2, 0x102, b"OB", bytes(9_000))
    return meta(DEFLATED, before=before) + _deflated(image_elements(8000, 8000))


def jpeg_2000_stream(side: int) -> bytes:
    """Start of an image without pixels."""
    size = struct.pack(">HIIIIIIIIH", 0, side, side, 0, 0, side, side, 0, 0, 1) + b"\x0f\1\1"
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size + b"\xff\x90" + bytes(64)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def jpeg_2000_in_boxes() -> bytes:
    header = _box(b"jP  ", b"\r\n\x87\n") + _box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    decoy = _box(b"uuid", jpeg_2000_stream(64))
    frame = header + decoy + _box(b"jp2c", jpeg_2000_stream(16_384) + b"\xff\xd9")
    return meta(JPEG_2000) + image_elements() + encapsulated(frame)


def jpeg_2000_in_two_fragments() -> bytes:
    frame = jpeg_2000_stream(16_384) + b"\xff\xd9"
    return meta(JPEG_2000) + image_elements() + encapsulated(frame[:10], frame[10:])


def jpeg_ls_of_another_size() -> bytes:
    start = b"\xff\xd8\xff\xf7" + struct.pack(">HBHHB", 11, 16, 40_000, 40_000, 1) + b"\1\x11\0"
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\1\0\0\0\0" + bytes(64) + b"\xff\xd9"
    return meta(JPEG_LS) + image_elements() + encapsulated(start + scan)


def more_frames_than_stated(n: int = 20_000) -> bytes:
    return meta(JPEG_LS) + image_elements() + encapsulated(*[_jpeg(8)] * n)


def _jpeg(side: int, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(stream, "JPEG", **options)
    return stream.getvalue()


def many_scans(n: int = 5_000) -> bytes:
    data = _jpeg(2048, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * n + b"\xff\xd9"


def many_scans_in_dicom(n: int = 1_000) -> bytes:
    return meta(JPEG_BASELINE) + image_elements(2048, 2048) + encapsulated(many_scans(n))


def jpeg_of_false_size() -> bytes:
    data = bytearray(_jpeg(16))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", 8192, 8192)
    return bytes(data)


def many_segments(n: int = 2_000_000) -> bytes:
    """A decoder lists them one by one when it opens the file."""
    data = _jpeg(64)
    return data[:2] + b"\xff\xe0\0\2" * n + data[2:]


def many_segments_in_dicom(n: int = 2_000_000) -> bytes:
    return meta(JPEG_BASELINE) + image_elements() + encapsulated(many_segments(n))


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(columns: int, rows: int, depth: int, colour: int, packed: bytes, *others: bytes) -> bytes:
    """A PNG of packed rows."""
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    whole = (chunk(b"IHDR", header), *others, chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)


def _zeros(n_megabytes: int) -> bytes:
    check = 1
    for _ in range(n_megabytes):
        check = zlib.adler32(bytes(_MEGABYTE), check)
    return b"\x78\xda" + packed_zeros(n_megabytes) + _LAST_BLOCK + struct.pack(">I", check)


def deep_png() -> bytes:
    return png(8000, 8000, 16, 6, zlib.compress(bytes(1000)))


def png_of_false_size() -> bytes:
    return png(8000, 8000, 8, 2, zlib.compress(bytes(100)))


def png_that_goes_on() -> bytes:
    return png(64, 64, 8, 0, _zeros(300))


def png_of_many_chunks(n: int = 1_200_000) -> bytes:
    data = png(64, 64, 8, 0, zlib.compress(bytes(64 * 65)))
    place = data.index(b"IDAT") - 4
    return data[:place] + chunk(b"tRNS", b"\0\0") * n + data[place:]


def png_of_many_frames() -> bytes:
    control = chunk(b"acTL", struct.pack(">II", 4000, 0))
    return png(2000, 2000, 8, 2, zlib.compress(bytes(100)), control)


def png_with_a_long_text() -> bytes:
    text = chunk(b"zTXt", b"a\0\0" + _zeros(300))
    return png(8, 8, 8, 0, zlib.compress(bytes(72)), text)


def png_with_a_large_profile() -> bytes:
    profile = chunk(b"iCCP", b"a\0\0" + _zeros(300))
    return png(8, 8, 8, 0, zlib.compress(bytes(72)), profile)


def _riff(*chunks: tuple[bytes, bytes]) -> bytes:
    whole = b"".join(k + struct.pack("<I", len(c)) + c + b"\0" * (len(c) & 1) for k, c in chunks)
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WEBP" + whole


def _canvas(side: int, flags: int) -> tuple[bytes, bytes]:
    return b"VP8X", struct.pack("<I", flags) + (side - 1).to_bytes(3, "little") * 2


def webp_larger_than_its_canvas() -> bytes:
    bits = (16_383 - 1) | (16_383 - 1) << 14
    return _riff(_canvas(64, 0), (b"VP8L", b"\x2f" + struct.pack("<I", bits) + bytes(99)))


def webp_of_false_size() -> bytes:
    key = b"\x30\x01\0\x9d\x01\x2a" + struct.pack("<HH", 8192, 8192) + bytes(99)
    return _riff((b"VP8 ", key))


def webp_of_many_frames(n: int = 3_000) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(stream, "WEBP", lossless=True)
    picture = stream.getvalue()[12:]
    frame = struct.pack("<I", 0)[:3] * 2 + (7).to_bytes(3, "little") * 2 + b"\1\0\0\0" + picture
    animation = (b"ANIM", bytes(6))
    return _riff(_canvas(4000, 2), animation, *[(b"ANMF", frame)] * n)


def tiff_of_many_pages_that_are_one(n: int = 3_000) -> bytes:
    """Each page has the same strip, which unpacks to 16 MB."""
    packed = zlib.compress(bytes(4096 * 4096), 9)
    data = bytearray(b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed)
    facts = {256: 4096, 257: 4096, 258: 8, 259: 8, 262: 1, 273: 8, 278: 4096, 279: len(packed)}
    for k in range(n):
        after = len(data) + 2 + 12 * len(facts) + 4
        data += struct.pack("<H", len(facts))
        data += b"".join(struct.pack("<HHII", tag, 4, 1, fact) for tag, fact in facts.items())
        data += struct.pack("<I", after if k < n - 1 else 0)
    return bytes(data)


def tiff_of_tiny_tiles(pages: int = 12) -> bytes:
    """All pages share one table of tiles, all of whose entries are one tile."""
    n, data = 512 * 512, bytearray(b"II*\0" + struct.pack("<I", 264) + bytes(256))
    table = 264 + pages * (2 + 9 * 12 + 4)
    facts = {256: (1, 8192), 257: (1, 8192), 258: (1, 8), 259: (1, 1), 262: (1, 1), 322: (1, 16)}
    facts |= {323: (1, 16), 324: (n, table), 325: (n, table + 4 * n)}
    for k in range(pages):
        data += struct.pack("<H", len(facts))
        data += b"".join(struct.pack("<HHII", tag, 4, *fact) for tag, fact in facts.items())
        data += struct.pack("<I", len(data) + 4 if k < pages - 1 else 0)
    return bytes(data) + struct.pack("<I", 8) * n + struct.pack("<I", 256) * n


def tiff_of_false_size() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(stream, "TIFF")
    data = bytearray(stream.getvalue())
    (first,) = struct.unpack("<I", data[4:8])
    (n,) = struct.unpack("<H", data[first : first + 2])
    for k in range(n):
        place = first + 2 + 12 * k
        tag, kind = struct.unpack("<HH", data[place : place + 4])
        if tag in {256, 257, 278}:
            data[place + 8 : place + 12] = struct.pack(
                "<HH" if kind == 3 else "<I", *((8000, 0) if kind == 3 else (8000,))
            )
    return bytes(data)


def _nifti(shape: tuple[int, ...], *, offset: float = 352, kind: int = 4, bits: int = 16) -> bytes:
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<hh", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<ff", header, 108, offset, 1.0)
    header[344:348] = b"n+1\0"
    return bytes(header)


def _gz(*parts: bytes, zeros: int = 0) -> bytes:
    start = b"".join(parts)
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    check = zlib.crc32(start)
    for _ in range(zeros):
        check = zlib.crc32(bytes(_MEGABYTE), check)
    end = struct.pack("<II", check, (len(start) + zeros * _MEGABYTE) & 0xFFFFFFFF)
    header = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return header + packed + packed_zeros(zeros) + _LAST_BLOCK + end


def nifti_extension_bomb() -> bytes:
    size = 400 * _MEGABYTE
    header = bytearray(_nifti((8, 8, 8), offset=352.0 + size))
    header[348] = 1
    return _gz(bytes(header), struct.pack("<ii", size, 6), zeros=401)


def nifti_that_begins_late() -> bytes:
    return _gz(_nifti((8, 8, 8), offset=float(400 * _MEGABYTE)), zeros=401)


def nifti_of_false_size() -> bytes:
    return _gz(_nifti((4000, 4000, 30)), bytes(1024))


def nifti_of_many_volumes() -> bytes:
    return _gz(_nifti((64, 64, 64, 32_000)), zeros=4)


def plain_nifti_of_false_size() -> bytes:
    return _nifti((4000, 4000, 30)) + bytes(1024)


def mgz_of_false_size() -> bytes:
    return _gz(struct.pack(">6i", 1, 8000, 8000, 16, 1, 3).ljust(284, b"\0"), bytes(1024))


def nrrd_of_false_size() -> bytes:
    header = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4000 4000 30\nencoding: gzip\n"
    return header + b"endian: little\n\n" + _gz(bytes(1024))


def nrrd_that_goes_on() -> bytes:
    header = (
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 8 8 8\nencoding: gzip\nendian: little\n\n"
    )
    return header + _gz(zeros=300)


def nrrd_of_two_sizes() -> bytes:
    header = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4000 4000 30\nsizes: 8 8 8\n"
    return header + b"encoding: gzip\nendian: little\n\n" + _gz(bytes(1024))


def metaimage_of_false_size() -> bytes:
    header = b"ObjectType = Image\nNDims = 3\nDimSize = 4000 4000 30\nElementType = MET_SHORT\n"
    return header + b"CompressedData = True\nElementDataFile = LOCAL\n" + zlib.compress(bytes(99))


def zip_of_many_entries(n: int = 100_000) -> bytes:
    name = b"a"
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + name
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    listed = (entry + name) * n
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, n & 0xFFFF, n & 0xFFFF, len(listed), len(local), 0
    )
    return local + listed + end


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def nested_zip() -> bytes:
    inner = _zip({f"{k}.bin": bytes(4 * _MEGABYTE) for k in range(20)})
    return _zip({f"{k}.zip": inner for k in range(10)})


def bzip2_zip() -> bytes:
    size = 48 * _MEGABYTE
    data = _zip({"a.bin": bytes(size)}, zipfile.ZIP_BZIP2)
    return data.replace(struct.pack("<I", size), struct.pack("<I", 100))  # it states less


def lzma_zip_with_a_large_window() -> bytes:
    data = bytearray(_zip({"a.bin": bytes(1000)}, zipfile.ZIP_LZMA))
    start = 30 + len("a.bin")
    data[start + 5 : start + 9] = struct.pack("<I", 0xFFFFFFF0)
    return bytes(data)


def gzip_bomb() -> bytes:
    return _gz(b"text", zeros=400)


#: Every file, by the name that it is given.
HOSTILE: dict[str, Callable[[], bytes]] = {
    "elements.dcm": tiny_elements,
    "items.dcm": tiny_items,
    "delimited.dcm": tiny_items_to_a_delimiter,
    "private.dcm": tiny_items_nobody_asks_for,
    "meta.dcm": tiny_elements_of_the_file_meta,
    "fragments.dcm": tiny_fragments,
    "deep.dcm": deep_sequences,
    "deep_lengths.dcm": deep_sequences_of_stated_length,
    "value.dcm": endless_value,
    "length.dcm": false_length,
    "deflated.dcm": deflated_bomb,
    "deflated_bare.dcm": deflated_bomb_without_preamble,
    "deflated_late.dcm": deflated_bomb_after_a_long_file_meta,
    "boxes.dcm": jpeg_2000_in_boxes,
    "two_fragments.dcm": jpeg_2000_in_two_fragments,
    "jpeg_ls.dcm": jpeg_ls_of_another_size,
    "frames.dcm": more_frames_than_stated,
    "scans.dcm": many_scans_in_dicom,
    "scans.jpg": many_scans,
    "segments.jpg": many_segments,
    "segments.dcm": many_segments_in_dicom,
    "size.jpg": jpeg_of_false_size,
    "deep.png": deep_png,
    "size.png": png_of_false_size,
    "goes_on.png": png_that_goes_on,
    "chunks.png": png_of_many_chunks,
    "frames.png": png_of_many_frames,
    "text.png": png_with_a_long_text,
    "profile.png": png_with_a_large_profile,
    "canvas.webp": webp_larger_than_its_canvas,
    "size.webp": webp_of_false_size,
    "frames.webp": webp_of_many_frames,
    "tiles.tif": tiff_of_tiny_tiles,
    "pages.tif": tiff_of_many_pages_that_are_one,
    "size.tif": tiff_of_false_size,
    "extension.nii.gz": nifti_extension_bomb,
    "late.nii.gz": nifti_that_begins_late,
    "size.nii.gz": nifti_of_false_size,
    "volumes.nii.gz": nifti_of_many_volumes,
    "size.nii": plain_nifti_of_false_size,
    "size.mgz": mgz_of_false_size,
    "size.nrrd": nrrd_of_false_size,
    "goes_on.nrrd": nrrd_that_goes_on,
    "sizes.nrrd": nrrd_of_two_sizes,
    "size.mha": metaimage_of_false_size,
    "entries.zip": zip_of_many_entries,
    "nested.zip": nested_zip,
    "bzip2.zip": bzip2_zip,
    "window.zip": lzma_zip_with_a_large_window,
    "text.gz": gzip_bomb,
}
