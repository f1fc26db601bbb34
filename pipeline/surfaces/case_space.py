"""A case in space: in which unit it is drawn, along which axes, and its surfaces there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.surfaces.head_surface import HeadSurface, assumed_slice_distance, build_head_surface
from pipeline.surfaces.mask_surface import Triple, build_mask_surface
from pipeline.surfaces.mesh import Mesh
from pipeline.surfaces.patient_axes import PatientAxes, patient_axes, turn_mesh


@dataclass(frozen=True)
class CaseSpace:
    """How a case lies in space.

    Attributes:
        axes: Where the drawn axes lead.
        spacing: ``(z, y, x)`` of a voxel, in the unit.
        size: ``(z, y, x)`` of the whole volume, in the unit.
        unit: ``mm``, or ``pixels`` where the input states no spacing: then the distance of slices
            is assumed and nothing is to scale.
        slice_weights: As of `Case`.
    """

    axes: PatientAxes
    spacing: Triple
    size: Triple
    unit: str
    slice_weights: tuple[float, ...] | None = None


def space_of(case: Case, channel: int) -> CaseSpace:
    """How a case lies in space.

    Args:
        case: The case.
        channel: Sequence from which a missing distance of slices is estimated.
    """
    spacing, unit = case.spacing_mm, "mm"
    if spacing is None:
        spacing = (assumed_slice_distance(case.pixels[..., channel]), 1.0, 1.0)
        unit = "pixels"
    n, h, w = case.pixels.shape[:3]
    size = (n * spacing[0], h * spacing[1], w * spacing[2])
    return CaseSpace(patient_axes(case.orientation), spacing, size, unit, case.slice_weights)


def head_surface_of(case: Case, space: CaseSpace, channel: int) -> HeadSurface | None:
    """Surface of head or brain along the drawn axes; None where nothing stands out."""
    found = build_head_surface(case.pixels[..., channel], space.spacing)
    if found is None:
        return None
    return replace(found, mesh=turn_mesh(found.mesh, space.axes, space.size))


def mask_surface_of(mask: NDArray[np.bool_], space: CaseSpace) -> Mesh | None:
    """Surface of a mask ``(n, h, w)`` along the drawn axes; None where it is empty."""
    found = build_mask_surface(mask, space.spacing)
    return None if found is None else turn_mesh(found, space.axes, space.size)
