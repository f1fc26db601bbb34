"""How a mask is sent and stored: one bit per pixel, named slices only, compressed by zlib.

Layout before compression, all numbers little-endian: ``OVM1``, then uint32 slices of the study,
height, width and slices contained; then the position of each of these (uint32, strictly rising
from 0); then their pixels, row by row, eight to a byte, the first pixel in the highest bit, each
slice padded with zero bits to a whole byte. `assets/js/correct/mask_bits.js` does the same.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline import InputError

#: Slices by their position from 0; each ``(height, width)`` bool.
MaskSlices = Mapping[int, NDArray[np.bool_]]
#: Slices, height and width of a study.
Shape = tuple[int, int, int]

_MAGIC = b"OVM1"
_HEAD = struct.Struct("<4s4I")
_POSITION = np.dtype("<u4")
MALFORMED = "The mask is malformed and was refused; load the page again."
OTHER_STUDY = "The mask does not belong to this study; load the page again."


def encode_mask(slices: MaskSlices, shape: Shape) -> bytes:
    """Encode some slices of a study's mask.

    Args:
        slices: The slices to encode, empty ones too.
        shape: The study's slices, height and width.

    Raises:
        ValueError: A slice is outside the study or has another size.
    """
    n, height, width = shape
    positions = sorted(slices)
    if positions and not 0 <= positions[0] <= positions[-1] < n:
        raise ValueError(f"slices must be in 0..{n - 1}, got {positions}")
    packed = bytearray(_HEAD.pack(_MAGIC, n, height, width, len(positions)))
    packed += np.array(positions, _POSITION).tobytes()
    for k in positions:
        if slices[k].shape != (height, width):
            raise ValueError(f"slice {k} must be {(height, width)}, got {slices[k].shape}")
        packed += np.packbits(np.asarray(slices[k], bool)).tobytes()
    return zlib.compress(bytes(packed), level=6)


def decode_mask(content: bytes, shape: Shape) -> dict[int, NDArray[np.bool_]]:
    """Decode and check a mask from `encode_mask` or a browser.

    Args:
        content: The bytes.
        shape: The study's slices, height and width, which the mask must match.

    Raises:
        InputError: It is of another study, or not a mask.
    """
    n, height, width = shape
    each = -(-height * width // 8)
    packed = _inflate(content, limit=_HEAD.size + n * (_POSITION.itemsize + each))
    if len(packed) < _HEAD.size:
        raise InputError("", MALFORMED)
    magic, slices, rows, columns, held = _HEAD.unpack_from(packed)
    if magic != _MAGIC:
        raise InputError("", MALFORMED)
    if (slices, rows, columns) != shape:
        raise InputError("", OTHER_STUDY)
    start = _HEAD.size + held * _POSITION.itemsize
    if held > n or len(packed) != start + held * each:
        raise InputError("", MALFORMED)
    positions = np.frombuffer(packed, _POSITION, held, _HEAD.size).astype(np.int64)
    if held and (positions[-1] >= n or (np.diff(positions) <= 0).any()):
        raise InputError("", MALFORMED)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8, held * each, start).reshape(held, each))
    pixels = bits.reshape(held, each * 8).astype(bool)
    if pixels[:, height * width :].any():
        raise InputError("", MALFORMED)
    masks = pixels[:, : height * width].reshape(held, height, width)
    return {int(k): mask for k, mask in zip(positions, masks, strict=True)}


def longest_encoding(shape: Shape) -> int:
    """Largest size of a study's compressed mask in bytes, whatever the compressor."""
    n, height, width = shape
    raw = _HEAD.size + n * (_POSITION.itemsize - (-height * width // 8))
    return raw + raw // 1000 + 64  # zlib stores incompressible data in blocks of up to 64 kB


def _inflate(content: bytes, *, limit: int) -> bytes:
    """Decompress at most ``limit`` bytes: a small body may claim to be a large one."""
    stream = zlib.decompressobj()
    try:
        packed = stream.decompress(content, limit + 1)
    except zlib.error:
        raise InputError("", MALFORMED) from None
    if len(packed) > limit or not stream.eof or stream.unused_data:
        raise InputError("", MALFORMED)
    return packed
