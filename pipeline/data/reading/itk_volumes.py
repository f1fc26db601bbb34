"""NRRD and MetaImage, the volumes of ITK's programs (3D Slicer, ITK-SNAP, MITK), in one file each.

Developer notes: SimpleITK decodes them. What must be known before that (sizes, whether the pixels
are in another file, which nobody may make us open) is read from their headers, which are text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.data.cautions import ReadingAspect, cautions_of
from pipeline.data.reading.format_kinds import InputFile, Volume, VolumeFormat, starts_with
from pipeline.data.reading.limits import MAX_SLICES, check_volume, check_volume_memory
from pipeline.data.reading.mask_words import Role, is_of_lesion, role_of_words
from pipeline.data.sequences import split_words
from pipeline.errors import InputError

_MOST_HEADER_BYTES = 1 << 18
#: Kinds of an NRRD axis along which there are values of one voxel that are no pictures.
_NOT_PICTURES = re.compile(r"vector|normal|gradient|complex|matrix|color|colour|quaternion|point")
_SEGMENT = re.compile(r"(Segment\d+)_(Name|LabelValue|Layer)")
#: Bits of a pixel, in the words of SimpleITK.
_BITS = re.compile(r"(\d+)-bit")
_Header = dict[str, str]


def _nrrd_header(text: str) -> _Header:
    """Fields of an NRRD header, names in lower case; those of a program's own as written."""
    fields: _Header = {}
    for line in text.split("\n")[1:]:
        line = line.rstrip("\r")
        if not line:
            break
        if ":=" in line:
            key, value = line.split(":=", 1)
            fields[key] = value
        elif ": " in line and not line.startswith("#"):
            key, value = line.split(": ", 1)
            fields[key.lower().replace(" ", "")] = value.strip()
    return fields


def _metaimage_header(text: str) -> _Header:
    """Fields of a MetaImage header, up to the last one, names in lower case."""
    fields: _Header = {}
    for line in text.split("\n"):
        key, divider, value = line.partition("=")
        if not divider:
            break
        fields[key.strip().lower()] = value.strip()
        if key.strip().lower() == "elementdatafile":
            break
    return fields


def _read_header(file: InputFile, parse: Callable[[str], _Header]) -> _Header:
    with file.path.open("rb") as stream:
        return parse(stream.read(_MOST_HEADER_BYTES).decode("latin-1"))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split() if re.fullmatch(r"\d{1,9}", part))


def _nrrd_sizes(header: Mapping[str, str]) -> tuple[int, ...]:
    """Axes of space, then others: the file may have them in front."""
    sizes, kinds = _numbers(header.get("sizes", "")), header.get("kinds", "").split()
    if len(kinds) != len(sizes):
        return sizes
    space = [size for size, kind in zip(sizes, kinds, strict=True) if kind in {"domain", "space"}]
    rest = [
        size for size, kind in zip(sizes, kinds, strict=True) if kind not in {"domain", "space"}
    ]
    return (*space, *rest)


def read_nrrd(file: InputFile) -> Volume:
    """Read one NRRD volume; of a segmentation of 3D Slicer, the segments of a lesion.

    Raises:
        InputError: Its pixels are in another file or no pictures, or it is damaged.
    """
    header = _read_header(file, _nrrd_header)
    if "datafile" in header:
        raise _detached(file, ".nrrd")
    kinds = header.get("kinds", "").lower().split()
    if any(_NOT_PICTURES.search(kind) for kind in kinds):
        raise _no_grey_values(file)
    volume = _read(file, "NrrdImageIO", _nrrd_sizes(header), placed="space" in header)
    return _choose_segments(volume, header)


def read_metaimage(file: InputFile) -> Volume:
    """Read one MetaImage volume.

    Raises:
        InputError: Its pixels are in another file or no pictures, or it is damaged.
    """
    header = _read_header(file, _metaimage_header)
    if header.get("elementdatafile", "LOCAL").upper() != "LOCAL":
        raise _detached(file, ".mha")
    if header.get("elementnumberofchannels", "1") != "1":
        raise _no_grey_values(file)
    placed = {"transformmatrix", "rotation", "orientation", "offset", "position", "origin"}
    sizes = _numbers(header.get("dimsize", ""))
    return _read(file, "MetaImageIO", sizes, placed=bool(placed & set(header)))


def _no_grey_values(file: InputFile) -> InputError:
    return InputError(
        file.source, f"{file.name} holds colours or a vector field, not grey values of an image."
    )


def _detached(file: InputFile, suffix: str) -> InputError:
    return InputError(
        file.source,
        f"{file.name} is a header whose voxels are in another file. Save the volume as one {suffix}"
        " file.",
    )


def _read(file: InputFile, reader: str, sizes: tuple[int, ...], *, placed: bool) -> Volume:
    import SimpleITK

    if len(sizes) < 2:
        raise InputError(file.source, f"{file.name} is damaged: its header states no sizes.")
    check_volume(file.source, sizes, bytes_voxel=8)
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    opened = SimpleITK.ImageFileReader()
    opened.SetImageIO(reader)
    opened.SetFileName(str(file.path))
    try:
        opened.ReadImageInformation()  # the header as the decoder understands it
        bits = _BITS.search(SimpleITK.GetPixelIDValueAsString(opened.GetPixelID()))
        itemsize = int(bits[1]) // 8 if bits else 16
        space, count = check_volume(file.source, opened.GetSize(), bytes_voxel=itemsize)
        n_voxels = math.prod(space) * count * opened.GetNumberOfComponents()
        check_volume_memory(file.source, n_voxels, bytes_voxel=itemsize)
        image = opened.Execute()
    except RuntimeError:
        raise InputError(
            file.source,
            f"{file.name} is cut short, or packed in a way that cannot be read. Save it again,"
            " without compression.",
        ) from None
    values = SimpleITK.GetArrayFromImage(image)  # slices first, values of one voxel last
    dimensions = image.GetDimension()
    if image.GetNumberOfComponentsPerPixel() > 1:
        values = np.moveaxis(values, -1, 0)
        voxels = values.reshape((values.shape[0], *_three(values.shape[1:])))
    elif dimensions == 4:
        voxels = values
    else:
        voxels = values.reshape((1, *_three(values.shape)))
    spacing = [*map(float, image.GetSpacing()), 1.0][:3]
    affine = _affine_of(image) if placed and dimensions >= 3 else None
    return Volume(
        voxels=voxels.transpose(3, 2, 1, 0),
        affine=affine,
        voxel_mm=(spacing[0], spacing[1], spacing[2]),
    )


def _three(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*([1] * (3 - len(shape))), *shape)


def _affine_of(image: object) -> NDArray[np.float64]:
    """Voxel to RAS+ millimetres of an image of SimpleITK, which states LPS+."""
    n = image.GetDimension()  # type: ignore[attr-defined]
    directions = np.array(image.GetDirection()).reshape(n, n)[:3, :3]  # type: ignore[attr-defined]
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(image.GetSpacing())[:3]  # type: ignore[attr-defined]
    affine[:3, 3] = np.array(image.GetOrigin())[:3]  # type: ignore[attr-defined]
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _choose_segments(volume: Volume, header: Mapping[str, str]) -> Volume:
    """Of a segmentation of 3D Slicer, the segments that are named like a lesion, if there are any.

    Without one, all that are not named like the brain or one of its regions.
    """
    segments: dict[str, dict[str, str]] = {}
    for key, value in header.items():
        if match := _SEGMENT.fullmatch(key):
            segments.setdefault(match[1], {})[match[2]] = value
    if not segments:
        return volume
    lesions = [one for one in segments.values() if is_of_lesion(one.get("Name", ""))]
    others = [
        one
        for one in segments.values()
        if role_of_words(split_words(f"{one.get('Name', '')} mask")) is not Role.ANATOMY
    ]
    chosen = lesions or others or list(segments.values())
    values = np.zeros(volume.voxels.shape[:3], np.uint8)
    for one in chosen:
        layer = min(_whole(one.get("Layer", ""), 0), volume.voxels.shape[3] - 1)
        values[volume.voxels[..., layer] == _whole(one.get("LabelValue", ""), 1)] = 1
    names = ", ".join(one.get("Name", "") or "without a name" for one in chosen)
    warning = f"Of the segmentation's {len(segments)} segments {len(chosen)} count: {names}."
    return Volume(
        voxels=values[..., None],
        affine=volume.affine,
        voxel_mm=volume.voxel_mm,
        cautions=cautions_of(ReadingAspect.REFERENCE, (warning,) if len(segments) > 1 else ()),
    )


def _whole(text: str, default: int) -> int:
    """Whole number of a header's field, ``default`` where the field holds no such number."""
    return int(text) if re.fullmatch(r"\d{1,9}", text) else default


def _count(sizes: tuple[int, ...]) -> int:
    return sizes[2] if len(sizes) > 2 and 1 <= sizes[2] <= MAX_SLICES else 1


def _count_nrrd(file: InputFile) -> int:
    return _count(_nrrd_sizes(_read_header(file, _nrrd_header)))


def _count_metaimage(file: InputFile) -> int:
    header = _read_header(file, _metaimage_header)
    return _count(_numbers(header.get("dimsize", "")))


def _is_metaimage(head: bytes) -> bool:
    start = re.match(rb"\s*(Comment|ObjectType|NDims)\s*=", head)
    return start is not None and re.search(rb"(^|\n)NDims\s*=\s*\d", head) is not None


NRRD = VolumeFormat(
    name="NRRD",
    suffixes=(".nrrd", ".nhdr"),
    matches=starts_with(b"NRRD000"),
    read=read_nrrd,
    count_slices=_count_nrrd,
)
METAIMAGE = VolumeFormat(
    name="MHA",
    suffixes=(".mha", ".mhd"),
    matches=_is_metaimage,
    read=read_metaimage,
    count_slices=_count_metaimage,
)
