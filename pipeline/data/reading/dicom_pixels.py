"""Pixels of one DICOM file, decoded, rescaled and never taken from a file that is cut short.

Developer notes: pydicom drops what follows a cut in the file without an error, and decoders fill
what is missing with zeros, so that the bytes of PixelData are counted first.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_fragments, generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder
from pydicom.uid import (
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from pipeline.data.case import tidy_values
from pipeline.data.reading.code_streams import (
    CutShort,
    Damaged,
    check_jpeg_rows,
    check_lossless_rows,
    read_code_stream,
)
from pipeline.data.reading.dicom_bounds import allowed_elements, too_many_elements_error
from pipeline.data.reading.dicom_files import DicomFile, read_dataset
from pipeline.data.reading.dicom_mosaic import untile
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.limits import MAX_SCANS, check_memory
from pipeline.errors import InputError

#: Compressions whose code stream closes with the same end mark.
_END_MARKED = frozenset(JPEGTransferSyntaxes + JPEGLSTransferSyntaxes + JPEG2000TransferSyntaxes)
#: Compressions whose rows are counted by a decoder that stops where data is missing.
_STRICT = frozenset({JPEGBaseline8Bit})
_LOSSLESS = frozenset({JPEGLossless, JPEGLosslessSV1})
#: Bytes per pixel while values are scaled: float32 as scaled, as a stack, and upright.
_SCALED_BYTES = 12
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
#: Compressions by the start of their transfer syntax, the longest first.
_COMPRESSIONS = {
    "1.2.840.10008.1.2.4.201": "HTJ2K",
    "1.2.840.10008.1.2.4.202": "HTJ2K",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
    "1.2.840.10008.1.2.4.204": "HTJ2K",
    "1.2.840.10008.1.2.4.205": "HTJ2K",
    "1.2.840.10008.1.2.4.110": "JPEG XL",
    "1.2.840.10008.1.2.4.111": "JPEG XL",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.4.10": "MPEG video",
    "1.2.840.10008.1.2.4.94": "JPIP (pixels on a server)",
    "1.2.840.10008.1.2.4.95": "JPIP (pixels on a server)",
    "1.2.840.10008.1.2.4.50": "JPEG Baseline",
    "1.2.840.10008.1.2.4.51": "JPEG Extended",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless",
    "1.2.840.10008.1.2.4.70": "JPEG Lossless",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS",
    "1.2.840.10008.1.2.4.9": "JPEG 2000",
    "1.2.840.10008.1.2.4.": "JPEG",
    "1.2.840.10008.1.2.5": "RLE",
}
#: Bits per pixel that libraries read without help.
_WHOLE_BITS = frozenset({1, 8, 16, 32, 64})
#: What pydicom needs of a data set, and what a missing value is taken to be.
_ASSUMED = {
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "PixelRepresentation": 0,
}


NO_PHOTOMETRIC = (
    "The files do not state whether bright pixels are white or black; they are assumed to be white"
    " (MONOCHROME2)."
)


def pixel_warnings(header: Dataset) -> tuple[str, ...]:
    """Sentences on what of the pixels' description is missing, so that it is assumed."""
    bits = header.get("BitsAllocated")
    unstated = bits in {8, 16} and header.get("BitsStored") is None  # others are float values
    return (
        *((all_bits_warning(int(bits)),) if unstated else ()),
        *(() if header.get("PhotometricInterpretation") else (NO_PHOTOMETRIC,)),
    )


def all_bits_warning(bits: int) -> str:
    """The sentence on pixels that do not state how many of their bits are used."""
    return (
        f"The files do not state how many bits of a pixel are used; all {bits} are assumed to be."
    )


def read_dicom_pixels(one: DicomFile) -> NDArray[np.generic]:
    """Decode the pixels of one file.

    Returns:
        ``(frames, rows, columns)``, rescaled, MONOCHROME1 inverted, padding as dark as the darkest
        tissue; a mosaic divided into its slices.

    Raises:
        InputError: If pixels are missing, cut short, in colour, or cannot be decoded.
    """
    dataset, stored = _read_stored(one)
    try:
        return _to_values(stored, dataset, one)
    except (InputError, MemoryError):
        raise
    except Exception:  # of pydicom, on a damaged table or element
        name = one.file.name
        raise InputError(
            one.file.source,
            f"{name} is damaged: its header does not say what its pixels mean. Export it again.",
        ) from None


def _to_values(
    stored: NDArray[np.generic], dataset: FileDataset, one: DicomFile
) -> NDArray[np.generic]:
    """Values ``(frames, rows, columns)`` of decoded pixels, as `read_dicom_pixels` returns them."""
    if _photometric(dataset) == "PALETTE COLOR" and not one.is_segmentation:
        stored = _grey_of_colour(apply_color_lut(stored, dataset), one.file)
    elif int(dataset.get("SamplesPerPixel", 1)) != 1:
        stored = _grey_of_colour(stored, one.file)
    stored = stored.reshape(-1, int(dataset.Rows), int(dataset.Columns))
    low, high = _stored_range(dataset)
    values = tidy_values(stored)
    inverted = _photometric(dataset) == "MONOCHROME1"
    if not one.is_segmentation:  # padding of a label map is what lies outside of all segments
        values = _fill_padding(values, dataset, inverted=inverted)
    if inverted and values.dtype.kind in "iu":
        values = (low + high - values.astype(np.int64)).astype(values.dtype)
    elif inverted:
        values = values.max() + values.min() - values
    values = _to_modality(values, dataset)
    return values if one.mosaic is None else untile(values[0], one.mosaic)


def _photometric(dataset: Dataset) -> str:
    return str(dataset.get("PhotometricInterpretation", "") or "")


def _to_modality(values: NDArray[np.generic], dataset: FileDataset) -> NDArray[np.generic]:
    """Values after the rescale that the file states, or through its table."""
    if dataset.get("ModalityLUTSequence"):
        return tidy_values(apply_modality_lut(values, dataset))
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


def _fill_padding(
    values: NDArray[np.generic], dataset: FileDataset, *, inverted: bool
) -> NDArray[np.generic]:
    """Padding outside the field of view becomes the darkest value inside it.

    Args:
        values: As stored.
        dataset: States one value of padding, or the two ends of a range.
        inverted: Whether the darkest value is the largest one.
    """
    padding = _padding_value(dataset, "PixelPaddingValue")
    if padding is None:
        return values
    limit = _padding_value(dataset, "PixelPaddingRangeLimit")
    low, high = sorted((padding, padding if limit is None else limit))
    outside = np.greater_equal(values, low) & np.less_equal(values, high)
    if not outside.any() or outside.all():
        return values
    inside = values[~outside]
    darkest = inside.max() if inverted else inside.min()
    return np.where(outside, darkest, values).astype(values.dtype)


def _padding_value(dataset: FileDataset, keyword: str) -> int | None:
    """Stated padding; a negative one may have been written as if it were unsigned."""
    try:
        value = int(dataset.get(keyword))
    except (TypeError, ValueError):
        return None
    if int(dataset.get("PixelRepresentation", 0)) == 1 and value > 0x7FFF:
        return value - 0x10000
    return value


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


def _read_stored(one: DicomFile) -> tuple[FileDataset, NDArray[np.generic]]:
    """The whole data set, and its pixels as stored: frames, rows, columns, and colours."""
    file = one.file
    try:
        dataset = read_dataset(file, with_pixels=True, n_frames=len(one.frames))
        if "Rows" not in dataset:
            raise EOFError  # pydicom drops everything where compressed pixels break off
        _check_compression(dataset, file)
        _state_missing(dataset)
        _check_pixel_bytes(dataset, file)
        _check_memory(dataset, file)
        pixels = _decode(dataset, file)
        if dataset.file_meta.TransferSyntaxUID in _LOSSLESS:
            pages = pixels.reshape(-1, *pixels.shape[-2:])
            for frame, page in zip(_split_frames(dataset, len(pages)), pages, strict=False):
                check_lossless_rows(frame, page)
    except (InputError, MemoryError):
        raise
    except (EOFError, CutShort):
        raise InputError(
            file.source,
            f"{file.name} is cut short: its pixels break off. Export it again.",
        ) from None
    except Exception:
        raise InputError(
            file.source,
            f"{file.name} is damaged: its pixels cannot be decoded. Export it again, uncompressed.",
        ) from None
    return dataset, pixels


def _check_compression(dataset: FileDataset, file: InputFile) -> None:
    """Refuse a compression that no library here decodes, by its name."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        return
    try:
        known = get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        raise not_supported_error(file, _compression_of(dataset))


def _compression_of(dataset: FileDataset) -> str:
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    return next((name for start, name in _COMPRESSIONS.items() if syntax.startswith(start)), "This")


def not_supported_error(file: InputFile, what: str) -> InputError:
    """The error for pixels that are sound but cannot be read here.

    Args:
        file: The file.
        what: Its compression, such as ``HTJ2K``.
    """
    return InputError(
        file.source,
        f"{what} compression is not supported, so that {file.name} cannot be read. Export it"
        " uncompressed.",
    )


def _state_missing(dataset: FileDataset) -> None:
    """Fill in what the data set does not state of its pixels, so that they can be decoded."""
    for keyword, value in _ASSUMED.items():
        if dataset.get(keyword) in {None, ""}:
            setattr(dataset, keyword, value)
    if any(keyword in dataset for keyword in _PIXEL_KEYWORDS[1:]):
        return
    if dataset.get("BitsAllocated") is None:
        stored = int(dataset.get("BitsStored") or 16)
        dataset.BitsAllocated = 8 if stored <= 8 else 16
    if dataset.get("BitsStored") is None:
        dataset.BitsStored = dataset.BitsAllocated
    if dataset.get("HighBit") is None:
        dataset.HighBit = dataset.BitsStored - 1


def _decode(dataset: FileDataset, file: InputFile) -> NDArray[np.generic]:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    bits = int(dataset.get("BitsAllocated", 16))
    is_packed = bits not in _WHOLE_BITS
    if is_packed and syntax is not None and syntax.is_encapsulated:
        raise not_supported_error(file, f"{bits}-bit {_compression_of(dataset)}")
    if is_packed:
        return _unpack_bits(dataset, bits)
    if syntax == RLELossless and bits == 1:
        return _decode_single_bits(dataset)
    try:
        return dataset.pixel_array
    except RuntimeError as error:
        stored = int(dataset.get("BitsStored", bits))
        reasons = ("precision", "not support", "bits allocated", "bits stored")
        if syntax is not None and any(word in str(error).lower() for word in reasons):
            raise not_supported_error(file, f"{stored}-bit {_compression_of(dataset)}") from None
        raise


def _unpack_bits(dataset: FileDataset, bits: int) -> NDArray[np.uint16]:
    """Pixels whose bits follow each other without gaps, the lowest first, as ACR-NEMA packs."""
    n_frames = int(dataset.get("NumberOfFrames", 1) or 1)
    count = n_frames * int(dataset.Rows) * int(dataset.Columns)
    stream = np.frombuffer(dataset.PixelData, np.uint8)[: (count * bits + 7) // 8]
    digits = np.unpackbits(stream, bitorder="little")[: count * bits].reshape(count, bits)
    if bits > 16:
        raise ValueError("more bits than a grey value has")
    values = np.zeros(count, np.uint16)
    for k in range(bits):
        values |= digits[:, k].astype(np.uint16) << np.uint16(k)
    if int(dataset.get("PixelRepresentation", 0)) == 1:
        shift = 16 - bits
        return ((values << shift).view(np.int16) >> shift).view(np.int16)
    return values


def _decode_single_bits(dataset: FileDataset) -> NDArray[np.uint8]:
    """Frames of single bits in RLE: eight pixels to a byte, which decoders take for one pixel."""
    n_frames = int(dataset.get("NumberOfFrames", 1) or 1)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if columns % 8:
        raise ValueError("rows that are no whole bytes")
    dataset.Columns, dataset.BitsAllocated = columns // 8, 8
    dataset.BitsStored, dataset.HighBit = 8, 7
    try:
        packed = dataset.pixel_array
    finally:
        dataset.Columns, dataset.BitsAllocated = columns, 1
        dataset.BitsStored, dataset.HighBit = 1, 0
    bits = np.unpackbits(packed.reshape(-1), bitorder="little")
    return bits.reshape(n_frames, rows, columns)


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
    last, n_fragments = b"", 0
    for fragment in generate_fragments(data):
        n_fragments += 1
        if n_fragments > allowed_elements(n_frames):
            raise too_many_elements_error(file, n_frames)
        last = fragment if fragment.rstrip(b"\0") else last
    frames = _split_frames(dataset, n_frames)
    if len(frames) > n_frames:
        raise InputError(
            file.source,
            f"{file.name} contradicts itself: its header states {n_frames:,} images, but its pixels"
            " hold more. Export it again.",
        )
    for frame in frames:
        _check_code_stream(frame, dataset, file)
    if syntax in _END_MARKED and b"\xff\xd9" not in last.rstrip(b"\0")[-16:]:
        raise InputError(
            file.source,
            f"{file.name} is cut short: its pixels break off. Export it again.",
        )


def _split_frames(dataset: FileDataset, n_frames: int) -> list[bytes]:
    """The compressed images, as decoders put them together from their fragments."""
    offsets = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    tables = (offsets[0], offsets[1]) if offsets[0] and offsets[1] else None
    found = generate_frames(dataset.PixelData, number_of_frames=n_frames, extended_offsets=tables)
    return list(islice(found, n_frames + 1))


def _check_code_stream(frame: bytes, dataset: FileDataset, file: InputFile) -> None:
    """Refuse an image that is not the one its header states: decoders believe the image.

    Raises:
        CutShort: Its rows break off.
        InputError: It is larger, or takes too long to decode.
    """
    try:
        stream = read_code_stream(frame)
    except Damaged:
        raise InputError(
            file.source,
            f"{file.name} contradicts itself: its compressed image has more segments than any"
            " encoder makes. Export it again.",
        ) from None
    if stream is None:
        return
    samples = int(dataset.get("SamplesPerPixel", 1))
    is_larger = stream.rows > dataset.Rows or stream.columns > dataset.Columns
    if is_larger or stream.samples > max(3, samples):
        raise InputError(
            file.source,
            f"{file.name} contradicts itself: its header states {dataset.Columns} x"
            f" {dataset.Rows} pixels, its compressed image {stream.columns} x {stream.rows}. Export"
            " it again.",
        )
    if stream.scans > MAX_SCANS:
        raise InputError(
            file.source,
            f"{file.name} holds {stream.scans:,} scans of one image, which would take too long to"
            " decode. Export it uncompressed.",
        )
    if not stream.is_whole:
        raise CutShort
    if dataset.file_meta.TransferSyntaxUID in _STRICT:
        check_jpeg_rows(frame)


def _check_memory(dataset: FileDataset, file: InputFile) -> None:
    """Refuse pixels that take too much memory with all that is done to their values."""
    n_frames = int(dataset.get("NumberOfFrames", 1) or 1)
    n_pixels = int(dataset.Rows) * int(dataset.Columns) * n_frames
    stored = max(1, int(dataset.get("BitsAllocated", 16)) // 8)
    stored *= int(dataset.get("SamplesPerPixel", 1))
    is_scaled = bool(dataset.get("ModalityLUTSequence")) or any(
        scale != (1.0, 0.0) for scale in _rescales(dataset, n_frames)
    )
    held = file.path.stat().st_size + n_pixels * stored
    check_memory(file.source, held + n_pixels * (_SCALED_BYTES if is_scaled else stored))
