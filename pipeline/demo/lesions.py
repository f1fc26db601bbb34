"""Synthetic low-grade gliomas: grown through the brain's own tissue, so that they look at home.

A front spreads from the seed, fastest along white matter, slower in cortex, hardly through fluid
and across the falx. The time it needs, in millimetres of free white matter, is the
lesion's depth map.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.csgraph import dijkstra

from pipeline.demo.anatomy import Anatomy
from pipeline.demo.fields import FloatArray, enlarge, smooth_noise, smoothstep
from pipeline.demo.plans import LesionPlan

#: Side in mm of the voxels that the front crosses.
GROWTH_VOXEL_MM = 2.0
#: Speed of the front in white matter, grey matter and fluid.
SPEEDS = (1.0, 0.5, 0.1)
#: Deviation of the logarithm of the speed: what makes the outline irregular.
SPEED_VARIATION = 0.45
#: The front's depth is known up to this many millimetres on either side of the border.
MAX_DEPTH_MM = 40.0


@dataclass(frozen=True, eq=False)
class Lesion:
    """A lesion on the anatomy's grid.

    Attributes:
        plan: What it was grown from.
        share: ``(x, y, z)`` float32, part of the tissue that is lesion; 0.5 on the border.
        core: ``(x, y, z)`` float32, part of the lesion that is its darker centre.
        rim: ``(x, y, z)`` float32, the shell around the centre that may enhance.
        radius_mm: Radius of the ball of its volume.
        centre_mm: Its centre of gravity, MNI mm.
    """

    plan: LesionPlan
    share: FloatArray
    core: FloatArray
    rim: FloatArray
    radius_mm: float
    centre_mm: tuple[float, float, float]


def grow_lesion(
    anatomy: Anatomy, plan: LesionPlan, *, volume_ml: float, rng: np.random.Generator
) -> Lesion:
    """Grow a lesion of ``volume_ml`` (mL in template space) from the plan's seed."""
    template = anatomy.template
    radius_mm = (volume_ml * 1000.0 * 3 / (4 * np.pi)) ** (1 / 3)
    reach_mm = 2.4 * radius_mm + 10.0
    low, high = _box(anatomy, plan.seed_mm, reach_mm)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    factor = max(1, round(GROWTH_VOXEL_MM / template.voxel_mm))
    tissue = [volume[box][::factor, ::factor, ::factor] for volume in (anatomy.wm, anatomy.gm)]
    x_mm = template.axes_mm()[0][low[0] : high[0] : factor]
    step_mm = factor * template.voxel_mm
    speed = _speed(tissue[0], tissue[1], x_mm, rng=rng, step_mm=step_mm)
    seed = np.asarray((template.to_voxel(np.array(plan.seed_mm)) - low) / factor, np.float32)
    depth = _depth(speed, seed, tissue[0] + tissue[1] > 0.5, volume_ml=volume_ml, step_mm=step_mm)
    return _assemble(anatomy, plan, depth, box, radius_mm=radius_mm, rng=rng)


def _box(
    anatomy: Anatomy, seed_mm: tuple[float, float, float], reach_mm: float
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Corners of the box around the seed within the grid, in voxels."""
    template = anatomy.template
    centre = template.to_voxel(np.array(seed_mm))
    reach = reach_mm / template.voxel_mm
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, template.shape).astype(int)
    return low, high


def _speed(
    wm: FloatArray, gm: FloatArray, x_mm: FloatArray, *, rng: np.random.Generator, step_mm: float
) -> FloatArray:
    """Speed of the front per voxel, between 0 and about 2."""
    fluid = np.clip(1.0 - wm - gm, 0, 1)
    speed = SPEEDS[0] * wm + SPEEDS[1] * gm + SPEEDS[2] * fluid
    speed = speed * np.where((wm + gm) < 0.05, 0.1, 1.0)
    falx = (np.abs(x_mm) < 3.0) & (wm < 0.6)
    speed = np.where(falx, 0.04, speed)
    shape = (wm.shape[0], wm.shape[1], wm.shape[2])
    variation = smooth_noise(rng, shape, correlation=14.0 / step_mm)
    variation += 0.7 * smooth_noise(rng, shape, correlation=6.0 / step_mm)
    return (speed * np.exp(SPEED_VARIATION * variation)).astype(np.float32)


def _depth(
    speed: FloatArray,
    seed: FloatArray,
    tissue: NDArray[np.bool_],
    *,
    volume_ml: float,
    step_mm: float,
) -> FloatArray:
    """Depth inside the border in mm (negative outside), where the border holds ``volume_ml``."""
    arrival = _arrival(speed, tuple(round(float(v)) for v in seed)) * step_mm
    ordered = np.sort(arrival[tissue])
    count = min(len(ordered) - 1, max(1, round(volume_ml * 1000.0 / step_mm**3)))
    depth = np.clip(ordered[count] - arrival, -MAX_DEPTH_MM, MAX_DEPTH_MM)
    return ndimage.gaussian_filter(depth.astype(np.float32), 0.8)


def _arrival(speed: FloatArray, seed: tuple[int, ...]) -> FloatArray:
    """Time at which the front reaches each voxel, shortest path over 26 neighbours."""
    shape = speed.shape
    number = np.arange(speed.size).reshape(shape)
    slowness = 1.0 / np.maximum(speed, 1e-3)
    rows, columns, costs = [], [], []
    for offset in product((-1, 0, 1), repeat=3):
        if offset <= (0, 0, 0):
            continue
        here = tuple(slice(max(0, -o), n - max(0, o)) for o, n in zip(offset, shape, strict=True))
        there = tuple(slice(max(0, o), n - max(0, -o)) for o, n in zip(offset, shape, strict=True))
        length = float(np.sqrt(sum(o * o for o in offset)))
        rows.append(number[here].ravel())
        columns.append(number[there].ravel())
        costs.append((0.5 * length * (slowness[here] + slowness[there])).ravel())
    edges = (np.concatenate(rows), np.concatenate(columns))
    graph = sparse.csr_matrix((np.concatenate(costs), edges), shape=(speed.size, speed.size))
    start = int(np.ravel_multi_index(seed, shape))
    return np.asarray(dijkstra(graph, directed=False, indices=start)).reshape(shape)


def _assemble(
    anatomy: Anatomy,
    plan: LesionPlan,
    depth: FloatArray,
    box: tuple[slice, ...],
    *,
    radius_mm: float,
    rng: np.random.Generator,
) -> Lesion:
    """Turn the depth map into shares on the full grid."""
    template = anatomy.template
    shape = tuple(s.stop - s.start for s in box)
    fine = _to_box(depth, (shape[0], shape[1], shape[2]), template.voxel_mm)
    share = np.zeros(template.shape, np.float32)
    core, rim = np.zeros_like(share), np.zeros_like(share)
    share[box] = smoothstep(fine, -plan.border_mm, plan.border_mm)
    if plan.core > 0:
        wobble = smooth_noise(
            rng, (shape[0], shape[1], shape[2]), correlation=9 / template.voxel_mm
        )
        inner = fine + np.float32(3.0) * wobble - np.float32((1.0 - plan.core) * fine.max())
        core[box] = smoothstep(inner, -3.0, 3.0)
        patchy = smoothstep(wobble, -0.1, 0.6)
        rim[box] = patchy * smoothstep(np.abs(inner + 1.0), 2.4, 1.0)
    weights = share[box]
    centre = [float(v) + s.start for v, s in zip(ndimage.center_of_mass(weights), box, strict=True)]
    x, y, z = (o + template.voxel_mm * v for o, v in zip(template.origin_mm, centre, strict=True))
    return Lesion(plan, share, core, rim, radius_mm, (x, y, z))


def _to_box(depth: FloatArray, shape: tuple[int, int, int], voxel_mm: float) -> FloatArray:
    """Bring the depth from the growth grid to the template's; the box may end between its nodes."""
    factor = max(1, round(GROWTH_VOXEL_MM / voxel_mm))
    if factor == 1:
        return depth
    covered = tuple((n - 1) * factor + 1 for n in depth.shape)
    fine = enlarge(depth, (covered[0], covered[1], covered[2]))
    padding = [(0, max(0, n - m)) for n, m in zip(shape, covered, strict=True)]
    return np.pad(fine, padding, mode="edge")[: shape[0], : shape[1], : shape[2]]
