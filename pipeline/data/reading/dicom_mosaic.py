"""Siemens mosaics: the slices of one volume, tiled in one picture, each brought to its place."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import ceil, isqrt

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from pipeline.data.reading.dicom_bounds import (
    allowed_elements,
    read_until_pixels,
    read_within_limits,
)
from pipeline.data.reading.format_kinds import InputFile
from pipeline.errors import InputError

#: The number of images in its own element; older software states it in the CSA header only.
_N_IMAGES_TAG = (0x0019, 0x100A)
_MOSAIC_TAGS = (0x00190010, 0x0019100A, 0x00290010, 0x00290011, 0x00291010, 0x00291110)


@dataclass(frozen=True)
class Mosaic:
    """How slices lie in the picture.

    Attributes:
        n_slices: Slices, from the upper left, row by row; the tiles after them are empty.
        tiles: Tiles along each side.
        shape: (rows, columns) of one slice.
        towards: 1 where slices follow each other along row direction x column direction, -1 where
            against it.
    """

    n_slices: int
    tiles: int
    shape: tuple[int, int]
    towards: int


def is_mosaic(header: Dataset) -> bool:
    """Whether the picture of a data set is a mosaic."""
    words = header.get("ImageType", None) or ()
    words = (words,) if isinstance(words, str) else words
    return "MOSAIC" in {str(word).strip().upper() for word in words}


def read_mosaic(file: InputFile, header: Dataset) -> Mosaic:
    """Read how many slices a mosaic holds, and how they follow each other.

    Args:
        file: A file whose header `is_mosaic`.
        header: Its header.

    Raises:
        InputError: If the number of slices is not stated, or does not fit the picture.
    """
    private = read_within_limits(
        file,
        [Tag(tag) for tag in _MOSAIC_TAGS],
        most=allowed_elements(1),
        stop_when=read_until_pixels,
    )
    n_slices, normal = _read_csa(private)
    stated = private.get(_N_IMAGES_TAG)
    if n_slices is None and stated is not None:
        n_slices = _whole(stated.value)
    if not n_slices or n_slices < 1:
        raise InputError(
            file.source,
            f"{file.name} is a Siemens mosaic, many slices in one picture, but does not state how"
            " many. Export it as single slices.",
        )
    tiles = isqrt(n_slices - 1) + 1
    rows, columns = int(header.Rows), int(header.Columns)
    if rows % tiles or columns % tiles:
        raise InputError(
            file.source,
            f"{file.name} is a Siemens mosaic of {n_slices} slices, but its {columns} x {rows}"
            f" pixels cannot be divided into {tiles} x {tiles} tiles. Export it as single slices.",
        )
    return Mosaic(
        n_slices=n_slices,
        tiles=tiles,
        shape=(rows // tiles, columns // tiles),
        towards=_direction(header, normal),
    )


def _read_csa(private: Dataset) -> tuple[int | None, NDArray[np.float64] | None]:
    """Number of slices and their normal by Siemens' own header, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nibabel calls its DICOM readers experimental
        from nibabel.nicom.csareader import (
            CSAError,
            get_csa_header,
            get_n_mosaic,
            get_slice_normal,
        )
    try:
        csa = get_csa_header(private, "image")
        if csa is None:
            return None, None
        return _whole(get_n_mosaic(csa)), get_slice_normal(csa)
    except (CSAError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None, None


def _whole(value: object) -> int | None:
    if isinstance(value, bytes):
        value = (
            int.from_bytes(value, "little")
            if len(value) == 2
            else value.decode("latin-1").strip("\0 ")
        )
    try:
        return ceil(float(str(value)))
    except (ValueError, OverflowError):
        return None


def _direction(header: Dataset, normal: NDArray[np.float64] | None) -> int:
    orientation = header.get("ImageOrientationPatient")
    if normal is None or orientation is None or len(orientation) != 6:
        return 1
    row, column = np.array(orientation, float).reshape(2, 3)
    return -1 if float(np.cross(row, column) @ normal) < 0 else 1


def place_slices(
    mosaic: Mosaic,
    *,
    position: tuple[float, ...],
    orientation: tuple[float, ...],
    pixel_spacing: tuple[float, ...],
    distance: float,
) -> list[tuple[float, ...]]:
    """Positions of the slices of a mosaic.

    Its stated position is that of the corner that a slice as large as the whole picture would
    have: the slices' corners lie further inside.

    Args:
        mosaic: Its layout.
        position: As stated, LPS millimetres.
        orientation: Direction cosines along a row, then along a column.
        pixel_spacing: (between rows, between columns) in millimetres.
        distance: Between slices in millimetres.

    Returns:
        First pixel's centre of each slice, in the mosaic's order.
    """
    row, column = np.array(orientation, float).reshape(2, 3)
    rows, columns = (size * (mosaic.tiles - 1) / 2 for size in mosaic.shape)
    first = np.array(position, float)
    first = first + row * columns * pixel_spacing[1] + column * rows * pixel_spacing[0]
    step = np.cross(row, column) * distance * mosaic.towards
    return [tuple(float(x) for x in first + k * step) for k in range(mosaic.n_slices)]


def untile(picture: NDArray[np.generic], mosaic: Mosaic) -> NDArray[np.generic]:
    """Slices ``(n, rows, columns)`` of a mosaic ``(tiles x rows, tiles x columns)``."""
    rows, columns = mosaic.shape
    tiled = picture.reshape(mosaic.tiles, rows, mosaic.tiles, columns)
    return tiled.swapaxes(1, 2).reshape(-1, rows, columns)[: mosaic.n_slices]
