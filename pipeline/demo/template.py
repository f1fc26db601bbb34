"""The anatomy that every demo study starts from: the MNI152 template that nilearn bundles.

Arrays are ``(x, y, z)`` on the template's voxels. Millimetres are MNI's: x grows to the patient's
right, y to the front, z to the top (RAS+). Nothing is downloaded. The template: ICBM 152 nonlinear
2009, Fonov et al. 2011 (doi 10.1016/j.neuroimage.2010.07.033).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.demo.fields import FloatArray, enlarge, smoothstep

#: Radius in mm that closes the sulci, so that the hull is the inside of the skull.
HULL_CLOSING_MM = 24.0
#: Below this height the template has no skull vault of its own: the head keeps its outline.
VAULT_FLOOR_MM = -18.0
#: Box (mm, low and high corner) in which dark fluid belongs to the ventricles.
_VENTRICLE_BOX = ((-42.0, -62.0, -24.0), (42.0, 42.0, 34.0))


@dataclass(frozen=True, eq=False)
class Template:
    """Tissue maps and distances on one grid.

    Attributes:
        gm, wm, csf: ``(x, y, z)`` float32 probabilities of grey matter, white matter and fluid;
            outside the brain's hull all are 0.
        hull_mm: Signed distance to the inside of the skull, positive outside.
        head_mm: The same for the hull carried down to the neck, to which the scalp keeps parallel.
        ventricle_mm: Signed distance to the ventricles, positive outside.
        deep_grey: 1 around basal ganglia and thalamus, falling to 0.
        voxel_mm: Side of a voxel.
        origin_mm: MNI position of voxel (0, 0, 0).
    """

    gm: FloatArray
    wm: FloatArray
    csf: FloatArray
    hull_mm: FloatArray
    head_mm: FloatArray
    ventricle_mm: FloatArray
    deep_grey: FloatArray
    voxel_mm: float
    origin_mm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along x, y and z."""
        x, y, z = self.gm.shape
        return x, y, z

    def to_voxel(self, points_mm: NDArray[np.floating]) -> FloatArray:
        """Voxel coordinates ``(3, ...)`` of MNI points ``(3, ...)`` in mm."""
        origin = np.reshape(self.origin_mm, (3,) + (1,) * (points_mm.ndim - 1))
        return ((points_mm - origin) / self.voxel_mm).astype(np.float32)

    def axes_mm(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """MNI x, y and z of the voxels, shaped to broadcast over the volume."""
        return _axes_mm(self.shape, self.origin_mm, self.voxel_mm)


def _axes_mm(
    shape: tuple[int, ...], origin_mm: tuple[float, float, float], voxel_mm: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, y, z = (
        (o + voxel_mm * np.arange(n)).astype(np.float32)
        for o, n in zip(origin_mm, shape, strict=True)
    )
    return x[:, None, None], y[None, :, None], z[None, None, :]


def _deep_grey(axes_mm: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
    """1 in an ellipsoid around basal ganglia and thalamus of either side."""
    x, y, z = axes_mm
    squared = ((np.abs(x) - 17) / 17) ** 2 + ((y + 5) / 30) ** 2 + ((z - 4) / 16) ** 2
    return smoothstep(np.asarray(squared, np.float32), 1.3, 0.7)


def signed_distance_mm(inside: NDArray[np.bool_], voxel_mm: float) -> FloatArray:
    """Distance to the border of ``inside`` in mm, negative within."""
    outer = ndimage.distance_transform_edt(~inside)
    inner = ndimage.distance_transform_edt(inside)
    return ((outer - inner) * voxel_mm).astype(np.float32)


def _close(mask: NDArray[np.bool_], radius_mm: float, voxel_mm: float) -> NDArray[np.bool_]:
    """Binary closing with a ball, by distances, which costs the same for every radius."""
    dilated = ndimage.distance_transform_edt(~mask) * voxel_mm <= radius_mm
    return np.asarray(ndimage.distance_transform_edt(dilated) * voxel_mm > radius_mm)


def _head_hull(hull: NDArray[np.bool_], z_mm: FloatArray) -> NDArray[np.bool_]:
    """Carry the hull's outline at the floor of the vault down to the lowest slice."""
    floor = int(np.argmin(np.abs(z_mm - VAULT_FLOOR_MM)))
    head = hull.copy()
    head[:, :, :floor] |= hull[:, :, floor : floor + 1]
    return head


def _ventricles(
    csf: FloatArray,
    hull_mm: FloatArray,
    axes_mm: tuple[FloatArray, FloatArray, FloatArray],
    *,
    voxel_mm: float,
) -> NDArray[np.bool_]:
    """Deep fluid near the midline that hangs together."""
    x, y, z = axes_mm
    low, high = _VENTRICLE_BOX
    box = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1]) & (z > low[2]) & (z < high[2])
    labels, count = ndimage.label((csf > 0.5) & box & (hull_mm < -22.0))
    if count == 0:
        return np.zeros(csf.shape, bool)
    sizes = np.bincount(labels.ravel())[1:]
    return np.isin(labels, 1 + np.flatnonzero(sizes * voxel_mm**3 > 300.0))


@lru_cache(maxsize=2)
def load_template(voxel_mm: int = 1) -> Template:
    """Load the template and derive its distances.

    Args:
        voxel_mm: Side of a voxel, 1 or more; tests take a coarse one.
    """
    from nilearn import datasets  # imported here: half a second that only `demo` should pay

    fine = datasets.load_mni152_gm_template(resolution=voxel_mm)
    gm = np.asarray(fine.dataobj, np.float32)
    wm = np.asarray(datasets.load_mni152_wm_template(resolution=voxel_mm).dataobj, np.float32)
    gm, wm = np.clip(gm, 0, 1), np.clip(wm, 0, 1)
    x0, y0, z0 = (float(v) for v in fine.affine[:3, 3])
    origin = (x0, y0, z0)
    coarse = max(1, round(2 / voxel_mm))
    brain = (gm + wm)[::coarse, ::coarse, ::coarse] > 0.5
    step = float(coarse * voxel_mm)
    hull = _close(brain, HULL_CLOSING_MM, step)
    z_mm = (origin[2] + step * np.arange(hull.shape[2])).astype(np.float32)
    hull_mm = _on_grid(signed_distance_mm(hull, step), gm.shape, coarse)
    head = ndimage.gaussian_filter(signed_distance_mm(_head_hull(hull, z_mm), step), 4.5)
    head_mm = _on_grid(head, gm.shape, coarse)
    csf = np.clip(1.0 - gm - wm, 0, 1) * (hull_mm < 1.5)
    axes_mm = _axes_mm(gm.shape, origin, float(voxel_mm))
    ventricles = _ventricles(csf, hull_mm, axes_mm, voxel_mm=voxel_mm)
    ventricle_mm = _on_grid(
        signed_distance_mm(ventricles[::coarse, ::coarse, ::coarse], step), gm.shape, coarse
    )
    return Template(
        gm=gm,
        wm=wm,
        csf=csf,
        hull_mm=hull_mm,
        head_mm=head_mm,
        ventricle_mm=ventricle_mm,
        deep_grey=_deep_grey(axes_mm),
        voxel_mm=float(voxel_mm),
        origin_mm=origin,
    )


def _on_grid(distance: FloatArray, shape: tuple[int, ...], factor: int) -> FloatArray:
    """Smooth a coarse distance and bring it to the full grid (whose last voxels it may lack)."""
    smooth = ndimage.gaussian_filter(distance, 1.0)
    covered = tuple((n - 1) * factor + 1 for n in distance.shape)
    fine = enlarge(smooth, (covered[0], covered[1], covered[2])) if factor > 1 else smooth
    padding = [(0, max(0, n - m)) for n, m in zip(shape, fine.shape, strict=True)]
    cut = tuple(slice(0, n) for n in shape)
    return np.pad(fine, padding, mode="edge")[cut].astype(np.float32)
