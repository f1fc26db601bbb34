"""Measures of a case's pictures that say whether they look like what the network learned from.

They are taken on a sample of slices and pixels, in milliseconds, in the one channel that the
network takes for FLAIR. None of them knows a file's tags: they hold for single images too, and for
the training patients, whose files state no spacing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.data.preprocessing import InPlaneGrid, flair_channel

#: Slices, pixels of a side, and values that are looked at.
_MOST_SLICES, _MOST_PIXELS, _MOST_VALUES = 16, 256, 50_000
#: A head begins at this part of the robust maximum: above the noise of the air around it.
_HEAD_FRACTION = 0.1
#: Rows and columns with fewer head pixels than this part are noise.
_OCCUPIED = 0.02
#: Side of the squares in the corners, of the picture's.
_CORNER = 0.06
#: Pairs of neighbouring slices that are compared.
_PAIRS = 8


@dataclass(frozen=True)
class InputMeasures:
    """What is measured of a case. Slices "through the head" are those with half of it or more.

    Attributes:
        slices: Number of slices.
        grey_levels: Different values among some 50,000 pixels.
        saturated: Part of the head's pixels that hold the largest value, in [0, 1].
        contrast: Standard deviation of the head's values over their mean.
        corner: Mean value in the corners, 0 the smallest and 1 the robust maximum of the volume.
        head_px: Longest side of the head in the input's pixels, on slices through the head.
        head_grid_px: Likewise on the network's grid.
        head_aspect: Width of the head over its height.
        head_fill: Part of the head's bounding box that is bright, in [0, 1].
        likeness: Mean correlation of neighbouring slices in [-1, 1]; None without neighbours.
    """

    slices: int
    grey_levels: int
    saturated: float
    contrast: float
    corner: float
    head_px: float
    head_grid_px: float
    head_aspect: float
    head_fill: float
    likeness: float | None


def measure_input(case: Case) -> InputMeasures | None:
    """Measure a case.

    Returns:
        None where all pixels have the same value or are no numbers: there is nothing to measure.
    """
    volume, step = _sample(case)
    values = volume.ravel()[:: max(1, volume.size // _MOST_VALUES)]
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(np.percentile(finite, 99.9))
    if high <= low:
        high = float(finite.max())
    if high <= low:
        return None
    head = volume > low + _HEAD_FRACTION * (high - low)
    rows, columns = head.sum(axis=2, dtype=np.int32), head.sum(axis=1, dtype=np.int32)
    area = rows.sum(axis=1)
    through = np.flatnonzero(area >= max(1, area.max() / 2))
    boxes = np.array([_bounding_box(rows[k], columns[k]) for k in through])
    height, width, fill = np.median(boxes, axis=0)
    y, x = InPlaneGrid.fit(case.pixels.shape[1:3], case.spacing_mm and case.spacing_mm[1:]).step
    inside = finite[finite > low + _HEAD_FRACTION * (high - low)].astype(np.float64)
    across = np.array([height * step / y, width * step / x])
    return InputMeasures(
        slices=case.n_slices,
        grey_levels=len(np.unique(finite)),
        saturated=float((inside == finite.max()).mean()),
        contrast=float(inside.std() / max(float(inside.mean() - low), 1e-6)),
        corner=_corner(volume[through], low, high),
        head_px=float(max(height, width) * step),
        head_grid_px=float(across.max()),
        head_aspect=float(across[1] / max(across[0], 1e-6)),
        head_fill=float(fill),
        likeness=_likeness(case, step=step),
    )


def _sample(case: Case) -> tuple[NDArray[np.float32], int]:
    """Every so many slices and pixels of the network's FLAIR, and how many pixels a step is."""
    n, h, w = case.pixels.shape[:3]
    step = max(1, -(-max(h, w) // _MOST_PIXELS))
    chosen = np.unique(np.linspace(0, n - 1, min(n, _MOST_SLICES)).round().astype(int))
    pixels = case.pixels[chosen, ::step, ::step, flair_channel(case.sequences)]
    return pixels.astype(np.float32), step


def _bounding_box(
    rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> tuple[float, float, float]:
    """Height, width and filled part of the box around the head.

    Args:
        rows: ``(h,)`` head pixels of each row.
        columns: ``(w,)`` of each column.
    """
    y = np.flatnonzero(rows > _OCCUPIED * len(columns))
    x = np.flatnonzero(columns > _OCCUPIED * len(rows))
    if not y.size or not x.size:
        return 1.0, 1.0, 1.0
    height, width = float(np.ptp(y) + 1), float(np.ptp(x) + 1)
    return height, width, min(1.0, float(rows[y].sum()) / (height * width))


def _corner(slices: NDArray[np.float32], low: float, high: float) -> float:
    h, w = (max(1, round(_CORNER * side)) for side in slices.shape[1:])
    parts = [
        slices[:, y, x] for y in (slice(h), slice(-h, None)) for x in (slice(w), slice(-w, None))
    ]
    values = np.concatenate([part.ravel() for part in parts]).astype(np.float64)
    return float((np.nanmean(values) - low) / (high - low))


def _likeness(case: Case, *, step: int) -> float | None:
    """Mean correlation of neighbouring slices in the middle half of the volume."""
    adjacent = np.flatnonzero(np.diff(case.indices) == 1)
    quarter = len(adjacent) // 4
    middle = adjacent[quarter : len(adjacent) - quarter]
    if not middle.size:
        return None
    chosen = np.unique(middle[np.linspace(0, len(middle) - 1, _PAIRS).round().astype(int)])
    channel, step = flair_channel(case.sequences), 2 * step
    found = []
    for k in chosen:
        below, above = case.pixels[k : k + 2, ::step, ::step, channel].astype(np.float64)
        below, above = below - below.mean(), above - above.mean()
        size = np.sqrt((below**2).sum() * (above**2).sum())
        if size > 0:
            found.append(float((below * above).sum() / size))
    return float(np.mean(found)) if found else None
