"""Two formats that nobody has: what a new module of `pipeline/data` would declare."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from pipeline.data.reading.format_kinds import (
    DecodedImage,
    ImageFormat,
    InputFile,
    Volume,
    VolumeFormat,
    starts_with,
)
from pipeline.data.reading.limits import check_shape, check_volume

_IMAGE, _VOLUME = b"BRICKIMG", b"BRICKVOL"


def image_bytes(height: int, width: int) -> bytes:
    """A grey ramp."""
    return (
        _IMAGE + struct.pack("<2H", height, width) + bytes(k % 251 for k in range(height * width))
    )


def volume_bytes(*shape: int) -> bytes:
    """A ramp along x, then y, then z."""
    values = np.arange(np.prod(shape), dtype="<u2")
    return _VOLUME + struct.pack("<3H", *shape) + values.tobytes()


def _decode(path: Path, source: str) -> DecodedImage:
    content = path.read_bytes()
    height, width = struct.unpack("<2H", content[8:12])
    check_shape(source, height=height, width=width, bytes_px=1)
    pixels = np.frombuffer(content[12:], np.uint8).reshape(height, width, 1)
    return DecodedImage(pages=(pixels,), lossy=False)


def _shape(file: InputFile) -> tuple[int, int, int]:
    with file.path.open("rb") as stream:
        x, y, z = struct.unpack("<3H", stream.read(14)[8:])
    return x, y, z


def _read(file: InputFile) -> Volume:
    space, channels = check_volume(file.source, _shape(file), bytes_voxel=2)
    values = np.frombuffer(file.path.read_bytes()[14:], "<u2")
    return Volume(
        voxels=values.reshape((*space, channels), order="F"),
        affine=np.diag([-0.5, -0.5, 4.0, 1.0]),
        voxel_mm=(0.5, 0.5, 4.0),
    )


BRICK_IMAGE = ImageFormat(
    name="Brick", suffixes=(".brick",), matches=starts_with(_IMAGE), decode=_decode
)
BRICK_VOLUME = VolumeFormat(
    name="BrickVolume",
    suffixes=(".brick.vol",),
    matches=starts_with(_VOLUME),
    read=_read,
    count_slices=lambda file: _shape(file)[2],
)
