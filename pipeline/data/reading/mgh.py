"""FreeSurfer's volumes: MGH, and MGZ, which is MGH packed with gzip."""

from __future__ import annotations

import math
import struct

import numpy as np

from pipeline.data.reading.format_kinds import (
    HEAD_BYTES,
    InputFile,
    Volume,
    VolumeFormat,
    cut_short,
)
from pipeline.data.reading.gzip_files import check_end, most_bytes, open_unpacked, unpacked_head
from pipeline.data.reading.limits import MAX_SIDE_PX, MAX_SLICES, check_volume, check_volume_memory
from pipeline.errors import InputError

#: Version, three axes, frames, type of the voxels; all big-endian.
_START = struct.Struct(">6i")
_TYPE_BYTES = {0: 1, 1: 4, 3: 4, 4: 2, 10: 2}


def _start_of(head: bytes) -> tuple[int, ...] | None:
    """The first numbers of a header, None where they are no MGH file's."""
    head = unpacked_head(head, HEAD_BYTES)
    if len(head) < _START.size:
        return None
    numbers = _START.unpack_from(head)
    version, *sizes, frames, kind = numbers
    plausible = all(1 <= size <= MAX_SIDE_PX for size in sizes) and 1 <= frames <= MAX_SLICES
    return numbers if version == 1 and plausible and kind in _TYPE_BYTES else None


def _is_mgh(head: bytes) -> bool:
    return _start_of(head) is not None


def read_mgh(file: InputFile) -> Volume:
    """Read one MGH or MGZ volume.

    Raises:
        InputError: It is cut short or damaged, or states absurd dimensions.
    """
    import nibabel as nib

    with file.path.open("rb") as stream:
        start = _start_of(stream.read(HEAD_BYTES))
    if start is None:
        raise InputError(file.source, f"{file.name} is damaged: its header cannot be read.")
    shape = start[1:5] if start[4] > 1 else start[1:4]
    itemsize = _TYPE_BYTES[start[5]]
    space, channels = check_volume(file.source, shape, bytes_voxel=itemsize)
    n_voxels = math.prod(space) * channels
    if n_voxels * itemsize > most_bytes(file.path):
        raise cut_short(file.source, "voxels")
    check_volume_memory(file.source, n_voxels, bytes_voxel=itemsize)
    try:
        with open_unpacked(file.path) as unpacked:
            image = nib.MGHImage.from_stream(unpacked)
            voxels = np.asarray(image.dataobj).reshape((*space, channels), order="F")
            check_end(unpacked)
    except MemoryError:
        raise
    except Exception:  # whatever a damaged file does to the libraries
        raise cut_short(file.source, "voxels") from None
    x, y, z = (float(size) for size in image.header.get_zooms()[:3])
    placed = bool(image.header["goodRASFlag"])
    return Volume(
        voxels=voxels.astype(voxels.dtype.newbyteorder("="), copy=False),
        affine=np.array(image.affine, np.float64) if placed else None,
        voxel_mm=(x, y, z),
    )


def count_slices(file: InputFile) -> int:
    """Slices along the third axis as the header states, for a forecast; else 1."""
    try:
        with file.path.open("rb") as stream:
            start = _start_of(stream.read(HEAD_BYTES))
    except OSError:
        return 1
    return start[3] if start is not None else 1


MGH = VolumeFormat(
    name="MGZ",
    suffixes=(".mgz", ".mgh", ".mgh.gz"),
    matches=_is_mgh,
    read=read_mgh,
    count_slices=count_slices,
)
