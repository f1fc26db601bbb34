"""NIfTI volumes, any orientation, brought to axial."""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, InputGrid, SequenceName, SourceKind
from pipeline.data.collecting import InputFile
from pipeline.data.drafts import Draft
from pipeline.data.formats import FileFormat
from pipeline.data.geometry import (
    ORIENTATIONS,
    PLANE_WORDS,
    Plane,
    is_oblique,
    is_usable,
    lay_out,
    pixel_spacing_warnings,
    plane_of,
    positions_of,
    slice_distance_warnings,
    spacing_of,
    to_case_volume,
)
from pipeline.data.images import tidy_values
from pipeline.data.limits import MAX_CASE_BYTES, MAX_SLICES, check_shape
from pipeline.data.names import NameParts, parse_name
from pipeline.data.sequences import sequence_warnings
from pipeline.errors import InputError

#: Millimetres per spatial unit of the header.
_UNITS_MM = {"meter": 1000.0, "micron": 0.001}
#: The Medical Segmentation Decathlon's brain task names its four-channel files BRATS_<number>.
_DECATHLON = re.compile(r"BRATS_\d{3}")
_DECATHLON_SEQUENCES = (
    SequenceName.FLAIR,
    SequenceName.PRE,
    SequenceName.POST,
    SequenceName.T2,
)
_COLOUR_SEQUENCES = (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST)
#: More volumes than this in one file are time points or directions, not sequences.
_MAX_CHANNELS = 4


def read_nifti(file: InputFile) -> Draft:
    """Read one NIfTI volume.

    Args:
        file: A ``.nii`` or ``.nii.gz`` file, told by content.

    Returns:
        Its draft, axial where the file says how it lies. The array on disk is the grid's input.

    Raises:
        InputError: If it is damaged, cut short, holds colours, or states absurd dimensions.
    """
    try:
        values, affine, header = _read_array(file)
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
    return _build_draft(file, values, affine, header)


def count_slices(file: InputFile) -> int:
    """Slices along the file's third axis as its header states, for a forecast; 1 where it cannot.

    Nothing is decoded but the header.
    """
    try:
        with file.path.open("rb") as stream:
            packed = file.format is FileFormat.NIFTI_GZ
            header = (gzip.GzipFile(fileobj=stream) if packed else stream).read(348)
    except (OSError, EOFError, zlib.error):
        return 1
    first = np.frombuffer(header[:4], "<i4")
    order = "<" if first.size and first[0] in (348, 540) else ">"
    wide = header[4:7] == b"n+2"
    sizes = header[16:80] if wide else header[40:56]
    axes = np.frombuffer(sizes, f"{order}i{8 if wide else 2}")
    return int(axes[3]) if axes.size == 8 and 1 <= axes[3] <= MAX_SLICES else 1


def _cut_short(file: InputFile) -> InputError:
    return InputError(
        file.source, f"{file.name} is cut short: not all of its voxels are there. Export it again."
    )


def _read_array(
    file: InputFile,
) -> tuple[NDArray[np.generic], NDArray[np.float64] | None, Any]:
    """Voxels ``(x, y, z, c)``, affine in millimetres or None, header."""
    with file.path.open("rb") as stream:
        packed = file.format is FileFormat.NIFTI_GZ
        image = _load(gzip.GzipFile(fileobj=stream) if packed else stream)
        header, shape = image.header, image.shape
        if header.get_data_dtype().names is not None:
            raise InputError(
                file.source, f"{file.name} holds colours, not grey values of an MR image."
            )
        if header.get_data_dtype().kind == "c":
            raise InputError(
                file.source, f"{file.name} holds complex numbers. Export the magnitude."
            )
        space, channels = _split_shape(shape, file)
        check_shape(
            file.source,
            height=space[0],
            width=space[1],
            slices=space[2],
            bytes_px=4 * min(channels, _MAX_CHANNELS),
        )
        if np.prod(shape, dtype=float) * header.get_data_dtype().itemsize > 4 * MAX_CASE_BYTES:
            check_shape(file.source, height=1 << 14, width=1 << 14, slices=1 << 10, bytes_px=4)
        values = _values_of(image).reshape((*space, channels), order="F")
    if channels > _MAX_CHANNELS:
        values = values[..., :1]
    return tidy_values(values), _affine_of(header), header


def _load(stream: Any) -> Any:
    """NIfTI-1 or NIfTI-2 from an open stream."""
    start = stream.read(8)
    stream.seek(0)
    kind = nib.Nifti2Image if start[4:7] == b"n+2" else nib.Nifti1Image
    image = kind.from_stream(stream)
    stream.seek(0)
    sizes = kind.header_class.from_fileobj(stream, check=False)["pixdim"]
    image.header["pixdim"][1:4][sizes[1:4] == 0] = 0  # nibabel makes them 1
    return image


def _split_shape(shape: tuple[int, ...], file: InputFile) -> tuple[tuple[int, int, int], int]:
    """Three axes of space, and how many volumes lie along the fourth."""
    sizes = list(shape) + [1] * (3 - len(shape))
    channels = [size for size in sizes[3:] if size != 1]
    if len(channels) > 1:
        raise InputError(
            file.source, f"{file.name} has {len(shape)} axes; a volume has three or four."
        )
    return (sizes[0], sizes[1], sizes[2]), channels[0] if channels else 1


def _values_of(image: Any) -> NDArray[np.generic]:
    """Stored integers where the header states no scaling, else scaled float32."""
    slope, intercept = image.dataobj.slope, image.dataobj.inter
    if slope == 1.0 and intercept == 0.0:
        return np.asarray(image.dataobj.get_unscaled())
    return np.asarray(image.dataobj, dtype=np.float32)


def _affine_of(header: Any) -> NDArray[np.float64] | None:
    """Affine in millimetres, or None where the header does not say how the volume lies."""
    if int(header["sform_code"]) > 0:
        affine = np.array(header.get_sform(), np.float64)
    elif int(header["qform_code"]) > 0:
        affine = np.array(header.get_qform(), np.float64)
    else:
        return None
    affine[:3] *= _UNITS_MM.get(header.get_xyzt_units()[0], 1.0)
    return affine if is_usable(affine) else None


def _fallback_affine(header: Any) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """Affine of a volume that lies somehow, and its voxel sizes ``(x, y, z)`` as stated."""
    sizes = np.array([abs(float(size)) for size in header["pixdim"][1:4]])
    sizes *= _UNITS_MM.get(header.get_xyzt_units()[0], 1.0)
    stated = bool(np.isfinite(sizes).all() and (sizes > 1e-4).all())
    scale = sizes if stated else np.ones(3)
    return np.diag([-scale[0], scale[1], scale[2], 1.0]), tuple(map(float, sizes))


def _plane_for(grid_shape: tuple[int, int, int], affine: NDArray[np.float64]) -> Plane:
    """Axial, except for a lone slice of another plane, which would become a line."""
    if 1 in grid_shape and sum(size == 1 for size in grid_shape) == 1:
        return plane_of(affine, grid_shape.index(1))
    return Plane.AXIAL


def _build_draft(
    file: InputFile, values: NDArray[np.generic], affine: NDArray[np.float64] | None, header: Any
) -> Draft:
    parts = parse_name(file.name)
    shape = (values.shape[0], values.shape[1], values.shape[2])
    grid, plane, stated = _grid_of(affine, header, shape)
    absurd_z = slice_distance_warnings(stated[0])
    absurd = pixel_spacing_warnings(*stated[1:]) or absurd_z
    pixels = to_case_volume(values, grid)
    sequences, told = _sequences_of(parts, pixels.shape[-1])
    n = pixels.shape[0]
    low, high = float(header["cal_min"]), float(header["cal_max"])
    case = Case(
        case_id="case",
        kind=SourceKind.NIFTI,
        pixels=pixels,
        sequences=sequences,
        indices=tuple(range(1, n + 1)),
        sources=(file.source,) * n,
        spacing_mm=None if absurd else stated,
        orientation=ORIENTATIONS[plane] if affine is not None else None,
        positions_mm=positions_of(grid) if affine is not None and not absurd_z else None,
        grid=grid,
        warnings=(*told, *absurd, *_placement_warnings(affine, plane)),
        window=(low, high) if np.isfinite((low, high)).all() and high > low else None,
    )
    name = parts.stem or file.folder_name or "volume"
    folder = file.folder_name
    qualified = f"{folder}_{name}" if folder else name
    own = (
        name if parts.base or not folder else folder
    )  # flair.nii.gz names no study, its folder may
    return Draft(
        case=case,
        names=(own, qualified),
        study=f"{file.folder}|{parts.base}",
        study_names=(
            parts.base or folder or name,
            f"{folder}_{parts.base}" if folder and parts.base else folder or name,
        ),
        is_mask=parts.is_mask,
    )


def _placement_warnings(affine: NDArray[np.float64] | None, plane: Plane) -> tuple[str, ...]:
    if affine is None:
        return (
            "The file does not say how the volume lies in the patient; left and right are not"
            " known.",
        )
    if plane is not Plane.AXIAL:
        return (
            f"The slice is {PLANE_WORDS[plane]}; the models were trained on axial slices. Read the"
            " result with care.",
        )
    if is_oblique(affine):
        return ("The volume lies obliquely in the patient; its slices are axial only roughly.",)
    return ()


def _grid_of(
    affine: NDArray[np.float64] | None, header: Any, shape: tuple[int, int, int]
) -> tuple[InputGrid, Plane, tuple[float, float, float]]:
    """Grid, plane, and the spacing ``(z, y, x)`` as stated, whether it can be right or not."""
    if affine is None:
        guess, (x, y, z) = _fallback_affine(header)
        return lay_out(guess, shape, Plane.AXIAL), Plane.AXIAL, (z, y, x)
    plane = _plane_for(shape, affine)
    grid = lay_out(affine, shape, plane)
    return grid, plane, spacing_of(grid)


def _sequences_of(
    parts: NameParts, n_channels: int
) -> tuple[tuple[SequenceName, ...], tuple[str, ...]]:
    if n_channels == 1:
        told = (parts.sequence or SequenceName.UNKNOWN,)
        return told, sequence_warnings(told)
    if n_channels == len(_DECATHLON_SEQUENCES) and _DECATHLON.fullmatch(parts.stem):
        return _DECATHLON_SEQUENCES, ()
    if n_channels == len(_COLOUR_SEQUENCES):
        warning = (
            "The three volumes of this file are taken to be T1 without contrast, FLAIR and T1 with"
            " contrast; the file does not say so. Read the result with care."
        )
        return _COLOUR_SEQUENCES, (warning,)
    unknown = (SequenceName.UNKNOWN,) * n_channels
    return unknown, sequence_warnings(unknown)
