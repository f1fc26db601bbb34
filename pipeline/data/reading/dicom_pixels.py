"""Pixels of one DICOM file, decoded, rescaled and never taken from a file that is cut short.

Developer notes: pydicom drops what follows a cut in the file without an error, and decoders fill
what is missing with zeros, so that the bytes of PixelData are counted first.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_fragments
from pydicom.uid import (
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from pipeline.data.case import tidy_values
from pipeline.data.reading.dicom_files import read_dataset
from pipeline.data.reading.format_kinds import InputFile
from pipeline.errors import InputError

#: Compressions whose code stream closes with the same end mark.
_END_MARKED = frozenset(JPEGTransferSyntaxes + JPEGLSTransferSyntaxes + JPEG2000TransferSyntaxes)
#: Start of frame of every kind of JPEG, and of JPEG-LS.
_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def read_dicom_pixels(file: InputFile) -> NDArray[np.generic]:
    """Decode the pixels of one file.

    Returns:
        ``(frames, rows, columns)``, rescaled, MONOCHROME1 inverted, padding as dark as the darkest
        tissue.

    Raises:
        InputError: If pixels are missing, cut short, in colour, or cannot be decoded.
    """
    dataset, stored = _read_stored(file)
    low, high = _stored_range(dataset)
    values = tidy_values(stored)
    values = _fill_padding(values, dataset)
    inverted = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    if inverted and values.dtype.kind in "iu":
        values = (low + high - values.astype(np.int64)).astype(values.dtype)
    elif inverted:
        values = values.max() + values.min() - values
    scales = _rescales(dataset, len(values))
    if all(scale == (1.0, 0.0) for scale in scales):
        return values
    slope = np.array([scale[0] for scale in scales], np.float32)[:, None, None]
    intercept = np.array([scale[1] for scale in scales], np.float32)[:, None, None]
    return tidy_values(values.astype(np.float32) * slope + intercept)


def _stored_range(dataset: FileDataset) -> tuple[int, int]:
    bits = int(dataset.get("BitsStored", dataset.get("BitsAllocated", 16)))
    signed = int(dataset.get("PixelRepresentation", 0)) == 1
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def _fill_padding(values: NDArray[np.generic], dataset: FileDataset) -> NDArray[np.generic]:
    """Padding outside the field of view becomes the darkest value inside it."""
    padding = dataset.get("PixelPaddingValue")
    if padding is None:
        return values
    outside = values == int(padding)
    if not outside.any() or outside.all():
        return values
    return np.where(outside, values[~outside].min(), values).astype(values.dtype)


def _rescales(dataset: FileDataset, n: int) -> list[tuple[float, float]]:
    """Slope and intercept of each frame."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or [None]
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    scales = []
    for k in range(n):
        scale = (dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0))
        for group in (shared[0], own[k] if k < len(own) else None):
            items = group.get("PixelValueTransformationSequence") if group is not None else None
            if items:
                scale = (items[0].get("RescaleSlope", 1), items[0].get("RescaleIntercept", 0))
        slope, intercept = (
            float(x if x is not None else d) for x, d in zip(scale, (1, 0), strict=True)
        )
        usable = np.isfinite((slope, intercept)).all() and slope != 0
        scales.append((slope, intercept) if usable else (1.0, 0.0))
    return scales


def _read_stored(file: InputFile) -> tuple[FileDataset, NDArray[np.generic]]:
    """The whole data set, and its pixels ``(frames, rows, columns)`` as stored."""
    try:
        dataset = read_dataset(file, with_pixels=True)
        if "Rows" not in dataset:
            raise EOFError  # pydicom drops everything where compressed pixels break off
        _check_pixel_bytes(dataset, file)
        pixels = dataset.pixel_array
    except InputError:
        raise
    except EOFError:
        raise InputError(
            file.source,
            f"{file.name} is cut short: its pixels break off. Export it again.",
        ) from None
    except Exception:
        raise InputError(
            file.source,
            f"{file.name} is damaged: its pixels cannot be decoded. Export it again, uncompressed.",
        ) from None
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        pixels = _grey_of_colour(pixels, file)
    shape = (-1, int(dataset.Rows), int(dataset.Columns))
    return dataset, pixels.reshape(shape)


def _grey_of_colour(pixels: NDArray[np.generic], file: InputFile) -> NDArray[np.generic]:
    if not (pixels == pixels[..., :1]).all():
        raise InputError(
            file.source,
            f"{file.name} is a colour picture (a screen capture or a map), not a grey MR image.",
        )
    return pixels[..., 0]


def _check_pixel_bytes(dataset: FileDataset, file: InputFile) -> None:
    keyword = next((word for word in _PIXEL_KEYWORDS if word in dataset), None)
    data = b"" if keyword is None else dataset[keyword].value or b""
    n_frames = int(dataset.get("NumberOfFrames", 1) or 1)
    bits = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel", 1))
    expected = (bits * n_frames * int(dataset.get("BitsAllocated", 16)) + 7) // 8
    if not data:
        raise InputError(
            file.source, f"{file.name} holds no pixels, or is cut short. Export it again."
        )
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None or not syntax.is_encapsulated:
        if str(dataset.get("PhotometricInterpretation", "")) == "YBR_FULL_422":
            expected = expected * 2 // 3
        if len(data) < expected:
            raise InputError(
                file.source,
                f"{file.name} is cut short: {len(data):,} of {expected:,} bytes of pixels."
                " Export it again.",
            )
        return
    last = b""
    for fragment in generate_fragments(data):
        _check_code_stream(fragment, dataset, file)
        last = fragment or last
    if syntax in _END_MARKED and b"\xff\xd9" not in last[-16:]:
        raise InputError(
            file.source,
            f"{file.name} is cut short: its pixels break off. Export it again.",
        )


def _check_code_stream(fragment: bytes, dataset: FileDataset, file: InputFile) -> None:
    """Refuse a compressed image that is larger than its header says: decoders believe the image."""
    size = _size_of_code_stream(fragment)
    if size is not None and (size[0] > dataset.Rows or size[1] > dataset.Columns):
        raise InputError(
            file.source,
            f"{file.name} contradicts itself: its header states {dataset.Columns} x"
            f" {dataset.Rows} pixels, its compressed image {size[1]} x {size[0]}. Export it again.",
        )


def _size_of_code_stream(data: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 code stream states, or None."""
    if data.startswith(b"\xff\x4f\xff\x51") and len(data) >= 24:
        right, bottom, left, top = struct.unpack(">4I", data[8:24])
        return bottom - top, right - left
    place = 2 if data.startswith(b"\xff\xd8") else len(data)
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker in _FRAME_MARKERS:
            rows, columns = struct.unpack(">2H", data[place + 5 : place + 9])
            return rows, columns
        place += 2 + length
    return None
