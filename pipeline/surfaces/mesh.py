"""A triangle mesh, what it encloses, and how it is smoothed. Pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Taubin's two steps: the first shrinks, the second swells, so that volume is kept (Taubin 1995,
#: "A signal processing approach to fair surface design").
_SHRINK, _SWELL = 0.5, -0.53


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed surface.

    Attributes:
        vertices: ``(v, 3)`` float32, in the order x (column), y (row), z (slice), in the unit of
            the spacing; voxel (0, 0, 0) begins at the origin, so that its centre lies half a voxel
            inside.
        faces: ``(f, 3)`` int32, three vertices each, anticlockwise when seen from outside where x,
            y, z are drawn right-handed.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]


def mesh_volume(mesh: Mesh) -> float:
    """What a closed mesh encloses, in the cube of its unit; negative where it is inside out."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def join_meshes(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one.

    Raises:
        ValueError: No mesh is given.
    """
    if not meshes:
        raise ValueError("at least one mesh is needed")
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [mesh.faces + np.int32(start) for mesh, start in zip(meshes, starts, strict=True)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


def smooth_mesh(mesh: Mesh, rounds: int) -> Mesh:
    """Take the steps of slices and voxels off a closed mesh; its volume stays within a few percent.

    Args:
        mesh: Closed: each edge belongs to two faces, once in either direction.
        rounds: How often every vertex moves towards, then away from the mean of its neighbours.
    """
    start, end = mesh.faces.ravel(), mesh.faces[:, [1, 2, 0]].ravel()
    count = len(mesh.vertices)
    neighbours = np.maximum(np.bincount(start, minlength=count), 1)
    points = mesh.vertices.T.astype(np.float64)
    for step in [_SHRINK, _SWELL] * rounds:
        for axis, values in enumerate(points):
            means = np.bincount(start, weights=values[end], minlength=count) / neighbours
            points[axis] = values + step * (means - values)
    return Mesh(np.ascontiguousarray(points.T, np.float32), mesh.faces)


def inflate_mesh(mesh: Mesh, volume: float, *, furthest: float) -> Mesh:
    """Move a closed mesh's vertices along their normals until it encloses a volume.

    Args:
        mesh: Closed, its faces seen from outside.
        volume: What it is to enclose, in the cube of its unit.
        furthest: No vertex moves further than this.
    """
    corners = mesh.vertices.astype(np.float64)[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1).sum() / 2
    normals = np.stack(
        [
            np.bincount(mesh.faces.ravel(), np.repeat(part, 3), minlength=len(mesh.vertices))
            for part in across.T
        ],
        axis=1,
    )
    units = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    if area == 0:
        return mesh
    distance = np.clip((volume - mesh_volume(mesh)) / area, -furthest, furthest)
    return Mesh((mesh.vertices + distance * units).astype(np.float32), mesh.faces)
