"""NIfTI-1 and NIfTI-2, packed with gzip or not."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.reading.format_kinds import (
    HEAD_BYTES,
    InputFile,
    Unreadable,
    Volume,
    VolumeFormat,
)
from pipeline.data.reading.limits import MAX_SLICES, check_volume
from pipeline.errors import InputError

#: Millimetres per spatial unit of the header.
_UNITS_MM = {"meter": 1000.0, "micron": 0.001}
_PACKED = b"\x1f\x8b"
#: Sizes of the headers of NIfTI-1 and of NIfTI-2, with which they begin.
_HEADER_1, _HEADER_2 = 348, 540


def _is_nifti(head: bytes) -> bool:
    if not head.startswith(_PACKED):
        return _has_header(head, b"n+1", b"n+2")
    try:
        return _has_header(
            zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES), b"n+1", b"n+2"
        )
    except zlib.error:
        return False


def _is_pair(head: bytes) -> bool:
    """NIfTI in two files, and Analyze, whose header holds no mark at all."""
    return _has_header(head, b"", b"ni2")


def _has_header(head: bytes, mark_1: bytes, mark_2: bytes) -> bool:
    """Whether a header of NIfTI-1 or NIfTI-2, in either byte order, holds its mark."""
    if len(head) < 4:
        return False
    sizes = {struct.unpack(order + "i", head[:4])[0] for order in "<>"}
    if _HEADER_1 in sizes:
        return head[344:347].startswith(mark_1)
    return _HEADER_2 in sizes and head[4:7] == mark_2


def read_nifti(file: InputFile) -> Volume:
    """Read one NIfTI volume.

    Raises:
        InputError: If it is damaged, cut short, holds colours, or states absurd dimensions.
    """
    try:
        return _read(file)
    except InputError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise _cut_short(file) from None
    except Exception as error:
        words = str(error).lower()
        if any(word in words for word in ("expected", "could not read", "got", "mmap length")):
            raise _cut_short(file) from None
        raise InputError(
            file.source, f"{file.name} is damaged: it cannot be read as NIfTI. Export it again."
        ) from None


def count_slices(file: InputFile) -> int:
    """Slices along the file's third axis as its header states, for a forecast; 1 where it cannot.

    Nothing is decoded but the header.
    """
    try:
        with _unpacked(file) as stream:
            header = stream.read(_HEADER_1)
    except (OSError, EOFError, zlib.error):
        return 1
    first = np.frombuffer(header[:4], "<i4")
    order = "<" if first.size and first[0] in (_HEADER_1, _HEADER_2) else ">"
    wide = header[4:7] == b"n+2"
    sizes = header[16:80] if wide else header[40:56]
    axes = np.frombuffer(sizes, f"{order}i{8 if wide else 2}")
    return int(axes[3]) if axes.size == 8 and 1 <= axes[3] <= MAX_SLICES else 1


def _cut_short(file: InputFile) -> InputError:
    return InputError(
        file.source, f"{file.name} is cut short: not all of its voxels are there. Export it again."
    )


@contextmanager
def _unpacked(file: InputFile) -> Iterator[BufferedIOBase]:
    with file.path.open("rb") as stream:
        packed = stream.read(len(_PACKED)) == _PACKED
        stream.seek(0)
        yield gzip.GzipFile(fileobj=stream) if packed else stream


def _read(file: InputFile) -> Volume:
    with _unpacked(file) as stream:
        image = _load(stream)
        header, shape = image.header, image.shape
        stored = header.get_data_dtype()
        if stored.names is not None:
            raise InputError(
                file.source, f"{file.name} holds colours, not grey values of an MR image."
            )
        if stored.kind == "c":
            raise InputError(
                file.source, f"{file.name} holds complex numbers. Export the magnitude."
            )
        space, channels = check_volume(file.source, shape, bytes_voxel=stored.itemsize)
        voxels = _values_of(image).reshape((*space, channels), order="F")
    low, high = float(header["cal_min"]), float(header["cal_max"])
    unit_mm = _UNITS_MM.get(header.get_xyzt_units()[0], 1.0)
    x, y, z = (abs(float(size)) * unit_mm for size in header["pixdim"][1:4])
    return Volume(
        voxels=voxels,
        affine=_affine_of(header, unit_mm),
        voxel_mm=(x, y, z),
        window=(low, high) if np.isfinite((low, high)).all() and high > low else None,
    )


def _load(stream: BufferedIOBase) -> Any:
    """NIfTI-1 or NIfTI-2 from an open stream."""
    import nibabel as nib

    start = stream.read(8)
    stream.seek(0)
    kind = nib.Nifti2Image if start[4:7] == b"n+2" else nib.Nifti1Image
    image = kind.from_stream(stream)
    stream.seek(0)
    sizes = kind.header_class.from_fileobj(stream, check=False)["pixdim"]
    image.header["pixdim"][1:4][sizes[1:4] == 0] = 0  # nibabel makes them 1
    return image


def _values_of(image: Any) -> NDArray[np.generic]:
    """Stored integers where the header states no scaling, else scaled float32."""
    slope, intercept = image.dataobj.slope, image.dataobj.inter
    if slope == 1.0 and intercept == 0.0:
        return np.asarray(image.dataobj.get_unscaled())
    return np.asarray(image.dataobj, dtype=np.float32)


def _affine_of(header: Any, unit_mm: float) -> NDArray[np.float64] | None:
    """Affine in millimetres, or None where the header does not say how the volume lies."""
    if int(header["sform_code"]) > 0:
        affine = np.array(header.get_sform(), np.float64)
    elif int(header["qform_code"]) > 0:
        affine = np.array(header.get_qform(), np.float64)
    else:
        return None
    affine[:3] *= unit_mm
    return affine


NIFTI = VolumeFormat(
    name="NIfTI",
    suffixes=(".nii.gz", ".nii"),
    matches=_is_nifti,
    read=read_nifti,
    count_slices=count_slices,
)
NIFTI_PAIR = Unreadable(
    phrase="the header of a two-file NIfTI or Analyze volume",
    matches=_is_pair,
    advice="Save the volume as one .nii file.",
)
