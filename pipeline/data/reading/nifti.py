"""NIfTI-1 and NIfTI-2, packed with gzip or not."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from io import BufferedIOBase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import NiftiPlacement
from pipeline.data.cautions import ReadingAspect, cautions_of
from pipeline.data.reading.format_kinds import (
    HEAD_BYTES,
    InputFile,
    Unreadable,
    Volume,
    VolumeFormat,
    cut_short,
)
from pipeline.data.reading.gzip_files import check_end, most_bytes, open_unpacked, unpacked_head
from pipeline.data.reading.limits import (
    MAX_CHANNELS,
    MAX_EXTENSION_BYTES,
    MAX_SLICES,
    check_volume,
    check_volume_memory,
)
from pipeline.errors import InputError

#: Millimetres per spatial unit of the header.
_UNITS_MM = {"meter": 1000.0, "micron": 0.001}
#: Sizes of the headers of NIfTI-1 and of NIfTI-2, with which they begin.
_HEADER_1, _HEADER_2 = 348, 540
#: Bytes before the voxels, at least: the header, and four that say whether an extension follows.
_BEFORE_VOXELS = {_HEADER_1: 352, _HEADER_2: 544}
#: What an intent code says of a file whose voxels hold several values, or no grey values.
_NO_IMAGE = {
    1004: "a matrix in each voxel",
    1005: "a tensor in each voxel",
    1006: "a deformation field",
    1007: "a vector or deformation field",
    1008: "the points of a surface",
    1009: "the triangles of a surface",
    1010: "a rotation in each voxel",
    2003: "colours",
    2004: "colours",
}
#: Part of a voxel by which two forms of one place may differ.
_FORMS_APART = 0.1
#: Code of the unit of length, part of a number that holds the unit of time too.
_LENGTH_UNIT = 0b111

FORMS_DISAGREE = (
    "The file's sform and qform put the volume at different places; the sform is followed, and the"
    " mask file states it alone."
)


def _is_nifti(head: bytes) -> bool:
    return _has_header(unpacked_head(head, HEAD_BYTES), b"n+1", b"n+2")


def _is_pair(head: bytes) -> bool:
    """NIfTI in two files, and Analyze, whose header has no magic number."""
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
    except (InputError, MemoryError):
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise cut_short(file.source, "voxels") from None
    except Exception as error:
        words = str(error).lower()
        if any(word in words for word in ("expected", "could not read", "got", "mmap length")):
            raise cut_short(file.source, "voxels") from None
        raise InputError(
            file.source, f"{file.name} is damaged: it cannot be read as NIfTI. Export it again."
        ) from None


def count_slices(file: InputFile) -> int:
    """Slices as the file's header states them, for a forecast; 1 where it cannot.

    Nothing is decoded but the header.
    """
    try:
        with open_unpacked(file.path) as stream:
            header = _read_header(stream)
        slices = int(_layout_of(header)[0][2])
    except Exception:
        return 1
    return slices if 1 <= slices <= MAX_SLICES else 1


def _read(file: InputFile) -> Volume:
    import nibabel as nib

    with open_unpacked(file.path) as stream:
        stated = _read_header(stream)
        header = stated.copy()
        # Some programs leave 0, which would have the header's own bytes read as voxels.
        least = _BEFORE_VOXELS[int(header["sizeof_hdr"])]
        if not header["vox_offset"] >= least:
            header["vox_offset"] = least
        header.check_fix()
        _check_kind(header, file)
        shape, notes = _layout_of(header)
        itemsize = header.get_data_dtype().itemsize
        space, channels = check_volume(file.source, shape, bytes_voxel=itemsize)
        kept = channels if channels <= MAX_CHANNELS else 1
        _check_extent(file, header, math.prod(space) * channels * itemsize)
        check_volume_memory(file.source, math.prod(space) * kept, bytes_voxel=itemsize)
        stream.seek(0)
        if kept < channels:
            header.set_data_shape((*space, kept))
        voxels = _values_of(nib.arrayproxy.ArrayProxy(stream, header))
        if kept == channels:
            check_end(stream)
    low, high = float(header["cal_min"]), float(header["cal_max"])
    unit_mm, unit_notes = _unit_of(header)
    disagree = _forms_disagree(header, space)
    x, y, z = (abs(float(size)) * unit_mm for size in stated["pixdim"][1:4])
    return Volume(
        voxels=voxels.reshape((*space, kept), order="F"),
        n_volumes=channels,
        affine=_affine_of(header, unit_mm),
        voxel_mm=(x, y, z),
        window=(low, high) if np.isfinite((low, high)).all() and high > low else None,
        placement=_placement_of(stated, with_qform=not disagree),
        contradicts_itself=_contradicts_itself(header),
        cautions=(
            *cautions_of(ReadingAspect.STACK, notes),
            *cautions_of(ReadingAspect.SPACING, unit_notes),
            *cautions_of(ReadingAspect.PLACE, (FORMS_DISAGREE,) if disagree else ()),
        ),
    )


def _check_extent(file: InputFile, header: Any, n_bytes: int) -> None:
    """Refuse voxels that begin far behind the header, or that the file is too small to hold.

    Raises:
        InputError: Nothing was unpacked yet.
    """
    start = float(header["vox_offset"])
    if start > MAX_EXTENSION_BYTES:
        raise InputError(
            file.source,
            f"{file.name} is damaged: its header states that its voxels begin after"
            f" {start:,.0f} bytes. Export it again.",
        )
    if start + n_bytes > most_bytes(file.path):
        raise cut_short(file.source, "voxels")


def _read_header(stream: BufferedIOBase) -> Any:
    """The header as it is stored, unchecked: nibabel's checks would mend what must be kept."""
    import nibabel as nib

    content = stream.read(_HEADER_2)
    kind = nib.Nifti2Header if content[4:7] == b"n+2" else nib.Nifti1Header
    size = kind.template_dtype.itemsize
    if len(content) < size:
        raise EOFError
    return kind(content[:size], check=False)


def _check_kind(header: Any, file: InputFile) -> None:
    """Refuse anything that is not a grey image.

    Raises:
        InputError: The file is not a grey image; the sentence names what it is.
    """
    stored, shape = header.get_data_dtype(), header.get_data_shape()
    several = max(shape[3:], default=1) > 1
    kind = _NO_IMAGE.get(int(header["intent_code"])) if several else None
    if stored.names is not None or kind == "colours":
        raise InputError(file.source, f"{file.name} holds colours, not grey values of an MR image.")
    if stored.kind == "c":
        raise InputError(file.source, f"{file.name} holds complex numbers. Export the magnitude.")
    if kind is None and len(shape) > 4 and shape[3] == 1 and shape[4] > 1:
        kind = f"{shape[4]} values in each voxel, as a vector or deformation field does"
    if kind is not None:
        raise InputError(file.source, f"{file.name} holds {kind}, not an image.")


def _layout_of(header: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Axes of the voxels, and what a reader must know of them.

    Slices that were stacked along the fourth axis, the third left empty, are put along the third;
    where the header states a unit of time, they are time points of one slice.
    """
    shape = tuple(int(size) for size in header.get_data_shape())
    if len(shape) == 4 and shape[2] == 1 < shape[3] and header.get_xyzt_units()[1] == "unknown":
        note = (
            f"The file holds {shape[3]} images of one slice along its fourth axis; they are read as"
            " the slices of one volume."
        )
        return (*shape[:2], shape[3]), (note,)
    return shape, ()


def _values_of(voxels: Any) -> NDArray[np.generic]:
    """Stored integers where the header states no scaling, else scaled float32."""
    if voxels.slope == 1.0 and voxels.inter == 0.0:
        return np.asarray(voxels.get_unscaled())
    return np.asarray(voxels, dtype=np.float32)


def _affine_of(header: Any, unit_mm: float) -> NDArray[np.float64] | None:
    """Affine in millimetres, or None where the header states no position."""
    if int(header["sform_code"]) > 0:
        affine = np.array(header.get_sform(), np.float64)
    elif int(header["qform_code"]) > 0:
        affine = np.array(header.get_qform(), np.float64)
    else:
        return None
    affine[:3] *= unit_mm
    return affine


def _unit_of(header: Any) -> tuple[float, tuple[str, ...]]:
    """Millimetres of the unit, and a sentence where the numbers must be millimetres instead."""
    from pipeline.data.geometry import pixel_spacing_warnings, slice_distance_warnings

    unit = header.get_xyzt_units()[0]
    unit_mm = _UNITS_MM.get(unit, 1.0)
    x, y, z = (float(size) for size in header["pixdim"][1:4])

    def can_be(scale: float) -> bool:
        wrong = pixel_spacing_warnings(y * scale, x * scale) or slice_distance_warnings(z * scale)
        return not wrong

    if unit_mm == 1.0 or can_be(unit_mm) or not can_be(1.0):
        return unit_mm, ()
    note = (
        f'The file states the unit "{unit}", by which its voxels cannot be right; its numbers are'
        " read as millimetres."
    )
    return 1.0, (note,)


def _placement_of(header: Any, *, with_qform: bool) -> NiftiPlacement:
    def numbers(*names: str) -> tuple[float, ...]:
        return tuple(float(number) for name in names for number in np.ravel(header[name]))

    return NiftiPlacement(
        pixdim=numbers("pixdim")[:4],
        qform_code=int(header["qform_code"]) if with_qform else 0,
        sform_code=int(header["sform_code"]),
        quaternion=numbers("quatern_b", "quatern_c", "quatern_d"),
        offset=numbers("qoffset_x", "qoffset_y", "qoffset_z"),
        sform=numbers("srow_x", "srow_y", "srow_z"),
        unit=int(header["xyzt_units"]) & _LENGTH_UNIT,
    )


def _forms_of(header: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Affines of sform and qform in the header's unit where both are stated and usable."""
    from pipeline.data.geometry import is_usable

    if int(header["sform_code"]) <= 0 or int(header["qform_code"]) <= 0:
        return None
    try:
        sform, qform = (np.array(f, np.float64) for f in (header.get_sform(), header.get_qform()))
    except Exception:  # not a valid quaternion: only the sform can be used
        return None
    return (sform, qform) if is_usable(sform) and is_usable(qform) else None


def _contradicts_itself(header: Any) -> bool:
    """Whether both forms are stated, and put left and right on different sides."""
    from pipeline.data.geometry import left_right_of

    forms = _forms_of(header)
    return forms is not None and left_right_of(forms[0]) != left_right_of(forms[1])


def _forms_disagree(header: Any, shape: tuple[int, int, int]) -> bool:
    """Whether a qform says another place than the sform where it should say the same.

    It should where both have one code. Two codes are two spaces, such as the scanner's and an
    atlas's; but no qform can stand for an sform that is sheared.
    """
    from pipeline.data.geometry import is_sheared

    forms = _forms_of(header)
    if forms is None:
        return False
    sform, qform = forms
    if int(header["sform_code"]) != int(header["qform_code"]) and not is_sheared(sform, shape):
        return False
    corners = np.array([(*corner, 1) for corner in np.ndindex(2, 2, 2)], np.float64)
    corners[:, :3] *= np.array(shape) - 1
    apart = np.linalg.norm(corners @ (sform - qform).T, axis=1).max()
    return bool(apart > _FORMS_APART * np.linalg.norm(sform[:3, :3], axis=0).min())


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
