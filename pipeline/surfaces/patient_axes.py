"""From a case's slices, rows and columns to axes of the patient, in which left stays left.

Drawn axes are right-handed, x to the patient's left, y to posterior, z to superior (DICOM's LPS),
whatever plane was acquired. Where the orientation is unknown, x follows the columns, y the rows and
z the slices, and no letters are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.case import Orientation
from pipeline.surfaces.mesh import Mesh

#: Where each drawn axis begins and where it leads.
_PATIENT = ("RL", "AP", "IS")
#: A case's slices run so (`pipeline.data.geometry.Plane`), whatever its in-plane axes are.
_SLICES = {"RL": "RL", "AP": "PA", "IS": "IS"}
SLICE, ROW, COLUMN = 0, 1, 2


@dataclass(frozen=True)
class DrawnAxis:
    """One drawn axis.

    Attributes:
        case_axis: 0 slices, 1 rows, 2 columns.
        reversed: Whether the case's index grows against it.
        letters: Anatomical letters at its beginning and end; empty where unknown.
    """

    case_axis: int
    reversed: bool
    letters: tuple[str, str]


@dataclass(frozen=True)
class PatientAxes:
    """The drawn x, y and z axis."""

    x: DrawnAxis
    y: DrawnAxis
    z: DrawnAxis

    def all(self) -> tuple[DrawnAxis, DrawnAxis, DrawnAxis]:
        """x, y, z."""
        return self.x, self.y, self.z


def patient_axes(orientation: Orientation | None) -> PatientAxes:
    """How a case is drawn.

    Args:
        orientation: Letters at the edges of its slices, or None.
    """
    unknown = [DrawnAxis(axis, False, ("", "")) for axis in (COLUMN, ROW, SLICE)]
    if orientation is None:
        return PatientAxes(*unknown)
    ways = {
        COLUMN: orientation.left + orientation.right,
        ROW: orientation.top + orientation.bottom,
    }
    known = {"".join(sorted(way)) for way in ways.values()}
    rest = [way for way in _PATIENT if "".join(sorted(way)) not in known]
    if len(rest) != 1:  # letters that name no plane
        return PatientAxes(*unknown)
    ways[SLICE] = _SLICES[rest[0]]
    drawn = []
    for wanted in _PATIENT:
        case_axis = next(axis for axis, way in ways.items() if sorted(way) == sorted(wanted))
        drawn.append(DrawnAxis(case_axis, ways[case_axis] != wanted, (wanted[0], wanted[1])))
    return PatientAxes(*drawn)


def turn_mesh(mesh: Mesh, axes: PatientAxes, size: tuple[float, float, float]) -> Mesh:
    """Bring a mesh from the case's axes to the drawn ones.

    Args:
        mesh: In the order column, row, slice.
        axes: How the case is drawn.
        size: What the case measures, ``(z, y, x)``.
    """
    columns = []
    for axis in axes.all():
        values = mesh.vertices[:, COLUMN - axis.case_axis]
        columns.append(np.float32(size[axis.case_axis]) - values if axis.reversed else values)
    turned = np.ascontiguousarray(np.stack(columns, axis=1), np.float32)
    step = np.zeros((3, 3))
    for row, axis in enumerate(axes.all()):
        step[row, COLUMN - axis.case_axis] = -1 if axis.reversed else 1
    mirrored = np.linalg.det(step) < 0  # faces would be seen from inside
    faces = np.ascontiguousarray(mesh.faces[:, ::-1]) if mirrored else mesh.faces
    return Mesh(turned, faces)
