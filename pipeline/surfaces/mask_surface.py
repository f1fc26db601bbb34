"""The surface of a mask. Shape between slices is interpolated from signed distances.

The surface lies where the signed distance to the mask's border is zero (Raya and Udupa 1990,
"Shape-based interpolation"): between a slice and its neighbour it slants, where the mask's own
voxels would make a step as high as the distance of slices. Each region is meshed by itself, so that
a small one is kept however coarsely a large one beside it is sampled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import marching_cubes

from pipeline.surfaces.mesh import Mesh, inflate_mesh, join_meshes, mesh_volume, smooth_mesh

#: Along slices, rows and columns.
Triple = tuple[float, float, float]
Strides = tuple[int, int, int]

#: Triangles of one surface: what a browser turns without a pause.
MOST_FACES = 12_000
_FEWEST_FACES = 600
#: Rounds of `smooth_mesh`: takes the voxels' edges off, keeps bulges of a few millimetres.
_ROUNDS = 6
#: Regions that are meshed, the largest first: a mask of more is noise.
_MOST_REGIONS = 64
#: Distances are computed for so many voxels at most.
_MOST_VOXELS = 2_000_000
#: Triangles that marching cubes makes for each voxel face between inside and outside.
_FACES_PER_BORDER = 1.7


def build_mask_surface(
    mask: NDArray[np.bool_], spacing: Triple, *, most_faces: int = MOST_FACES
) -> Mesh | None:
    """Mesh a mask.

    Args:
        mask: ``(n, h, w)`` bool.
        spacing: ``(z, y, x)`` of a voxel, in millimetres or in pixels.
        most_faces: About as many triangles at most; a large region is sampled more coarsely.

    Returns:
        A closed mesh, lightly smoothed, that encloses what the mask's voxels take up, to a few
        percent; None where the mask is empty.

    Raises:
        ValueError: The mask is no volume, or a spacing is not above 0.
    """
    if mask.ndim != 3 or min(spacing) <= 0:
        raise ValueError(f"need (n, h, w) and spacing above 0, got {mask.shape} and {spacing}")
    box = _bounds(mask)
    if box is None:
        return None
    cropped = np.asarray(mask[box], bool)
    corner = np.array([part.start for part in box], np.float64) * spacing
    strides = _strides_within(cropped, spacing, _MOST_VOXELS)
    if strides != (1, 1, 1):
        cropped = cropped[:: strides[0], :: strides[1], :: strides[2]]
        wider = _times(spacing, strides)
        corner += (np.array(spacing) - wider) / 2  # a sample stands for the voxels around it
        spacing = wider
    labels, _ = ndimage.label(cropped, structure=np.ones((3, 3, 3), bool))
    voxels = np.bincount(labels.ravel())[1:]
    places = ndimage.find_objects(labels)
    meshes = []
    for region in np.argsort(voxels)[::-1][:_MOST_REGIONS]:
        share = max(_FEWEST_FACES, int(most_faces * voxels[region] / voxels.sum()))
        place = places[region]
        begin = corner + np.array([part.start for part in place]) * spacing
        meshes.append(_mesh_region(labels[place] == region + 1, spacing, begin, share))
    return join_meshes(meshes) if meshes else None


def mesh_distance(
    distance: NDArray[np.floating], steps: Triple, first: NDArray[np.float64]
) -> Mesh:
    """Mesh where a signed distance, positive inside, is zero.

    Args:
        distance: ``(n, h, w)``, negative all around.
        steps: ``(z, y, x)`` from sample to sample.
        first: ``(z, y, x)`` of the first sample.
    """
    vertices, faces, _, _ = marching_cubes(distance.astype(np.float32), 0.0, spacing=steps)
    placed = np.ascontiguousarray((vertices + first)[:, ::-1], np.float32)
    mesh = Mesh(placed, faces.astype(np.int32))
    if mesh_volume(mesh) < 0:
        mesh = Mesh(placed, np.ascontiguousarray(mesh.faces[:, ::-1]))
    return mesh


def signed_distance(mask: NDArray[np.bool_], spacing: Triple) -> NDArray[np.float64]:
    """Distance to the nearest voxel of the other kind, positive inside; zero lies between both."""
    inside = ndimage.distance_transform_edt(mask, sampling=spacing)
    return np.asarray(inside - ndimage.distance_transform_edt(~mask, sampling=spacing), np.float64)


def sampling_strides(spacing: Triple, step: float, shape: tuple[int, ...]) -> Strides:
    """Every how many voxels to sample each axis, so that samples lie about ``step`` apart.

    An axis keeps four samples, where it has them.
    """
    z, y, x = (
        min(max(1, round(step / size)), max(1, length // 4))
        for size, length in zip(spacing, shape, strict=True)
    )
    return z, y, x


def _mesh_region(
    region: NDArray[np.bool_], spacing: Triple, begin: NDArray[np.float64], most_faces: int
) -> Mesh:
    """Mesh one region that fills its array; ``begin`` is the outer corner of its first voxel."""
    strides = _strides_for_faces(region, spacing, most_faces)
    # one sample of outside on either side, the last one a whole number of strides from the first
    padding = [(s, 1 + -length % s) for s, length in zip(strides, region.shape, strict=True)]
    distance = signed_distance(np.pad(region, padding), spacing)
    sampled = distance[:: strides[0], :: strides[1], :: strides[2]]
    first = begin + (0.5 - np.array(strides)) * spacing
    if not (sampled > 0).any():  # narrower than the samples lie apart
        sampled, strides = distance, (1, 1, 1)
    mesh = smooth_mesh(mesh_distance(sampled, _times(spacing, strides), first), _ROUNDS)
    volume = np.count_nonzero(region) * float(np.prod(spacing))
    return inflate_mesh(mesh, volume, furthest=min(spacing))


def _strides_for_faces(region: NDArray[np.bool_], spacing: Triple, most_faces: int) -> Strides:
    """The finest strides at which a region has about so many triangles at most."""

    def fits(strides: Strides) -> bool:
        thin = region[:: strides[0], :: strides[1], :: strides[2]]
        return _FACES_PER_BORDER * _borders(thin) <= most_faces

    return _finest(region.shape, spacing, fits)


def _strides_within(mask: NDArray[np.bool_], spacing: Triple, most_voxels: int) -> Strides:
    return _finest(mask.shape, spacing, lambda s: mask.size <= most_voxels * s[0] * s[1] * s[2])


def _finest(shape: tuple[int, ...], spacing: Triple, fits: Callable[[Strides], bool]) -> Strides:
    """The finest strides that fit, or the coarsest that there are."""
    step = min(spacing)
    coarsest = sampling_strides(spacing, max(shape) * max(spacing), shape)
    while True:
        strides = sampling_strides(spacing, step, shape)
        if strides == coarsest or fits(strides):
            return strides
        step *= 1.2


def _borders(mask: NDArray[np.bool_]) -> int:
    """Voxel faces between inside and outside."""
    padded = np.pad(mask, 1)
    return sum(int(np.count_nonzero(np.diff(padded, axis=axis))) for axis in range(3))


def _bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    """The smallest box around a mask, None where it is empty."""
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if not slices.size:
        return None
    seen = np.any(mask[slices[0] : slices[-1] + 1], axis=0)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    ends = ((places[0], places[-1] + 1) for places in (slices, rows, columns))
    z, y, x = (slice(int(first), int(last)) for first, last in ends)
    return z, y, x


def _times(spacing: Triple, strides: Strides) -> Triple:
    z, y, x = (size * stride for size, stride in zip(spacing, strides, strict=True))
    return z, y, x
