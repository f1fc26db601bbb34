"""Area and volume of a mask at its threshold and at others, for a viewer that moves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.mask_levels import count_levels, mask_level
from pipeline.outline_facts import BAND


@dataclass(frozen=True)
class MaskSize:
    """How much a threshold takes in.

    Attributes:
        threshold: Probability from which a pixel belongs to the mask.
        area_px: Pixels over all slices.
        volume_ml: None without spacing.
    """

    threshold: float
    area_px: int
    volume_ml: float | None


@dataclass(frozen=True)
class MaskStatistics:
    """Size at the threshold, and how stable it is.

    Attributes:
        size: At the threshold.
        band: At 0.3 and at 0.7.
        stability: Dice between both masks of the band; None where the larger is empty.
        largest_position: Slice with the largest area, from 0; None where the mask is empty.
        largest_area_px: Its area.
        slices: Slices with a mask.
    """

    size: MaskSize
    band: tuple[MaskSize, MaskSize]
    stability: float | None
    largest_position: int | None
    largest_area_px: int
    slices: int


def areas_by_level(probability: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of each slice at or above each level: ``(n, 256)``.

    With it the mask's area at any threshold follows without the maps: at ``mask_level(threshold)``.
    """
    counts = np.zeros((len(probability), 256), np.int64)
    for k, shown in enumerate(probability):
        if shown.any():
            counts[k] = count_levels(shown)
        else:
            counts[k, 0] = shown.size
    return np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]


def mask_statistics(
    areas: NDArray[np.int64],
    called: NDArray[np.bool_],
    *,
    threshold: float,
    spacing_mm: tuple[float, float, float] | None = None,
) -> MaskStatistics:
    """Describe the mask at a threshold.

    Args:
        areas: From `areas_by_level`.
        called: ``(n,)`` bool, slices that have a mask.
        threshold: In (0, 1).
        spacing_mm: (z, y, x) or None.
    """
    own = areas[called]
    shown = np.where(called, areas[:, mask_level(threshold)], 0)
    size, low, high = (_size(own, value, spacing_mm) for value in (threshold, *BAND))
    both = low.area_px + high.area_px
    return MaskStatistics(
        size=size,
        band=(low, high),
        stability=2 * high.area_px / both if both else None,
        largest_position=int(shown.argmax()) if shown.any() else None,
        largest_area_px=int(shown.max(initial=0)),
        slices=int(np.count_nonzero(shown)),
    )


def _size(
    own: NDArray[np.int64], threshold: float, spacing_mm: tuple[float, float, float] | None
) -> MaskSize:
    area = int(own[:, mask_level(threshold)].sum())
    ml = None if spacing_mm is None else area * float(np.prod(spacing_mm)) / 1000
    return MaskSize(threshold, area, ml)
