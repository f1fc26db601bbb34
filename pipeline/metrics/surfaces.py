"""How far two outlines lie apart: HD95 and surface Dice of a patient, from in-plane distances.

The definitions are those of DeepMind's surface-distance (Nikolov et al. 2021, arXiv 1809.04430),
as Metrics Reloaded recommends them (Maier-Hein, Reinke et al. 2024, Nat Methods 21:195): for each
point of either surface the distance to the nearest point of the other one. Three things are decided
here, because the data decide them:

- **In plane.** The LGG slices have no spacing, so that a distance through slices would be invented.
  Distances are measured within each slice, and those of all slices of a patient are pooled: one
  HD95 and one surface Dice per patient, in which a slice weighs as much as its outlines are long.
- **Surface points** are the mask's pixels that touch the outside across an edge or the image's
  border, as in MONAI and MedPy; the reference package weighs surface elements by length instead.
- **Slices where one mask is empty** have no finite distance: leaving them out would reward a missed
  slice, and an infinite one would erase what is known of the other slices. Their whole surface
  lies one image diagonal away, the largest distance that a slice allows (the worst value,
  as Metrics Reloaded asks for missing answers). It spoils HD95 only where more than 5% of a
  patient's surface lies in such slices, and counts as not matched in surface Dice either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Surface points this near to the other surface agree: in px, or in mm where spacing exists.
SURFACE_TOLERANCE = 2.0
_PERCENTILE = 95


@dataclass(frozen=True)
class SurfaceDistances:
    """Agreement of two volumes' outlines.

    Attributes:
        hd95: The larger of both directions' 95th percentile (linear between points), in the unit of
            the spacing.
        dice: Part of both surfaces' points that lie within the tolerance, in [0, 1].
    """

    hd95: float
    dice: float


def measure_surfaces(
    masks: ArrayLike,
    references: ArrayLike,
    *,
    spacing: tuple[float, float] = (1.0, 1.0),
    tolerance: float = SURFACE_TOLERANCE,
) -> SurfaceDistances | None:
    """Compare the outlines of a patient's slices with the reference outlines.

    Args:
        masks: ``(n, h, w)`` bool.
        references: ``(n, h, w)`` bool.
        spacing: Height and width of a pixel; ones give distances in px.
        tolerance: In the unit of the spacing; a distance equal to it still agrees.

    Returns:
        None where both volumes are empty.

    Raises:
        ValueError: The shapes differ or are no volume's.
    """
    first, second = np.asarray(masks, bool), np.asarray(references, bool)
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(
            f"masks must have one shape (n, h, w), got {first.shape} and {second.shape}"
        )
    pairs = [
        _slice_distances(one, other, np.asarray(spacing, np.float64))
        for one, other in zip(first, second, strict=True)
        if one.any() or other.any()
    ]
    if not pairs:
        return None
    there = np.concatenate([pair[0] for pair in pairs])
    back = np.concatenate([pair[1] for pair in pairs])
    agreeing = np.count_nonzero(there <= tolerance) + np.count_nonzero(back <= tolerance)
    return SurfaceDistances(
        hd95=max(float(np.percentile(d, _PERCENTILE)) for d in (there, back) if len(d)),
        dice=agreeing / (len(there) + len(back)),
    )


def surface_points(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Row and column ``(points, 2)`` of a slice's surface: pixels with a neighbour outside."""
    inside = np.pad(mask, 1)
    kept = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    return np.argwhere(mask & ~kept)


def _slice_distances(
    mask: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances of the mask's surface points to the reference's, and the other way round."""
    from scipy.spatial import KDTree

    one, other = surface_points(mask) * spacing, surface_points(reference) * spacing
    if not len(one) or not len(other):
        farthest = float(np.hypot(*(np.array(mask.shape) * spacing)))
        return np.full(len(one), farthest), np.full(len(other), farthest)
    return KDTree(other).query(one)[0], KDTree(one).query(other)[0]
