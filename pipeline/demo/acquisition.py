"""What the scanner does: average over the slice, weight by the coil, blur, add noise, quantise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.demo.fields import FloatArray, sample_vectors, smooth_noise
from pipeline.demo.geometry import SliceGrid, SourceMap

#: Greatest distance in mm between the planes that are averaged into a slice.
PLANE_MM = 1.7
#: Blur of the acquisition in pixels.
BLUR_PX = 0.45
#: Stored value of white matter before the coil's weighting.
WHITE_MATTER_VALUE = 400.0
#: A voxel belongs to the reference mask where lesion makes up at least this part of its tissue,
#: averaged over the slice. Fixed before any model saw the studies; never tuned.
REFERENCE_SHARE = 0.5
#: Sulci up to this area that the lesion encloses in a slice belong to it, as readers draw; larger
#: holes (a ventricle) do not.
FILLED_HOLE_MM2 = 50.0


def average_slices(
    volumes: list[FloatArray], source: SourceMap, grid: SliceGrid
) -> list[FloatArray]:
    """Average each template volume over the thickness of each slice.

    Returns:
        One ``(slices, rows, columns)`` float32 array per volume.
    """
    slices, rows, columns = grid.shape
    step_mm = float(np.linalg.norm(grid.slice_step_mm))
    count = max(1, int(np.ceil(grid.thickness_mm / PLANE_MM)))
    offsets = ((np.arange(count) + 0.5) / count - 0.5) * grid.thickness_mm
    occupied = source.window(np.logical_or.reduce([volume > 0 for volume in volumes]))
    # Height first, then x last: neighbours in a slice are neighbours in memory, three times faster.
    stacked = np.empty((*volumes[0].T.shape, len(volumes)), np.float32)
    for i, volume in enumerate(volumes):
        stacked[..., i] = volume.T
    result = np.zeros((slices, rows, columns, len(volumes)), np.float32)
    for k in range(slices):
        for offset in offsets:
            at = source.plane(k * step_mm + float(offset))[:, *occupied]
            result[k, *occupied] += sample_vectors(stacked, at[::-1])
    result /= np.float32(count)
    return [np.ascontiguousarray(result[..., i]) for i in range(len(volumes))]


def reference_mask(share: FloatArray, pixel_mm: float) -> NDArray[np.bool_]:
    """The lesion of each slice, by the fixed rule of `REFERENCE_SHARE` and `FILLED_HOLE_MM2`.

    Args:
        share: ``(slices, rows, columns)``, part of each voxel's tissue that is lesion.
        pixel_mm: In-plane spacing.
    """
    mask = share >= REFERENCE_SHARE
    for plane in mask:
        holes, count = ndimage.label(ndimage.binary_fill_holes(plane) & ~plane)
        for hole in range(1, count + 1):
            inside = holes == hole
            plane[inside] = inside.sum() * pixel_mm**2 <= FILLED_HOLE_MM2
    return np.asarray(mask)


def coil_weighting(grid: SliceGrid, rng: np.random.Generator) -> FloatArray:
    """Sensitivity of the receive coil, 1 in the middle, brighter towards the surface."""
    slices, rows, columns = grid.shape
    r = np.linspace(-1, 1, rows, dtype=np.float32)[None, :, None]
    c = np.linspace(-1, 1, columns, dtype=np.float32)[None, None, :]
    z = np.linspace(-1, 1, slices, dtype=np.float32)[:, None, None]
    lean = rng.normal(0.0, 0.05, 3).astype(np.float32)
    smooth = smooth_noise(rng, (min(slices, 12), 24, 24), correlation=14.0)
    planes = [cv2.resize(plane, (columns, rows)) for plane in smooth]
    index = np.linspace(0, len(planes) - 1, slices).round().astype(int)
    drift = np.stack([planes[i] for i in index])
    surface = 0.22 * (c * c + r * r) + lean[0] * c + (lean[1] + 0.05) * r + lean[2] * z
    return (1.0 + surface + 0.03 * drift).astype(np.float32)


@dataclass(frozen=True)
class NoiseModel:
    """Noise of a series: its deviation as part of white matter, and the gain jitter of slices."""

    deviation: float
    slice_jitter: float = 0.01


def acquire(
    signal: FloatArray, coil: FloatArray, noise: NoiseModel, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Weight, blur and add Rician noise; values in stored units, float32."""
    result = np.empty_like(signal)
    for k, plane in enumerate(signal * coil):
        gain = 1.0 + noise.slice_jitter * float(rng.standard_normal())
        blurred = cv2.GaussianBlur(plane * np.float32(gain), (0, 0), BLUR_PX)
        real, imaginary = (_blurred_noise(rng, plane.shape, noise.deviation) for _ in range(2))
        result[k] = np.hypot(blurred + real, imaginary)
    return result * np.float32(WHITE_MATTER_VALUE)


def _blurred_noise(
    rng: np.random.Generator, shape: tuple[int, ...], deviation: float
) -> FloatArray:
    """Noise of the given deviation, correlated like the interpolated pixels of a scanner."""
    white = rng.standard_normal(shape, dtype=np.float32)
    blurred = cv2.GaussianBlur(white, (0, 0), BLUR_PX)
    return blurred * np.float32(deviation / max(float(blurred.std()), 1e-6))
