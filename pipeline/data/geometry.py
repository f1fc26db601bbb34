"""Planes, directions and grids: pure functions from affines to layouts.

Developer notes: an affine takes voxel indices to RAS+ millimetres (NIfTI's convention). DICOM
states LPS+; its first two rows change sign. A "layout" is how an input's array becomes the case's
``(slice, row, column)`` volume, as in `InputGrid`.
"""

from __future__ import annotations

from enum import Enum
from itertools import product

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import RADIOLOGICAL_AXIAL, InputGrid, Orientation

#: Between pixels and between slices; anything else is a slip of the file or of its unit.
_PLAUSIBLE_PIXEL_MM = (0.05, 50.0)
_PLAUSIBLE_SLICE_MM = (0.05, 100.0)
#: What every sentence on a spacing that cannot be used says.
AREAS_IN_PIXELS = "areas are in pixels"
#: From here on a shear is more than rounding, and worth a sentence.
_LEAST_LEAN_DEGREES = 0.5


class Plane(Enum):
    """Anatomical plane of the slices.

    The value gives, for the case's slice, row and column axis, the RAS axis and the direction along
    it in which the index grows.
    """

    #: From inferior to superior; rows run to posterior, columns to the patient's left.
    AXIAL = ((2, 1), (1, -1), (0, -1))
    #: From posterior to anterior; rows run to inferior, columns to the patient's left.
    CORONAL = ((1, 1), (2, -1), (0, -1))
    #: From right to left; rows run to inferior, columns to posterior.
    SAGITTAL = ((0, -1), (2, -1), (1, -1))


ORIENTATIONS = {
    Plane.AXIAL: RADIOLOGICAL_AXIAL,
    Plane.CORONAL: Orientation(left="R", right="L", top="S", bottom="I"),
    Plane.SAGITTAL: Orientation(left="A", right="P", top="S", bottom="I"),
}


def plane_warnings(plane: Plane | None, *, slices: str = "slices are") -> tuple[str, ...]:
    """The caution for slices that are not axial; none if they are, or if it is unknown.

    Args:
        plane: Plane of the slices.
        slices: What is in that plane, with its verb.
    """
    if plane in {None, Plane.AXIAL}:
        return ()
    word = "coronal" if plane is Plane.CORONAL else "sagittal"
    trained = "the models were trained on axial slices, and the result may be wrong."
    return (f"The {slices} {word}: {trained}",)


def is_usable(affine: NDArray[np.float64]) -> bool:
    """Whether an affine is finite and spans three directions."""
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if (lengths < 1e-4).any():
        return False
    return abs(float(np.linalg.det(affine[:3, :3] / lengths))) > 1e-3


def plane_of(affine: NDArray[np.float64], slice_axis: int) -> Plane:
    """Plane of the slices that are stacked along the input's axis ``slice_axis``."""
    ras = int(nib.io_orientation(affine)[slice_axis, 0])
    return {2: Plane.AXIAL, 1: Plane.CORONAL, 0: Plane.SAGITTAL}[ras]


def lay_out(affine: NDArray[np.float64], shape: tuple[int, int, int], plane: Plane) -> InputGrid:
    """Grid that brings an input's array to ``plane``, upright and with the patient's right left.

    Args:
        affine: Usable affine of the input's array.
        shape: Its three axes.
        plane: Plane to bring it to.
    """
    directions = nib.io_orientation(affine)
    axes, flips = [], []
    for case_axis, (ras, growing) in enumerate(plane.value):
        input_axis = int(np.flatnonzero(directions[:, 0] == ras)[0])
        axes.append(input_axis)
        if directions[input_axis, 1] != growing:
            flips.append(case_axis)
    return InputGrid(
        shape=shape,
        affine=np.asarray(affine, np.float64),
        axes=(axes[0], axes[1], axes[2]),
        flips=tuple(flips),
    )


def to_case_volume(array: NDArray[np.generic], grid: InputGrid) -> NDArray[np.generic]:
    """Bring an input's array to ``(slice, row, column, ...)``; axes after the third stay."""
    rest = tuple(range(3, array.ndim))
    return np.ascontiguousarray(np.flip(np.transpose(array, grid.axes + rest), grid.flips))


def case_affine(grid: InputGrid) -> NDArray[np.float64]:
    """4x4, the case's (slice, row, column) index to RAS+ millimetres.

    Where slices are missing or unevenly spaced, the first index counts steps (`slots_of`).
    """
    step = np.zeros((4, 4))
    step[3, 3] = 1.0
    for case_axis, input_axis in enumerate(grid.axes):
        flipped = case_axis in grid.flips
        step[input_axis, case_axis] = -1.0 if flipped else 1.0
        last = grid.last_slot if case_axis == 0 else grid.shape[input_axis] - 1
        step[input_axis, 3] = last if flipped else 0.0
    return np.asarray(grid.affine, np.float64) @ step


def slots_of(grid: InputGrid) -> NDArray[np.float64]:
    """``(n,)`` places of the case's slices along its slice axis, in steps of `case_affine`."""
    n = grid.shape[grid.axes[0]]
    slots = np.arange(n, dtype=np.float64) if grid.slots is None else np.array(grid.slots)
    return grid.last_slot - slots[::-1] if 0 in grid.flips else slots


def slice_normal(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normal of the case's slices in RAS+, pointing to growing slice numbers."""
    normal = np.cross(affine[:3, 1], affine[:3, 2])
    normal /= np.linalg.norm(normal)
    return normal if float(normal @ affine[:3, 0]) >= 0 else -normal


def spacing_of(grid: InputGrid) -> tuple[float, float, float]:
    """Millimetres ``(z, y, x)`` between the case's slices, rows and columns.

    z is measured along the slice normal: where the stack leans, its step is longer than that. y is
    measured across the rows, so that the product is a voxel's volume on sheared grids too.
    """
    affine = case_affine(grid)
    z = abs(float(affine[:3, 0] @ slice_normal(affine)))
    x = float(np.linalg.norm(affine[:3, 2]))
    y = float(np.linalg.norm(np.cross(affine[:3, 1], affine[:3, 2]))) / x
    return round(z, 5), round(y, 5), round(x, 5)  # directions are stored with rounding errors


def pixel_spacing_warnings(between_rows: float, between_columns: float) -> tuple[str, ...]:
    """The sentence on pixels of an impossible size; none where both numbers can be right."""
    for size in (between_rows, between_columns):
        if not _PLAUSIBLE_PIXEL_MM[0] <= size <= _PLAUSIBLE_PIXEL_MM[1]:
            return (_cannot_be_right("pixel spacing", size),)
    return ()


def slice_distance_warnings(distance: float) -> tuple[str, ...]:
    """The sentence on an impossible distance between slices; none where it can be right."""
    if _PLAUSIBLE_SLICE_MM[0] <= distance <= _PLAUSIBLE_SLICE_MM[1]:
        return ()
    return (_cannot_be_right("distance between slices", distance),)


def _cannot_be_right(what: str, size: float) -> str:
    if not np.isfinite(size):
        return f"The file's {what} is not a number; {AREAS_IN_PIXELS}."
    words = f"{size:.3f}".rstrip("0").rstrip(".")
    if abs(size) >= 1000:
        words = "1,000 or more" if size > 0 else "-1,000 or less"
    elif size and abs(size) < 0.001:
        words = "less than 0.001"
    return f"The file's {what} of {words} mm cannot be right; {AREAS_IN_PIXELS}."


def positions_of(grid: InputGrid) -> tuple[float, ...]:
    """Position of each of the case's slices along the slice normal in millimetres."""
    affine = case_affine(grid)
    normal = slice_normal(affine)
    first, step = float(affine[:3, 3] @ normal), float(affine[:3, 0] @ normal)
    return tuple(first + float(slot) * step for slot in slots_of(grid))


def same_grid(first: InputGrid, second: InputGrid) -> bool:
    """Whether two cases lie on the same voxels, to a twentieth of a voxel over the whole volume."""
    shapes = [tuple(grid.shape[axis] for axis in grid.axes) for grid in (first, second)]
    if shapes[0] != shapes[1] or not np.allclose(slots_of(first), slots_of(second), atol=0.05):
        return False
    a, b = case_affine(first), case_affine(second)
    tolerance = 0.05 * float(np.linalg.norm(a[:3, :3], axis=0).min())
    ends = (first.last_slot, shapes[0][1] - 1, shapes[0][2] - 1)
    corners = np.array(list(product(*((0, end) for end in ends), (1,))), np.float64)
    return bool(np.abs(corners @ (a - b).T).max() <= tolerance)


def is_sheared(affine: NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Whether a rotation with voxel sizes misses what the affine says by a twentieth of a voxel.

    Args:
        affine: Usable affine.
        shape: Of the voxels, three axes: small errors of direction add up over a long axis.
    """
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / sizes)
    off = np.abs(affine[:3, :3] - (left @ right) * sizes) @ (np.array(shape) - 1)
    return bool(off.max() > 0.05 * sizes.min())


def shear_warnings(grid: InputGrid) -> tuple[str, ...]:
    """The sentences on a stack that leans, or rows and columns that are not at right angles."""
    affine = case_affine(grid)
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    step, rows, columns = (affine[:3, :3] / sizes).T
    sentences = []
    lean = np.degrees(np.arccos(np.clip(step @ slice_normal(affine), -1, 1)))
    if lean >= _LEAST_LEAN_DEGREES and len(slots_of(grid)) > 1:
        sentences.append(
            f"The stack leans by {lean:.0f} degrees (as by gantry tilt): each slice is shifted"
            " against the one below. Measurements and the mask file allow for it; reformats and the"
            " 3D view do not. Some programs cannot open such a mask file."
        )
    skew = abs(90 - np.degrees(np.arccos(np.clip(rows @ columns, -1, 1))))
    if skew >= _LEAST_LEAN_DEGREES:
        sentences.append(
            f"Rows and columns lie {skew:.0f} degrees off a right angle, as after a registration:"
            " lengths are approximate."
        )
    return tuple(sentences)


def left_right_of(affine: NDArray[np.float64]) -> tuple[int, int]:
    """Voxel axis along which left and right lie, and the direction in which it leads to the right.

    Args:
        affine: Usable affine.
    """
    directions = nib.io_orientation(affine)
    axis = int(np.flatnonzero(directions[:, 0] == 0)[0])
    return axis, int(directions[axis, 1])


def is_oblique(affine: NDArray[np.float64], *, degrees: float = 30.0) -> bool:
    """Whether the voxel axes lie more than ``degrees`` off the patient's axes."""
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(cosines).max(axis=0).min() < np.cos(np.radians(degrees)))
