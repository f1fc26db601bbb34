"""TIFF files whose types of samples or order of pages Pillow does not know, read by tifffile.

tifffile knows fewer compressions than Pillow, so it reads only files that need it. Dimensions are
checked from the header, before any pixel is decoded.
"""

from __future__ import annotations

import logging
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from pipeline.data.case import tidy_values
from pipeline.data.reading.code_streams import CutShort, Damaged, check_jpeg_rows
from pipeline.data.reading.format_kinds import DecodedImage, fault_warning
from pipeline.data.reading.limits import MAX_SEGMENTS, check_memory, check_shape
from pipeline.errors import InputError

#: Bytes at the start of every TIFF, where no segment can be.
_HEADER_BYTES = 8
_DEFLATED = (tifffile.COMPRESSION.ADOBE_DEFLATE, tifffile.COMPRESSION.DEFLATE)
#: What is unpacked at a time.
_STEP_BYTES = 1 << 20
#: Kinds of axes of a TIFF stack, in words.
_AXIS_WORDS = {"T": "time points", "C": "channels"}


def read_tiff(path: Path, source: str) -> DecodedImage | None:
    """Read a TIFF file of which Pillow would know too little; None for every other file.

    Raises:
        CutShort: Rows are missing.
        InputError: It holds what is no picture, or is cut short.
    """
    name = source.rsplit("/", 1)[-1]
    try:
        tiff = tifffile.TiffFile(path)
    except Exception:  # no TIFF, or so damaged that Pillow says what is wrong
        return None
    with tiff:
        page = tiff.pages.first
        if not isinstance(page, tifffile.TiffPage) or page.dtype is None:
            return None
        height, width, n_pages = page.imagelength, page.imagewidth, len(tiff.pages)
        check_shape(source, height=height, width=width, slices=n_pages, bytes_px=1)
        samples = int(page.samplesperpixel)
        if (samples == 2 and not _has_alpha(page)) or samples > 4:
            raise InputError(
                source,
                f"{name} has {samples} channels; pictures of one (grey) or three (colour) can be"
                " read. Save each channel as a file of its own.",
            )
        if page.dtype.kind not in "buif":
            raise InputError(
                source,
                f"{name} holds numbers of the type {page.dtype}. Save it as 16-bit integers.",
            )
        _check_segments(tiff, path, source)
        if not _needs_tifffile(tiff, page):
            return None
        try:
            with _hear_tifffile() as heard:
                decoded = _decode_tiff(tiff, source)
            if heard:
                return replace(decoded, warnings=(*decoded.warnings, fault_warning(name)))
            return decoded
        except InputError:
            raise
        except (ValueError, ModuleNotFoundError) as error:
            if "requires" not in str(error) and isinstance(error, ValueError):
                raise
            method = tifffile.COMPRESSION(page.compression).name
            raise InputError(
                source,
                f"{name} is compressed with {method}, which cannot be read for"
                f" numbers of the type {page.dtype}. Save it without compression.",
            ) from None


@contextmanager
def _hear_tifffile() -> Iterator[list[logging.LogRecord]]:
    """Collect what tifffile reports of a fault while it decodes: it does so in its log only."""
    heard: list[logging.LogRecord] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    handler, log = Handler(), logging.getLogger("tifffile")
    level, log.propagate = log.level, False
    log.setLevel(logging.WARNING)
    log.addHandler(handler)
    try:
        yield heard
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = True


def _check_segments(tiff: tifffile.TiffFile, path: Path, source: str) -> None:
    """Check that every page, and every strip or tile of it, is in the file.

    Decoders fill missing ones, end where pages lead back to an earlier one, and pass over the
    checksums of deflated ones.

    Raises:
        CutShort: One is missing, or is a JPEG without all its rows.
        Damaged: A checksum is wrong.
        InputError: There are too many.
    """
    size, n_segments = path.stat().st_size, 0
    with path.open("rb") as stream:
        if _next_page(tiff, stream):
            raise CutShort
        for found in tiff.pages:
            page = found.aspage()
            n_segments += math.prod(page.chunked)
            if n_segments > MAX_SEGMENTS:
                name = source.rsplit("/", 1)[-1]
                raise InputError(
                    source,
                    f"{name} holds more than {MAX_SEGMENTS:,} strips and tiles, which would take"
                    " too long to read. Save it with larger ones.",
                )
            segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
            if len(segments) < math.prod(page.chunked):
                raise CutShort
            for offset, n_bytes in segments:
                if n_bytes < 1 or offset < _HEADER_BYTES or offset + n_bytes > size:
                    raise CutShort
                if page.compression == tifffile.COMPRESSION.JPEG and page.bitspersample == 8:
                    stream.seek(offset)
                    check_jpeg_rows(_whole_jpeg(stream.read(n_bytes), page.jpegtables))
                elif page.compression in _DEFLATED:
                    stream.seek(offset)
                    unpacked = math.prod(page.chunks) * max(1, np.dtype(page.dtype).itemsize)
                    _check_deflated(stream.read(n_bytes), most=unpacked)


def _next_page(tiff: tifffile.TiffFile, stream: BinaryIO) -> int:
    """Where the last page that was found says that another one is; 0 as a rule."""
    form, last = tiff.tiff, tiff.pages[len(tiff.pages) - 1]
    stream.seek(last.offset)
    (tags,) = struct.unpack(form.tagnoformat, stream.read(form.tagnosize))
    stream.seek(tags * form.tagsize, os.SEEK_CUR)
    (place,) = struct.unpack(form.offsetformat, stream.read(form.offsetsize))
    return int(place)


def _check_deflated(segment: bytes, *, most: int) -> None:
    """Check a strip or tile against its checksum.

    One without its end decodes to fewer rows, which decoders report; one of more bytes than its
    pixels need is not unpacked further.
    """
    unpacker, done = zlib.decompressobj(), 0
    try:
        while segment and not unpacker.eof and done <= most:
            done += len(unpacker.decompress(segment, _STEP_BYTES))
            segment = unpacker.unconsumed_tail
    except zlib.error:
        raise Damaged from None


def _whole_jpeg(segment: bytes, tables: bytes | None) -> bytes:
    """A JPEG of a strip or tile, with the tables that all of them share in front of its own."""
    return segment if not tables else tables.removesuffix(b"\xff\xd9") + segment[2:]


def _has_alpha(page: tifffile.TiffPage) -> bool:
    return any(int(extra) in (1, 2) for extra in page.extrasamples)


def _needs_tifffile(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> bool:
    """Whether Pillow would refuse the samples, miss slices, or mix kinds of slices."""
    dtype = np.dtype(page.dtype)
    rare = dtype.itemsize == 8 or dtype == np.float16
    inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE and dtype.itemsize > 1
    hidden = tiff.is_imagej and int(tiff.series[0].size) > len(tiff.pages) * int(page.size)
    return bool(rare or inverted or hidden or len(_stack_axes(tiff)) > 1)


def _stack_axes(tiff: tifffile.TiffFile) -> dict[str, int]:
    """Axes of the first series that are neither rows, columns nor colours, longer than 1."""
    if not (tiff.is_imagej or tiff.is_ome) or not tiff.series:
        return {}
    series = tiff.series[0]
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return {axis: size for axis, size in sizes.items() if axis not in "YXS" and size > 1}


def _decode_tiff(tiff: tifffile.TiffFile, source: str) -> DecodedImage:
    page = tiff.pages.first
    assert isinstance(page, tifffile.TiffPage)
    axes = _stack_axes(tiff)
    warnings: tuple[str, ...] = ()
    n_pages = int(np.prod(list(axes.values()))) if axes else len(tiff.pages)
    height, width, itemsize = page.imagelength, page.imagewidth, np.dtype(page.dtype).itemsize
    check_shape(source, height=height, width=width, slices=n_pages, bytes_px=itemsize)
    values = height * width * n_pages * int(page.samplesperpixel)
    check_memory(source, values * (2 * itemsize + 4))
    if axes:
        series = tiff.series[0]
        slices = next((axis for axis in "ZQITC" if axis in axes), next(iter(axes)))
        others = [axis for axis in axes if axis != slices]
        place = tuple(
            0 if axis in others or (axis not in (slices, *"YXS")) else slice(None)
            for axis in series.axes
        )
        stack = series.asarray()[place]
        kept = [axis for axis, at in zip(series.axes, place, strict=True) if at != 0]
        stack = np.moveaxis(stack, kept.index(slices), 0)
        arrays = [
            _with_channels(values, "".join(a for a in kept if a != slices)) for values in stack
        ]
        if others:
            words = [f"{axes[axis]} {_AXIS_WORDS.get(axis, 'stacks')}" for axis in others]
            warnings = (f"The file holds {' and '.join(words)}; the first is read.",)
    else:
        arrays = []
        for one in tiff.pages:
            one = one.aspage()
            if arrays and one.is_reduced:
                continue  # a smaller copy for previews
            check_shape(source, height=one.imagelength, width=one.imagewidth, bytes_px=4 * n_pages)
            arrays.append(_with_channels(one.asarray(), one.axes))
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        arrays = [_inverted(values) for values in arrays]
    pages = tuple(np.ascontiguousarray(tidy_values(values)) for values in arrays)
    return DecodedImage(pages=pages, lossy=False, warnings=warnings)


def _with_channels(values: NDArray[np.generic], axes: str) -> NDArray[np.generic]:
    """Pixels ``(h, w, 1 or 3)`` of a page with axes such as YX, YXS or SYX; alpha is left out."""
    if "S" not in axes:
        return values.reshape((*values.shape[-2:], 1))
    return np.moveaxis(values, axes.index("S"), -1)[..., :3]


def _inverted(values: NDArray[Any]) -> NDArray[Any]:
    """Values of a page in which 0 is white."""
    return np.negative(values) if values.dtype.kind == "f" else np.invert(values)
