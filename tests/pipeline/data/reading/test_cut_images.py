"""Images with half of their rows, whose end was put back: errors, not pictures with grey below."""

import io
import logging
import struct
import zlib
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
import tifffile
from factories import SeriesFactory, grey
from hostile_files import chunk
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames
from readings import read_error, read_one

CUT = "is cut short"
SIDE = 64


def picture(suffix: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(grey(SIDE, SIDE)).save(stream, suffix, **options)
    return stream.getvalue()


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def half_a_jpeg(data: bytes) -> bytes:
    """Half of the compressed bytes, and the end mark."""
    start = data.index(b"\xff\xda")
    return data[: start + (len(data) - start) // 2] + b"\xff\xd9"


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"quality": 95}, {"optimize": True}]
)
def test_half_a_jpeg_is_an_error(tmp_path, options):
    data = picture("JPEG", **options)
    assert read_one(written(tmp_path, "whole.jpg", data)).n_slices == 1
    assert CUT in read_error(written(tmp_path, "half.jpg", half_a_jpeg(data)))


def test_a_progressive_jpeg_without_its_last_scan_is_an_error(tmp_path):
    data = picture("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert CUT in read_error(written(tmp_path, "less.jpg", data[:last] + b"\xff\xd9"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("interlaced", [False, True])
def test_half_a_png_is_an_error(tmp_path, dtype, interlaced):
    """Fewer rows than the header states, in a stream of bytes that ends as it should."""
    values = np.arange(SIDE * SIDE, dtype=dtype).reshape(SIDE, SIDE)
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8 * values.itemsize, 0, 0, 0, int(interlaced))

    def png(raw: bytes) -> bytes:
        parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(parts)

    if not interlaced:
        assert read_one(written(tmp_path, "whole.png", png(rows))).n_slices == 1
    assert CUT in read_error(written(tmp_path, "half.png", png(rows[: len(rows) // 2])))


@pytest.mark.parametrize("below", [0, 255])
@pytest.mark.parametrize(
    ("colour", "depth", "n_bytes"),
    [(0, 1, 8), (0, 8, 64), (0, 16, 128), (2, 8, 192), (2, 16, 384), (3, 8, 64), (6, 8, 256)],
)
def test_a_png_without_the_end_of_its_last_row_is_an_error(tmp_path, colour, depth, n_bytes, below):
    """Of every kind of pixels, black and white: what is missing looks like neither."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, depth, colour, 0, 0, 0)
    rows = (b"\0" + bytes(range(n_bytes % 255)).ljust(n_bytes, b"\1")) * (SIDE - 1)
    rows += b"\0" + bytes([below]) * n_bytes
    palette = [chunk(b"PLTE", bytes(range(256)) * 3)] if colour == 3 else []

    def png(raw: bytes) -> bytes:
        ends = chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + b"".join((chunk(b"IHDR", header), *palette, *ends))

    assert read_one(written(tmp_path, "whole.png", png(rows))).n_slices == 1
    assert CUT in read_error(written(tmp_path, "less.png", png(rows[:-1])))


def test_a_frame_of_an_animated_png_without_its_rows_is_an_error(tmp_path):
    frames = [Image.fromarray(grey(SIDE, SIDE, seed=k)) for k in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    whole = stream.getvalue()
    assert read_one(written(tmp_path, "whole.png", whole)).n_slices == 3
    start = whole.rindex(b"fdAT") - 4
    (length,) = struct.unpack(">I", whole[start : start + 4])
    number, packed = whole[start + 8 : start + 12], whole[start + 12 : start + 8 + length]
    raw = zlib.decompress(packed)
    half = chunk(b"fdAT", number + zlib.compress(raw[: len(raw) // 2]))
    data = whole[:start] + half + whole[start + 12 + length :]
    assert CUT in read_error(written(tmp_path, "half.png", data))


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 90}])
def test_half_a_webp_is_an_error(tmp_path, options):
    data = picture("WEBP", **options)
    kind, length = data[12:16], struct.unpack("<I", data[16:20])[0]
    body = data[20 : 20 + (length // 4) * 2]
    whole = b"WEBP" + kind + struct.pack("<I", len(body)) + body
    path = written(tmp_path, "half.webp", b"RIFF" + struct.pack("<I", len(whole)) + whole)
    assert "half.webp" in read_error(path)


@pytest.mark.parametrize(
    ("compression", "dtype"),
    [
        (None, np.uint8),
        (None, np.float64),
        ("zlib", np.uint16),
        ("zlib", np.float64),
        ("lzw", np.uint8),
        ("packbits", np.uint16),
        ("jpeg", np.uint8),
    ],
)
@pytest.mark.parametrize("tag", ["StripByteCounts", "StripOffsets"])
def test_a_tiff_without_half_of_its_strips_is_an_error(tmp_path, compression, dtype, tag):
    values = np.random.default_rng(0).integers(0, 250, (SIDE, SIDE)).astype(dtype)
    path = tmp_path / "x.tif"
    if compression in {None, "zlib"}:
        tifffile.imwrite(path, values, rowsperstrip=16, compression=compression)
    else:
        name = {"lzw": "tiff_lzw"}.get(compression, compression)
        Image.fromarray(values).save(path, compression=name, tiffinfo={278: 16})
    assert read_one(path).n_slices == 1
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages.first.tags[tag]
        n, place, size = found.count, found.valueoffset, found.valuebytecount // found.count
    data = bytearray(path.read_bytes())
    for k in range(n // 2, n):
        data[place + k * size : place + (k + 1) * size] = bytes(size)
    path.write_bytes(bytes(data))
    assert CUT in read_error(path)


def test_a_strip_of_a_tiff_that_is_half_a_jpeg_is_an_error(tmp_path):
    path = written(tmp_path, "x.tif", picture("TIFF", compression="jpeg"))
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        start, length = page.dataoffsets[0], page.databytecounts[0]
    data = bytearray(path.read_bytes())
    half = half_a_jpeg(bytes(data[start : start + length]))
    data[start : start + length] = half.ljust(length, b"\0")
    path.write_bytes(bytes(data))
    assert CUT in read_error(path)


def compressed(path: Path, syntax: int) -> pydicom.FileDataset:
    """A DICOM file's data set, compressed by GDCM."""
    reader, change, writer = (
        gdcm.ImageReader(),
        gdcm.ImageChangeTransferSyntax(),
        gdcm.ImageWriter(),
    )
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return pydicom.dcmread(path)


@pytest.mark.parametrize("part", [0.5, 0.97])
@pytest.mark.parametrize(
    ("syntax", "dtype"),
    [
        ("JPEGBaselineProcess1", np.uint8),
        ("JPEGLosslessProcess14", np.uint16),
        ("JPEGLosslessProcess14_1", np.uint16),
        ("JPEGLosslessProcess14_1", np.uint8),
        ("JPEGLSLossless", np.uint16),
        ("JPEG2000Lossless", np.uint16),
        ("RLELossless", np.uint16),
    ],
)
def test_half_a_compressed_dicom_image_is_an_error(tmp_path, syntax, dtype, part):
    values = np.random.default_rng(0).integers(0, 250, (1, SIDE, SIDE)).astype(dtype)
    path = tmp_path / "x.dcm"
    SeriesFactory(values).dataset(0).save_as(path, enforce_file_format=True)
    dataset = compressed(path, getattr(gdcm.TransferSyntax, syntax))
    assert read_one(path).n_slices == 1
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1)).rstrip(b"\0")
    end = b"" if syntax == "RLELossless" else b"\xff\xd9"
    dataset.PixelData = encapsulate([frame[: int(part * len(frame))] + end])
    dataset.save_as(path)
    assert "x.dcm is" in read_error(path)


@pytest.mark.parametrize("shape", [(512, 512), (31, 7), (1, 1), (3, 300)])
@pytest.mark.parametrize("kind", ["noise", "black", "ramp"])
def test_whole_lossless_jpegs_of_any_content_are_whole(tmp_path, shape, kind):
    noise = np.random.default_rng(1).integers(0, 65536, (1, *shape))
    content = {"noise": noise, "black": 0 * noise, "ramp": np.arange(noise.size).reshape(1, *shape)}
    values = (content[kind] & 0xFFFF).astype(np.uint16)
    path = tmp_path / "x.dcm"
    SeriesFactory(values).dataset(0).save_as(path, enforce_file_format=True)
    compressed(path, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    np.testing.assert_array_equal(read_one(path).pixels[0, ..., 0], values[0])


@pytest.mark.parametrize("dtype", [np.uint16, np.float64])
@pytest.mark.parametrize("place", [8, 3, 0x7FFFFFFF])
def test_pages_of_a_tiff_that_lead_astray_are_an_error(tmp_path, dtype, place):
    path = tmp_path / "x.tif"
    with tifffile.TiffWriter(path) as writer:
        for k in range(4):
            writer.write(np.full((16, 16), k, dtype), contiguous=False, metadata=None)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        second = tiff.pages[1].offset
    (tags,) = struct.unpack_from("<H", data, second)
    struct.pack_into("<I", data, second + 2 + 12 * tags, place)
    path.write_bytes(bytes(data))
    error = read_error(path)
    assert CUT in error or "damaged" in error


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_a_deflated_tiff_of_other_pixels_than_its_checksum_is_an_error(tmp_path, dtype):
    values = np.random.default_rng(0).integers(0, 250, (SIDE, SIDE)).astype(dtype)
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, values, compression="zlib", compressionargs={"level": 0})
    assert read_one(path).n_slices == 1
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages.first.dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[start + 1000] ^= 1  # a stored byte: only the checksum shows it
    path.write_bytes(bytes(data))
    assert "damaged" in read_error(path)


def test_what_a_c_library_reports_of_a_picture_is_a_caution(tmp_path):
    rows = zlib.compress(bytes(SIDE * (1 + 6 * SIDE)))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)
    start, end = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head), chunk(b"IEND", b"")
    sound = written(tmp_path, "sound.png", start + chunk(b"IDAT", rows) + end)
    more = written(tmp_path, "more.png", start + chunk(b"IDAT", rows + bytes(50)) + end)
    found = {path: " ".join(read_one(path).warnings) for path in (sound, more)}
    assert "damaged in part" in found[more] and "damaged in part" not in found[sound]


def test_what_tifffile_reports_of_a_picture_is_a_caution(tmp_path, monkeypatch):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.ones((SIDE, SIDE)))
    decode = tifffile.TiffPage.asarray

    def report(page, *args, **options):
        logging.getLogger("tifffile").warning("a segment is damaged")
        return decode(page, *args, **options)

    assert "damaged in part" not in " ".join(read_one(path).warnings)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", report)
    assert "damaged in part" in " ".join(read_one(path).warnings)
