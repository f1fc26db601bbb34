"""Where the scanner's slices cut the template: slice grid, pose, deformation, mass effect."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.demo.fields import FloatArray, sample, smooth_noise, smoothstep
from pipeline.demo.lesions import Lesion
from pipeline.demo.plans import StudyPlan
from pipeline.demo.template import Template

#: Distance in mm between the nodes at which the deformation is worked out; linear between them.
NODE_MM = 4.0
#: Deviation in mm of a patient's shape from the template's, and over how many mm it varies.
SHAPE_MM, SHAPE_CORRELATION_MM = 2.2, 36.0
#: Depth under the skull in mm over which the brain is free to be pushed.
FREE_DEPTH_MM = 12.0


@dataclass(frozen=True, eq=False)
class SliceGrid:
    """The slices in scanner coordinates.

    Columns run to the patient's left, rows to the back, slices upwards, as displayed: the
    radiological view. How files store them is the writer's business.

    Attributes:
        centre_mm: RAS+ position of the middle of the lowest slice.
        column_step_mm, row_step_mm, slice_step_mm: RAS+ vectors to the next column, row and slice.
        shape: (slices, rows, columns).
        thickness_mm: Slice thickness.
    """

    centre_mm: NDArray[np.float64]
    column_step_mm: NDArray[np.float64]
    row_step_mm: NDArray[np.float64]
    slice_step_mm: NDArray[np.float64]
    shape: tuple[int, int, int]
    thickness_mm: float

    @classmethod
    def of(cls, plan: StudyPlan) -> SliceGrid:
        """The grid that a plan asks for."""
        tilt = np.deg2rad(plan.tilt_degrees)
        back = np.array([0.0, -np.cos(tilt), -np.sin(tilt)])
        up = np.array([0.0, -np.sin(tilt), np.cos(tilt)])
        centre = np.array([0.0, -18.0, 0.0])
        return cls(
            centre_mm=centre + up * (plan.bottom_mm - centre @ up),
            column_step_mm=np.array([-plan.pixel_mm, 0.0, 0.0]),
            row_step_mm=plan.pixel_mm * back,
            slice_step_mm=plan.spacing_mm * up,
            shape=(plan.n_slices, plan.matrix, plan.matrix),
            thickness_mm=plan.thickness_mm,
        )

    def position_mm(self, k: float, row: float, column: float) -> NDArray[np.float64]:
        """RAS+ position of the centre of a pixel."""
        _, rows, columns = self.shape
        return (
            self.centre_mm
            + k * self.slice_step_mm
            + (row - (rows - 1) / 2) * self.row_step_mm
            + (column - (columns - 1) / 2) * self.column_step_mm
        )

    def affine(self) -> NDArray[np.float64]:
        """4x4 from (slice, row, column) to RAS+ mm."""
        result = np.eye(4)
        result[:3, 0] = self.slice_step_mm
        result[:3, 1] = self.row_step_mm
        result[:3, 2] = self.column_step_mm
        result[:3, 3] = self.position_mm(0, 0, 0)
        return result


@dataclass(frozen=True, eq=False)
class Pose:
    """From scanner to template: ``template_mm = matrix @ scanner_mm + shift_mm``."""

    matrix: NDArray[np.float64]
    shift_mm: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Pose:
        """A head held almost straight, of almost the template's size."""
        pitch, roll, yaw = np.deg2rad(rng.normal(0.0, (3.0, 1.5, 2.0)))
        size = rng.normal(0.97, 0.018, 3)
        turn = _rotation(0, pitch) @ _rotation(1, roll) @ _rotation(2, yaw)
        return cls(np.diag(1.0 / size) @ turn, rng.normal(0.0, (1.5, 2.0, 1.5)))


def _rotation(axis: int, angle: float) -> NDArray[np.float64]:
    a, b = [i for i in range(3) if i != axis]
    result = np.eye(3)
    result[a, a] = result[b, b] = np.cos(angle)
    result[a, b], result[b, a] = -np.sin(angle), np.sin(angle)
    return result


@dataclass(frozen=True, eq=False)
class SourceMap:
    """Template voxel coordinates under the scanner's field of view, at coarse nodes.

    Attributes:
        nodes: ``(3, heights, rows, columns)`` float32; rows and columns span the slice corner to
            corner.
        heights_mm: Distance of each plane of nodes from the lowest slice.
        shape: (rows, columns) of a slice.
    """

    nodes: FloatArray
    heights_mm: NDArray[np.float64]
    shape: tuple[int, int]

    def plane(self, height_mm: float) -> FloatArray:
        """Coordinates ``(3, rows, columns)`` of the plane at a height over the lowest slice."""
        step = self.heights_mm[1] - self.heights_mm[0]
        position = (height_mm - self.heights_mm[0]) / step
        below = int(np.clip(np.floor(position), 0, len(self.heights_mm) - 2))
        t = np.float32(position - below)
        mixed = self.nodes[:, below] * (1 - t) + self.nodes[:, below + 1] * t
        rows = np.linspace(0, mixed.shape[1] - 1, self.shape[0], dtype=np.float32)
        columns = np.linspace(0, mixed.shape[2] - 1, self.shape[1], dtype=np.float32)
        map_x, map_y = np.meshgrid(columns, rows)
        stacked = np.ascontiguousarray(np.moveaxis(mixed, 0, -1))
        resampled = np.asarray(cv2.remap(stacked, map_x, map_y, cv2.INTER_LINEAR), np.float32)
        return np.moveaxis(resampled, -1, 0)

    def window(self, occupied: NDArray[np.bool_]) -> tuple[slice, slice]:
        """Rows and columns under which the template is not empty, with a node's margin.

        Args:
            occupied: ``(x, y, z)`` bool on the template's voxels.
        """
        at = np.round(self.nodes).astype(int)
        limit = np.reshape(occupied.shape, (3, 1, 1, 1))
        index = np.clip(at, 0, limit - 1)
        hit = occupied[index[0], index[1], index[2]] & ((at >= 0) & (at < limit)).all(axis=0)
        return self._extent(hit.any(axis=(0, 2)), 0), self._extent(hit.any(axis=(0, 1)), 1)

    def _extent(self, hit: NDArray[np.bool_], axis: int) -> slice:
        if not hit.any():
            return slice(0, 0)
        first, last = np.flatnonzero(hit)[[0, -1]]
        pitch = (self.shape[axis] - 1) / (len(hit) - 1)
        low, high = int((first - 1.5) * pitch), int((last + 1.5) * pitch) + 1
        return slice(max(0, low), min(self.shape[axis], high))


def make_source_map(
    grid: SliceGrid,
    template: Template,
    lesion: Lesion | None,
    *,
    age: int,
    rng: np.random.Generator,
) -> SourceMap:
    """Work out which point of the template lies under each node."""
    slices, rows, columns = grid.shape
    step_mm = float(np.linalg.norm(grid.slice_step_mm))
    span_mm = step_mm * (slices - 1) + 2 * grid.thickness_mm
    heights = np.linspace(-grid.thickness_mm, span_mm - grid.thickness_mm, _nodes(span_mm))
    row_mm = float(np.linalg.norm(grid.row_step_mm))
    r = np.linspace(0, rows - 1, _nodes(rows * row_mm))
    c = np.linspace(0, columns - 1, _nodes(columns * row_mm))
    k, r, c = np.meshgrid(heights / step_mm, r, c, indexing="ij")
    voxel_index = np.stack([k, r, c]).reshape(3, -1)
    affine = grid.affine()
    points = affine[:3, :3] @ voxel_index + affine[:3, 3:]
    pose = Pose.draw(rng)
    points = pose.matrix @ points + pose.shift_mm[:, None]
    if lesion is not None:
        points = _pull_mass(points, template, lesion)
    points = _pull_shape(points, template, rng=rng)
    points = _pull_ventricles(points, template, widening_mm=0.6 + 1.8 * (age - 30) / 30.0)
    nodes = template.to_voxel(points).reshape(3, *k.shape)
    return SourceMap(nodes, heights, (rows, columns))


def _nodes(span_mm: float) -> int:
    return max(4, int(np.ceil(span_mm / NODE_MM)) + 1)


def _free(points: NDArray[np.float64], template: Template) -> FloatArray:
    """0 at the skull, 1 from `FREE_DEPTH_MM` inward: bone does not give."""
    hull = sample(template.hull_mm, template.to_voxel(points))
    return smoothstep(hull, 0.0, -FREE_DEPTH_MM)


def _pull_mass(
    points: NDArray[np.float64], template: Template, lesion: Lesion
) -> NDArray[np.float64]:
    """Draw points near the lesion towards its centre: its bulk pushes the brain outwards."""
    away = points - np.reshape(lesion.centre_mm, (3, 1))
    distance = np.linalg.norm(away, axis=0)
    pull = 1.0 - 1.0 / lesion.plan.growth
    reach = 1.3 * lesion.radius_mm
    fade = np.exp(-np.clip(distance - reach, 0, None) / max(lesion.radius_mm, 8.0))
    inner = np.minimum(1.0, reach / np.maximum(distance, 1e-6))
    return points - away * (pull * inner * fade * _free(points, template))


def _pull_shape(
    points: NDArray[np.float64], template: Template, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Smooth variation of shape between patients."""
    x, y, z = (int(np.ceil(n * template.voxel_mm / 6.0)) + 1 for n in template.shape)
    where = template.to_voxel(points) * np.float32(template.voxel_mm / 6.0)
    shift = [
        SHAPE_MM * sample(smooth_noise(rng, (x, y, z), correlation=SHAPE_CORRELATION_MM / 6), where)
        for _ in range(3)
    ]
    return points + np.stack(shift)


def _pull_ventricles(
    points: NDArray[np.float64], template: Template, *, widening_mm: float
) -> NDArray[np.float64]:
    """Widen the ventricles: points next to them are read from within."""
    at = template.to_voxel(points)
    distance = sample(template.ventricle_mm, at)
    step = 3.0 / template.voxel_mm
    slope = np.empty((3, points.shape[1]), np.float32)
    for axis in range(3):
        shift = np.zeros((3, 1), np.float32)
        shift[axis] = step
        ahead, behind = (
            sample(template.ventricle_mm, at + shift),
            sample(template.ventricle_mm, at - shift),
        )
        slope[axis] = (ahead - behind) / 6.0
    fade = np.exp(-np.clip(distance, 0, None) / 10.0) * (distance < 40)
    return points - widening_mm * slope * fade
